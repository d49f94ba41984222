/* Log lines: what hostile values become, and lines that are too long or cannot be written. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <json.h>

#include "log.h"

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
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
