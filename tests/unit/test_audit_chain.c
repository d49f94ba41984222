/* audit_chain.h, audit_verify.h: what a chain shows, at every line and byte. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "audit_reader.h"
#include "json_writer.h"

#define LINES	5

/* A chain of LINES lines. */
struct chain {
	struct buf text;
	size_t at[LINES + 1];	/* where each begins; the end */
	struct audit_link last;
	struct audit_digest *digest;
};

static void
chain_init(struct chain *c)
{
	*c = (struct chain){ .text = BUF_INIT(65536), .last = AUDIT_LINK_NONE,
		.digest = audit_digest_new() };
	assert_non_null(c->digest);
	for (size_t i = 0; i < LINES; i++) {
		c->at[i] = c->text.len;
		audit_line_begin(&c->text, &c->last, "2026-11-22T12:00:00.000000Z", "result");
		json_add_string(&c->text, ",\"target\":", "a}\n\",\"b\\.example");
		json_add_string(&c->text, ",\"more\":{\"quorum\":", "5/6");
		buf_addc(&c->text, '}');
		assert_true(audit_line_end(&c->text, c->at[i], c->digest, &c->last));
	}
	c->at[LINES] = c->text.len;
}

static void
chain_free(struct chain *c)
{
	buf_free(&c->text);
	audit_digest_free(c->digest);
}

static void
add_line(struct buf *out, const struct chain *c, size_t i)
{
	buf_add(out, c->text.data + c->at[i], c->at[i + 1] - c->at[i]);
}

static enum audit_blame
verify(const struct buf *text, struct buf *why)
{
	struct audit_verifier v;

	return audit_log_verify(text, 1, NULL, &v, why);
}

static void
test_known_hash(void **state)
{
	struct audit_digest *d = audit_digest_new();
	char hex[AUDIT_HASH_LEN + 1];

	/* FIPS 180-2, B.1; twice, and in pieces. */
	for (int i = 0; i < 2; i++) {
		audit_digest_add(d, "ab", 2);
		audit_digest_add(d, "c", 1);
		assert_true(audit_digest_hex(d, hex));
		assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f"
		    "20015ad");
	}
	audit_digest_free(d);
}

static void
test_whole(void **state)
{
	struct audit_verifier v;
	struct audit_tail tail;
	struct chain c;

	chain_init(&c);
	assert_int_equal(audit_log_verify(&c.text, 1, NULL, &v, NULL), AUDIT_GOOD);
	assert_int_equal(v.lines, LINES);
	assert_int_equal(v.first_seq, 1);
	assert_string_equal(v.last.hash, c.last.hash);
	assert_true(audit_tail_read(&tail, c.text.data, c.text.len, true, c.digest));
	assert_true(tail.found && tail.line_end && tail.torn == 0);
	assert_int_equal(tail.last.seq, LINES);
	assert_string_equal(tail.last.hash, c.last.hash);
	chain_free(&c);
}

/* Any other byte anywhere but in the last line, whose hash nobody names yet. */
static void
test_edited(void **state)
{
	struct audit_verifier v;
	struct chain c;

	chain_init(&c);
	for (size_t i = 0; i < c.text.len; i++) {
		enum audit_blame blame;

		c.text.data[i] ^= 1;
		blame = audit_log_verify(&c.text, 1, NULL, &v, NULL);
		if (i < c.at[LINES - 1] ? blame == AUDIT_GOOD :
		    blame == AUDIT_GOOD && strcmp(v.last.hash, c.last.hash) == 0)
			fail_msg("byte %zu can be edited", i);
		c.text.data[i] ^= 1;
	}
	chain_free(&c);
}

static void
test_edited_says_where(void **state)
{
	struct buf why = BUF_INIT(1024);
	struct chain c;
	char *quorum;

	chain_init(&c);
	quorum = strstr(c.text.data + c.at[2], "5/6");
	*quorum = '6';
	assert_int_equal(verify(&c.text, &why), AUDIT_BEFORE);
	assert_non_null(strstr(why.data, "but number 4 names "));
	buf_free(&why);
	chain_free(&c);
}

static void
test_missing(void **state)
{
	struct buf why = BUF_INIT(1024);
	struct chain c;

	chain_init(&c);
	for (size_t gone = 1; gone + 1 < LINES; gone++) {
		struct buf text = BUF_INIT(65536);

		for (size_t i = 0; i < LINES; i++)
			if (i != gone)
				add_line(&text, &c, i);
		buf_reset(&why);
		assert_int_equal(verify(&text, &why), AUDIT_THIS);
		assert_non_null(strstr(why.data, ": 1 missing before it"));
		buf_free(&text);
	}
	buf_free(&why);
	chain_free(&c);
}

