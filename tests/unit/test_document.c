/* An appliance's document: what is good, each fault in its words, and no secret in any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "appliance/document/document.h"
#include "appliance/document/papers.h"
#include "coordinator/pki/ca.h"
#include "coordinator/pki/crl.h"
#include "document_fixture.h"
#include "tls.h"

#define TEXT_MAX	((size_t)256 * 1024)
#define DAY_S	86400

static struct document_fixture made;

static int
setup(void **state)
{
	document_fixture_make(&made);
	return 0;
}

static int
teardown(void **state)
{
	document_fixture_free(&made);
	return 0;
}

/* The faults of a document; NULL: it is good. To be freed with `faults`. */
static const char *
faults_of(const struct buf *text, const struct document_moment *moment, struct buf *faults)
{
	static const struct document_moment unknown = { .now_s = 0 };
	struct document d = { .tls_ca = NULL };
	bool ok = document_read(&d, text->data, text->len, moment != NULL ? moment : &unknown,
	    faults);

	assert_int_equal(ok, faults->len == 0);
	document_free(&d);
	return ok ? NULL : faults->data;
}

static void
test_good(void **state)
{
	const struct document_moment now = { .earliest_s = 1, .now_s = time(NULL) };
	struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);
	struct document d = { .tls_ca = NULL };

	document_fixture_write(&made, "", "callers: [urn:mpic:coordinator, urn:mpic:other]\n"
	    "workers: 3\nuser_agent: Test\nlog_level: info\nntp: [pool.example, 192.0.2.1]\n"
	    "unbound: {threads: 4}\nupdate: {url: 'https://images.example/parallax'}\n"
	    "log_forward: {url: 'https://log.example:19532'}\n", &text);
	document_fixture_block(&text, "tls_crl", &made.crl);
	assert_true(document_read(&d, text.data, text.len, &now, &faults));
	assert_int_equal(faults.len, 0);
	assert_string_equal(d.httpcheck.code, FIXTURE_CODE);
	assert_int_equal(d.httpcheck.callers.count, 2);
	assert_int_equal(d.httpcheck.daemon.workers, 3);
	assert_string_equal(d.httpcheck.user_agent, "Test");
	assert_int_equal(d.httpcheck.deadline_ms, 20000);
	assert_string_equal(d.tls_key, made.key.data);
	assert_string_equal(d.signing_key, made.signing_key.data);
	assert_int_equal(d.ntp.count, 2);
	assert_int_equal(d.unbound.threads, 4);
	assert_string_equal(d.update.url, "https://images.example/parallax");
	assert_int_equal(d.update.spread_minutes, 60);
	assert_false(d.enrolment.set);
	document_free(&d);
	assert_null(d.tls_key);
	buf_free(&text);
	buf_free(&faults);
}

