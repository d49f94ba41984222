/* W3C Trace Context: what is taken from a caller, what becomes of the rest, what is passed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static const struct {
	const char *text;
	const char *id;		/* NULL: refused */
	const char *again;	/* as it is passed on */
} rows[] = {
	{ "00-" ID "-" SPAN "-01", ID, "00-" ID "-" SPAN "-01" },
	{ "00-" ID "-" SPAN "-00", ID, "00-" ID "-" SPAN "-00" },
	{ "00-" ID "-" SPAN "-ff", ID, "00-" ID "-" SPAN "-01" },
	{ "00-" ID "-" SPAN "-fe", ID, "00-" ID "-" SPAN "-00" },
	/* a later version may say more, which is not passed on */
	{ "01-" ID "-" SPAN "-01", ID, "00-" ID "-" SPAN "-01" },
	{ "cc-" ID "-" SPAN "-01-more.to=come", ID, "00-" ID "-" SPAN "-01" },
	{ "fe-" ID "-" SPAN "-01-", ID, "00-" ID "-" SPAN "-01" },
	{ "cc-" ID "-" SPAN "-01.more", NULL, NULL },
	{ "cc-" ID "-" SPAN "-011", NULL, NULL },
	{ "ff-" ID "-" SPAN "-01", NULL, NULL },
	/* this version may not */
	{ "00-" ID "-" SPAN "-01-", NULL, NULL },
	{ "00-" ID "-" SPAN "-01-more", NULL, NULL },
	{ "00-" ID "-" SPAN "-011", NULL, NULL },
	{ "00-" ID "-" SPAN "-1", NULL, NULL },
	{ "00-" ID "-" SPAN "-", NULL, NULL },
	{ "00-" ID "-" SPAN, NULL, NULL },
	{ "00-" ID "-", NULL, NULL },
	{ "00-" ID, NULL, NULL },
	{ "00-", NULL, NULL },
	{ "0", NULL, NULL },
	{ "", NULL, NULL },
	{ " 00-" ID "-" SPAN "-01", NULL, NULL },
	{ "00-" ID "-" SPAN "-01 ", NULL, NULL },
	{ "00_" ID "-" SPAN "-01", NULL, NULL },
	{ "00-" ID "_" SPAN "-01", NULL, NULL },
	{ "00-" ID "-" SPAN "_01", NULL, NULL },
	{ "0G-" ID "-" SPAN "-01", NULL, NULL },
	{ "00-" ID "-" SPAN "-0.", NULL, NULL },
	/* upper case, and identifiers that are none */
	{ "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", NULL, NULL },
	{ "00-" ID "-B7AD6B7169203331-01", NULL, NULL },
	{ "00-00000000000000000000000000000000-" SPAN "-01", NULL, NULL },
	{ "00-" ID "-0000000000000000-01", NULL, NULL },
};

static void
test_traceparent(void **state)
{
	char id[TRACE_ID_TEXT], again[TRACEPARENT_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trace t = { .flags = 0xff };
		bool taken = trace_parse(&t, rows[i].text);

		trace_id_text(&t, id);
		trace_text(&t, again);
		if (taken != (rows[i].id != NULL) || trace_exists(&t) != taken ||
		    strcmp(id, taken ? rows[i].id : "") != 0 ||
		    strcmp(again, taken ? rows[i].again : "") != 0)
			fail_msg("row %zu, \"%s\": \"%s\"", i, rows[i].text, again);
	}
}

/* Every child has a span of its own; the text has it. */
static void
test_children(void **state)
{
	struct random_pool random = { .left = 0 };
	uint8_t spans[100][TRACE_SPAN];
	struct trace t;
	char span[TRACE_SPAN_TEXT], text[TRACEPARENT_TEXT];

	assert_true(trace_parse(&t, "00-" ID "-" SPAN "-00"));
	trace_span_text(&t, span);
	assert_string_equal(span, SPAN);
	for (size_t i = 0; i < 100; i++) {
		trace_span(spans[i], &random);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(spans[i], spans[k], TRACE_SPAN);
		memcpy(t.span, spans[i], TRACE_SPAN);
		trace_text(&t, text);
		trace_span_text(&t, span);
		assert_memory_equal(text, "00-" ID "-", 36);
		assert_memory_equal(text + 36, span, 16);
		assert_string_equal(text + 52, "-00");
	}
}

