#include "fetcher_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "httpcheck/sandbox.h"
#include "monotonic.h"

#define PATIENCE_MS 20000	/* a test that takes longer hangs */

const char *__real_address_sockaddr_refused(const struct sockaddr *sa);
const char *__wrap_address_sockaddr_refused(const struct sockaddr *sa);
bool __real_sandbox_enter(const struct sandbox *s, struct buf *in_force);
bool __wrap_sandbox_enter(const struct sandbox *s, struct buf *in_force);

const char *
__wrap_address_sockaddr_refused(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

	if (sa->sa_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == 127 &&
	    ntohl(in->sin_addr.s_addr) != 0x7f000042)
		return NULL;
	if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr))
		return NULL;
	return __real_address_sockaddr_refused(sa);
}

bool
__wrap_sandbox_enter(const struct sandbox *s, struct buf *in_force)
{
	struct sandbox any_port = *s;

	any_port.ports = NULL;
	any_port.port_count = 0;
	return __real_sandbox_enter(&any_port, in_force);
}

void
fixture_start_at(struct fixture *f, const char *socket)
{
	const struct fetcher_config cfg = { .socket = socket };
	struct buf why = BUF_INIT(512);

	f->base = event_base_new();
	f->fetcher = fetcher_new(f->base, &cfg, &why);
	if (f->fetcher == NULL)
		fail_msg("%s", why.data);
}

void
fixture_start(struct fixture *f)
{
	fixture_start_at(f, NULL);
}

void
fixture_stop(struct fixture *f)
{
	fetcher_free(f->fetcher);
	event_base_free(f->base);
}

struct fetch_job
fixture_job(enum fetch_kind kind, uint16_t port)
{
	struct fetch_job job = {
		.kind = kind, .port = port, .authority = "www.example.com",
		.path = kind != FETCH_TLS_ALPN ? "/" : "", .user_agent = "tests",
		.connect_ms = 10000, .total_ms = 10000,
	};

	assert_true(address_parse(&job.address, "127.0.0.1"));
	return job;
}

/* The strings do not outlive the call: encoded and decoded they stand in the copy. */
static void
on_done(void *arg, const struct fetch_outcome *o)
{
	struct tried *t = arg;
	struct buf copy = BUF_INIT(FETCH_MESSAGE_MAX);
	uint64_t id;

	t->ends++;
	fetch_outcome_encode(o, 1, &copy);
	memcpy(t->message, copy.data, copy.len);
	assert_true(fetch_outcome_decode(&t->o, &id, t->message, copy.len));
	buf_free(&copy);
}

void
try_start(struct fixture *f, struct tried *t, const struct fetch_job *job)
{
	t->fixture = f;
	t->ends = 0;
	t->fetch = fetcher_start(f->fetcher, job, on_done, t);
	assert_non_null(t->fetch);
	assert_int_equal(t->ends, 0);	/* never from within */
}

void
fixture_run_ms(struct fixture *f, int ms)
{
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(f->base, &tv);
	event_base_dispatch(f->base);
}

void
fixture_until(struct fixture *f, const unsigned *ends, unsigned least)
{
	uint64_t start_ns = monotonic_ns();

	while (*ends < least) {
		fixture_run_ms(f, 1);
		if (monotonic_ns() - start_ns > PATIENCE_MS * 1000000ull)
			fail_msg("%u of %u fetches ended", *ends, least);
	}
}

void
try_whole(struct fixture *f, struct tried *t, const struct fetch_job *job)
{
	try_start(f, t, job);
	fixture_until(f, &t->ends, 1);
	assert_int_equal(t->ends, 1);
}
