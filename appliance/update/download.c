#include "appliance/update/download.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

bool
download_begin(struct download *d, const char *url, const char *image, const char *agent)
{
	static const char suffix[] = ".update";
	size_t len = strlen(url);
	bool whole = len > strlen(suffix) && strcmp(url + len - strlen(suffix), suffix) == 0;
	const char *slash = len > 0 && url[len - 1] == '/' ? "" : "/";

	*d = (struct download){ .agent = agent };
	if ((whole ? asprintf(&d->manifest, "%s", url) :
	    asprintf(&d->manifest, "%s%s%s%s", url, slash, image, suffix)) < 0)
		d->manifest = NULL;
	d->folder = d->manifest != NULL ? strdup(d->manifest) : NULL;
	if (d->folder != NULL)
		strrchr(d->folder, '/')[1] = '\0';
	return d->folder != NULL;
}

void
download_end(struct download *d)
{
	free(d->manifest);
	free(d->folder);
	*d = (struct download){ .agent = NULL };
}

static bool
transfer_options(CURL *easy, const struct download *d, const char *url, long most_s)
{
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)DOWNLOAD_REDIRECTS_MAX) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_USERAGENT, d->agent) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)DOWNLOAD_TEXT_S) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT, most_s) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)DOWNLOAD_STALL_S) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT,
	    (long)DOWNLOAD_STALL_BYTES) == CURLE_OK &&
	    /* see the header: it is the signature that counts */
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
}

/* `why` has the sentence of whoever took the bytes, if that was who ended it. */
static bool
transfer(const struct download *d, const char *url, long most_s, curl_write_callback take,
    void *arg, struct buf *why)
{
	char error[CURL_ERROR_SIZE] = "";
	CURL *easy = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (easy != NULL && transfer_options(easy, d, url, most_s) &&
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, arg) == CURLE_OK)
		code = curl_easy_perform(easy);
	if (code != CURLE_OK && why->len == 0)
		buf_addf(why, "%s: %s", url, error[0] != '\0' ? error : curl_easy_strerror(code));
	curl_easy_cleanup(easy);
	return code == CURLE_OK;
}

static size_t
take_text(char *bytes, size_t size, size_t count, void *arg)
{
	struct buf *out = arg;

	buf_add(out, bytes, size * count);
	return out->failed ? 0 : size * count;
}

bool
download_manifest(const struct download *d, struct buf *out, struct buf *why)
{
	bool ok = transfer(d, d->manifest, DOWNLOAD_TEXT_S, take_text, out, why);

	if (out->failed) {
		buf_reset(why);
		buf_addf(why, "%s: has more than %zu bytes: it is no manifest", d->manifest,
		    out->max);
	}
	return ok;
}

static size_t
take_file(char *bytes, size_t size, size_t count, void *arg)
{
	return receiver_take(arg, bytes, size * count) ? size * count : 0;
}

bool
download_file(void *arg, const char *name, struct receiver *r)
{
	const struct download *d = arg;
	char *url;
	bool ok;

	if (asprintf(&url, "%s%s", d->folder, name) < 0) {
		buf_adds(r->why, "out of memory");
		return false;
	}
	ok = transfer(d, url, DOWNLOAD_FILE_S, take_file, r, r->why);
	free(url);
	return ok;
}
