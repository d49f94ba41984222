/* Log lines: what hostile values become, and lines that are too long or cannot be written. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <json.h>

#include "log.h"
#include "log_journal.h"

static int saved, ends[2];

static void
capture_start(void)
{
	saved = dup(STDERR_FILENO);
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
}

static void
capture_end(char *text, size_t size)
{
	ssize_t n = read(ends[0], text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

static void
test_text(void **state)
{
	char text[4096], *line;

	log_init("prog", LOG_LEVEL_INFO, false);
	capture_start();
	log_info("hello", "plain", "a-b:1", "empty", "", "hostile", "x\n2026 \"=\x1b\xff");
	log_debug("not shown");
	capture_end(text, sizeof(text));
	assert_int_equal(text[26], 'Z');
	line = strchr(text, ' ');
	assert_memory_equal(line, " info prog[", 11);
	line = strstr(line, "]: ");
	assert_string_equal(line, "]: hello plain=a-b:1 empty=\"\" "
	    "hostile=\"x\\u000a2026 \\\"=\\u001b\xef\xbf\xbd\"\n");
}

static void
test_json(void **state)
{
	char text[4096];
	struct json_object *line;

	log_init("prog", LOG_LEVEL_INFO, true);
	capture_start();
	log_write(LOG_LEVEL_ERROR, "no", "key", "a\r\n\"\\", NULL);
	capture_end(text, sizeof(text));
	line = json_tokener_parse(text);
	assert_non_null(line);
	assert_string_equal(json_object_get_string(json_object_object_get(line, "key")),
	    "a\r\n\"\\");
	assert_string_equal(json_object_get_string(json_object_object_get(line, "level")), "error");
	json_object_put(line);
}

static const char *
member(struct json_object *line, const char *key)
{
	return json_object_get_string(json_object_object_get(line, key));
}

/* The value that does not fit is cut; what is written is still one whole line. */
static void
test_too_long(void **state)
{
	static char longest[20000], text[40000], cut[LOG_CUT_MAX + 4];
	struct json_object *line;

	memset(longest, 'x', sizeof(longest) - 1);
	memset(cut, 'x', LOG_CUT_MAX);
	strcpy(cut + LOG_CUT_MAX, "...");
	log_init("prog", LOG_LEVEL_INFO, true);
	capture_start();
	log_info("long", "first", "1", "second", longest, "third", "3");
	capture_end(text, sizeof(text));
	assert_true(strlen(text) <= LOG_LINE_MAX);
	line = json_tokener_parse(text);
	assert_string_equal(member(line, "first"), "1");
	assert_string_equal(member(line, "second"), cut);
	assert_string_equal(member(line, "third"), "3");
	assert_string_equal(member(line, "truncated"), "true");
	json_object_put(line);
}

/* Nor is there room for all that was cut: fields are left out, the mark is not. */
static void
test_far_too_long(void **state)
{
	static char longest[4000], text[40000];
	struct json_object *line;

	memset(longest, '\1', sizeof(longest) - 1);
	log_init("prog", LOG_LEVEL_INFO, true);
	capture_start();
	log_info("long", "a", longest, "b", longest, "c", longest, "d", longest, "e", "5");
	capture_end(text, sizeof(text));
	assert_true(strlen(text) <= LOG_LINE_MAX);
	line = json_tokener_parse(text);
	assert_non_null(member(line, "b"));
	assert_null(member(line, "d"));
	assert_string_equal(member(line, "e"), "5");
	assert_string_equal(member(line, "truncated"), "true");
	json_object_put(line);
}

/* Some lines of a worker's, all the same letter and too long. */
static void
write_lines(char letter)
{
	char value[2 * LOG_LINE_MAX];

	for (size_t len = LOG_LINE_MAX - 200; len < LOG_LINE_MAX - 80; len++) {
		memset(value, letter, len);
		value[len] = '\0';
		log_info("line", "value", value);
	}
	_exit(0);
}

/* Whether the value of a line is one letter throughout, and its end is its own. */
static bool
unmixed(const char *line)
{
	const char *value = strstr(line, "]: line value=");
	size_t letters, rest;

	if (value == NULL || strstr(value + 1, "]: ") != NULL)
		return false;
	value += strlen("]: line value=");
	letters = strspn(value, (char[]){ *value, '\0' });
	rest = strlen(value) - letters;
	return rest == 0 || strcmp(value + letters, "... truncated=true") == 0;
}

/* Workers share a pipe: no line ends within another's. */
static void
test_shared(void **state)
{
	static char line[4 * LOG_LINE_MAX];
	size_t lines = 0;
	FILE *pipe;

	log_init("prog", LOG_LEVEL_INFO, false);
	saved = dup(STDERR_FILENO);
	assert_int_equal(pipe2(ends, 0), 0);
	dup2(ends[1], STDERR_FILENO);
	for (char letter = 'a'; letter < 'e'; letter++)
		if (fork() == 0)
			write_lines(letter);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	pipe = fdopen(ends[0], "r");
	while (fgets(line, sizeof(line), pipe) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, "]: log lines lost count=") != NULL)
			continue;
		if (!unmixed(line))
			fail_msg("mixed with another: %s", line);
		lines++;
		usleep(200);	/* so that the pipe fills */
	}
	fclose(pipe);
	while (wait(NULL) > 0)
		;
	assert_true(lines > 4);
}

