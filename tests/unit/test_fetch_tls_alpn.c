/* fetch_tls_alpn.h, through a fetcher of our own: handshakes that end well, and others. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "fetcher_fixture.h"
#include "log.h"
#include "web_server.h"

#define DIGEST "0420" "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct fixture fixture;
static struct tried tried;

static void
shake_hands(int fd, void *arg)
{
	SSL *ssl = web_tls_accept(arg, fd);

	if (ssl != NULL)
		web_wait(fd);
	SSL_free(ssl);
}

static void
close_at_once(int fd, void *arg)
{
}

static void
reset_at_once(int fd, void *arg)
{
	char bytes[16];

	(void)!read(fd, bytes, sizeof(bytes));
	web_reset(fd);
}

static void
say_http(int fd, void *arg)
{
	web_write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	web_wait(fd);
}

static void
hang(int fd, void *arg)
{
	web_wait(fd);
}

static void
try_server(web_serve *serve, void *arg, const char *server_name)
{
	struct web_server server;
	struct fetch_job job;

	web_start(&server, false, serve, arg);
	job = fixture_job(FETCH_TLS_ALPN, server.port);
	job.server_name = server_name;
	job.connect_ms = 500;
	try_whole(&fixture, &tried, &job);
	web_stop(&server);
}

static void
test_handshakes(void **state)
{
	static const struct {
		const char *protocol;
		bool strict;
		int version;
		enum problem problem;
		bool alpn;
		const char *text;
	} rows[] = {
		{ "acme-tls/1", true, TLS1_3_VERSION, PROBLEM_NONE, true, "TLSv1.3" },
		{ "acme-tls/1", true, TLS1_2_VERSION, PROBLEM_NONE, true, "TLSv1.2" },
		{ NULL, false, TLS1_3_VERSION, PROBLEM_NONE, false, "TLSv1.3" },
		{ "h2", true, TLS1_3_VERSION, PROBLEM_ALPN_NOT_NEGOTIATED, false, NULL },
		{ "acme-tls/1", true, TLS1_1_VERSION, PROBLEM_TLS_FAILED, false, NULL },
	};
	const struct fetch_certificate *c = &tried.o.certificate;
	struct web_tls tls;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		web_tls_make(&tls, "DNS:www.example.com", "critical,DER:" DIGEST, rows[i].protocol,
		    rows[i].version);
		tls.strict = rows[i].strict;
		try_server(shake_hands, &tls, i % 2 == 0 ? "www.example.com" : NULL);
		if (tried.o.problem != rows[i].problem)
			fail_msg("row %zu: %s", i, tried.o.sentence);
		assert_true(tried.o.alpn == rows[i].alpn);
		assert_true(tried.o.connect_us >= 0 && tried.o.status == 0);
		if (rows[i].text != NULL) {
			assert_string_equal(tried.o.tls_version, rows[i].text);
			assert_string_equal(tls.server_name, i % 2 == 0 ? "www.example.com" : "");
			assert_string_equal(tls.offered, "\x0a" "acme-tls/1");
			assert_true(c->parsed && c->acme_critical && c->acme_len == 34);
			assert_string_equal(c->names[0].text, "www.example.com");
			assert_true(tried.o.tls_us >= tried.o.connect_us);
		}
		web_tls_free(&tls);
	}
}

static void
test_failures(void **state)
{
	static const struct {
		web_serve *serve;
		enum problem problem;
		const char *sentence;
	} rows[] = {
		{ close_at_once, PROBLEM_TLS_FAILED, "the connection during the TLS handshake" },
		{ reset_at_once, PROBLEM_TLS_FAILED, "broke the connection during the TLS handshake" },
		{ say_http, PROBLEM_TLS_FAILED, "wrong version number" },
		{ hang, PROBLEM_TLS_TIMEOUT, "no TLS handshake was finished within 500 ms" },
	};
	struct web_server server;
	struct fetch_job job;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		try_server(rows[i].serve, NULL, "www.example.com");
		if (tried.o.problem != rows[i].problem ||
		    strstr(tried.o.sentence, rows[i].sentence) == NULL)
			fail_msg("row %zu: %s", i, tried.o.sentence);
		assert_false(tried.o.certificate.present);
		assert_int_equal(tried.o.tls_us, -1);
	}
	web_start(&server, false, NULL, NULL);
	job = fixture_job(FETCH_TLS_ALPN, server.port);
	web_stop(&server);
	try_whole(&fixture, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_CONNECT_REFUSED);
	address_parse(&job.address, "127.0.0.66");
	try_whole(&fixture, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_ADDRESS_REFUSED);
	assert_non_null(strstr(tried.o.sentence, "its address is loopback"));
}

static int
set_up(void **state)
{
	log_init("test_fetch_tls_alpn", LOG_LEVEL_ERROR, false);
	fixture_start(&fixture);
	return 0;
}

static int
tear_down(void **state)
{
	fixture_stop(&fixture);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_failures),
	};

	if (fetcher_asked(argc, argv))
		return fetcher_main(argc, argv);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
