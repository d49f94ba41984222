/*
 * What libcurl alone spends on a page: the same URL again and again, each time
 * over a new connection, with any certificate.
 *
 *	get URL COUNT
 */
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "monotonic.h"
#include "tests/bench/meter.h"

static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	return size * count;
}

/* NULL, or why it is no page. */
static const char *
get(CURL *easy)
{
	CURLcode code = curl_easy_perform(easy);
	long status = 0;

	if (code != CURLE_OK)
		return curl_easy_strerror(code);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? NULL : "a status other than 200";
}

int
main(int argc, char **argv)
{
	struct meter meter = { 0 };
	size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	CURL *easy = NULL;

	if (count == 0) {
		fprintf(stderr, "usage: get URL COUNT\n");
		return 2;
	}
	if (meter_init(&meter, count) != 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (easy = curl_easy_init()) == NULL)
		return 1;
	curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	get(easy);
	meter_begin(&meter);
	for (size_t i = 0; i < count; i++) {
		uint64_t began_ns = monotonic_ns();

		meter_add(&meter, began_ns, get(easy));
	}
	meter_print(&meter);
	curl_easy_cleanup(easy);
	curl_global_cleanup();
	meter_free(&meter);
	return 0;
}
