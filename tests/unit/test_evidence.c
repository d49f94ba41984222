/* evidence.h: strict in all that a verdict rests on, and without memory too. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "evidence.h"
#include "failing_malloc.h"

#define NONCE	0x1122334455667788ULL
#define HEAD	"{\"v\":1,\"nonce\":\"1122334455667788\",\"resolver\":\"unbound 1.22.0\""
#define WHOLE	HEAD ",\"truncated\":false"
#define NODATA(name) "{\"name\":\"" name "\",\"outcome\":\"nodata\",\"rcode\":\"NOERROR\"," \
	"\"dnssec\":\"secure\",\"tries_sent\":1}"
#define ANSWER(name, list) "{\"name\":\"" name "\",\"outcome\":\"answer\",\"rcode\":\"NOERROR\"," \
	"\"dnssec\":\"insecure\",\"tries_sent\":1,\"owner\":\"" name "\",\"ttl\":60,\"records\":" list "}"
#define FAILED(name, more) "{\"name\":\"" name "\",\"outcome\":\"failed\",\"rcode\":\"SERVFAIL\"," \
	"\"dnssec\":\"indeterminate\",\"reason\":\"why\",\"tries_sent\":2" more "}"
#define ABANDONED(name) "{\"name\":\"" name "\",\"outcome\":\"abandoned\"}"
#define CLIMB(found, lookups) WHOLE ",\"found\":" found ",\"lookups\":[" lookups "]}"
#define ONE_RECORD(text) CLIMB("0", ANSWER("a.com", "[\"" text "\"]"))

static bool
decode(struct evidence *e, const char *json, char *why, size_t size)
{
	struct buf text = BUF_INIT(1024);
	bool good = evidence_decode(e, json, strlen(json), NONCE, &text);

	snprintf(why, size, "%s", text.len > 0 ? text.data : "");
	buf_free(&text);
	return good;
}

static void
test_climb(void **state)
{
	struct evidence e;
	char why[256];

	assert_true(decode(&e, CLIMB("1", NODATA("w.a.com") ","
	    ANSWER("a.com", "[\"AAVpc3N1ZWNhMS5jb20=\",\"\",\"/+8=\"]") "," ABANDONED("com")),
	    why, sizeof(why)));
	assert_string_equal(why, "");
	assert_int_equal(e.lookup_count, 3);
	assert_ptr_equal(e.found, &e.lookups[1]);
	assert_int_equal(e.found->record_count, 3);
	assert_int_equal(e.found->records[0].len, 14);
	assert_memory_equal(e.found->records[0].rdata, "\0\5issueca1.com", 14);
	assert_int_equal(e.found->records[1].len, 0);
	assert_memory_equal(e.found->records[2].rdata, "\xff\xef", 2);
	assert_string_equal(e.found->owner, "a.com");
	assert_int_equal(e.found->ttl_s, 60);
	assert_string_equal(e.resolver, "unbound 1.22.0");
	assert_int_equal(evidence_weakest(&e, 1), CHECK_DNSSEC_SECURE);
	assert_int_equal(evidence_weakest(&e, 3), CHECK_DNSSEC_INSECURE);
	assert_int_equal(evidence_weakest(&e, 99), CHECK_DNSSEC_INSECURE);
	assert_int_equal(evidence_weakest(&e, 0), CHECK_DNSSEC_UNKNOWN);
	evidence_free(&e);
}

/* A failed lookup of a domain shown Insecure is that; else nothing is known of it. */
static void
test_weakest_of_failures(void **state)
{
	struct evidence e;
	char why[256];

	assert_true(decode(&e, CLIMB("-1",
	    FAILED("a.com", ",\"insecurity\":{\"proven\":true,\"steps\":[]}") ","
	    FAILED("com", "")), why, sizeof(why)));
	assert_int_equal(evidence_weakest(&e, 1), CHECK_DNSSEC_INSECURE);
	assert_int_equal(evidence_weakest(&e, 2), CHECK_DNSSEC_INDETERMINATE);
	evidence_free(&e);
}