/* A reader that stalls costs lines, not time. */
static void
test_lost(void **state)
{
	static char text[1 << 20];
	char value[3900];
	size_t lines = 0;

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_init("prog", LOG_LEVEL_INFO, false);
	capture_start();
	for (int i = 0; i < 100; i++)
		log_info("filling", "value", value);
	while (read(ends[0], text, 65536) > 0)
		lines++;
	log_info("after");
	capture_end(text, sizeof(text));
	assert_true(lines > 0);
	assert_non_null(strstr(text, "warning prog["));
	assert_non_null(strstr(text, "log lines lost count="));
	assert_non_null(strstr(text, "after\n"));
}

/* ---- the journal ---- */

static char journal_path[64];

static int
journal(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(journal_path, sizeof(journal_path), "/tmp/test_log.%ld", (long)getpid());
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", journal_path);
	unlink(journal_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

static void
journal_end(int fd)
{
	close(fd);
	unlink(journal_path);
	assert_true(log_to_journal(NULL));
}

/* The value of a field of the entry that comes next from `*entry`; NULL: it has none. */
static const char *
journal_field(const char *entry, size_t len, const char *name)
{
	static char value[LOG_ENTRY_MAX];
	const char *end = entry + len, *at, *equals;
	size_t value_len;

	for (at = entry; at < end; at += value_len + 1) {
		size_t name_len = strcspn(at, "=\n");

		equals = at + name_len;
		if (*equals == '=') {
			value_len = strcspn(equals + 1, "\n");
			equals++;
		} else {
			uint64_t le;

			memcpy(&le, equals + 1, 8);
			value_len = le64toh(le);
			equals += 9;
		}
		assert_true(equals + value_len < end && equals[value_len] == '\n');
		snprintf(value, sizeof(value), "%.*s", (int)value_len, equals);
		if (strlen(name) == name_len && memcmp(at, name, name_len) == 0)
			return value;
		at = equals;
	}
	return NULL;
}

#define assert_journal(name, expected) \
	assert_string_equal(journal_field(entry, (size_t)len, name), expected)

static void
test_journal(void **state)
{
	static char entry[LOG_ENTRY_MAX + 1], longest[20000];
	int fd = journal();
	ssize_t len;

	memset(longest, 'x', sizeof(longest) - 1);
	log_init("prog", LOG_LEVEL_INFO, true);
	assert_true(log_to_journal(journal_path));
	log_write(LOG_LEVEL_ERROR, "it happened", "trace_id", "0af7", "what-ever", "a\nMESSAGE=b",
	    "empty", "", NULL);
	len = recv(fd, entry, sizeof(entry) - 1, 0);
	assert_journal("PRIORITY", "3");
	assert_journal("SYSLOG_IDENTIFIER", "prog");
	assert_journal("MPIC_TRACE_ID", "0af7");
	assert_journal("MPIC_WHAT_EVER", "a\nMESSAGE=b");
	assert_journal("MPIC_EMPTY", "");
	assert_journal("MESSAGE", "it happened trace_id=0af7 what-ever=\"a\\u000aMESSAGE=b\" "
	    "empty=\"\"");
	log_info("long", "value", longest, "after", "1");
	len = recv(fd, entry, sizeof(entry) - 1, 0);
	assert_journal("PRIORITY", "6");
	assert_journal("MPIC_VALUE", longest);
	assert_journal("MPIC_AFTER", "1");
	assert_true(strlen(journal_field(entry, (size_t)len, "MESSAGE")) <= LOG_LINE_MAX);
	log_debug("not shown");
	log_notice("shown");
	len = recv(fd, entry, sizeof(entry) - 1, 0);
	assert_journal("MESSAGE", "shown");
	journal_end(fd);
}

/* A journal that does not read costs entries, not time; one that comes back goes on. */
static void
test_journal_lost(void **state)
{
	static char entry[LOG_ENTRY_MAX + 1];
	int fd = journal(), taken = 0;
	ssize_t len = 0;

	log_init("prog", LOG_LEVEL_INFO, false);
	assert_true(log_to_journal(journal_path));
	for (int i = 0; i < 5000; i++)
		log_info("filling");
	while (recv(fd, entry, sizeof(entry) - 1, MSG_DONTWAIT) > 0)
		taken++;
	assert_in_range(taken, 1, 4999);
	log_info("after");
	len = recv(fd, entry, sizeof(entry) - 1, 0);
	assert_journal("PRIORITY", "4");
	assert_int_equal(atoi(journal_field(entry, (size_t)len, "MPIC_COUNT")), 5000 - taken);
	len = recv(fd, entry, sizeof(entry) - 1, 0);
	assert_journal("MESSAGE", "after");
	close(fd);
	log_info("to nobody");
	fd = journal();
	log_info("to another");
	len = recv(fd, entry, sizeof(entry) - 1, 0);
	assert_journal("MPIC_COUNT", "1");
	len = recv(fd, entry, sizeof(entry) - 1, 0);
	assert_journal("MESSAGE", "to another");
	journal_end(fd);
}

static void
test_no_journal(void **state)
{
	char text[4096];

	log_init("prog", LOG_LEVEL_INFO, false);
	assert_false(log_to_journal("/nonexistent/socket"));
	assert_int_equal(errno, ENOENT);
	capture_start();
	log_info("hello");
	capture_end(text, sizeof(text));
	assert_non_null(strstr(text, "hello\n"));
}

static void
test_levels(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;

	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_false(log_level_parse("Debug", &level));
	assert_false(log_level_parse("", &level));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_far_too_long),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_journal_lost),
		cmocka_unit_test(test_no_journal),
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
