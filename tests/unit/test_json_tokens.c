/* json_tokens.h: the same documents, values and faults as json-c's tree (json_reader.h). */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "failing_malloc.h"
#include "json_tokens.h"

struct inner {
	bool set;
	struct json_bool flag;
	struct json_list list;
};

struct outer {
	const char *text;
	struct json_int number;
	int choice;
	struct inner inner;
	const void *raw;
};

static const char *const choices[] = { "red", "green", NULL };

static const struct json_field inner_fields[] = {
	JSON_ROW("flag", BOOL, inner, flag),
	JSON_ROW("list", STRINGS, inner, list, .max = 3),
	{ .key = NULL }
};

static const struct json_field outer_fields[] = {
	JSON_ROW("text", STRING, outer, text, .required = true, .max = 64),
	JSON_ROW("number", INT, outer, number, .min = INT64_MIN, .max = INT64_MAX),
	JSON_ROW("choice", ENUM, outer, choice, .names = choices),
	JSON_ROW("inner", OBJECT, outer, inner, .fields = inner_fields),
	JSON_ROW("raw", RAW, outer, raw),
	{ .key = NULL }
};

/* Read by both readers; what each makes of it must be the same. */
static const char *const documents[] = {
	"", " ", "null", "1", "[]", "{}", "{", "{}x", "{\"text\":\"a\"", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
	"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[[[[[[[[[", "{\"text\":\"a\",}", "[1,]",
	"{'text':\"a\"}", "{\"text\":NaN}", "{\"text\":\"\n\"}", "{\"text\":\"\xff\"}",
	"{\"text\":\"a\"}", " { \"text\" : \"a\" } ", "{\"text\":\"\"}", "{\"text\":null}", "{\"text\":1}",
	"{\"te\\u0078t\":\"a\"}", "{\"text\":\"a\",\"unknown\":[1,{\"text\":2}],\"raw\":{}}",
	/* escapes */
	"{\"text\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "{\"text\":\"\\u00e9\\u20AC\\u007f\"}",
	"{\"text\":\"x\\ud83d\\ude00y\"}", "{\"text\":\"\\ud83d\"}", "{\"text\":\"\\ud83dx\"}",
	"{\"text\":\"\\ud83d\\n\"}", "{\"text\":\"\\ud83d\\u0041\"}", "{\"text\":\"\\ude00\\ud83d\"}",
	"{\"text\":\"\\ud83d\\ud83d\\ude00\"}", "{\"text\":\"a\\u0000b\"}", "{\"text\":\"\xc3\xa9\"}",
	/* names more than once */
	"{\"text\":\"a\",\"text\":\"a\"}", "{\"text\":\"a\",\"te\\u0078t\":\"a\"}",
	"{\"text\":\"a\",\"x\":{\"y\":1,\"y\":2}}", "{\"text\":\"a\",\"x\":[{\"y\":1},{\"y\":2}]}",
	"{\"text\":\"a\",\"\":1,\"\":2}", "{\"text\":\"a\",\"\":1}",
	/* numbers */
	"{\"text\":\"a\",\"number\":0}", "{\"text\":\"a\",\"number\":-0}", "{\"text\":\"a\",\"number\":-3}",
	"{\"text\":\"a\",\"number\":9223372036854775807}", "{\"text\":\"a\",\"number\":-9223372036854775808}",
	"{\"text\":\"a\",\"number\":9223372036854775808}", "{\"text\":\"a\",\"number\":99999999999999999999}",
	"{\"text\":\"a\",\"number\":-99999999999999999999}", "{\"text\":\"a\",\"number\":1.0}",
	"{\"text\":\"a\",\"number\":1e2}", "{\"text\":\"a\",\"number\":01}", "{\"text\":\"a\",\"number\":true}",
	/* the other types */
	"{\"text\":\"a\",\"choice\":\"green\"}", "{\"text\":\"a\",\"choice\":\"Red\"}",
	"{\"text\":\"a\",\"choice\":{}}", "{\"text\":\"a\",\"inner\":null}", "{\"text\":\"a\",\"inner\":[]}",
	"{\"text\":\"a\",\"inner\":{\"flag\":false,\"list\":[\"x\",\"y\"]}}",
	"{\"text\":\"a\",\"inner\":{\"flag\":1,\"list\":{}}}",
	"{\"text\":\"a\",\"inner\":{\"list\":[1,\"a\",null,2.5]}}", "{\"text\":\"a\",\"inner\":{\"list\":[1,\"a\",null]}}",
	"{\"text\":\"a\",\"inner\":{\"list\":[]}}", "{\"text\":\"a\",\"raw\":null}", "{\"text\":\"a\",\"raw\":0}",
};

static void
assert_same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_string_equal(a, b);
}

