/* persist.h: what each record comes to. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "httpcheck/persist.h"

#define NOW	1800000000
#define RIGHT	"ca1.com; accounturi=https://ca1.com/acct/1"

struct row {
	const char *record;
	enum persist_outcome outcome;
};

static const struct row rows[] = {
	{ RIGHT, PERSIST_USABLE },
	{ "ca1.com;accounturi=https://ca1.com/acct/1", PERSIST_USABLE },
	{ " \tca1.com\t; accounturi = https://ca1.com/acct/1 \t", PERSIST_USABLE },
	{ "CA1.Com; AccountURI=https://ca1.com/acct/1", PERSIST_USABLE },
	{ "ca1.com.; accounturi=https://ca1.com/acct/1", PERSIST_USABLE },
	{ "xn--bcher-kva.example; accounturi=https://ca1.com/acct/1", PERSIST_USABLE },
	{ "ca9.net; accounturi=acct:one@ca1.com", PERSIST_USABLE },
	{ "ca1.com; accounturi=https://ca1.com/acct/3", PERSIST_USABLE },
	{ RIGHT "; newer=thing; x=", PERSIST_USABLE },
	{ RIGHT "; x=1; x=2", PERSIST_USABLE },
	/* grammar */
	{ "", PERSIST_OTHER_ISSUER },
	{ ";", PERSIST_OTHER_ISSUER },
	{ "ca1.com accounturi=https://ca1.com/acct/1", PERSIST_MALFORMED },
	{ RIGHT ";", PERSIST_MALFORMED },
	{ RIGHT ";; x=1", PERSIST_MALFORMED },
	{ RIGHT "; x", PERSIST_MALFORMED },
	{ RIGHT "; -=x", PERSIST_MALFORMED },
	{ RIGHT "; =x", PERSIST_MALFORMED },
	{ RIGHT "; x=a b", PERSIST_MALFORMED },
	{ RIGHT "; x=\xc3\xbc", PERSIST_MALFORMED },
	{ RIGHT "\n", PERSIST_MALFORMED },
	{ "\"ca1.com\"; accounturi=https://ca1.com/acct/1", PERSIST_MALFORMED },
	{ "_ca1.com; accounturi=https://ca1.com/acct/1", PERSIST_MALFORMED },
	/* issuer */
	{ "ca2.com; accounturi=https://ca1.com/acct/1", PERSIST_OTHER_ISSUER },
	{ "notca1.com; accounturi=https://ca1.com/acct/1", PERSIST_OTHER_ISSUER },
	{ "ca1.com.evil.net; accounturi=https://ca1.com/acct/1", PERSIST_OTHER_ISSUER },
	{ "; accounturi=https://ca1.com/acct/1", PERSIST_OTHER_ISSUER },
	/* account */
	{ "ca1.com", PERSIST_NO_ACCOUNT },
	{ "ca1.com;", PERSIST_NO_ACCOUNT },
	{ "ca1.com; account-uri=https://ca1.com/acct/1", PERSIST_NO_ACCOUNT },
	{ "ca1.com; accounturi=", PERSIST_OTHER_ACCOUNT },
	{ "ca1.com; accounturi=https://ca1.com/acct/2", PERSIST_OTHER_ACCOUNT },
	{ "ca1.com; accounturi=https://ca1.com/ACCT/1", PERSIST_OTHER_ACCOUNT },
	{ "ca1.com; accounturi=https://ca1.com/acct/11", PERSIST_OTHER_ACCOUNT },
	{ "ca1.com; accounturi=https://ca1.com/acct/", PERSIST_OTHER_ACCOUNT },
	/* twice */
	{ RIGHT "; accounturi=https://ca1.com/acct/1", PERSIST_REPEATED },
	{ RIGHT "; ACCOUNTURI=https://ca1.com/acct/2", PERSIST_REPEATED },
	{ "ca1.com; accounturi=x:y; " "accounturi=https://ca1.com/acct/1", PERSIST_REPEATED },
	{ RIGHT "; persistUntil=1900000000; persistuntil=1900000000", PERSIST_REPEATED },
	/* until */
	{ RIGHT "; persistUntil=1800000000", PERSIST_USABLE },
	{ RIGHT "; persistUntil=1799999999", PERSIST_EXPIRED },
	{ RIGHT "; PERSISTUNTIL=1800000001", PERSIST_USABLE },
	{ RIGHT "; persistUntil=0", PERSIST_EXPIRED },
	{ RIGHT "; persistUntil=0001800000000", PERSIST_USABLE },
	{ RIGHT "; persistUntil=9223372036854775807", PERSIST_USABLE },
	{ RIGHT "; persistUntil=9223372036854775808", PERSIST_USABLE },
	{ RIGHT "; persistUntil=99999999999999999999999999999999999999999999", PERSIST_USABLE },
	{ RIGHT "; persistUntil=18446744073709551616", PERSIST_USABLE },
	{ RIGHT "; persistUntil=", PERSIST_BAD_UNTIL },
	{ RIGHT "; persistUntil=+1900000000", PERSIST_BAD_UNTIL },
	{ RIGHT "; persistUntil=-1", PERSIST_BAD_UNTIL },
	{ RIGHT "; persistUntil=1_900_000_000", PERSIST_BAD_UNTIL },
	{ RIGHT "; persistUntil=0x713FB300", PERSIST_BAD_UNTIL },
	{ RIGHT "; persistUntil=1.9e9", PERSIST_BAD_UNTIL },
	{ RIGHT "; persistUntil=1900000000.0", PERSIST_BAD_UNTIL },
	{ RIGHT "; persistUntil=never", PERSIST_BAD_UNTIL },
	{ RIGHT "; persistUntil=\xd9\xa1\xd9\xa9\xd9\xa0", PERSIST_MALFORMED },
	{ RIGHT "; persistUntil= 1900000000 ", PERSIST_USABLE },
	{ "ca1.com; persistUntil=1900000000; accounturi=https://ca1.com/acct/1", PERSIST_USABLE },
	{ RIGHT "; policy=strict", PERSIST_USABLE },
	{ RIGHT "; policy=wildcard", PERSIST_USABLE },
};

