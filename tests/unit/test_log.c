/* Log lines: what hostile values become, and lines that are too long or cannot be written. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
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

/* The field that does not fit is left out; what is written is still one whole line. */
static void
test_too_long(void **state)
{
	static char longest[20000], text[40000];
	struct json_object *line;

	memset(longest, 'x', sizeof(longest) - 1);
	log_init("prog", LOG_LEVEL_INFO, true);
	capture_start();
	log_info("long", "first", "1", "second", longest, "third", "3");
	capture_end(text, sizeof(text));
	assert_true(strlen(text) <= LOG_LINE_MAX);
	line = json_tokener_parse(text);
	assert_non_null(json_object_object_get(line, "first"));
	assert_null(json_object_object_get(line, "second"));
	assert_non_null(json_object_object_get(line, "truncated"));
	json_object_put(line);
}

/* A reader that stalls costs lines, not time. */
static void
test_lost(void **state)
{
	static char text[1 << 20];
	char value[4000];
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
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
