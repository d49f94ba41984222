/* fetcher.h: fetchers that work, die, hang and lie. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fetcher_fixture.h"
#include "httpcheck/fetcher_link.h"
#include "httpcheck/fetcher_process.h"
#include "log.h"
#include "monotonic.h"
#include "web_server.h"

#define MANY 500

/* Many fetches of which only the ends are counted. */
struct crowd {
	unsigned ends, answered, died;
	struct fetch *fetches[MANY];
};

static struct tried tried;

static void
crowd_done(void *arg, const struct fetch_outcome *o)
{
	struct crowd *c = arg;

	c->ends++;
	c->answered += o->problem == PROBLEM_NONE && o->status == 200;
	c->died += o->problem == PROBLEM_FETCHER_DIED;
}

static void
crowd_start(struct crowd *c, struct fixture *f, const struct fetch_job *job)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < MANY; i++) {
		c->fetches[i] = fetcher_start(f->fetcher, job, crowd_done, c);
		assert_non_null(c->fetches[i]);
	}
}

static void
answer(int fd, void *arg)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	char head[256 * 1024];

	web_read_head(fd, head, sizeof(head));
	web_write(fd, reply, sizeof(reply) - 1);
}

static void
test_many(void **state)
{
	struct web_server server, silent;
	struct fixture f;
	struct fetch_job job;
	struct crowd c, hanging;

	fixture_start(&f);
	web_start(&server, false, answer, NULL);
	web_start(&silent, false, NULL, NULL);
	job = fixture_job(FETCH_HTTP, silent.port);
	crowd_start(&hanging, &f, &job);
	job = fixture_job(FETCH_HTTP, server.port);
	crowd_start(&c, &f, &job);
	fixture_until(&f, &c.ends, MANY);
	assert_int_equal(c.answered, MANY);
	assert_int_equal(hanging.ends, 0);
	for (size_t i = 0; i < MANY; i++)
		fetch_cancel(hanging.fetches[i]);
	/* their places serve again */
	crowd_start(&c, &f, &job);
	fixture_until(&f, &c.ends, MANY);
	assert_int_equal(c.answered, MANY);
	assert_int_equal(hanging.ends, 0);
	web_stop(&silent);
	web_stop(&server);
	fixture_stop(&f);
}

/* The socket between the two is full of jobs, then of outcomes. */
static void
test_full(void **state)
{
	static char value[CHECK_HEADER_BYTES_MAX + 1];
	struct web_server server;
	struct fixture f;
	struct fetch_job job;
	struct crowd c;
	pid_t pid;

	fixture_start(&f);
	web_start(&server, false, answer, NULL);
	fixture_run_ms(&f, 100);
	memset(value, 'v', CHECK_HEADER_BYTES_MAX);
	job = fixture_job(FETCH_HTTP, server.port);
	for (job.header_count = 0; job.header_count < 6; job.header_count++)
		job.headers[job.header_count] = (struct check_header){ "X", value };
	pid = fetcher_pid(f.fetcher);
	kill(pid, SIGSTOP);
	crowd_start(&c, &f, &job);
	fixture_run_ms(&f, 50);
	kill(pid, SIGCONT);
	for (int ms = 0; ms < 100; ms++)
		usleep(1000);	/* nobody reads outcomes */
	fixture_until(&f, &c.ends, MANY);
	assert_int_equal(c.answered, MANY);
	assert_int_equal(fetcher_pid(f.fetcher), pid);
	web_stop(&server);
	fixture_stop(&f);
}

static void
wait_for_client(int fd, void *arg)
{
	volatile bool *gone = arg;

	web_wait(fd);
	*gone = true;
}

static void
test_cancel(void **state)
{
	volatile bool gone = false;
	struct web_server server;
	struct fetch_job job;
	struct fixture f;

	fixture_start(&f);
	web_start(&server, false, wait_for_client, (void *)&gone);
	job = fixture_job(FETCH_HTTP, server.port);
	try_start(&f, &tried, &job);
	fixture_run_ms(&f, 100);
	assert_false(gone);
	fetch_cancel(tried.fetch);
	for (int tries = 0; !gone && tries < 50; tries++)
		fixture_run_ms(&f, 100);
	assert_true(gone);
	try_start(&f, &tried, &job);
	fetch_cancel(tried.fetch);
	fixture_run_ms(&f, 50);
	assert_int_equal(tried.ends, 0);
	web_stop(&server);
	fixture_stop(&f);
}

