/* crl_set.h: newer revocation lists are taken, and nothing that says less than what is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "appliance/enrol/crl_set.h"
#include "coordinator/pki/ca.h"
#include "coordinator/pki/crl.h"

#define DAY_S		INT64_C(86400)
#define TEXT_MAX	((size_t)64 * 1024)

/* Two CAs of one name, and one that nobody trusts. */
static struct pki_ca ca, namesake, stranger;

static int
setup(void **state)
{
	struct buf why = BUF_INIT(1024);

	assert_true(pki_ca_make(&ca, "a CA", 365, &why));
	assert_true(pki_ca_make(&namesake, "a CA", 365, &why));
	assert_true(pki_ca_make(&stranger, "another CA", 365, &why));
	return 0;
}

static int
teardown(void **state)
{
	pki_ca_free(&ca);
	pki_ca_free(&namesake);
	pki_ca_free(&stranger);
	return 0;
}

/* What a list is like; made by `by` but signed with the key of `signer`. */
struct plan {
	const struct pki_ca *by, *signer;
	int64_t begins_s, ends_s;	/* from now */
	long number;			/* 0: none */
	bool indicator;			/* it is a delta */
};

static X509_CRL *
list(const struct plan *plan)
{
	X509_CRL *crl = X509_CRL_new();
	time_t now = time(NULL);
	ASN1_TIME *begins = ASN1_TIME_set(NULL, now + plan->begins_s);
	ASN1_TIME *ends = ASN1_TIME_set(NULL, now + plan->ends_s);
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(plan->by->certificate));
	X509_CRL_set1_lastUpdate(crl, begins);
	if (plan->ends_s != 0)
		X509_CRL_set1_nextUpdate(crl, ends);
	ASN1_INTEGER_set(number, plan->number);
	if (plan->number != 0)
		assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0), 1);
	if (plan->indicator)
		assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0), 1);
	assert_true(X509_CRL_sign(crl, (plan->signer != NULL ? plan->signer : plan->by)->key,
	    EVP_sha256()) > 0);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(begins);
	ASN1_TIME_free(ends);
	return crl;
}

static STACK_OF(X509_CRL) *
set_of(const struct plan *plans, size_t count)
{
	STACK_OF(X509_CRL) *set = sk_X509_CRL_new_null();

	for (size_t i = 0; i < count; i++)
		if (plans[i].by != NULL)
			sk_X509_CRL_push(set, list(&plans[i]));
	return set;
}

/* Whether the set is changed when `came` comes to `here`, and what is said. */
static bool
take(const struct plan *here, const struct plan *came, const char *says)
{
	STACK_OF(X509) *issuers = sk_X509_new_null();
	STACK_OF(X509_CRL) *set = set_of(here, 1), *others = set_of(came, 1);
	X509_CRL *first = sk_X509_CRL_value(set, 0), *brought = sk_X509_CRL_value(others, 0);
	struct buf why = BUF_INIT(4096);
	bool changed, ok;

	sk_X509_push(issuers, ca.certificate);
	sk_X509_push(issuers, namesake.certificate);
	ok = crl_set_take(set, others, issuers, time(NULL), &changed, &why);
	if (says == NULL)
		assert_true(ok && why.len == 0);
	else
		assert_true(!ok && strstr(why.data, says) != NULL);
	assert_int_equal(sk_X509_CRL_num(set), 1);
	assert_ptr_equal(sk_X509_CRL_value(set, 0), changed ? brought : first);
	buf_free(&why);
	sk_X509_CRL_pop_free(set, X509_CRL_free);
	sk_X509_CRL_pop_free(others, X509_CRL_free);
	sk_X509_free(issuers);
	return changed;
}

static void
test_what_is_newer_is_taken(void **state)
{
	const struct plan here = { &ca, NULL, -100, DAY_S, 7, false };
	const struct plan none = { NULL, NULL, 0, 0, 0, false };
	const struct plan next = { &ca, NULL, -50, DAY_S, 8, false };
	const struct plan numbered_later = { &ca, NULL, -150, DAY_S, 300, false };
	const struct plan reissued = { &ca, NULL, -50, DAY_S, 7, false };
	const struct plan unnumbered = { &ca, NULL, -50, DAY_S, 0, false };

	assert_true(take(&none, &here, NULL));
	assert_true(take(&here, &next, NULL));
	assert_true(take(&here, &numbered_later, NULL));
	assert_true(take(&here, &reissued, NULL));
	assert_true(take(&here, &unnumbered, NULL));
	assert_false(take(&here, &here, NULL));
}

