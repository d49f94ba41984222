/* json_reader.h and json_scan.h: every fault is named, nothing malformed passes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "json_reader.h"
#include "json_scan.h"

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
	struct json_object *raw;
};

static const char *const choices[] = { "red", "green", NULL };

static const struct json_field inner_fields[] = {
	JSON_ROW("flag", BOOL, inner, flag),
	JSON_ROW("list", STRINGS, inner, list, .max = 3),
	{ .key = NULL }
};

static const struct json_field outer_fields[] = {
	JSON_ROW("text", STRING, outer, text, .required = true, .min = 1, .max = 8),
	JSON_ROW("number", INT, outer, number, .min = -5, .max = 5),
	JSON_ROW("choice", ENUM, outer, choice, .names = choices),
	JSON_ROW("inner", OBJECT, outer, inner, .fields = inner_fields),
	JSON_ROW("raw", RAW, outer, raw),
	{ .key = NULL }
};

/* Documents, whether they are well-formed, and where the member "e" stands. */
static const struct {
	const char *text;
	bool good;
	const char *e;		/* NULL: no such member */
} documents[] = {
	{ "{}", true, NULL },
	{ " { } ", true, NULL },
	{ "{\"e\":1}", true, "1" },
	{ "{\"a\":{\"e\":1},\"e\" : [ 1, {\"e\":2} ] }", true, "[ 1, {\"e\":2} ]" },
	{ "{\"e\":\"\\\"}\"}", true, "\"\\\"}\"" },
	{ "{\"e\":-0.5e+10,\"x\":null}", true, "-0.5e+10" },
	{ "[1,2]", true, NULL },
	{ "{\"e\":\"\xc3\xa9\xf0\x9f\x98\x80\"}", true, "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
	{ "{\"a\":\"\\u00e9\\n\"}", true, NULL },
	{ "", false, NULL },
	{ "{", false, NULL },
	{ "{\"e\":1", false, NULL },
	{ "{\"e\":1}x", false, NULL },
	{ "{\"e\":1}{}", false, NULL },
	{ "{\"e\":1,}", false, NULL },
	{ "[1,]", false, NULL },
	{ "{e:1}", false, NULL },
	{ "{'e':1}", false, NULL },
	{ "{\"e\":01}", false, NULL },
	{ "{\"e\":1.}", false, NULL },
	{ "{\"e\":.5}", false, NULL },
	{ "{\"e\":1e}", false, NULL },
	{ "{\"e\":+1}", false, NULL },
	{ "{\"e\":-}", false, NULL },
	{ "{\"e\":NaN}", false, NULL },
	{ "{\"e\":Infinity}", false, NULL },
	{ "{\"e\":-Infinity}", false, NULL },
	{ "{\"e\":tru}", false, NULL },
	{ "{\"e\":True}", false, NULL },
	{ "{\"e\":\"\n\"}", false, NULL },
	{ "{\"e\":\"\\x\"}", false, NULL },
	{ "{\"e\":\"\\u12\"}", false, NULL },
	{ "{\"e\":\"\xc0\xaf\"}", false, NULL },
	{ "{\"e\":\"\xed\xa0\x80\"}", false, NULL },
	{ "{\"e\":\"\xff\"}", false, NULL },
	{ "/* c */{}", false, NULL },
	{ "{\"e\":1} // c", false, NULL },
};

static void
test_scan(void **state)
{
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct json_scanned scanned;
		const struct json_span *e = &scanned.value;
		bool good = json_scan(documents[i].text, strlen(documents[i].text), "e",
		    &scanned);

		if (good != documents[i].good)
			fail_msg("%s: %d", documents[i].text, good);
		if (!good || documents[i].e == NULL) {
			assert_true(!good || e->text == NULL);
			continue;
		}
		assert_int_equal(e->len, strlen(documents[i].e));
		assert_memory_equal(e->text, documents[i].e, e->len);
	}
}

/* Whatever the parser takes, the scanner must call well-formed: it is spliced. */
static void
test_document(void **state)
{
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct json_faults faults;
		struct json_object *o;

		json_faults_init(&faults);
		o = json_document_parse(documents[i].text, strlen(documents[i].text), &faults);
		if ((o != NULL) != documents[i].good)
			fail_msg("%s: %s", documents[i].text, o != NULL ? "taken" :
			    faults.list[0].message);
		if (o == NULL) {
			assert_int_equal(faults.count, 1);
			assert_string_equal(faults.list[0].issue, "json_invalid");
		}
		json_object_put(o);
	}
}

static void
document_refused(const char *text, size_t len)
{
	struct json_faults faults;

	json_faults_init(&faults);
	assert_null(json_document_parse(text, len, &faults));
	assert_int_equal(faults.count, 1);
}

static void
test_document_edges(void **state)
{
	char deep[200];

	document_refused("{\"a\":1,\"a\":2}", 13);
	document_refused("{\"x\":{\"a\":1,\"a\":2}}", 19);
	document_refused("{\"a\\u0000b\":1,\"a\\u0000c\":2}", 27);
	document_refused("{}\0", 3);
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	document_refused(deep, 200);
}

