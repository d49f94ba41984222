/* web_check.h: the course of a check over the web, in a world of tables. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "failing_malloc.h"
#include "web_world.h"

#define H	"h.example"
#define V4	"9.9.9.9"
#define V4_2	"8.8.8.8"
#define V6	"2600::1"
#define KEY	"t.k"
#define PAGE	"http://" H "/.well-known/acme-challenge/t"

static const struct check_dcv_parameters acme = {
	.set = true, .method = DCV_ACME_HTTP_01, .token = "t", .key_authorization = KEY,
};

/* Hosts that most tests share. */
static const struct web_host hosts[] = {
	{ H, NULL, V4 },
	{ "other.example", NULL, V4_2 },
	{ "loop.example", "::1", "127.0.0.1" },
	{ NULL, NULL, NULL }
};

#define PASSES	{ .status = 200, .body = KEY "\n" }
#define END	{ .status = 0 }

static void
assert_ended(const struct web_world *w, enum problem problem, const char *says)
{
	if (w->problem != problem || w->passed != (problem == PROBLEM_NONE) ||
	    (says != NULL && strstr(w->message, says) == NULL))
		fail_msg("ended with %s: %s", w->problem != PROBLEM_NONE ?
		    problem_code(w->problem) : "a pass", w->message);
}

static void
assert_json(const struct web_world *w, const char *part)
{
	if (strstr(w->json.data, part) == NULL)
		fail_msg("%s is not in %s", part, w->json.data);
}

/* One check of H from its start to its end. */
static void
check(struct web_world *w, const struct web_host *names, const struct web_server *servers)
{
	w->hosts = names;
	w->servers = servers;
	web_world_check(w, H, &acme);
}

static void
test_passes(void **state)
{
	static const struct web_server servers[] = { PASSES, END };
	struct web_world w = { 0 };

	check(&w, hosts, servers);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_int_equal(w.job_count, 1);
	assert_int_equal(w.jobs[0].kind, FETCH_HTTP);
	assert_string_equal(w.jobs[0].url, PAGE);
	assert_string_equal(w.jobs[0].server_name, H);
	assert_string_equal(w.jobs[0].user_agent, "agent");
	assert_json(&w, "\"response_history\":null,\"response_url\":\"" PAGE "\"");
	assert_json(&w, "\"response_status_code\":200,\"response_page\":\"dC5rCg==\"");
	assert_json(&w, "\"matched\":\"" KEY "\",\"relied_on\":\"" KEY "\",\"dnssec_status\":\"insecure\"");
	assert_json(&w, "\"resolved_ip\":\"" V4 "\",\"addresses_tried\":[{\"host\":\"" H
	    "\",\"address\":\"" V4 "\",\"port\":80,\"outcome\":\"answered\"");
	assert_json(&w, "\"connect_us\":5,\"tls_us\":null,\"first_byte_us\":6,\"total_us\":7");
	assert_json(&w, "\"evidence\":{\"v\":1,\"truncated\":false,\"documents\":[{\"v\":1,\"nonce\":"
	    "\"0000000000000001\"");
	assert_json(&w, "\"nonce\":\"0000000000000002\"");
	web_world_free(&w);
}

struct lookup_row {
	const char *aaaa, *a;
	enum problem problem;
	const char *says;
	const char *tried;	/* addresses in order, each with a space after it */
};