/* Only a walk that says so shows that a domain is Insecure. */
static void
test_failure(void **state)
{
	static const struct {
		const char *more;
		bool insecure;
	} rows[] = {
		{ "", false },
		{ ",\"insecurity\":{\"proven\":true,\"steps\":[]}", true },
		{ ",\"insecurity\":{\"proven\":false,\"steps\":[]}", false },
		{ ",\"insecurity\":null", false },
	};
	struct evidence e;
	char json[512], why[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(json, sizeof(json), CLIMB("-1", FAILED("a.com", "%s") "," NODATA("com")),
		    rows[i].more);
		assert_true(decode(&e, json, why, sizeof(why)));
		assert_null(e.found);
		assert_int_equal(e.lookups[0].insecure, rows[i].insecure);
		assert_int_equal(e.lookups[0].tries_sent, 2);
		assert_string_equal(e.lookups[0].reason, "why");
		evidence_free(&e);
	}
}

static void
test_without_lookups(void **state)
{
	struct evidence e;
	char why[256];

	assert_true(decode(&e, WHOLE ",\"error\":\"too many\"}", why, sizeof(why)));
	assert_string_equal(e.error, "too many");
	assert_int_equal(e.lookup_count, 0);
	evidence_free(&e);
	assert_true(decode(&e, WHOLE ",\"stats\":{\"climbs\":1}}", why, sizeof(why)));
	assert_null(e.error);
	assert_int_equal(e.lookup_count, 0);
	evidence_free(&e);
}

static void
test_truncated(void **state)
{
	struct evidence e;
	char why[256];

	assert_true(decode(&e, HEAD ",\"truncated\":true,\"found\":-1,\"lookups\":["
	    ANSWER("a.com", "null") "," ABANDONED("com") "]}", why, sizeof(why)));
	assert_true(e.truncated);
	assert_int_equal(e.lookups[0].record_count, 0);
	evidence_free(&e);
}

static const char *const malformed[] = {
	"", "{}", "[]", "null", WHOLE, WHOLE "}x", HEAD "}",
	/* versions, nonces */
	"{\"v\":2,\"nonce\":\"1122334455667788\",\"resolver\":\"u\",\"truncated\":false}",
	"{\"v\":1,\"nonce\":\"1122334455667789\",\"resolver\":\"u\",\"truncated\":false}",
	"{\"v\":1,\"nonce\":\"11223344\",\"resolver\":\"u\",\"truncated\":false}",
	"{\"v\":1,\"resolver\":\"u\",\"truncated\":false}",
	/* half of a climb */
	WHOLE ",\"found\":-1}", WHOLE ",\"found\":0,\"lookups\":[]}",
	WHOLE ",\"lookups\":[" NODATA("a.com") "]}", WHOLE ",\"found\":-1,\"lookups\":{}}",
	CLIMB("-1", ""), CLIMB("1", NODATA("a.com")), CLIMB("-2", NODATA("a.com")),
	CLIMB("0.5", NODATA("a.com")), CLIMB("\"0\"", NODATA("a.com")),
	/* found must be an answer */
	CLIMB("0", NODATA("a.com")), CLIMB("0", FAILED("a.com", "")), CLIMB("0", ABANDONED("a.com")),
	/* what was let go lies beyond what was found */
	CLIMB("-1", ABANDONED("a.com")), CLIMB("-1", NODATA("a.com") "," ABANDONED("com")),
	CLIMB("1", ABANDONED("w.a.com") "," ANSWER("a.com", "[\"\"]")),
	/* lookups */
	CLIMB("-1", "1"), CLIMB("-1", "null"), CLIMB("-1", "{}"),
	CLIMB("-1", "{\"name\":\"a.com\",\"outcome\":\"pending\"}"),
	CLIMB("-1", "{\"name\":\"a.com\",\"outcome\":\"nodata\"}"),
	CLIMB("-1", "{\"name\":\"a.com\",\"outcome\":\"nodata\",\"rcode\":\"NOERROR\"}"),
	CLIMB("-1", "{\"name\":\"a.com\",\"outcome\":\"nodata\",\"dnssec\":\"secure\"}"),
	CLIMB("-1", "{\"name\":\"a.com\",\"outcome\":\"nodata\",\"rcode\":\"NOERROR\",\"dnssec\":\"sure\"}"),
	CLIMB("-1", FAILED("a.com", ",\"insecurity\":{}")),
	CLIMB("-1", FAILED("a.com", ",\"insecurity\":{\"proven\":1}")),
	CLIMB("-1", FAILED("a.com", ",\"insecurity\":true")),
	/* records */
	CLIMB("0", ANSWER("a.com", "[]")), CLIMB("0", ANSWER("a.com", "null")),
	CLIMB("0", ANSWER("a.com", "{}")), CLIMB("0", ANSWER("a.com", "[1]")),
	CLIMB("0", ANSWER("a.com", "[null]")),
	/* base64 */
	ONE_RECORD("A"), ONE_RECORD("AA"), ONE_RECORD("AAA"), ONE_RECORD("A==="), ONE_RECORD("===="),
	ONE_RECORD("A=AA"), ONE_RECORD("AA=A"), ONE_RECORD("    "), ONE_RECORD("AAAA\\n\\n\\n\\n"),
	ONE_RECORD(" AAA"), ONE_RECORD("AA==AAAA"), ONE_RECORD("AA-_"), ONE_RECORD("AAAA\\u0000AAA"),
};

