/* fetcher.h: a worker whose fetchers a keeper starts, at a socket. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <sys/socket.h>

#include "keeper_fixture.h"
#include "log.h"
#include "web_server.h"

static struct tried tried;

/* --- one that works, and is gone ------------------------------------------------- */

static void
test_works(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture f;
	struct fetch_job job;

	manager_start(&m, LONG_MS);
	fixture_connect(&f, &m);
	/* somebody accepts, which is not yet somebody there */
	assert_false(fetcher_ready(f.fetcher));
	assert_int_equal(fetcher_pid(f.fetcher), 0);
	web_start(&server, false, answer_hi, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(tried.o.status, 200);
	assert_true(fetcher_ready(f.fetcher));
	only_fetcher(&m);
	web_stop(&server);
	fixture_stop(&f);
	/* it ends with its worker's connection */
	until_fetchers(&m, 0);
	manager_stop(&m);
}

static void
test_killed(void **state)
{
	struct web_server server, silent;
	struct manager m;
	struct fixture f;
	struct fetch_job job;
	pid_t killed;

	manager_start(&m, LONG_MS);
	fixture_connect(&f, &m);
	until_ready(&f, true);
	web_start(&silent, false, NULL, NULL);
	web_start(&server, false, answer_hi, NULL);
	job = fixture_job(FETCH_HTTP, silent.port);
	try_start(&f, &tried, &job);
	fixture_run_ms(&f, 50);
	killed = only_fetcher(&m);
	kill(killed, SIGKILL);
	fixture_until(&f, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_FETCHER_DIED);
	assert_string_equal(tried.o.sentence,
	    "the fetcher died (connection closed) while it was at work");
	assert_false(fetcher_ready(f.fetcher));
	job = fixture_job(FETCH_HTTP, server.port);
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_not_equal(only_fetcher(&m), killed);
	web_stop(&silent);
	web_stop(&server);
	fixture_stop(&f);
	manager_stop(&m);
}

/* Not the worker's to kill: its next check has another one all the same. */
static void
test_hangs(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture f;
	struct fetch_job job;
	pid_t hung;

	manager_start(&m, WATCHDOG_MS);
	fixture_connect(&f, &m);
	until_ready(&f, true);
	web_start(&server, false, answer_hi, NULL);
	hung = only_fetcher(&m);
	kill(hung, SIGSTOP);
	job = fixture_job(FETCH_HTTP, server.port);
	job.total_ms = 100;
	try_whole(&f, &tried, &job);
	assert_string_equal(tried.o.sentence, "the fetcher did not answer in time");
	job.total_ms = 10000;
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	until_gone(hung);
	web_stop(&server);
	fixture_stop(&f);
	manager_stop(&m);
}

/* --- none ------------------------------------------------------------------------- */

static void
test_nobody_yet(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture f;
	struct fetch_job job;

	manager_init(&m);
	fixture_connect(&f, &m);
	web_start(&server, false, answer_hi, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	try_start(&f, &tried, &job);
	fixture_run_ms(&f, 300);
	assert_int_equal(tried.ends, 0);
	assert_false(fetcher_ready(f.fetcher));
	manager_listen(&m);
	manager_run(&m);
	fixture_until(&f, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	web_stop(&server);
	fixture_stop(&f);
	manager_stop(&m);
}

static volatile unsigned refused;

static void *
refuse(void *arg)
{
	const struct manager *m = arg;

	for (int fd; (fd = accept(m->listener, NULL, NULL)) >= 0; refused++)
		close(fd);
	return NULL;
}

/* Connections that are closed at once are not made again and again. */
static void
test_refused(void **state)
{
	struct manager m;
	struct fixture f;
	pthread_t thread;

	manager_init(&m);
	manager_listen(&m);
	assert_int_equal(pthread_create(&thread, NULL, refuse, &m), 0);
	fixture_connect(&f, &m);
	fixture_run_ms(&f, 1000);	/* at 0, 100, 300 and 700 ms */
	assert_in_range(refused, 2, 4);
	assert_false(fetcher_ready(f.fetcher));
	fixture_stop(&f);
	shutdown(m.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	manager_stop(&m);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_nobody_yet),
		cmocka_unit_test(test_refused),
	};

	if (fetcher_asked(argc, argv))
		return fetcher_main(argc, argv);
	log_init("test_fetcher_socket", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