static const struct row wildcard_rows[] = {
	{ RIGHT "; policy=wildcard; policy=wildcard", PERSIST_REPEATED },
	{ RIGHT, PERSIST_NO_WILDCARD },
	{ RIGHT "; policy=wildcard", PERSIST_USABLE },
	{ RIGHT "; Policy=WildCard", PERSIST_USABLE },
	{ RIGHT "; policy=wildcards", PERSIST_NO_WILDCARD },
	{ RIGHT "; policy=", PERSIST_NO_WILDCARD },
	{ RIGHT "; policy=strict", PERSIST_NO_WILDCARD },
};

static struct persist_question
question(bool wildcard)
{
	static const struct json_list issuers = {
		.set = true, .count = 3, .items = { "ca1.com", "CA9.net", "b\u00fccher.example" },
	};
	static const struct json_list accounts = {
		.set = true, .count = 2, .items = { "acct:one@ca1.com", "https://ca1.com/acct/3" },
	};

	return (struct persist_question){
		.issuers = &issuers, .account_uri = "https://ca1.com/acct/1",
		.account_uris = &accounts, .wildcard = wildcard, .now_s = NOW,
	};
}

static void
assert_rows(const struct row *table, size_t count, bool wildcard)
{
	struct persist_question q = question(wildcard);

	for (size_t i = 0; i < count; i++) {
		size_t account;
		enum persist_outcome got = persist_judge(&q, table[i].record,
		    strlen(table[i].record), &account);

		if (got != table[i].outcome)
			fail_msg("\"%s\" %s, not: %s", table[i].record, persist_text(got),
			    persist_text(table[i].outcome));
	}
}

static void
test_rows(void **state)
{
	assert_rows(rows, sizeof(rows) / sizeof(rows[0]), false);
	assert_rows(wildcard_rows, sizeof(wildcard_rows) / sizeof(wildcard_rows[0]), true);
}

static void
test_octets(void **state)
{
	struct persist_question q = question(false);
	size_t account;

	/* a NUL ends nothing, and nothing past the length is read */
	assert_int_equal(persist_judge(&q, RIGHT "\0", sizeof(RIGHT), &account), PERSIST_MALFORMED);
	assert_int_equal(persist_judge(&q, RIGHT "; x", sizeof(RIGHT) - 1, &account), PERSIST_USABLE);
	assert_int_equal(persist_judge(&q, NULL, 0, &account), PERSIST_OTHER_ISSUER);
}

/* Which of the accounts it is. */
static void
test_account(void **state)
{
	static const char *const uris[] = { "https://ca1.com/acct/1", "acct:one@ca1.com",
		"https://ca1.com/acct/3" };
	struct persist_question q = question(false);

	for (size_t i = 0; i < 3; i++) {
		char record[128];
		size_t account = 9;

		snprintf(record, sizeof(record), "ca1.com; accounturi=%s", uris[i]);
		assert_int_equal(persist_judge(&q, record, strlen(record), &account), PERSIST_USABLE);
		assert_int_equal(account, i);
		assert_string_equal(persist_account(&q, account), uris[i]);
	}
}

/* Without the one URI, only the list counts. */
static void
test_list_alone(void **state)
{
	struct persist_question q = question(false);
	size_t account;

	q.account_uri = NULL;
	assert_int_equal(persist_judge(&q, RIGHT, sizeof(RIGHT) - 1, &account), PERSIST_OTHER_ACCOUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_list_alone),
	};

	return cmocka_run_group_tests_name("persist", tests, NULL, NULL);
}