/* A document and every fault in it, "path issue" joined by commas. */
static const struct {
	const char *text, *faults;
} faulty[] = {
	{ "{\"text\":\"a\"}", "" },
	{ "{\"text\":\"a\",\"unknown\":[1],\"raw\":{}}", "" },
	{ "{\"text\":\"a\",\"number\":null,\"inner\":null,\"choice\":null}", "" },
	{ "{}", "text missing" },
	{ "{\"text\":null}", "text missing" },
	{ "[]", " model_attributes_type" },
	{ "{\"text\":1}", "text string_type" },
	{ "{\"text\":\"\"}", "text string_too_short" },
	{ "{\"text\":\"123456789\"}", "text string_too_long" },
	{ "{\"text\":\"a\\u0000b\"}", "text string_nul" },
	{ "{\"text\":\"a\",\"number\":6}", "number less_than_equal" },
	{ "{\"text\":\"a\",\"number\":-6}", "number greater_than_equal" },
	{ "{\"text\":\"a\",\"number\":99999999999999999999}", "number less_than_equal" },
	{ "{\"text\":\"a\",\"number\":1.0}", "number int_type" },
	{ "{\"text\":\"a\",\"number\":\"1\"}", "number int_type" },
	{ "{\"text\":\"a\",\"number\":true}", "number int_type" },
	{ "{\"text\":\"a\",\"choice\":\"blue\"}", "choice enum" },
	{ "{\"text\":\"a\",\"choice\":\"Red\"}", "choice enum" },
	{ "{\"text\":\"a\",\"choice\":\"red\\u0000\"}", "choice enum" },
	{ "{\"text\":\"a\",\"choice\":1}", "choice enum" },
	{ "{\"text\":\"a\",\"inner\":[]}", "inner model_attributes_type" },
	{ "{\"text\":\"a\",\"inner\":{\"flag\":1}}", "inner.flag bool_type" },
	{ "{\"text\":\"a\",\"inner\":{\"flag\":\"true\"}}", "inner.flag bool_type" },
	{ "{\"text\":\"a\",\"inner\":{\"list\":\"a\"}}", "inner.list list_type" },
	{ "{\"text\":\"a\",\"inner\":{\"list\":[1,\"a\",null]}}",
	    "inner.list.0 string_type,inner.list.2 string_type" },
	{ "{\"text\":\"a\",\"inner\":{\"list\":[\"\"]}}", "inner.list.0 string_too_short" },
	{ "{\"text\":\"a\",\"inner\":{\"list\":[\"a\",\"b\",\"c\",\"d\"]}}", "inner.list too_long" },
	{ "{\"number\":7,\"inner\":{\"flag\":0,\"list\":{}}}", "text missing,"
	    "number less_than_equal,inner.flag bool_type,inner.list list_type" },
};

static void
test_faults(void **state)
{
	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		struct buf got = BUF_INIT(1000);
		struct json_faults faults;
		struct outer o = { 0 };
		struct json_object *doc;
		bool ok;

		json_faults_init(&faults);
		doc = json_document_parse(faulty[i].text, strlen(faulty[i].text), &faults);
		assert_non_null(doc);
		ok = json_read(doc, outer_fields, &o, "", &faults);
		assert_int_equal(ok, faults.count == 0);
		for (size_t k = 0; k < faults.count; k++)
			buf_addf(&got, "%s%s %s", k > 0 ? "," : "", faults.list[k].path,
			    faults.list[k].issue);
		assert_string_equal(got.data != NULL ? got.data : "", faulty[i].faults);
		buf_free(&got);
		json_object_put(doc);
	}
}

static void
test_values(void **state)
{
	static const char text[] = "{\"text\":\"abc\",\"number\":-3,\"choice\":\"green\","
	    "\"inner\":{\"flag\":false,\"list\":[\"x\",\"y\"]},\"raw\":[1]}";
	struct json_faults faults;
	struct outer o = { 0 };
	struct json_object *doc;

	json_faults_init(&faults);
	doc = json_document_parse(text, strlen(text), &faults);
	assert_true(json_read(doc, outer_fields, &o, "", &faults));
	assert_string_equal(o.text, "abc");
	assert_true(o.number.set);
	assert_int_equal(o.number.value, -3);
	assert_int_equal(o.choice, 1);
	assert_true(o.inner.set && o.inner.flag.set && !o.inner.flag.value);
	assert_int_equal(o.inner.list.count, 2);
	assert_string_equal(o.inner.list.items[1], "y");
	assert_true(json_object_is_type(o.raw, json_type_array));
	json_object_put(doc);
}

static void
test_encode(void **state)
{
	struct buf out = BUF_INIT(64 * 1024);
	struct json_faults faults;

	json_faults_init(&faults);
	json_fault_add(&faults, "a.b.0", "k", "say \"%d\"", 1);
	json_faults_encode(&faults, "bad", &out);
	assert_string_equal(out.data, "{\"error\":\"bad\",\"validation_issues\":["
	    "{\"issue_type\":\"k\",\"message\":\"say \\\"1\\\"\",\"type\":\"k\","
	    "\"loc\":[\"body\",\"a\",\"b\",0],\"msg\":\"say \\\"1\\\"\"}]}");
	/* A name that the document chose: digits, but no number in JSON. */
	json_faults_init(&faults);
	json_fault_add(&faults, "h.x.007", "k", "m");
	buf_reset(&out);
	json_faults_encode(&faults, "bad", &out);
	assert_non_null(strstr(out.data, "\"loc\":[\"body\",\"h\",\"x\",\"007\"]"));
	json_faults_init(&faults);
	for (int i = 0; i < 2 * JSON_FAULTS_MAX; i++)
		json_fault_add(&faults, "", "k", "m");
	assert_int_equal(faults.count, JSON_FAULTS_MAX);
	assert_true(faults.more);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_document_edges),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