static void
test_moved(void **state)
{
	struct chain c;

	chain_init(&c);
	for (size_t a = 0; a < LINES; a++)
		for (size_t b = a + 1; b < LINES; b++) {
			struct buf text = BUF_INIT(65536);

			for (size_t i = 0; i < LINES; i++)
				add_line(&text, &c, i == a ? b : i == b ? a : i);
			assert_int_equal(verify(&text, NULL), AUDIT_THIS);
			add_line(&text, &c, b);
			assert_int_equal(verify(&text, NULL), AUDIT_THIS);
			buf_free(&text);
		}
	chain_free(&c);
}

static void
test_twice(void **state)
{
	struct buf text = BUF_INIT(65536), why = BUF_INIT(1024);
	struct chain c;

	chain_init(&c);
	for (size_t i = 0; i < LINES; i++)
		add_line(&text, &c, i);
	add_line(&text, &c, LINES - 1);
	assert_int_equal(verify(&text, &why), AUDIT_THIS);
	assert_non_null(strstr(why.data, "out of order, or twice"));
	buf_free(&text);
	buf_free(&why);
	chain_free(&c);
}

/* Where a chain begins is for who kept a hash to say. */
static void
test_from(void **state)
{
	struct buf rest = BUF_INIT(65536);
	struct audit_verifier v;
	struct audit_head head;
	struct chain c;

	chain_init(&c);
	for (size_t i = 2; i < LINES; i++)
		add_line(&rest, &c, i);
	assert_true(audit_head_read(&head, rest.data, strcspn(rest.data, "\n")));
	assert_int_equal(audit_log_verify(&rest, 1, NULL, &v, NULL), AUDIT_GOOD);
	assert_int_equal(v.first_seq, 3);
	assert_int_equal(audit_log_verify(&rest, 1, head.prev, &v, NULL), AUDIT_GOOD);
	assert_int_equal(audit_log_verify(&rest, 1, c.last.hash, &v, NULL), AUDIT_THIS);
	assert_int_equal(audit_log_verify(&c.text, 1, head.prev, &v, NULL), AUDIT_THIS);
	buf_free(&rest);
	chain_free(&c);
}

/* Cut at every byte of the last line: the line before is the last, and the rest is torn. */
static void
test_torn(void **state)
{
	struct chain c;

	chain_init(&c);
	for (size_t len = c.at[LINES - 1]; len <= c.text.len; len++) {
		size_t torn = len - c.at[LINES - 1];
		bool all = len + 1 >= c.text.len;	/* but for the line end */
		struct audit_tail t;

		assert_true(audit_tail_read(&t, c.text.data, len, true, c.digest));
		assert_true(t.found);
		assert_int_equal(t.last.seq, all ? LINES : LINES - 1);
		assert_int_equal(t.line_end, torn == 0 || len == c.text.len);
		assert_int_equal(t.torn, all || torn == 0 ? 0 : torn + 1);
		if (all)
			assert_string_equal(t.last.hash, c.last.hash);
	}
	chain_free(&c);
}

/* The end of a file begins in the middle of a line. */
static void
test_end_only(void **state)
{
	struct audit_tail t;
	struct chain c;

	chain_init(&c);
	for (size_t from = 1; from < c.at[LINES - 1]; from++) {
		assert_true(audit_tail_read(&t, c.text.data + from, c.text.len - from, false,
		    c.digest));
		assert_true(t.found && t.torn == 0);
		assert_string_equal(t.last.hash, c.last.hash);
	}
	assert_true(audit_tail_read(&t, "", 0, true, c.digest));
	assert_true(!t.found && t.torn == 0 && t.line_end);
	assert_true(audit_tail_read(&t, "what\nis this?\n", 14, true, c.digest));
	assert_true(!t.found && t.torn == 14 && t.line_end);
	chain_free(&c);
}

static void
test_no_lines(void **state)
{
	static const char *const texts[] = {
		"", "{", "{}", "{\"seq\":0,\"prev\":\"\"}", "[1]", "\xff\xfe", "{\"seq\":1}",
		"{\"seq\":99999999999999999999999,\"prev\":\"", "null",
	};
	struct audit_head head;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(audit_head_read(&head, texts[i], strlen(texts[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_hash),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_edited),
		cmocka_unit_test(test_edited_says_where),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_end_only),
		cmocka_unit_test(test_no_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
