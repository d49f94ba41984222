/* Mutual TLS: who is let in, and who is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "h1_client.h"
#include "h2_client.h"

static struct fixture *
fixture_tls(void)
{
	return fixture_start_tls((struct server_config){ .handshake_timeout_ms = 200 });
}

static void
test_tls(void **state)
{
	struct tls_peer peer = peer_make(&fixture_files.client, FIXTURE_PERSPECTIVE);
	struct fixture *f = fixture_tls();
	struct h1_client *c = h1_open(f, &peer);

	assert_int_equal(peer.outcome, TLS_ACCEPTED);
	assert_true(peer.expires_s > 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(h1_ask(c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
		    "Content-Length: 2\r\n\r\nab"), 200);
		assert_non_null(strstr(c->in, "X-Who: urn:mpic:coordinator\r\n"));
	}
	h1_send(c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(h1_reply(c), 200);
	h1_send(c, "GET /query?1 HTTP/1.1\r\nHost: x\r\n\r\nGET /query?2 HTTP/1.1\r\n"
	    "Host: x\r\n\r\n");
	assert_int_equal(h1_reply(c), 200);
	assert_int_equal(h1_reply(c), 200);
	h1_close(c);
	assert_true(fixture_metric(f, METRIC_TLS_EXPIRES) > 0);
	fixture_stop(f);
	peer_free(&peer);
}

/* The client's certificate is good but not for this service. */
static void
test_identity_refused(void **state)
{
	struct tls_peer other = peer_make(&fixture_files.other, FIXTURE_PERSPECTIVE);
	struct tls_peer nobody = peer_make(&fixture_files.nobody, FIXTURE_PERSPECTIVE);
	struct fixture *f = fixture_tls();
	struct h1_client *c = h1_open(f, &other);

	assert_int_equal(h1_ask(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
	    403);
	assert_string_equal(c->body,
	    "{\"detail\":\"the identity urn:mpic:other may not use this service\"}");
	assert_int_equal(h1_ask(c, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	h1_close(c);
	c = h1_open(f, &nobody);
	assert_int_equal(h1_ask(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
	    403);
	h1_close(c);
	fixture_stop(f);
	peer_free(&other);
	peer_free(&nobody);
}

/* The server's certificate is good but another one's; or not good at all. */
static void
test_server_refused(void **state)
{
	struct tls_peer peer = peer_make(&fixture_files.client, FIXTURE_PERSPECTIVE ":b");
	struct tls_peer stranger = peer_make(&fixture_files.stranger, FIXTURE_PERSPECTIVE);
	struct tls_peer misused = peer_make(&fixture_files.server, FIXTURE_PERSPECTIVE);
	struct tls_peer good = peer_make(&fixture_files.client, FIXTURE_PERSPECTIVE);
	struct fixture *f = fixture_tls();
	struct h1_client *c = h1_open(f, &peer);

	assert_int_equal(c->status, -1);
	assert_int_equal(peer.outcome, TLS_IDENTITY_MISMATCH);
	assert_string_equal(peer.presented, FIXTURE_PERSPECTIVE);
	h1_close(c);
	c = h1_open(f, &stranger);
	assert_int_equal(c->status, -1);
	assert_int_equal(stranger.outcome, TLS_UNTRUSTED);
	assert_string_equal(stranger.presented, "");
	h1_close(c);
	/* A server's certificate is none for a client: refused by the other side. */
	c = h1_open(f, &misused);
	assert_true(h1_read(c) <= 0);
	h1_close(c);
	/* No handshake at all. */
	c = h1_open(f, NULL);
	assert_true(h1_closed(c));
	h1_close(c);
	fixture_stop(f);
	peer_free(&peer);
	peer_free(&stranger);
	peer_free(&misused);
	peer_free(&good);
}

/* Without a certificate there is no identity; with a wrong one there is no connection. */
static void
test_certificate_optional(void **state)
{
	const struct server_config cfg = { .handshake_timeout_ms = 2000,
		.certificate_optional = true };
	struct tls_peer peer = peer_make(&fixture_files.client, FIXTURE_PERSPECTIVE);
	struct tls_peer misused = peer_make(&fixture_files.server, FIXTURE_PERSPECTIVE);
	struct fixture *f = fixture_start_tls(cfg);
	struct h1_client *c = h1_open_anonymous(f);

	assert_int_equal(h1_ask(c, "POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
	    200);
	assert_int_equal(h1_ask(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
	    403);
	h1_close(c);
	c = h1_open(f, &peer);
	assert_int_equal(h1_ask(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
	    200);
	assert_non_null(strstr(c->in, "X-Who: urn:mpic:coordinator\r\n"));
	h1_close(c);
	c = h1_open(f, &misused);
	assert_true(h1_read(c) <= 0);
	h1_close(c);
	fixture_stop(f);
	peer_free(&peer);
	peer_free(&misused);
}

/* Until it is refused or the server has closed, which it must when its certificate expires. */
static int
last_status(int (*ask)(void *client), void *client, time_t expires_s)
{
	int status;

	while ((status = ask(client)) == 200 && time(NULL) <= expires_s + 2)
		usleep(10000);
	assert_in_range(time(NULL), expires_s, expires_s + 1);
	return status;
}

static int
h1_echo(void *client)
{
	return h1_ask(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
}

static int
h2_echo(void *client)
{
	return h2_wait(client, h2_send(client, &(struct h2_ask){ .method = "POST", .path = "/echo",
	    .body = "ab" }));
}

/* Connections end with the certificate that they were made with, be they in use or not. */
static void
test_client_expired(void **state)
{
	const struct tls_files_made kept = fixture_files;
	struct h1_client *busy, *idle;
	struct h2_client *streams;
	struct tls_peer peer;
	struct fixture *f;
	time_t expires_s;
	int status;

	assert_true(tls_files_make(&fixture_files));
	f = fixture_start_tls((struct server_config){ .handshake_timeout_ms = 2000 });
	peer = peer_make(&fixture_files.brief_client, FIXTURE_PERSPECTIVE);
	expires_s = (time_t)tls_client_expires_s(peer.client);
	busy = h1_open(f, &peer);
	idle = h1_open(f, &peer);
	streams = h2_open(&f->at.addr, f->at.len, &peer);
	assert_int_equal(h2_echo(streams), 200);
	status = last_status(h1_echo, busy, expires_s);
	assert_true(status == 403 || status == 0);
	status = last_status(h2_echo, streams, expires_s);
	assert_true(status == 403 || status == 0);
	h2_wait_gone(streams);
	assert_true(h1_closed(idle));
	h1_close(busy);
	h1_close(idle);
	h2_close(streams);
	fixture_stop(f);
	peer_free(&peer);
	tls_files_remove(&fixture_files);
	fixture_files = kept;
}

/* Unless the configuration says so, a client needs one. */
static void
test_certificate_required(void **state)
{
	struct fixture *f = fixture_tls();
	struct h1_client *c = h1_open_anonymous(f);

	assert_true(h1_read(c) <= 0);
	h1_close(c);
	fixture_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_identity_refused),
		cmocka_unit_test(test_server_refused),
		cmocka_unit_test(test_certificate_optional),
		cmocka_unit_test(test_certificate_required),
		cmocka_unit_test(test_client_expired),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