static void
test_new(void **state)
{
	struct random_pool random = { .left = 0 };
	struct trace a, b, read;
	char text[TRACEPARENT_TEXT];

	assert_true(trace_draw(&a, &random));
	assert_true(trace_draw(&b, &random));
	assert_memory_not_equal(a.id, b.id, sizeof(a.id));
	assert_int_equal(a.flags, TRACE_SAMPLED);
	trace_text(&a, text);
	assert_true(trace_parse(&read, text));
	assert_memory_equal(&read, &a, sizeof(a));
}

/* Without a trace nothing is sent, and none is made up on the way. */
static void
test_none(void **state)
{
	struct trace t = { .flags = 1 };
	char text[TRACEPARENT_TEXT];

	trace_text(&t, text);
	assert_string_equal(text, "");
	assert_false(trace_draw(&t, NULL));
	assert_false(trace_exists(&t));
	assert_true(trace_parse(&t, "00-" ID "-" SPAN "-00"));
	trace_span(t.span, NULL);
	trace_text(&t, text);
	assert_string_equal(text, "");
}

static const struct {
	const char *fields[3];
	const char *passed_on;	/* NULL: malformed */
} states[] = {
	{ { "congo=t61rcWkgMzE" }, "congo=t61rcWkgMzE" },
	{ { "a=1,b=2" }, "a=1,b=2" },
	{ { " a=1 \t,, b=2\t," }, "a=1,b=2" },
	{ { "a=1", "b=2", "c=3" }, "a=1,b=2,c=3" },
	{ { "" }, "" },
	{ { ", ," }, "" },
	{ { "1a-_*/@b= x;y:z" }, "1a-_*/@b= x;y:z" },
	{ { "a" }, NULL },
	{ { "a=" }, NULL },
	{ { "=1" }, NULL },
	{ { "a=1=2" }, NULL },
	{ { "A=1" }, NULL },
	{ { "_a=1" }, NULL },
	{ { "a b=1" }, NULL },
	{ { "a=\x01" }, NULL },
	{ { "a=\xc3\xa4" }, NULL },
	{ { "a=1\r\nx: y" }, NULL },
	{ { "a=1", "b" }, NULL },
};

static void
test_tracestate(void **state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct buf out = BUF_INIT(TRACESTATE_MAX);
		bool ok = true;

		for (size_t k = 0; k < 3 && states[i].fields[k] != NULL; k++)
			ok = tracestate_add(&out, states[i].fields[k]) && ok;
		if (ok != (states[i].passed_on != NULL))
			fail_msg("row %zu: %s", i, states[i].fields[0]);
		if (ok)
			assert_string_equal(out.data != NULL ? out.data : "", states[i].passed_on);
		buf_free(&out);
	}
}

/* The newest come first; what is too much is left out, member by member. */
static void
test_tracestate_caps(void **state)
{
	struct buf out = BUF_INIT(TRACESTATE_MAX), field = BUF_INIT(65536);

	for (int i = 0; i < 40; i++)
		buf_addf(&field, "%sk%d=1", i > 0 ? "," : "", i);
	assert_true(tracestate_add(&out, field.data));
	assert_non_null(strstr(out.data, "k31=1"));
	assert_null(strstr(out.data, "k32=1"));
	buf_reset(&out);
	buf_reset(&field);
	for (int i = 0; i < 4; i++)
		buf_addf(&field, "%sk%d=%0200d", i > 0 ? "," : "", i, 7);
	buf_adds(&field, ",last=1");
	assert_true(tracestate_add(&out, field.data));
	assert_true(out.len <= TRACESTATE_MAX);
	assert_non_null(strstr(out.data, "k1="));
	assert_null(strstr(out.data, "k2="));
	assert_non_null(strstr(out.data, ",last=1"));
	buf_reset(&field);
	buf_addf(&field, "k=%0257d", 7);
	assert_false(tracestate_add(&out, field.data));
	buf_free(&out);
	buf_free(&field);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traceparent),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_tracestate),
		cmocka_unit_test(test_tracestate_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