/* `without`: members left out; `more`: the text after the rest; `faults`: all of them. */
static const struct {
	const char *without, *more, *faults;
} bad[] = {
	/* names and forms */
	{ "", "calers: [x]\n", "document:LINE: calers: no such option; did you mean callers?\n" },
	{ "", "listen: '[::]:1'\n", "document:LINE: listen: no such option\n" },
	{ "", "image_version: mine\n", "document:LINE: image_version: no such option\n" },
	{ "", "unbound: {thread: 2}\n", "document:LINE: unbound.thread: no such option; did you mean "
	    "threads?\ndocument:LINE: unbound.threads: is required\n" },
	{ "code", "", "document: code: is required\n" },
	{ "tls_ca", "", "document: tls_ca: is required\n" },
	{ "", "code: again\n", "document:LINE: code: given twice\n" },
	{ "", "workers: 0\n", "document:LINE: workers: expected an integer from 1 to 256, found "
	    "\"0\"\n" },
	{ "", "deadline_ms: 30000\nmax_deadline_ms: 20000\n",
	    "deadline_ms: 30000 is more than max_deadline_ms, 20000\n" },
	{ "", "log_level: loud\n", "log_level: expected error, warning, notice, info or debug, found "
	    "\"loud\"\n" },
	{ "", "callers: []\n", "callers: nobody is allowed to ask; name an identity, such as "
	    "urn:mpic:coordinator\n" },
	{ "", "user_agent: ''\n", "user_agent: is empty\n" },
	/* ways to a certificate */
	{ "tls_certificate tls_key", "", "tls_certificate, tls_key: are required, or enrolment with a "
	    "token\n" },
	{ "tls_key", "", "tls_key: is required with tls_certificate\n" },
	{ "tls_certificate", "", "tls_certificate: is required with tls_key\n" },
	{ "tls_certificate tls_key", "enrolment: {url: 'https://ca.example:8443'}\n",
	    "tls_certificate, tls_key: are required, or enrolment with a token\n" },
	{ "", "enrolment: {url: 'https://ca.example:8443', token: 12345678}\n",
	    "enrolment.token: a certificate is enrolled for in place of tls_certificate and tls_key: "
	    "leave these out, or the token\n" },
	{ "tls_certificate tls_key", "enrolment: {url: 'https://ca.example:444', token: 12345678}\n",
	    "enrolment.url: expected https://HOST/ or https://HOST:8443/\n" },
	{ "tls_certificate tls_key", "enrolment: {url: 'https://ca.example', token: 1234567}\n",
	    "document:LINE: enrolment.token: expected a string of 8 to 256 bytes, found something "
	    "else\n" },
	/* what is in PEM */
	{ "tls_ca", "tls_ca: nonsense\n", "tls_ca: expected a certificate in PEM (-----BEGIN "
	    "CERTIFICATE-----), found none\n" },
	{ "signing_key", "signing_key: nonsense\n", "signing_key: expected a private key in PEM "
	    "(-----BEGIN PRIVATE KEY-----), found none\n" },
	{ "", "tls_crl: nonsense\n", "tls_crl: expected a certificate revocation list in PEM "
	    "(-----BEGIN X509 CRL-----), found none\n" },
	{ "tls_ca", "tls_ca: |\n  -----BEGIN CERTIFICATE-----\n  AAAA\n  -----END CERTIFICATE-----\n",
	    "tls_ca: holds something that begins as PEM and is no certificate\n" },
	/* the rest */
	{ "", "clock: sundial\n", "clock: expected ntp or hypervisor, found \"sundial\"\n" },
	{ "", "clock: hypervisor\nntp: [a.example]\n", "clock: the hypervisor keeps the time, so ntp "
	    "is asked nothing: leave one of them out\n" },
	{ "", "ntp: [a.example, 'b c']\n", "ntp[1]: expected a host's name or address\n" },
	{ "", "update: {url: 'ftp://x'}\n", "update.url: expected a URL that begins with https:// or "
	    "http://\n" },
	{ "", "update: {url: 'https://x', window: '02:00-25:00'}\n", "update.window: expected two "
	    "times of the day in UTC, such as 02:00-04:00\n" },
	{ "", "update: {}\n", "document:LINE: update.url: is required\n" },
	{ "", "log_forward: {}\n", "document:LINE: log_forward.url: is required\n" },
	{ "tls_certificate tls_key", "enrolment: {}\n", "document:LINE: enrolment.url: is required\n" },
	{ "", "log_forward: {url: 'http://x'}\n", "log_forward.url: expected https://HOST, "
	    "https://HOST:443 or https://HOST:19532\n" },
	{ "", "private_root: {}\n", "document:LINE: private_root.trust_anchor: is required\n" },
	{ "", "private_root: {hints: ['x 1.2.3'], trust_anchor: ['. DS 1 8 2 zz']}\n",
	    "private_root.hints[0]: expected a name, a blank and an address, such as "
	    "\"a.root.example 192.0.2.1\"\nprivate_root.trust_anchor[0]: expected a DS or DNSKEY "
	    "record of the root, such as \". DS 20326 8 2 E06D...\"\n" },
};

