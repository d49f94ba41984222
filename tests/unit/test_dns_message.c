/* dns_message.h: the question to the octet, and replies of every kind. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dns_message.h"

#define HEAD(flags, qd, an, ns, ar) \
	"\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
#define REPLY	"\x81\x80"
#define QUESTION "\x02" "ex\x03" "com\0\x01\x01\0\x01"
#define OPT(len)	"\0\0\x29\xfd\xe8\0\0\0\0\0" len
#define OURS	"\xff\xa3"		/* 65443 */
#define EVIDENCE OURS "\0\x04" "{1:2"
#define RECORD	"\xc0\x0c\x01\x01\0\x01\0\0\0\x3c\0\x03" "abc"
#define TEXT(s)	(s), sizeof(s) - 1

static struct name
name_of(const char *text)
{
	struct name name;

	assert_true(name_from_utf8(&name, text, strlen(text), NULL));
	return name;
}

static void
test_question(void **state)
{
	static const char expected[] =
	    "\xab\xcd\x01\0\0\x01\0\0\0\0\0\x01"	/* RD, one question, one additional */
	    "\x03" "www\x02" "ex\x03" "com\0\x01\x01\0\x01"
	    "\0\0\x29\xfd\xe8\0\0\0\0"			/* OPT, 65000 octets */
	    "\0\x10" OURS "\0\x0c"
	    "\x01\x02\x01\x07\x01\x23\x45\x67\x89\xab\xcd\xef";
	struct dns_question q = {
		.name = name_of("www.ex.com"), .type = DNS_TYPE_CAA,
		.option = { MPIC_CLIMB, MPIC_FLAG_PROVE, 7, 0x0123456789abcdef },
	};
	uint8_t out[DNS_QUESTION_MAX];

	assert_int_equal(dns_question_encode(&q, 0xabcd, out), sizeof(expected) - 1);
	assert_memory_equal(out, expected, sizeof(expected) - 1);
}

static void
test_longest_question(void **state)
{
	struct dns_question q = { .type = DNS_TYPE_CAA, .option.operation = MPIC_CLIMB };
	char text[NAME_TEXT_MAX + 1];
	uint8_t out[DNS_QUESTION_MAX];

	memset(text, 'a', NAME_TEXT_MAX);
	text[63] = text[127] = text[191] = '.';
	text[NAME_TEXT_MAX] = '\0';
	q.name = name_of(text);
	assert_int_equal(dns_question_encode(&q, 0, out), DNS_QUESTION_MAX);
}

static const struct {
	const char *label;
	const char *bytes;
	size_t len;
	bool whole;
	uint8_t rcode;
	const char *evidence;	/* NULL: none */
} replies[] = {
	{ "evidence",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\1") QUESTION OPT("\x08") EVIDENCE),
	    true, 0, "{1:2" },
	{ "evidence with SERVFAIL",
	    TEXT(HEAD("\x81\x82", "\1", "\0", "\0", "\1") QUESTION OPT("\x08") EVIDENCE),
	    true, 2, "{1:2" },
	{ "without a question",
	    TEXT(HEAD(REPLY, "\0", "\0", "\0", "\1") OPT("\x08") EVIDENCE),
	    true, 0, "{1:2" },
	{ "after other options",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\1") QUESTION OPT("\x12")
	    "\0\x03\0\0\0\x0f\0\x02\0\x16" EVIDENCE),
	    true, 0, "{1:2" },
	{ "after records with compressed names",
	    TEXT(HEAD(REPLY, "\1", "\1", "\1", "\2") QUESTION RECORD RECORD RECORD OPT("\x08")
	    EVIDENCE),
	    true, 0, "{1:2" },
	{ "before other records",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\2") QUESTION OPT("\x08") EVIDENCE RECORD),
	    true, 0, "{1:2" },
	{ "empty evidence",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\1") QUESTION OPT("\x04") OURS "\0\0"),
	    true, 0, "" },
	{ "no OPT", TEXT(HEAD(REPLY, "\1", "\0", "\0", "\0") QUESTION), true, 0, NULL },
	{ "OPT without options",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\1") QUESTION OPT("\0")),
	    true, 0, NULL },
	{ "other options only",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\1") QUESTION OPT("\x06") "\0\x0f\0\x02\0\x16"),
	    true, 0, NULL },
	{ "nothing", "", 0, false, 0, NULL },
	{ "a query",
	    TEXT(HEAD("\x01\0", "\1", "\0", "\0", "\1") QUESTION OPT("\x08") EVIDENCE),
	    false, 0, NULL },
	{ "something follows",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\0") QUESTION "x"),
	    false, 0, NULL },
	{ "fewer records than it says",
	    TEXT(HEAD(REPLY, "\1", "\1", "\0", "\1") QUESTION OPT("\x08") EVIDENCE),
	    false, 0, NULL },
	{ "an option longer than its record",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\1") QUESTION OPT("\x08") OURS "\0\x05" "{1:2"),
	    false, 0, NULL },
	{ "half an option",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\1") QUESTION OPT("\x03") OURS "\0"),
	    false, 0, NULL },
	{ "a record longer than the message",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\1") QUESTION OPT("\x09") EVIDENCE),
	    false, 0, NULL },
	{ "a label of an unknown type",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\0") "\x41" "a\0\x01\x01\0\x01"),
	    false, 0, NULL },
	{ "a label past the end",
	    TEXT(HEAD(REPLY, "\1", "\0", "\0", "\0") "\x3f" "abc"),
	    false, 0, NULL },
	{ "a pointer cut in half",
	    TEXT(HEAD(REPLY, "\0", "\1", "\0", "\0") "\xc0"),
	    false, 0, NULL },
	{ "65535 questions",
	    TEXT("\x12\x34" REPLY "\xff\xff\0\0\0\0\0\0" QUESTION),
	    false, 0, NULL },
	{ "three times 65535 records",
	    TEXT("\x12\x34" REPLY "\0\0\xff\xff\xff\xff\xff\xff" RECORD),
	    false, 0, NULL },
};