static void
test_killed(void **state)
{
	struct web_server server, silent;
	struct fetch_job job, slow;
	struct fixture f;
	struct crowd c;
	pid_t pid;

	fixture_start(&f);
	web_start(&server, false, answer, NULL);
	web_start(&silent, false, NULL, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	slow = fixture_job(FETCH_HTTP, silent.port);
	try_whole(&f, &tried, &job);
	crowd_start(&c, &f, &slow);
	try_start(&f, &tried, &slow);
	fixture_run_ms(&f, 50);
	pid = fetcher_pid(f.fetcher);
	assert_true(pid > 0);
	kill(pid, SIGKILL);
	fixture_until(&f, &c.ends, MANY);
	assert_int_equal(c.died, MANY);
	fixture_until(&f, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_FETCHER_DIED);
	assert_string_equal(tried.o.sentence, "the fetcher died (signal 9) while it was at work");
	/* none runs now: this one waits for the next */
	assert_int_equal(fetcher_pid(f.fetcher), 0);
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_true(fetcher_pid(f.fetcher) > 0 && fetcher_pid(f.fetcher) != pid);
	web_stop(&silent);
	web_stop(&server);
	fixture_stop(&f);
}

/* One that does nothing any more does not hold up checks, and is replaced. */
static void
test_hangs(void **state)
{
	struct web_server server;
	struct fetch_job job;
	struct fixture f;
	pid_t pid;

	fixture_start(&f);
	web_start(&server, false, answer, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	try_whole(&f, &tried, &job);
	pid = fetcher_pid(f.fetcher);
	kill(pid, SIGSTOP);
	job.total_ms = 100;
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_FETCHER_DIED);
	assert_string_equal(tried.o.sentence, "the fetcher did not answer in time");
	job.total_ms = 10000;
	for (int tries = 0; fetcher_pid(f.fetcher) == pid; tries++) {
		assert_in_range(tries, 0, 1000);
		fixture_run_ms(&f, 10);
	}
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	web_stop(&server);
	fixture_stop(&f);
}

static void
test_stopping(void **state)
{
	struct web_server silent;
	struct fetch_job job;
	struct fixture f;
	struct crowd c;

	fixture_start(&f);
	web_start(&silent, false, NULL, NULL);
	job = fixture_job(FETCH_HTTP, silent.port);
	crowd_start(&c, &f, &job);
	fixture_run_ms(&f, 20);
	fixture_stop(&f);
	assert_int_equal(c.died, MANY);
	web_stop(&silent);
}

static bool
worker_hears(void *arg, const void *bytes, size_t len)
{
	return true;
}

static void
worker_loses(void *arg)
{
	fail_msg("the fetcher ended before its worker");
}

/* How a fetcher ends whose worker has gone, with the job on its way. */
static int
end_of_orphan(const struct fetch_job *job)
{
	const struct fetcher_link_owner owner = { worker_hears, worker_loses, NULL };
	const struct fetcher_config cfg = { 0 };
	struct fixture f = { .base = event_base_new() };
	struct buf why = BUF_INIT(256), message = BUF_INIT(FETCH_MESSAGE_MAX);
	struct fetcher_process process;
	struct fetcher_link *link;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_true(fetcher_process_init(&process, &cfg, &why));
	assert_int_equal(fetcher_process_start(&process, ends[1], NULL, &pid), 0);
	close(ends[1]);
	link = fetcher_link_new(f.base, ends[0], &owner);
	if (job != NULL) {
		fetcher_link_begin(&message);
		fetch_job_encode(job, 1, &message);
		assert_true(fetcher_link_send(link, &message));
	}
	fixture_run_ms(&f, 200);
	fetcher_link_free(link);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fetcher_process_free(&process);
	buf_free(&message);
	event_base_free(f.base);
	return status;
}

static void
test_orphan(void **state)
{
	struct web_server server, silent;
	struct fetch_job job;

	assert_int_equal(end_of_orphan(NULL), 0);
	web_start(&server, false, answer, NULL);
	web_start(&silent, false, NULL, NULL);
	for (enum fetch_kind kind = FETCH_HTTP; kind <= FETCH_TLS_ALPN; kind++) {
		job = fixture_job(kind, server.port);
		assert_int_equal(end_of_orphan(&job), 0);
		job = fixture_job(kind, silent.port);
		assert_int_equal(end_of_orphan(&job), 0);
	}
	web_stop(&silent);
	web_stop(&server);
}

/* --- others in its place ---------------------------------------------------------- */

static void
script_write(char path[static 64], const char *text)
{
	FILE *file;
	int fd;

	strcpy(path, "/tmp/test_fetcher.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	fprintf(file, "#!/bin/sh\n%s\n", text);
	fchmod(fd, 0700);
	fclose(file);
}

/* What comes of one fetch when the script is the fetcher. */
static void
try_script(const char *text, int64_t total_ms)
{
	struct fetcher_config cfg = { 0 };
	struct fixture f = { .base = event_base_new() };
	struct fetch_job job = fixture_job(FETCH_HTTP, 80);
	struct buf why = BUF_INIT(256);
	char path[64];

	script_write(path, text);
	cfg.program = path;
	f.fetcher = fetcher_new(f.base, &cfg, &why);
	if (f.fetcher == NULL)
		fail_msg("%s", why.data);
	job.total_ms = total_ms;
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_FETCHER_DIED);
	fixture_stop(&f);
	unlink(path);
}

static void
test_liars(void **state)
{
	static const char *const scripts[] = {
		"printf 'HTTP/1.1 200 OK, and much more than a message' >&3; sleep 9",
		"printf '\\0\\0\\0\\0' >&3; sleep 9",
		"printf '\\377\\377\\377\\377' >&3; sleep 9",
		/* an id alone, and one with what is no outcome */
		"printf '\\0\\0\\0\\10\\0\\0\\0\\1\\0\\0\\0\\0' >&3; sleep 9",
		"printf '\\0\\0\\0\\12\\0\\0\\0\\1\\0\\0\\0\\0\\377\\1' >&3; sleep 9",
		/* said hello with bytes of all sorts, then closes */
		"printf '\\0\\0\\0\\13\\377\\377\\377\\377\\377\\377\\377\\377a\\0\\n' >&3; exec 3>&-; sleep 9",
	};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		try_script(scripts[i], 3000);
		assert_string_equal(tried.o.sentence,
		    "the fetcher died (signal 9) while it was at work");
	}
}

