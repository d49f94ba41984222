/*
 * Evidence from any JSON: taken whole, or an error with a reason. Its reader's
 * tokens against json-c's tree: what they take it takes, with the same values.
 */
#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "evidence.h"
#include "fuzz.h"

#define NONCE	0x1122334455667788ULL

static void
check_lookup(const struct evidence *e, const struct evidence_lookup *l, size_t len)
{
	const uint8_t *end = e->rdata + len;

	REQUIRE(l->name != NULL && l->outcome >= EVIDENCE_ANSWER && l->outcome <= EVIDENCE_ABANDONED);
	if (l->outcome == EVIDENCE_ABANDONED) {
		REQUIRE(e->truncated || (e->found != NULL && l > e->found));
		return;
	}
	REQUIRE(l->rcode != NULL && l->dnssec != CHECK_DNSSEC_UNKNOWN);
	REQUIRE(l->record_count <= EVIDENCE_RECORDS_MAX);
	if (l->outcome == EVIDENCE_ANSWER && !e->truncated)
		REQUIRE(l->record_count > 0 && l->owner != NULL);
	else
		REQUIRE(l->record_count == 0);
	for (size_t i = 0; i < l->record_count; i++) {
		REQUIRE(l->records[i].rdata >= e->rdata && l->records[i].rdata <= end);
		REQUIRE(l->records[i].len <= (size_t)(end - l->records[i].rdata));
	}
}

static void
check_string(const struct json_tokens *d, const struct json_token *t, struct json_object *o)
{
	REQUIRE(json_object_is_type(o, json_type_string));
	REQUIRE((size_t)json_object_get_string_len(o) == t->len);
	REQUIRE(memcmp(json_object_get_string(o), json_tokens_string(d, t), t->len + 1) == 0);
}

/* The value and all it contains. */
static void
check_value(const struct json_tokens *d, const struct json_token *t, struct json_object *o)
{
	static const enum json_type types[] = {
		[JSON_NULL] = json_type_null, [JSON_FALSE] = json_type_boolean,
		[JSON_TRUE] = json_type_boolean, [JSON_INTEGER] = json_type_int,
		[JSON_REAL] = json_type_double, [JSON_STRING] = json_type_string,
		[JSON_LIST] = json_type_array, [JSON_OBJECT] = json_type_object,
	};
	const struct json_token *base = json_tokens_top(d), *end = base + t->next, *inner = t + 1;
	struct json_object *value;
	size_t count = 0;

	REQUIRE(json_object_get_type(o) == types[t->kind]);
	REQUIRE(t->kind > JSON_TRUE || json_object_get_boolean(o) == (t->kind == JSON_TRUE));
	if (t->kind == JSON_STRING)
		check_string(d, t, o);
	for (; t->kind == JSON_LIST && inner < end; inner = base + inner->next)
		check_value(d, inner, json_object_array_get_idx(o, count++));
	for (; t->kind == JSON_OBJECT && inner < end; inner = base + inner[1].next) {
		REQUIRE(json_object_object_get_ex(o, json_tokens_string(d, inner), &value));
		check_value(d, inner + 1, value);
		count++;
	}
	REQUIRE(t->kind != JSON_LIST || count == json_object_array_length(o));
	REQUIRE(t->kind != JSON_OBJECT || count == (size_t)json_object_object_length(o));
}

struct numbers {
	struct json_int v, found;
};

static const struct json_field fields[] = {
	JSON_ROW("v", INT, numbers, v, .min = INT64_MIN, .max = INT64_MAX),
	JSON_ROW("found", INT, numbers, found, .min = -1, .max = 1),
	{ .key = NULL }
};

/* Not the sentences: of a large number json-c quotes what it kept of it. */
static void
check_faults(const struct json_faults *a, const struct json_faults *b)
{
	REQUIRE(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		REQUIRE(strcmp(a->list[i].path, b->list[i].path) == 0 &&
		    strcmp(a->list[i].issue, b->list[i].issue) == 0);
}

static void
check_readers(const char *text, size_t len)
{
	struct numbers in_tree = { 0 }, in_tokens = { 0 };
	struct json_faults by_tree, by_tokens;
	struct json_tokens *tokens;
	struct json_object *tree;

	json_faults_init(&by_tree);
	json_faults_init(&by_tokens);
	tokens = json_tokens_parse(text, len, &by_tokens);
	if (tokens == NULL)
		return;
	tree = json_document_parse(text, len, &by_tree);
	REQUIRE(tree != NULL);
	check_value(tokens, json_tokens_top(tokens), tree);
	(void)json_read(tree, fields, &in_tree, "", &by_tree);
	(void)json_tokens_read(tokens, json_tokens_top(tokens), fields, &in_tokens, "", &by_tokens);
	REQUIRE(in_tree.v.value == in_tokens.v.value);
	REQUIRE(in_tree.found.value == in_tokens.found.value);
	check_faults(&by_tree, &by_tokens);
	json_object_put(tree);
	json_tokens_free(tokens);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf why = BUF_INIT(4096);
	struct evidence e;

	check_readers((const char *)data, len);
	if (evidence_decode(&e, (const char *)data, len, NONCE, &why)) {
		REQUIRE(why.len == 0 && e.document != NULL);
		REQUIRE(e.error == NULL || *e.error != '\0');
		if (e.found != NULL)
			REQUIRE(e.found >= e.lookups && e.found < e.lookups + e.lookup_count &&
			    e.found->outcome == EVIDENCE_ANSWER);
		for (size_t i = 0; i < e.lookup_count && e.error == NULL; i++)
			check_lookup(&e, &e.lookups[i], len);
		(void)evidence_weakest(&e, e.lookup_count);
	} else {
		REQUIRE(why.len > 0);
	}
	evidence_free(&e);
	buf_free(&why);
	return 0;
}
