/* fetch.h: jobs and outcomes cross the boundary whole, and nothing else does. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpcheck/fetch.h"

static const struct fetch_job whole_job = {
	.kind = FETCH_HTTPS,
	.address = { AF_INET6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
	.port = 8443,
	.authority = "www.example.com:8443",
	.path = "/.well-known/pki-validation/a?b",
	.server_name = "www.example.com",
	.user_agent = "parallax-mpic/1.0 (tests)",
	.headers = { { "X-One", "1 and\ttab" }, { "X-Empty", "" } },
	.header_count = 2,
	.connect_ms = 10000,
	.total_ms = 20000,
};

static const struct fetch_outcome whole_outcome = {
	.problem = PROBLEM_HTTP_TIMEOUT,
	.sentence = "sent 3 bytes of a page without end",
	.status = 302,
	.location = "https://other.example/",
	.body = (const uint8_t *)"a\0b",
	.body_len = 3,
	.more = true,
	.tls_version = "TLSv1.3",
	.alpn = true,
	.certificate = {
		.present = true, .parsed = true, .sha256 = { 1, 2, [31] = 3 },
		.common_name = "www", .name_count = 3,
		.names = { { FETCH_DNS_NAME, "www.example.com" },
		    { FETCH_IP_ADDRESS, "192.0.2.1" }, { FETCH_OTHER_NAME, NULL } },
		.acme_count = 1, .acme_critical = true, .acme = { 4, 32 }, .acme_len = 34,
	},
	.connect_us = 0, .tls_us = 1500, .first_byte_us = -1, .total_us = 20000000,
};

static void
test_job(void **state)
{
	struct buf out = BUF_INIT(FETCH_MESSAGE_MAX);
	struct fetch_job job;
	uint64_t id;

	fetch_job_encode(&whole_job, 0x100000002, &out);
	assert_true(fetch_job_decode(&job, &id, out.data, out.len));
	assert_true(id == 0x100000002);
	assert_int_equal(job.kind, FETCH_HTTPS);
	assert_memory_equal(&job.address, &whole_job.address, sizeof(job.address));
	assert_int_equal(job.port, 8443);
	assert_string_equal(job.authority, whole_job.authority);
	assert_string_equal(job.path, whole_job.path);
	assert_string_equal(job.server_name, whole_job.server_name);
	assert_string_equal(job.user_agent, whole_job.user_agent);
	assert_int_equal(job.header_count, 2);
	assert_string_equal(job.headers[0].value, "1 and\ttab");
	assert_string_equal(job.headers[1].name, "X-Empty");
	assert_int_equal(job.connect_ms, 10000);
	assert_int_equal(job.total_ms, 20000);
	buf_free(&out);
}

static void
test_outcome(void **state)
{
	struct buf out = BUF_INIT(FETCH_MESSAGE_MAX);
	const struct fetch_certificate *c;
	struct fetch_outcome o;
	uint64_t id;

	fetch_outcome_encode(&whole_outcome, 7, &out);
	assert_true(fetch_outcome_decode(&o, &id, out.data, out.len));
	assert_true(id == 7);
	assert_int_equal(o.problem, PROBLEM_HTTP_TIMEOUT);
	assert_string_equal(o.sentence, whole_outcome.sentence);
	assert_int_equal(o.status, 302);
	assert_string_equal(o.location, whole_outcome.location);
	assert_int_equal(o.body_len, 3);
	assert_memory_equal(o.body, "a\0b", 3);
	assert_true(o.more && o.alpn);
	assert_string_equal(o.tls_version, "TLSv1.3");
	c = &o.certificate;
	assert_true(c->present && c->parsed && c->acme_critical);
	assert_memory_equal(c->sha256, whole_outcome.certificate.sha256, 32);
	assert_int_equal(c->name_count, 3);
	assert_string_equal(c->names[1].text, "192.0.2.1");
	assert_null(c->names[2].text);
	assert_int_equal(c->acme_len, 34);
	assert_memory_equal(c->acme, whole_outcome.certificate.acme, 34);
	assert_int_equal(o.connect_us, 0);
	assert_int_equal(o.first_byte_us, -1);
	assert_int_equal(o.total_us, 20000000);
	buf_free(&out);
}

/* Neither is read from a part of it, nor from more. */
static void
test_cut(void **state)
{
	struct buf messages[2] = { BUF_INIT(FETCH_MESSAGE_MAX), BUF_INIT(FETCH_MESSAGE_MAX) };
	struct fetch_outcome o;
	struct fetch_job job;
	uint64_t id;

	fetch_job_encode(&whole_job, 1, &messages[0]);
	fetch_outcome_encode(&whole_outcome, 1, &messages[1]);
	for (size_t i = 0; i < 2; i++) {
		buf_addc(&messages[i], 'x');
		for (size_t len = 0; len <= messages[i].len; len++) {
			/* exactly so many bytes, for the sanitizers */
			char *copy = malloc(len + (len == 0));
			bool whole = len == messages[i].len - 1;

			memcpy(copy, messages[i].data, len);
			assert_int_equal(fetch_job_decode(&job, &id, copy, len), whole && i == 0);
			assert_int_equal(fetch_outcome_decode(&o, &id, copy, len), whole && i == 1);
			free(copy);
		}
		buf_free(&messages[i]);
	}
}