#define REPLY_COUNT (sizeof(replies) / sizeof(replies[0]))

/* In memory of its own, so that a read past the end is seen by the sanitizers. */
static bool
decode(struct dns_reply *reply, const void *bytes, size_t len, uint8_t *copy)
{
	uint8_t *exact = copy + 1024 - len;

	assert_true(len <= 1024);
	memcpy(exact, bytes, len);
	return dns_reply_decode(reply, exact, len);
}

static void
test_replies(void **state)
{
	uint8_t *copy = test_malloc(1024);

	for (size_t i = 0; i < REPLY_COUNT; i++) {
		struct dns_reply r;
		bool whole = decode(&r, replies[i].bytes, replies[i].len, copy);

		if (whole != replies[i].whole)
			fail_msg("%s: %s", replies[i].label, whole ? "taken" : "refused");
		if (!whole)
			continue;
		assert_int_equal(r.id, 0x1234);
		assert_int_equal(r.rcode, replies[i].rcode);
		if ((r.evidence != NULL) != (replies[i].evidence != NULL))
			fail_msg("%s: evidence %p", replies[i].label, (const void *)r.evidence);
		if (r.evidence == NULL)
			continue;
		assert_int_equal(r.evidence_len, strlen(replies[i].evidence));
		assert_memory_equal(r.evidence, replies[i].evidence, r.evidence_len);
	}
	test_free(copy);
}

/* A whole reply cut anywhere is no whole reply. */
static void
test_cut(void **state)
{
	uint8_t *copy = test_malloc(1024);
	struct dns_reply r;

	for (size_t i = 0; i < REPLY_COUNT; i++)
		for (size_t len = 0; replies[i].whole && len < replies[i].len; len++)
			if (decode(&r, replies[i].bytes, len, copy))
				fail_msg("%s: taken with %zu octets", replies[i].label, len);
	test_free(copy);
}

/* One changed octet may be taken or refused; what is taken lies within the message. */
static void
test_changed(void **state)
{
	uint8_t *copy = test_malloc(1024), bytes[256];
	struct dns_reply r;

	for (size_t i = 0; i < REPLY_COUNT; i++) {
		for (size_t at = 0; at < replies[i].len; at++) {
			for (unsigned int value = 0; value < 256; value++) {
				memcpy(bytes, replies[i].bytes, replies[i].len);
				bytes[at] = (uint8_t)value;
				if (!decode(&r, bytes, replies[i].len, copy) || r.evidence == NULL)
					continue;
				assert_in_range((uintptr_t)r.evidence,
				    (uintptr_t)copy + 1024 - replies[i].len,
				    (uintptr_t)copy + 1024 - r.evidence_len);
			}
		}
	}
	test_free(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_longest_question),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests_name("dns_message", tests, NULL, NULL);
}
