#include "appliance/enrol/crl_set.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define LISTS_MAX	64
#define ISSUER_TEXT_MAX	200

/* ---- texts ---- */

STACK_OF(X509_CRL) *
crl_set_read(const char *pem)
{
	STACK_OF(X509_CRL) *set = sk_X509_CRL_new_null();
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509_CRL *crl;
	bool ok = set != NULL && bio != NULL;

	ERR_clear_error();
	while (ok && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		ok = sk_X509_CRL_num(set) < LISTS_MAX && sk_X509_CRL_push(set, crl) > 0;
		if (!ok)
			X509_CRL_free(crl);
	}
	ok = ok && sk_X509_CRL_num(set) > 0 &&
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(bio);
	if (ok)
		return set;
	sk_X509_CRL_pop_free(set, X509_CRL_free);
	return NULL;
}

bool
crl_set_write(STACK_OF(X509_CRL) *set, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio != NULL;
	char *bytes = NULL;
	long len;

	for (int i = 0; ok && i < sk_X509_CRL_num(set); i++)
		ok = PEM_write_bio_X509_CRL(bio, sk_X509_CRL_value(set, i)) == 1;
	len = ok ? BIO_get_mem_data(bio, &bytes) : 0;
	if (len > 0)
		buf_add(pem, bytes, (size_t)len);
	BIO_free(bio);
	return len > 0 && !pem->failed;
}

STACK_OF(X509) *
crl_set_issuers(const char *pem)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x;
	bool ok = all != NULL && bio != NULL;

	while (ok && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		ok = sk_X509_push(all, x) > 0;
		if (!ok)
			X509_free(x);
	}
	ERR_clear_error();
	BIO_free(bio);
	if (ok && sk_X509_num(all) > 0)
		return all;
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

/* ---- times ---- */

/* 0: it has none, or one that cannot be read. */
static int64_t
time_s(const ASN1_TIME *at)
{
	struct tm tm;

	return at != NULL && ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
add_time(struct buf *out, int64_t at_s)
{
	time_t at = (time_t)at_s;
	char text[64] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_adds(out, text);
}

int64_t
crl_set_next_s(STACK_OF(X509_CRL) *set)
{
	int64_t first = 0, next;

	for (int i = 0; i < sk_X509_CRL_num(set); i++) {
		next = time_s(X509_CRL_get0_nextUpdate(sk_X509_CRL_value(set, i)));
		if (i == 0 || next < first)
			first = next;
	}
	return first;
}

/* ---- one against another ---- */

/* "the list of NAME": whom it says it is of. */
static void
begin_sentence(struct buf *why, X509_CRL *crl)
{
	char name[ISSUER_TEXT_MAX] = "";

	X509_NAME_oneline(X509_CRL_get_issuer(crl), name, sizeof(name));
	if (why->len > 0)
		buf_adds(why, "; ");
	buf_adds(why, "the list of ");
	buf_add_escaped(why, name, strlen(name));
}

/* NULL: none of them has signed it; `named` if one has its name. */
static X509 *
issuer_of(X509_CRL *crl, STACK_OF(X509) *issuers, bool *named)
{
	*named = false;
	for (int i = 0; i < sk_X509_num(issuers); i++) {
		X509 *x = sk_X509_value(issuers, i);

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(x)) != 0)
			continue;
		*named = true;
		if (X509_CRL_verify(crl, X509_get0_pubkey(x)) == 1)
			return x;
	}
	return NULL;
}

/* The place of the one that this CA has signed; -1: there is none. */
static int
place_of(STACK_OF(X509_CRL) *set, X509 *issuer)
{
	for (int i = 0; i < sk_X509_CRL_num(set); i++) {
		X509_CRL *crl = sk_X509_CRL_value(set, i);

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0 &&
		    X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1)
			return i;
	}
	return -1;
}