static void
test_malformed(void **state)
{
	struct evidence e;
	char why[1024];

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		bool good = decode(&e, malformed[i], why, sizeof(why));

		if (good || strncmp(why, "the evidence ", 13) != 0)
			fail_msg("taken, or without a reason (\"%s\"): %s", why, malformed[i]);
		evidence_free(&e);
	}
}

static void
test_counts(void **state)
{
	static char json[512 * 1024];
	struct evidence e;
	char why[256];

	for (size_t count = EVIDENCE_LOOKUPS_MAX; count <= EVIDENCE_LOOKUPS_MAX + 1; count++) {
		size_t n = (size_t)sprintf(json, WHOLE ",\"found\":-1,\"lookups\":[" NODATA("a"));

		for (size_t i = 1; i < count; i++)
			n += (size_t)sprintf(json + n, "," NODATA("a"));
		strcpy(json + n, "]}");
		assert_int_equal(decode(&e, json, why, sizeof(why)), count == EVIDENCE_LOOKUPS_MAX);
		evidence_free(&e);
	}
}

/* Every allocation in turn fails: an error, never a shorter list. */
static void
test_no_memory(void **state)
{
	static const char json[] = CLIMB("1", NODATA("w.a.com") ","
	    ANSWER("a.com", "[\"AAVpc3N1ZWNhMS5jb20=\",\"AAVpc3N1ZWNhMS5jb20=\"]"));
	struct evidence e;
	struct buf why = BUF_INIT(1024);
	bool good = false;
	long count;

	for (count = 0; !good; count++) {
		failing_malloc_after(count);
		good = evidence_decode(&e, json, sizeof(json) - 1, NONCE, &why);
		failing_malloc_after(-1);
		if (good)
			assert_int_equal(e.found->record_count, 2);
		evidence_free(&e);
		buf_reset(&why);
	}
	assert_true(count > 2);
	buf_free(&why);
}

#define HOP(more) "{\"owner\":\"w.a.com\",\"type\":\"CNAME\",\"target\":\"b.net\"" more "}"
#define CHAIN(list) CLIMB("-1", "{\"name\":\"w.a.com\",\"outcome\":\"nodata\"," \
	"\"rcode\":\"NOERROR\",\"dnssec\":\"secure\",\"chain\":" list "}")

static void
test_hops(void **state)
{
	static const char *const faulty[] = {
		CHAIN("[]"), CHAIN("{}"), CHAIN("\"b.net\""), CHAIN("[" HOP("") "]"), CHAIN("[1]"),
		CHAIN("[" HOP(",\"dnssec\":\"unknown\"") "]"),
	};
	struct evidence e;
	char why[256];

	assert_true(decode(&e, CHAIN("[" HOP(",\"dnssec\":\"secure\"") ","
	    HOP(",\"dnssec\":\"insecure\",\"ttl\":9") "]"), why, sizeof(why)));
	assert_int_equal(e.lookups[0].hop_count, 2);
	assert_string_equal(e.lookups[0].hops[0].owner, "w.a.com");
	assert_string_equal(e.lookups[0].hops[0].type, "CNAME");
	assert_string_equal(e.lookups[0].hops[1].target, "b.net");
	assert_int_equal(evidence_lookup_weakest(&e.lookups[0]), CHECK_DNSSEC_INSECURE);
	assert_int_equal(evidence_weakest(&e, 1), CHECK_DNSSEC_INSECURE);
	evidence_free(&e);
	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		assert_false(decode(&e, faulty[i], why, sizeof(why)));
		evidence_free(&e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_climb),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_weakest_of_failures),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_without_lookups),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