/* "document:17:" is "document:LINE:" in the table, for how long PEM is nobody knows. */
static void
without_lines(struct buf *faults, struct buf *out)
{
	const char *at = faults->data;

	while (at != NULL && *at != '\0') {
		size_t digits = strncmp(at, "document:", 9) == 0 ? strspn(at + 9, "0123456789") : 0;

		if (digits > 0) {
			buf_adds(out, "document:LINE");
			at += 9 + digits;
		}
		buf_add(out, at, strcspn(at, "\n") + 1);
		at += strcspn(at, "\n") + 1;
	}
}

static void
test_bad(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);
		struct buf shown = BUF_INIT(TEXT_MAX);

		document_fixture_write(&made, bad[i].without, bad[i].more, &text);
		assert_non_null(faults_of(&text, NULL, &faults));
		without_lines(&faults, &shown);
		assert_string_equal(shown.data, bad[i].faults);
		buf_free(&text);
		buf_free(&faults);
		buf_free(&shown);
	}
}

/* One member replaced by a text that is good in itself. */
static void
assert_replaced(const char *member, const struct buf *by, const char *expected)
{
	struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);

	document_fixture_write(&made, member, "", &text);
	document_fixture_block(&text, member, by);
	assert_non_null(faults_of(&text, NULL, &faults));
	assert_string_equal(faults.data, expected);
	buf_free(&text);
	buf_free(&faults);
}

static void
test_papers_that_do_not_fit(void **state)
{
	struct buf both = BUF_INIT(TEXT_MAX);

	assert_replaced("tls_key", &made.coordinator_key, "tls_key: is not the key of "
	    "tls_certificate\n");
	assert_replaced("tls_key", &made.signing_key, "tls_key: is not the key of tls_certificate\n");
	assert_replaced("tls_key", &made.certificate, "tls_key: expected a private key in PEM "
	    "(-----BEGIN PRIVATE KEY-----), found none\n");
	assert_replaced("tls_ca", &made.other_ca, "tls_certificate: does not lead to tls_ca: unable "
	    "to get local issuer certificate\n");
	assert_replaced("tls_ca", &made.certificate, "tls_ca: is no CA's\n"
	    "tls_certificate: does not lead to tls_ca: unable to get local issuer certificate\n");
	assert_replaced("tls_ca", &made.key, "tls_ca: expected a certificate in PEM, found a private "
	    "key\n");
	assert_replaced("tls_certificate", &made.coordinator, "tls_certificate: is of "
	    "urn:mpic:coordinator, and the code is that of urn:mpic:perspective:" FIXTURE_CODE "\n"
	    "tls_key: is not the key of tls_certificate\n");
	assert_replaced("tls_certificate", &made.ca, "tls_certificate: holds not exactly one "
	    "urn:mpic: URI to name its perspective by\ntls_certificate: lacks the extended key "
	    "usage serverAuth\ntls_key: is not the key of tls_certificate\n"
	    "tls_certificate: does not lead to tls_ca: unsuitable certificate purpose\n");
	assert_replaced("signing_key", &made.key, "signing_key: expected an Ed25519 key, found one of "
	    "another kind\n");
	buf_add(&both, made.certificate.data, made.certificate.len);
	buf_add(&both, made.key.data, made.key.len);
	assert_replaced("tls_certificate", &both, "tls_certificate: holds a private key beside the "
	    "certificate\n");
	buf_free(&both);
}

static void
test_revocation_list_of_another(void **state)
{
	struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);

	document_fixture_write(&made, "tls_ca tls_certificate tls_key", "", &text);
	document_fixture_block(&text, "tls_ca", &made.other_ca);
	document_fixture_block(&text, "tls_certificate", &made.stranger);
	document_fixture_block(&text, "tls_key", &made.stranger_key);
	assert_null(faults_of(&text, NULL, &faults));
	document_fixture_block(&text, "tls_crl", &made.crl);
	assert_string_equal(faults_of(&text, NULL, &faults), "tls_crl: list 1 is not signed by "
	    "tls_ca\n");
	buf_free(&text);
	buf_free(&faults);
}