/* An outcome of a fetch that never was is of no account. */
static void
test_stray_outcome(void **state)
{
	const struct fetch_outcome stray = { .sentence = "answered" };
	struct buf script = BUF_INIT(4096), bytes = BUF_INIT(1024);

	fetch_outcome_encode(&stray, 0x7000000000000001, &bytes);
	buf_addf(&script, "printf '\\0\\0\\0\\%zo", bytes.len);
	for (size_t i = 0; i < bytes.len; i++)
		buf_addf(&script, "\\%03o", (unsigned char)bytes.data[i]);
	buf_adds(&script, "' >&3; exec sleep 9");
	try_script(script.data, 100);
	assert_string_equal(tried.o.sentence, "the fetcher did not answer in time");
	buf_free(&script);
	buf_free(&bytes);
}

/* It has three standard descriptors, the socket and dash's script; and no environment. */
static void
test_inherits_nothing(void **state)
{
	setenv("SECRET", "key", 1);
	try_script("for fd in /proc/$$/fd/*; do\n"
	    "case ${fd##*/} in 0|1|2|3|10|255) ;; *) [ ! -e \"$fd\" ] || exit 7 ;; esac\ndone\n"
	    "[ -z \"$SECRET\" ] || exit 8\n[ \"$*\" = '--fetcher 0 0 0' ] || exit 9\nexit 5", 3000);
	assert_string_equal(tried.o.sentence, "the fetcher died (status 5) while it was at work");
}