static void
assert_same_values(const struct outer *a, const struct outer *b)
{
	assert_same_text(a->text, b->text);
	assert_int_equal(a->number.set, b->number.set);
	assert_int_equal(a->number.value, b->number.value);
	assert_int_equal(a->choice, b->choice);
	assert_int_equal(a->inner.set, b->inner.set);
	assert_int_equal(a->inner.flag.set, b->inner.flag.set);
	assert_int_equal(a->inner.flag.value, b->inner.flag.value);
	assert_int_equal(a->inner.list.set, b->inner.list.set);
	assert_int_equal(a->inner.list.count, b->inner.list.count);
	for (size_t i = 0; i < a->inner.list.count; i++)
		assert_same_text(a->inner.list.items[i], b->inner.list.items[i]);
	assert_int_equal(a->raw == NULL, b->raw == NULL);
}

static void
assert_same_faults(const struct json_faults *a, const struct json_faults *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_string_equal(a->list[i].path, b->list[i].path);
		assert_string_equal(a->list[i].issue, b->list[i].issue);
		assert_string_equal(a->list[i].message, b->list[i].message);
	}
}

static void
test_same(void **state)
{
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		const char *text = documents[i];
		struct json_faults by_tree, by_tokens;
		struct outer in_tree = { .choice = -1 }, in_tokens = { .choice = -1 };
		struct json_object *tree;
		struct json_tokens *tokens;

		json_faults_init(&by_tree);
		json_faults_init(&by_tokens);
		tree = json_document_parse(text, strlen(text), &by_tree);
		tokens = json_tokens_parse(text, strlen(text), &by_tokens);
		if ((tree == NULL) != (tokens == NULL))
			fail_msg("%s: %s by tokens", text, tokens != NULL ? "taken" : "refused");
		if (tree != NULL) {
			(void)json_read(tree, outer_fields, &in_tree, "", &by_tree);
			(void)json_tokens_read(tokens, json_tokens_top(tokens), outer_fields,
			    &in_tokens, "", &by_tokens);
		}
		assert_same_faults(&by_tree, &by_tokens);
		assert_same_values(&in_tree, &in_tokens);
		json_tokens_free(tokens);
		json_object_put(tree);
	}
}

static void
test_list(void **state)
{
	static const char text[] = "[[1,[2]],\"a\\nb\",{\"x\":[3]},\"\"]";
	const struct json_token *list, *item = NULL;
	struct json_faults faults;
	struct json_tokens *d;

	json_faults_init(&faults);
	d = json_tokens_parse(text, strlen(text), &faults);
	list = json_tokens_top(d);
	assert_int_equal(json_tokens_items(d, list), 4);
	item = json_tokens_item(d, list, item);
	assert_int_equal(json_tokens_items(d, item), 2);
	assert_null(json_tokens_string(d, item));
	item = json_tokens_item(d, list, item);
	assert_string_equal(json_tokens_string(d, item), "a\nb");
	assert_int_equal(item->len, 3);
	item = json_tokens_item(d, list, item);
	assert_int_equal(json_tokens_items(d, item), 0);
	item = json_tokens_item(d, list, item);
	assert_string_equal(json_tokens_string(d, item), "");
	assert_int_equal(json_tokens_items(d, NULL), 0);
	json_tokens_free(d);
}

/* Tighter than json-c: what evidence never has. */
static void
test_names(void **state)
{
	char text[2048];

	for (size_t count = JSON_MEMBERS_MAX; count <= JSON_MEMBERS_MAX + 1; count++) {
		struct json_faults faults;
		struct json_tokens *d;
		size_t n = 1;

		json_faults_init(&faults);
		text[0] = '{';
		for (size_t i = 0; i < count; i++)
			n += (size_t)sprintf(text + n, "%s\"n%zu\":%zu", i > 0 ? "," : "", i, i);
		text[n++] = '}';
		d = json_tokens_parse(text, n, &faults);
		assert_int_equal(d != NULL, count == JSON_MEMBERS_MAX);
		assert_int_equal(faults.count, d == NULL);
		json_tokens_free(d);
	}
}

static void
test_nul_in_name(void **state)
{
	static const char text[] = "{\"text\":\"a\",\"x\\u0000y\":1}";
	struct json_faults faults;

	json_faults_init(&faults);
	assert_null(json_tokens_parse(text, strlen(text), &faults));
	assert_non_null(strstr(faults.list[0].message, "holds NUL"));
}

static void
test_no_memory(void **state)
{
	struct json_faults faults;

	json_faults_init(&faults);
	failing_malloc_after(0);
	assert_null(json_tokens_parse("{}", 2, &faults));
	failing_malloc_after(-1);
	assert_int_equal(faults.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nul_in_name),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