/* As strcmp, by number (RFC 5280 5.2.3), and by time where numbers do not tell. */
static int
compare_age(X509_CRL *a, X509_CRL *b)
{
	ASN1_INTEGER *one = X509_CRL_get_ext_d2i(a, NID_crl_number, NULL, NULL);
	ASN1_INTEGER *other = X509_CRL_get_ext_d2i(b, NID_crl_number, NULL, NULL);
	int64_t a_s = time_s(X509_CRL_get0_lastUpdate(a)), b_s = time_s(X509_CRL_get0_lastUpdate(b));
	int order = one != NULL && other != NULL ? ASN1_INTEGER_cmp(one, other) : 0;

	ASN1_INTEGER_free(one);
	ASN1_INTEGER_free(other);
	return order != 0 ? order : (a_s > b_s) - (a_s < b_s);
}

/* Whether it can be gone by now; else a sentence. */
static bool
in_force(X509_CRL *crl, int64_t now_s, struct buf *why)
{
	int64_t begins_s = time_s(X509_CRL_get0_lastUpdate(crl));
	int64_t next_s = time_s(X509_CRL_get0_nextUpdate(crl));
	const char *fault = NULL;
	int64_t at_s = 0;

	/* A delta, or a list of some kind of certificates only: it says less than it seems to. */
	if (X509_CRL_get_ext_by_critical(crl, 1, -1) >= 0)
		fault = " is no whole list: it has a critical extension";
	else if (next_s == 0)
		fault = " does not say when the next is due";
	else if (next_s <= now_s)
		fault = " is out of date: the next was due ", at_s = next_s;
	else if (begins_s > now_s)
		fault = " is not in force yet: only from ", at_s = begins_s;
	if (fault == NULL)
		return true;
	begin_sentence(why, crl);
	buf_adds(why, fault);
	if (at_s != 0)
		add_time(why, at_s);
	return false;
}

/* ---- all of them ---- */

static bool
put(STACK_OF(X509_CRL) *set, int at, X509_CRL *crl, struct buf *why)
{
	bool ok = X509_CRL_up_ref(crl) == 1;

	if (ok && at >= 0) {
		X509_CRL_free(sk_X509_CRL_value(set, at));
		sk_X509_CRL_set(set, at, crl);
	} else if (ok && (sk_X509_CRL_num(set) >= LISTS_MAX || sk_X509_CRL_push(set, crl) <= 0)) {
		X509_CRL_free(crl);
		ok = false;
	}
	if (!ok)
		buf_adds(why, "out of memory");
	return ok;
}

static bool
take_one(STACK_OF(X509_CRL) *set, X509_CRL *crl, STACK_OF(X509) *issuers, int64_t now_s,
    bool *changed, struct buf *why)
{
	bool named;
	X509 *issuer = issuer_of(crl, issuers, &named);
	int at, age;

	if (issuer == NULL && named) {
		begin_sentence(why, crl);
		buf_adds(why, " is not signed by it");
	}
	if (issuer == NULL)
		return !named;
	at = place_of(set, issuer);
	age = at >= 0 ? compare_age(crl, sk_X509_CRL_value(set, at)) : 1;
	if (age < 0) {
		begin_sentence(why, crl);
		buf_adds(why, " is older than the one that is here");
		return false;
	}
	if (!in_force(crl, now_s, why))
		return false;
	if (age == 0)
		return true;
	if (!put(set, at, crl, why))
		return false;
	*changed = true;
	return true;
}

bool
crl_set_take(STACK_OF(X509_CRL) *set, STACK_OF(X509_CRL) *came, STACK_OF(X509) *issuers,
    int64_t now_s, bool *changed, struct buf *why)
{
	bool good = true, ok, named;

	*changed = false;
	for (int i = 0; i < sk_X509_CRL_num(came); i++)
		good = take_one(set, sk_X509_CRL_value(came, i), issuers, now_s, changed, why) && good;
	ok = good;
	for (int i = 0; i < sk_X509_CRL_num(set); i++) {
		X509_CRL *crl = sk_X509_CRL_value(set, i);
		X509 *issuer = issuer_of(crl, issuers, &named);

		/* One that was refused has had its sentence. */
		if (!good || (issuer != NULL && place_of(came, issuer) >= 0))
			continue;
		begin_sentence(why, crl);
		buf_adds(why, " did not come");
		ok = false;
	}
	ERR_clear_error();
	return ok;
}