/* Dying again and again, it is not started again and again. */
static void
test_back_off(void **state)
{
	struct fetcher_config cfg = { 0 };
	struct fixture f = { .base = event_base_new() };
	struct buf why = BUF_INIT(256);
	struct stat st;
	char path[64], log[80], text[128];

	snprintf(log, sizeof(log), "/tmp/test_fetcher.%ld", (long)getpid());
	snprintf(text, sizeof(text), "printf x >>%s", log);
	script_write(path, text);
	cfg.program = path;
	f.fetcher = fetcher_new(f.base, &cfg, &why);
	assert_non_null(f.fetcher);
	fixture_run_ms(&f, 1000);	/* at 0, 100, 300 and 700 ms */
	assert_int_equal(stat(log, &st), 0);
	assert_in_range(st.st_size, 2, 4);
	fixture_stop(&f);
	unlink(log);
	unlink(path);
}

/* One that reads some and then no more keeps its worker from nothing else. */
static void
test_reads_no_more(void **state)
{
	struct fetcher_config cfg = { 0 };
	struct fixture f = { .base = event_base_new() };
	struct fetch_job job = fixture_job(FETCH_HTTP, 80);
	struct buf why = BUF_INIT(256);
	char path[64], long_path[1000];
	uint64_t start_ns;

	memset(long_path, '/', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	job.path = long_path;
	script_write(path, "for i in 1 2 3; do sleep 0.2; head -c 100000 <&3 >/dev/null; done\n"
	    "exec sleep 5");
	cfg.program = path;
	f.fetcher = fetcher_new(f.base, &cfg, &why);
	assert_non_null(f.fetcher);
	for (unsigned i = 0; i < 2000; i++)
		try_start(&f, &tried, &job);
	start_ns = monotonic_ns();
	fixture_run_ms(&f, 1000);
	assert_in_range(monotonic_ns() - start_ns, 0, 3000000000u);
	assert_int_equal(tried.ends, 0);
	fixture_stop(&f);
	assert_int_equal(tried.ends, 2000);
	unlink(path);
}

static void
test_cannot_start(void **state)
{
	struct fetcher_config cfg = { .program = "/nonexistent/fetcher" };
	struct event_base *base = event_base_new();
	struct buf why = BUF_INIT(256);

	assert_null(fetcher_new(base, &cfg, &why));
	assert_string_equal(why.data, "No such file or directory");
	buf_reset(&why);
	cfg = (struct fetcher_config){ .user = "no-such-user" };
	if (geteuid() == 0) {
		assert_null(fetcher_new(base, &cfg, &why));
		assert_string_equal(why.data, "there is no user no-such-user");
	}
	buf_free(&why);
	event_base_free(base);
}

/* Root's fetcher becomes the user that it is told. */
static void
test_user(void **state)
{
	struct fetcher_config cfg = { .user = "nobody" };
	struct fixture f = { .base = event_base_new() };
	struct buf why = BUF_INIT(256);
	struct web_server server;
	char path[64];
	struct stat st;

	if (geteuid() != 0)
		skip();
	f.fetcher = fetcher_new(f.base, &cfg, &why);
	assert_non_null(f.fetcher);
	web_start(&server, false, answer, NULL);
	try_whole(&f, &tried, &(struct fetch_job){ .kind = FETCH_HTTP, .port = server.port,
	    .address = fixture_job(FETCH_HTTP, 0).address, .authority = "a", .path = "/",
	    .user_agent = "tests", .connect_ms = 5000, .total_ms = 5000 });
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	snprintf(path, sizeof(path), "/proc/%ld/task", (long)fetcher_pid(f.fetcher));
	assert_int_equal(stat(path, &st), 0);
	web_stop(&server);
	fixture_stop(&f);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_stopping),
		cmocka_unit_test(test_orphan),
		cmocka_unit_test(test_liars),
		cmocka_unit_test(test_stray_outcome),
		cmocka_unit_test(test_inherits_nothing),
		cmocka_unit_test(test_back_off),
		cmocka_unit_test(test_reads_no_more),
		cmocka_unit_test(test_cannot_start),
		cmocka_unit_test(test_user),
	};

	if (fetcher_asked(argc, argv))
		return fetcher_main(argc, argv);
	log_init("test_fetcher", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