static int64_t
expires_s(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	int64_t ends_s = tls_certificate_expires_s(x);

	X509_free(x);
	BIO_free(bio);
	return ends_s;
}

/* Before the clock is right, only what cannot be right at any time is a fault. */
static void
test_dates(void **state)
{
	const int64_t now_s = time(NULL), ends_s = expires_s(made.certificate.data);
	const struct {
		struct document_moment moment;
		const char *begin;	/* of the fault; NULL: none */
	} cases[] = {
		{ { .earliest_s = 0, .now_s = 0 }, NULL },
		{ { .earliest_s = now_s, .now_s = 0 }, NULL },
		{ { .earliest_s = ends_s - DAY_S, .now_s = ends_s - DAY_S }, NULL },
		{ { .earliest_s = ends_s, .now_s = 0 }, "tls_certificate: has expired: it was valid "
		    "until 20" },
		{ { .earliest_s = 0, .now_s = ends_s }, "tls_certificate: has expired: " },
		{ { .earliest_s = now_s + (CRL_DAYS + 1) * DAY_S, .now_s = 0 },
		    "tls_certificate: has expired: " },
		{ { .earliest_s = 0, .now_s = now_s - DAY_S },
		    "tls_ca: is not valid yet: only from 20" },
	};

	assert_in_range(ends_s, now_s + (FIXTURE_DAYS - 1) * DAY_S,
	    now_s + (FIXTURE_DAYS + 1) * DAY_S);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);
		const char *found;

		document_fixture_write(&made, "", "", &text);
		document_fixture_block(&text, "tls_crl", &made.crl);
		found = faults_of(&text, &cases[i].moment, &faults);
		if (cases[i].begin == NULL)
			assert_null(found);
		else
			assert_memory_equal(found, cases[i].begin, strlen(cases[i].begin));
		buf_free(&text);
		buf_free(&faults);
	}
}

/* Of a root and the one that follows it, one has to be in force. */
static void
test_one_of_several_cas_has_ended(void **state)
{
	const struct document_moment then = { .now_s = time(NULL) + 5 * DAY_S };
	struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX), both = BUF_INIT(TEXT_MAX);
	struct pki_issued old = { .serial = "" };
	struct pki_ca ca;

	assert_true(pki_ca_make(&ca, "the last CA", 3, &faults));
	assert_true(pki_ca_write(&ca, &old, &faults));
	for (int with = 1; with >= 0; with--) {
		buf_reset(&text);
		buf_reset(&both);
		buf_add(&both, old.certificate.data, old.certificate.len);
		if (with)
			buf_add(&both, made.ca.data, made.ca.len);
		document_fixture_write(&made, "tls_ca", "", &text);
		document_fixture_block(&text, "tls_ca", &both);
		if (with)
			assert_null(faults_of(&text, &then, &faults));
		else
			assert_memory_equal(faults_of(&text, &then, &faults),
			    "tls_ca: has expired: it was valid until 20", 42);
	}
	pki_ca_free(&ca);
	pki_issued_free(&old);
	buf_free(&text);
	buf_free(&faults);
	buf_free(&both);
}

/* Where newer ones are had before any is used, one that is past is no fault. */
static void
test_revocation_list_out_of_date(void **state)
{
	const struct document_moment then = {
		.earliest_s = time(NULL) + (CRL_DAYS + 1) * DAY_S };
	struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);

	document_fixture_write(&made, "", "", &text);
	document_fixture_block(&text, "tls_crl", &made.crl);
	assert_non_null(strstr(faults_of(&text, &then, &faults),
	    "\ntls_crl: is out of date: the next was due 20"));
	buf_reset(&text);
	buf_reset(&faults);
	document_fixture_write(&made, "tls_certificate tls_key", "enrolment: {url: 'https://x', "
	    "token: 12345678}\n", &text);
	document_fixture_block(&text, "tls_crl", &made.crl);
	assert_null(faults_of(&text, &then, &faults));
	buf_free(&text);
	buf_free(&faults);
}