static const struct lookup_row lookups[] = {
	{ V6, V4, PROBLEM_NONE, "", V6 " " },
	{ V6, NULL, PROBLEM_NONE, "", V6 " " },
	{ NULL, NULL, PROBLEM_NO_ADDRESS, H " has neither AAAA nor A records", "" },
	{ NO_NAME, NO_NAME, PROBLEM_NO_ADDRESS, H " does not exist", "" },
	{ BOGUS, V4, PROBLEM_DNS_BOGUS, "the AAAA lookup of " H " failed DNSSEC validation", "" },
	{ V6, BOGUS, PROBLEM_DNS_BOGUS, "the A lookup of " H, "" },
	{ BOGUS, FAILS, PROBLEM_DNS_BOGUS, "as told", "" },
	{ FAILS, BOGUS, PROBLEM_DNS_BOGUS, "as told", "" },
	{ NULL, BOGUS, PROBLEM_DNS_BOGUS, "", "" },
	{ FAILS, V4, PROBLEM_NONE, "", V4 " " },
	{ V6, FAILS, PROBLEM_NONE, "", V6 " " },
	{ TIMES_OUT, V4, PROBLEM_NONE, "", V4 " " },
	{ ODD, V4, PROBLEM_NONE, "", V4 " " },
	{ FAILS, NULL, PROBLEM_DNS_FAILED, "the AAAA lookup of " H " failed: as told", "" },
	{ NULL, FAILS, PROBLEM_DNS_FAILED, "the A lookup of " H, "" },
	{ TIMES_OUT, TIMES_OUT, PROBLEM_DNS_TIMEOUT, "timed out", "" },
	{ NULL, ODD, PROBLEM_DNS_FAILED, "no addresses", "" },
	{ INDETERMINATE, V4, PROBLEM_DNS_INDETERMINATE, "did not validate", "" },
	{ V6, INDETERMINATE, PROBLEM_DNS_INDETERMINATE, "did not validate", "" },
	{ V6, UNREACHABLE, PROBLEM_RESOLVER_UNREACHABLE, "not there", "" },
	{ FAILS, UNREACHABLE, PROBLEM_RESOLVER_UNREACHABLE, "not there", "" },
	{ "::1 fe80::1 " V6, NULL, PROBLEM_NONE, "", V6 " " },
	{ "::1", V4, PROBLEM_NONE, "", V4 " " },
	{ NULL, "169.254.169.254", PROBLEM_ADDRESS_REFUSED,
	    "169.254.169.254, the address of " H ", is a cloud's", "" },
	{ "::ffff:127.0.0.1", "10.0.0.1 192.168.0.1", PROBLEM_ADDRESS_REFUSED,
	    "192.168.0.1, the last address of " H ", is for private use", "" },
	{ "2002:7f00:1::", "0.0.0.0 255.255.255.255 224.0.0.1 100.64.0.1",
	    PROBLEM_ADDRESS_REFUSED, "100.64.0.1", "" },
};

static void
test_lookups(void **state)
{
	static const struct web_server servers[] = { PASSES, END };

	for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		const struct lookup_row *row = &lookups[i];
		const struct web_host names[] = { { H, row->aaaa, row->a }, { NULL, NULL, NULL } };
		struct web_world w = { 0 };
		char tried[200] = "";

		check(&w, names, servers);
		assert_ended(&w, row->problem, row->says);
		assert_int_equal(w.question_count, 2);
		for (size_t j = 0; j < w.job_count; j++) {
			strcat(tried, w.jobs[j].address);
			strcat(tried, " ");
		}
		assert_string_equal(tried, row->tried);
		assert_json(&w, "\"documents\":[{");
		if (w.job_count == 0)
			assert_json(&w, "\"response_page\":null");
		web_world_free(&w);
	}
}

static void
test_addresses_in_turn(void **state)
{
	static const struct web_host names[] = { { H, V6 " ::1", "10.0.0.1 " V4 }, { NULL, NULL, NULL } };
	static const struct web_server servers[] = {
		{ .address = V6, .problem = PROBLEM_CONNECT_REFUSED, .sentence = "refused it" },
		PASSES, END
	};
	struct web_world w = { 0 };

	check(&w, names, servers);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_int_equal(w.job_count, 2);
	assert_json(&w, "\"outcome\":\"connection-refused\",\"detail\":\"refused it\"");
	assert_json(&w, "\"address\":\"::1\",\"port\":80,\"outcome\":\"address-refused\"");
	assert_json(&w, "\"address\":\"10.0.0.1\",\"port\":80,\"outcome\":\"address-refused\"");
	/* a fair share for the first, all the rest for the last */
	assert_in_range(w.jobs[0].total_ms, 9000, 10000);
	assert_in_range(w.jobs[1].total_ms, 19000, 20000);
	assert_int_equal(w.jobs[1].connect_ms, 10000);
	web_world_free(&w);
}