static void
test_what_says_less_is_not(void **state)
{
	const struct plan here = { &ca, NULL, -100, DAY_S, 7, false };
	const struct {
		struct plan came;
		const char *says;
	} cases[] = {
		{ { &ca, NULL, -50, DAY_S, 6, false }, "the list of /CN=a CA is older than the one" },
		{ { &ca, NULL, -150, DAY_S, 0, false }, "is older than the one that is here" },
		{ { &ca, NULL, -50, -10, 8, false }, "is out of date: the next was due 20" },
		{ { &ca, NULL, -50, 0, 8, false }, "does not say when the next is due" },
		{ { &ca, NULL, 600, DAY_S, 8, false }, "is not in force yet: only from 20" },
		{ { &ca, &stranger, -50, DAY_S, 8, false }, "is not signed by it" },
		{ { &ca, NULL, -50, DAY_S, 8, true }, "has a critical extension" },
		/* Somebody else's is no fault, but ours did not come. */
		{ { &stranger, NULL, -50, DAY_S, 8, false }, "the list of /CN=a CA did not come" },
		{ { NULL, NULL, 0, 0, 0, false }, "did not come" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(take(&here, &cases[i].came, cases[i].says));
}

/* Also the overdue one that is here is only followed by a later one. */
static void
test_an_overdue_one_is_followed(void **state)
{
	const struct plan here = { &ca, NULL, -100, -50, 7, false };
	const struct plan before = { &ca, NULL, -200, DAY_S, 6, false };
	const struct plan next = { &ca, NULL, -10, DAY_S, 8, false };

	assert_false(take(&here, &before, "is older"));
	assert_true(take(&here, &next, NULL));
}

/* A CA that has changed its key is two. */
static void
test_each_ca_has_its_own(void **state)
{
	const struct plan here[] = { { &ca, NULL, -100, DAY_S, 7, false },
		{ &namesake, NULL, -100, 2 * DAY_S, 900, false } };
	const struct plan came[] = { { &namesake, NULL, -50, DAY_S, 899, false },
		{ &stranger, NULL, -50, DAY_S, 1, false }, { &ca, NULL, -50, 3 * DAY_S, 8, false } };
	STACK_OF(X509) *issuers = sk_X509_new_null();
	STACK_OF(X509_CRL) *set = set_of(here, 2), *others = set_of(came, 3), *again;
	struct buf why = BUF_INIT(4096), pem = BUF_INIT(TEXT_MAX), copy = BUF_INIT(TEXT_MAX);
	int64_t next_s = crl_set_next_s(set);
	bool changed;

	assert_in_range(next_s, time(NULL) + DAY_S - 10, time(NULL) + DAY_S);
	sk_X509_push(issuers, ca.certificate);
	sk_X509_push(issuers, namesake.certificate);
	/* One that is refused keeps no other from being taken. */
	assert_false(crl_set_take(set, others, issuers, time(NULL), &changed, &why));
	assert_string_equal(why.data, "the list of /CN=a CA is older than the one that is here");
	assert_true(changed);
	assert_int_equal(sk_X509_CRL_num(set), 2);
	assert_ptr_equal(sk_X509_CRL_value(set, 0), sk_X509_CRL_value(others, 2));
	next_s = crl_set_next_s(set);
	assert_in_range(next_s, time(NULL) + 2 * DAY_S - 10, time(NULL) + 2 * DAY_S);

	assert_true(crl_set_write(set, &pem));
	again = crl_set_read(pem.data);
	assert_int_equal(sk_X509_CRL_num(again), 2);
	assert_true(crl_set_write(again, &copy));
	assert_string_equal(copy.data, pem.data);
	buf_free(&why);
	buf_free(&pem);
	buf_free(&copy);
	sk_X509_CRL_pop_free(again, X509_CRL_free);
	sk_X509_CRL_pop_free(set, X509_CRL_free);
	sk_X509_CRL_pop_free(others, X509_CRL_free);
	sk_X509_free(issuers);
}

static void
test_texts_that_are_none(void **state)
{
	struct buf own = BUF_INIT(TEXT_MAX), why = BUF_INIT(1024);
	struct pki_issued issued = { .serial = "" };
	STACK_OF(X509) *issuers;

	assert_null(crl_set_read(""));
	assert_null(crl_set_read("nonsense"));
	assert_null(crl_set_read("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"));
	assert_true(crl_make(&ca, NULL, 0, CRL_DAYS, NULL, &own, &why));
	buf_adds(&own, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
	assert_null(crl_set_read(own.data));
	assert_null(crl_set_issuers(own.data));
	assert_true(pki_ca_write(&ca, &issued, &why));
	issuers = crl_set_issuers(issued.certificate.data);
	assert_int_equal(sk_X509_num(issuers), 1);
	assert_int_equal(crl_set_next_s(NULL), 0);
	sk_X509_pop_free(issuers, X509_free);
	pki_issued_free(&issued);
	buf_free(&own);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_newer_is_taken),
		cmocka_unit_test(test_what_says_less_is_not),
		cmocka_unit_test(test_an_overdue_one_is_followed),
		cmocka_unit_test(test_each_ca_has_its_own),
		cmocka_unit_test(test_texts_that_are_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