static bool
job_crosses(const struct fetch_job *job)
{
	struct buf out = BUF_INIT(FETCH_MESSAGE_MAX);
	struct fetch_job again;
	uint64_t id;
	bool crosses;

	fetch_job_encode(job, 1, &out);
	crosses = !out.failed && fetch_job_decode(&again, &id, out.data, out.len);
	buf_free(&out);
	return crosses;
}

/* A request's line and fields stay one line each, whatever the worker lets through. */
static void
test_injection(void **state)
{
	static const char *const paths[] = { "/a b", "/a\r\nX: y", "/\x7f", "/\t" };
	static const char *const names[] = { "", "a@b", "a/b", "a:80", "a b", "a\xc3\xbc", "[::1]" };
	static const struct check_header headers[] = {
		{ "X\r\nY", "a" }, { "X", "a\r\nHost: b" }, { "X: b", "a" }, { "X;", "a" },
		{ "X\t", "a" }, { "X", "\x01" },
	};
	struct fetch_job job;

	assert_true(job_crosses(&whole_job));
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		job = whole_job;
		job.path = paths[i];
		assert_false(job_crosses(&job));
		job = whole_job;
		job.authority = paths[i];
		assert_false(job_crosses(&job));
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		job = whole_job;
		job.server_name = names[i];
		assert_false(job_crosses(&job));
	}
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		job = whole_job;
		job.headers[0] = headers[i];
		assert_false(job_crosses(&job));
	}
}

/* The largest of each still is one message; one byte more of anything is none. */
static void
test_caps(void **state)
{
	static char url[FETCH_URL_MAX + 2], header[CHECK_HEADER_BYTES_MAX + 2];
	static uint8_t body[FETCH_BODY_MAX + 1];
	struct buf out = BUF_INIT(FETCH_MESSAGE_MAX * 2);
	struct fetch_outcome o = whole_outcome, again;
	struct fetch_job job = whole_job;
	uint64_t id;

	memset(url, 'u', FETCH_URL_MAX);
	memset(header, 'h', CHECK_HEADER_BYTES_MAX);
	job.path = url;
	job.header_count = CHECK_HEADERS_MAX;
	for (size_t i = 0; i < job.header_count; i++)
		job.headers[i] = (struct check_header){ "X", header };
	assert_true(job_crosses(&job));
	header[CHECK_HEADER_BYTES_MAX] = 'h';
	assert_false(job_crosses(&job));
	url[FETCH_URL_MAX] = 'u';
	job = whole_job;
	job.path = url;
	assert_false(job_crosses(&job));

	o.body = body;
	o.body_len = FETCH_BODY_MAX;
	fetch_outcome_encode(&o, 1, &out);
	assert_true(fetch_outcome_decode(&again, &id, out.data, out.len));
	buf_reset(&out);
	o.body_len++;
	fetch_outcome_encode(&o, 1, &out);
	assert_false(fetch_outcome_decode(&again, &id, out.data, out.len));
	buf_reset(&out);
	o = whole_outcome;
	o.location = url;
	fetch_outcome_encode(&o, 1, &out);
	assert_false(fetch_outcome_decode(&again, &id, out.data, out.len));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job),
		cmocka_unit_test(test_outcome),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