static void
test_no_address_answers(void **state)
{
	static const struct web_host names[] = { { H, V6, V4 " 10.0.0.1" }, { NULL, NULL, NULL } };
	static const struct web_server servers[] = {
		{ .address = V6, .problem = PROBLEM_CONNECT_TIMEOUT },
		{ .problem = PROBLEM_CONNECT_REFUSED, .sentence = "refused it" }, END
	};
	struct web_world w = { 0 };

	check(&w, names, servers);
	assert_ended(&w, PROBLEM_CONNECT_REFUSED, "no usable answer from any address of " H "; the last tried, "
	    V4 " port 80: refused it");
	assert_json(&w, "\"response_status_code\":null,\"response_page\":null");
	assert_json(&w, "\"resolved_ip\":null");
	check(&w, hosts, servers);
	assert_ended(&w, PROBLEM_CONNECT_REFUSED, V4 " port 80 (" H "): refused it");
	web_world_free(&w);
}

/* Any status is an answer: a second address is not asked for a better one. */
static void
test_status(void **state)
{
	static const struct web_host names[] = { { H, V6, V4 }, { NULL, NULL, NULL } };
	static const struct web_server servers[] = {
		{ .address = V6, .status = 404, .body = KEY }, PASSES, END
	};
	struct web_world w = { 0 };

	check(&w, names, servers);
	assert_ended(&w, PROBLEM_HTTP_STATUS, PAGE " answered with HTTP status 404");
	assert_int_equal(w.job_count, 1);
	assert_json(&w, "\"response_status_code\":404");
	web_world_free(&w);
}

/* Redirects from /r0 to /r1 and so on, so many, and then the page. */
static void
redirects_make(struct web_server *servers, char urls[][64], char locations[][64], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		snprintf(urls[i], 64, i == 0 ? PAGE : "http://" H "/r%zu", i);
		snprintf(locations[i], 64, "/r%zu", i + 1);
		servers[i] = (struct web_server){ .url = urls[i], .status = 302,
			.location = locations[i] };
	}
	servers[count] = (struct web_server)PASSES;
	servers[count + 1] = (struct web_server)END;
}

static void
test_redirect_chains(void **state)
{
	struct web_server servers[16];
	char urls[16][64], locations[16][64];
	struct web_world w = { 0 };

	redirects_make(servers, urls, locations, 10);
	check(&w, hosts, servers);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_int_equal(w.job_count, 11);
	assert_int_equal(w.question_count, 22);		/* each hop anew */
	assert_json(&w, "\"response_url\":\"http://" H "/r10\",\"response_status_code\":200");
	assert_json(&w, "{\"status_code\":302,\"url\":\"/r10\",\"response_status_code\":302,"
	    "\"response_url\":\"http://" H "/r9\"}]");
	redirects_make(servers, urls, locations, 11);
	check(&w, hosts, servers);
	assert_ended(&w, PROBLEM_TOO_MANY_REDIRECTS, "after 10 redirects");
	assert_int_equal(w.job_count, 11);
	web_world_free(&w);
}

struct redirect_row {
	int status;
	const char *location;
	enum problem problem;
	const char *says;
	size_t jobs;
};

static const struct redirect_row redirects[] = {
	{ 301, "https://other.example/x", PROBLEM_NONE, "", 2 },
	{ 302, "http://other.example:443/x", PROBLEM_NONE, "", 2 },
	{ 308, "http://" V4_2 "/", PROBLEM_NONE, "", 2 },
	{ 307, "http://[" V6 "]/", PROBLEM_NONE, "", 2 },
	{ 303, "/x", PROBLEM_REDIRECT_REFUSED, "status 303", 1 },
	{ 301, NULL, PROBLEM_REDIRECT_REFUSED, "no location", 1 },
	{ 301, "http://other.example:8080/", PROBLEM_REDIRECT_REFUSED, "port", 1 },
	{ 301, "http://127.0.0.1/", PROBLEM_ADDRESS_REFUSED, "127.0.0.1 is loopback", 1 },
	{ 301, "http://169.254.169.254/latest/", PROBLEM_ADDRESS_REFUSED, "169.254.169.254 is", 1 },
	{ 301, "http://[::ffff:10.0.0.1]/", PROBLEM_ADDRESS_REFUSED, "only public addresses", 1 },
	{ 301, "http://loop.example/", PROBLEM_ADDRESS_REFUSED, "127.0.0.1, the last address", 1 },
	{ 301, "http://2130706433/", PROBLEM_REDIRECT_REFUSED, "no IPv4 address", 1 },
	{ 301, "http://nowhere.example/", PROBLEM_NO_ADDRESS, "nowhere.example does not exist", 1 },
};