/* Every fault at once: of a row, of a paper, of a check. */
static void
test_all_at_once(void **state)
{
	struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);

	document_fixture_write(&made, "signing_key", "workrs: 2\nclock: sundial\n", &text);
	document_fixture_block(&text, "signing_key", &made.key);
	assert_non_null(faults_of(&text, NULL, &faults));
	assert_non_null(strstr(faults.data, "workrs: no such option; did you mean workers?\n"));
	assert_non_null(strstr(faults.data, "\nsigning_key: expected an Ed25519 key"));
	assert_non_null(strstr(faults.data, "\nclock: expected ntp or hypervisor"));
	buf_free(&text);
	buf_free(&faults);
}

/* Whether a line of the key's base64 stands in the text. */
static bool
holds_key(const char *text, const struct buf *key)
{
	const char *line = strchr(key->data, '\n') + 1;
	char part[25];

	memcpy(part, line, 24);
	part[24] = '\0';
	return strstr(text, part) != NULL;
}

/* A key in the place of each member, and with its lines not indented. */
static void
test_no_fault_has_a_key(void **state)
{
	const struct option_table *t = document_options();

	for (size_t i = 0; i < t->count; i++) {
		struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);

		document_fixture_block(&text, t->rows[i].name, &made.key);
		if (faults_of(&text, NULL, &faults) != NULL)
			assert_false(holds_key(faults.data, &made.key));
		buf_reset(&text);
		buf_reset(&faults);
		buf_addf(&text, "%s: |\n%s", t->rows[i].name, made.key.data);
		assert_non_null(faults_of(&text, NULL, &faults));
		assert_false(holds_key(faults.data, &made.key));
		buf_reset(&text);
		buf_reset(&faults);
		buf_addf(&text, "%s: x\n%s: y\n", t->rows[i].name, strchr(made.key.data, '\n') + 1);
		assert_non_null(faults_of(&text, NULL, &faults));
		assert_false(holds_key(faults.data, &made.key));
		buf_free(&text);
		buf_free(&faults);
	}
}

/* A new option of httpcheck is the operator's on an appliance or not: somebody has to say. */
static void
test_each_option_of_httpcheck_is_decided(void **state)
{
	for (size_t i = 0; i < httpcheck_options.count; i++) {
		const char *name = httpcheck_options.rows[i].name;

		if (document_passes(name) == document_keeps(name))
			fail_msg("%s: see passed[] and kept[] in document.c", name);
	}
}

/* As mpic pki prints them, with room for the cloud that has least. */
static void
test_fits_aws(void **state)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	document_fixture_write(&made, "", "", &text);
	document_fixture_block(&text, "tls_crl", &made.crl);
	assert_true(text.len < 4096);
	buf_free(&text);
}

static void
test_too_large(void **state)
{
	struct buf text = BUF_INIT(4 * 1024 * 1024), faults = BUF_INIT(TEXT_MAX);

	buf_adds(&text, "code: ");
	while (text.len < OPTION_FILE_MAX)
		buf_adds(&text, "0123456789abcdef");
	assert_non_null(faults_of(&text, NULL, &faults));
	buf_free(&text);
	buf_free(&faults);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_papers_that_do_not_fit),
		cmocka_unit_test(test_revocation_list_of_another),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_revocation_list_out_of_date),
		cmocka_unit_test(test_one_of_several_cas_has_ended),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_no_fault_has_a_key),
		cmocka_unit_test(test_each_option_of_httpcheck_is_decided),
		cmocka_unit_test(test_fits_aws),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