static void
test_redirects(void **state)
{
	for (size_t i = 0; i < sizeof(redirects) / sizeof(redirects[0]); i++) {
		const struct redirect_row *row = &redirects[i];
		const struct web_server servers[] = {
			{ .url = PAGE, .status = row->status, .location = row->location }, PASSES, END
		};
		struct web_world w = { 0 };

		check(&w, hosts, servers);
		assert_ended(&w, row->problem, row->says);
		assert_int_equal(w.job_count, row->jobs);
		if (row->problem == PROBLEM_ADDRESS_REFUSED)
			assert_json(&w, "\"outcome\":\"address-refused\"");
		web_world_free(&w);
	}
}

static void
test_headers(void **state)
{
	static const struct web_server servers[] = {
		{ .url = PAGE, .status = 302, .location = "https://" H "/a" },
		{ .url = "https://" H "/a", .status = 302, .location = "//other.example/b" }, PASSES, END
	};
	struct check_dcv_parameters p = acme;
	struct web_world w = { .hosts = hosts, .servers = servers };

	p.header_count = 4;
	p.headers[0] = (struct check_header){ "X-One", "1" };
	p.headers[1] = (struct check_header){ "authorization", "secret" };
	p.headers[2] = (struct check_header){ "Cookie", "c=d" };
	p.headers[3] = (struct check_header){ "user-agent", "theirs" };
	web_world_check(&w, H, &p);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_string_equal(w.jobs[0].headers, "X-One: 1;authorization: secret;Cookie: c=d;");
	assert_string_equal(w.jobs[1].headers, w.jobs[0].headers);
	assert_string_equal(w.jobs[2].headers, "X-One: 1;");
	assert_string_equal(w.jobs[2].user_agent, "theirs");
	web_world_free(&w);
}

static void
test_website(void **state)
{
	static const struct web_server servers[] = { { .status = 201, .body = "a Value b" }, END };
	struct check_dcv_parameters p = { .set = true, .method = DCV_WEBSITE_CHANGE,
		.challenge_value = "Value", .http_token_path = "d/f.txt", .url_scheme = CHECK_HTTPS };
	struct web_world w = { .hosts = hosts, .servers = servers };

	web_world_check(&w, H, &p);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_int_equal(w.jobs[0].kind, FETCH_HTTPS);
	assert_string_equal(w.jobs[0].url, "https://" H "/.well-known/pki-validation/d/f.txt");
	p.url_scheme = CHECK_HTTP;
	web_world_check(&w, V6, &p);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_int_equal(w.question_count, 0);
	assert_string_equal(w.jobs[0].url, "http://[" V6 "]/.well-known/pki-validation/d/f.txt");
	assert_string_equal(w.jobs[0].server_name, "");
	assert_json(&w, "\"dnssec_status\":null");
	web_world_check(&w, "127.0.0.1", &p);
	assert_ended(&w, PROBLEM_ADDRESS_REFUSED, "127.0.0.1 is loopback");
	assert_int_equal(w.job_count, 0);
	web_world_free(&w);
}

/* BR 3.2.2.4.18: what is looked for is in no request, that to a redirect's end included. */
static void
test_value_in_redirect(void **state)
{
	static const char *const locations[] = { "/?q=tHe-Value", "http://other.example/the%2dval%75e" };
	struct check_dcv_parameters p = { .set = true, .method = DCV_WEBSITE_CHANGE,
		.challenge_value = "the-value", .http_token_path = "f" };

	for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
		const struct web_server servers[] = {
			{ .url = "http://" H "/.well-known/pki-validation/f", .status = 302,
			    .location = locations[i] },
			{ .status = 200, .body = "the-value" }, END
		};
		struct web_world w = { .hosts = hosts, .servers = servers };

		web_world_check(&w, H, &p);
		assert_ended(&w, PROBLEM_REDIRECT_REFUSED, "to a URL that holds the value itself");
		assert_int_equal(w.job_count, 1);
		web_world_free(&w);
	}
}

#define DIGEST	"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"

static void
test_tls_alpn(void **state)
{
	struct fetch_outcome o = { .tls_version = "TLSv1.3", .alpn = true, .certificate = {
		.present = true, .parsed = true, .sha256 = { 0xab, 0xcd }, .common_name = "cn",
		.name_count = 1, .names = { { FETCH_DNS_NAME, H } }, .acme_count = 1,
		.acme_critical = true, .acme = { 4, 32 }, .acme_len = 34 } };
	const struct web_server servers[] = { { .outcome = &o }, END };
	struct check_dcv_parameters p = { .set = true, .method = DCV_ACME_TLS_ALPN_01,
		.key_authorization_hash = DIGEST };
	struct web_world w = { .hosts = hosts, .servers = servers };

	for (uint8_t i = 0; i < 32; i++)
		o.certificate.acme[2 + i] = (uint8_t)(i + 1);
	web_world_check(&w, H, &p);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_int_equal(w.jobs[0].kind, FETCH_TLS_ALPN);
	assert_string_equal(w.jobs[0].url, "https://" H);
	assert_string_equal(w.jobs[0].server_name, H);
	assert_json(&w, "\"common_name\":\"cn\"");
	assert_json(&w, "\"port\":443");
	assert_json(&w, "\"tls_version\":\"TLSv1.3\",\"certificate_sha256\":\"abcd0000");
	o.certificate.names[0].kind = FETCH_IP_ADDRESS;
	o.certificate.names[0].text = V4;
	web_world_check(&w, V4, &p);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_string_equal(w.jobs[0].server_name, "9.9.9.9.in-addr.arpa");
	o.certificate.names[0].text = V6;
	web_world_check(&w, V6, &p);
	assert_ended(&w, PROBLEM_NONE, "");
	assert_string_equal(w.jobs[0].server_name,
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.2.ip6.arpa");
	o.certificate.acme_critical = false;
	web_world_check(&w, V6, &p);
	assert_ended(&w, PROBLEM_ACME_IDENTIFIER_NOT_CRITICAL, "");
	assert_json(&w, "\"common_name\":\"cn\"");
	web_world_free(&w);
}

/* Our own failing says nothing of a server: it is told at once. */
static void
test_fetcher_dies(void **state)
{
	static const struct web_host names[] = { { H, V6, V4 }, { NULL, NULL, NULL } };
	static const struct web_server servers[] = {
		{ .address = V6, .problem = PROBLEM_FETCHER_DIED, .sentence = "it died" }, PASSES, END
	};
	struct web_world w = { 0 };

	check(&w, names, servers);
	assert_ended(&w, PROBLEM_FETCHER_DIED, "it died");
	assert_true(problem_retryable(w.problem));
	assert_int_equal(w.job_count, 1);
	web_world_free(&w);
}

static void
test_family_hangs(void **state)
{
	static const struct web_host hangs[] = { { H, HANGS, V4 }, { NULL, NULL, NULL } };
	static const struct web_host bogus[] = { { H, HANGS, BOGUS }, { NULL, NULL, NULL } };
	static const struct web_server servers[] = { PASSES, END };
	struct web_world w = { .deadline_ms = 1000 };

	check(&w, hangs, servers);
	assert_ended(&w, PROBLEM_NONE, "");
	/* half of it, less what a busy machine is late by */
	assert_in_range(w.jobs[0].total_ms, 200, 501);
	assert_json(&w, "{\"name\":\"" H "\",\"type\":\"AAAA\",\"problem\":\"dns-timeout\"");
	assert_json(&w, "\"dnssec_status\":\"indeterminate\"");
	check(&w, bogus, servers);
	assert_ended(&w, PROBLEM_DNS_BOGUS, "the A lookup of " H);
	web_world_free(&w);
}

static void
test_fetcher_says_nothing(void **state)
{
	static const struct web_server servers[] = { { .hangs = true }, END };
	struct web_world w = { .deadline_ms = 50 };

	check(&w, hosts, servers);
	assert_ended(&w, PROBLEM_DEADLINE, "the deadline passed");
	web_world_free(&w);
}

/* Once the time is over no further address is tried. */
static void
test_deadline_between_addresses(void **state)
{
	static const struct web_host names[] = { { H, V6, V4 }, { NULL, NULL, NULL } };
	static const struct web_server servers[] = {
		{ .problem = PROBLEM_HTTP_TIMEOUT, .sentence = "sent nothing" }, END
	};
	struct web_world w = { .deadline_ms = 1 };

	check(&w, names, servers);
	assert_ended(&w, PROBLEM_HTTP_TIMEOUT, "the last tried, " V6 " port 80: sent nothing");
	assert_int_equal(w.job_count, 1);
	web_world_free(&w);
}

/* The coordinator vanishes at each step: nothing goes on, nobody is called. */
static void
test_cancelled(void **state)
{
	static const struct web_host slow[] = { { H, HANGS, HANGS }, { NULL, NULL, NULL } };
	static const struct web_host half[] = { { H, HANGS, V4 }, { NULL, NULL, NULL } };
	static const struct web_server servers[] = { { .hangs = true }, END };
	const struct web_host *const all[] = { slow, half, hosts };

	for (size_t i = 0; i < 3; i++) {
		struct web_world w = { .hosts = all[i], .servers = servers };

		web_world_start(&w, H, &acme);
		web_world_turn(&w, 20);
		assert_int_equal(w.ends, 0);
		assert_true(w.open > 0);
		w.run.end(&w.run);
		web_world_turn(&w, 20);
		assert_int_equal(w.ends, 0);
		web_world_free(&w);
	}
}

/* Evidence without end is shortened, and a check dials no more than its cap. */
static void
test_caps(void **state)
{
	static const struct web_host names[] = {
		{ H, LARGE, LARGE },
		{ "many.example", "2600::1 2600::2 2600::3 2600::4 2600::5 2600::6 2600::7 2600::8 2600::a",
		    "9.0.0.1 9.0.0.2 9.0.0.3 9.0.0.4 9.0.0.5 9.0.0.6 9.0.0.7 9.0.0.8 9.0.0.10" },
		{ NULL, NULL, NULL }
	};
	static const struct web_server servers[] = {
		{ .url = PAGE, .status = 302, .location = "http://many.example/" },
		{ .address = "9.0.0.8", .status = 302, .location = "/" },
		{ .problem = PROBLEM_CONNECT_REFUSED }, END
	};
	struct web_world w = { 0 };

	check(&w, names, servers);
	assert_ended(&w, PROBLEM_CONNECT_FAILED, "as many addresses as a check may");
	assert_int_equal(w.job_count, CHECK_DIALS_MAX);
	assert_null(strstr(w.json.data, "2600::a"));
	for (size_t i = 0; i < w.job_count; i++)
		assert_string_not_equal(w.jobs[i].address, "9.0.0.10");
	web_world_free(&w);
	w = (struct web_world){ 0 };
	check(&w, names, (const struct web_server[]){ { .url = PAGE, .status = 301, .location = "/r" },
	    PASSES, END });
	assert_ended(&w, PROBLEM_NONE, "");
	assert_json(&w, "\"truncated\":true,\"documents\":[{");
	assert_in_range(w.json.len, 50000, 70000);
	web_world_free(&w);
}

static void
test_no_memory(void **state)
{
	struct web_server servers[16];
	char urls[16][64], locations[16][64];
	struct web_world w = { .hosts = hosts, .servers = servers };
	long n;

	redirects_make(servers, urls, locations, 2);
	for (n = 0; n < 1000; n++) {
		failing_malloc_after(n);
		web_world_check(&w, H, &acme);
		failing_malloc_after(-1);
		if (w.passed && !w.json.failed)
			break;
		if (!w.passed && w.problem != PROBLEM_INTERNAL &&
		    w.problem != PROBLEM_RESOLVER_NO_EVIDENCE)
			fail_msg("without allocation %ld: %s", n, w.message);
	}
	assert_in_range(n, 30, 999);
	web_world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_addresses_in_turn),
		cmocka_unit_test(test_no_address_answers),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_redirect_chains),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_website),
		cmocka_unit_test(test_value_in_redirect),
		cmocka_unit_test(test_tls_alpn),
		cmocka_unit_test(test_fetcher_dies),
		cmocka_unit_test(test_family_hangs),
		cmocka_unit_test(test_fetcher_says_nothing),
		cmocka_unit_test(test_deadline_between_addresses),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("web_check", tests, NULL, NULL);
}
