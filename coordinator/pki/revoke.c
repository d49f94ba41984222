/* mpic pki revoke, crl and list. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "coordinator/pki/command.h"
#include "coordinator/pki/found.h"
#include "coordinator/pki/token.h"
#include "json_writer.h"

#define DAY_S	INT64_C(86400)

/* ---- which ---- */

/* The serial number of a certificate of this CA's, and an entry for it if there is none. */
static bool
take_certificate(const struct asked *a, const struct pki_ca *ca, struct ledger_entry *entry,
    struct buf *why)
{
	struct buf text = BUF_INIT(DOCUMENT_MAX);
	X509 *x = NULL;
	bool ok = false;

	if (mpic_read_file("pki", a->certificate, &text))
		x = found_certificate(a->certificate, &text, why);
	else
		buf_addf(why, "%s cannot be revoked", a->certificate);
	if (x != NULL && !pki_is_ours(ca, x)) {
		buf_addf(why, "%s: the certificate was not issued by the CA in %s", a->certificate,
		    a->folder);
	} else if (x != NULL) {
		ok = certificate_serial(X509_get0_serialNumber(x), entry->serial);
		tls_certificate_identity(x, entry->identity);
		entry->expires_s = tls_certificate_expires_s(x);
	}
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	buf_free(&text);
	X509_free(x);
	return ok;
}

static bool
revoke_entry(const struct asked *a, struct ledger_entry *entry, int *count, struct buf *why)
{
	const char *reason = a->reason != NULL ? a->reason : crl_reasons[0];
	char at[LEDGER_TIME_TEXT];

	if (entry->revoked_s == 0) {
		if (!ledger_revoke(a->folder, entry, reason, why))
			return false;
		printf("revoked %s of %s\n", entry->serial, entry->identity);
	} else {
		ledger_time(entry->revoked_s, at);
		printf("%s of %s was revoked on %s already\n", entry->serial, entry->identity, at);
	}
	(*count)++;
	return true;
}

static bool
revoke_one(const struct asked *a, struct ledger *ledger, const struct pki_ca *ca, int *count,
    struct buf *why)
{
	struct ledger_entry found = { .serial = "" };
	struct ledger_entry *entry;

	if (a->serial != NULL)
		snprintf(found.serial, sizeof(found.serial), "%s", a->serial);
	else if (!take_certificate(a, ca, &found, why))
		return false;
	entry = ledger_find(ledger, found.serial);
	if (entry == NULL && a->serial != NULL) {
		buf_addf(why, "no certificate with serial number %s was issued from %s", a->serial,
		    a->folder);
		return false;
	}
	return revoke_entry(a, entry != NULL ? entry : &found, count, why);
}

/* Those that are past need none. */
static bool
revoke_identity(const struct asked *a, struct ledger *ledger, int cancelled, int *count,
    struct buf *why)
{
	int64_t now_s = (int64_t)time(NULL);

	for (size_t i = 0; i < ledger->count; i++) {
		struct ledger_entry *entry = &ledger->entries[i];

		if (strcmp(entry->identity, a->identity) == 0 && entry->expires_s > now_s &&
		    !revoke_entry(a, entry, count, why))
			return false;
	}
	if (*count == 0 && cancelled == 0)
		buf_addf(why, "%s has no certificate from %s that is not past", a->identity, a->folder);
	return why->len == 0;
}

/*
 * How many of its tokens are good no more; -1, with a sentence. Before it is read what
 * was issued: whoever has one would have another certificate in a moment.
 */
static int
cancel_tokens(const struct asked *a, struct buf *why)
{
	int cancelled = a->perspective != NULL ? token_cancel(a->folder, a->perspective) : 0;

	if (cancelled > 0)
		printf("cancelled %d of its tokens\n", cancelled);
	if (cancelled < 0)
		buf_addf(why, "%s/tokens cannot be read: its tokens may still be good", a->folder);
	return cancelled;
}

static bool
revoke_asked(const struct asked *a, struct ledger *ledger, const struct pki_ca *ca,
    int cancelled, struct buf *why)
{
	int count = 0;
	bool ok = a->identity[0] != '\0' ?
	    revoke_identity(a, ledger, cancelled, &count, why) :
	    revoke_one(a, ledger, ca, &count, why);

	/* Those that are on the list by now have to be, whatever became of the others. */
	if (count == 0)
		return ok;
	/* What a certificate brought that issued.jsonl does not know is in revoked.jsonl now. */
	ledger_free(ledger);
	return ledger_read(ledger, a->folder, why) &&
	    ledger_write_crl(ledger, a->folder, ca, a->days > 0 ? a->days : CRL_DAYS, why) && ok;
}

/* Whatever became of the tokens: certificates are revoked as well as can be. */
static bool
revoke_in_folder(const struct asked *a, struct ledger *ledger, const struct pki_ca *ca,
    struct buf *why)
{
	int cancelled = cancel_tokens(a, why);

	return ledger_read(ledger, a->folder, why) && revoke_asked(a, ledger, ca, cancelled, why);
}

int
pki_revoke(const struct asked *a)
{
	struct buf why = BUF_INIT(8192);
	struct ledger ledger = { .entries = NULL };
	struct pki_ca ca = { .certificate = NULL };
	bool ok = false;

	if ((a->serial != NULL) + (a->certificate != NULL) + (a->identity[0] != '\0') != 1)
		buf_adds(&why, "expected one of --serial, --certificate, --perspective, --coordinator "
		    "and --caller (try --help)");
	else if (!crl_reason_known(a->reason))
		buf_addf(&why, "--reason: expected unspecified, keyCompromise, affiliationChanged, "
		    "superseded, cessationOfOperation or privilegeWithdrawn, found %s", a->reason);
	else
		ok = folder_ca(a->folder, a->key, &ca, &why) &&
		    revoke_in_folder(a, &ledger, &ca, &why);
	if (!ok)
		pki_error(&why);
	ledger_free(&ledger);
	pki_ca_free(&ca);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}

int
pki_crl(const struct asked *a)
{
	struct buf why = BUF_INIT(8192);
	struct ledger ledger = { .entries = NULL };
	struct pki_ca ca;
	bool ok = folder_ca(a->folder, a->key, &ca, &why) && ledger_read(&ledger, a->folder, &why) &&
	    ledger_write_crl(&ledger, a->folder, &ca, a->days > 0 ? a->days : CRL_DAYS, &why);

	if (!ok)
		pki_error(&why);
	ledger_free(&ledger);
	pki_ca_free(&ca);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}

/* ---- list ---- */

static const char *
state_of(const struct ledger_entry *e, int64_t now_s)
{
	return e->revoked_s != 0 ? "revoked" : e->expires_s <= now_s ? "ended" : "valid";
}

static void
print_row(const struct ledger_entry *e, int64_t now_s)
{
	char ends[LEDGER_TIME_TEXT], revoked[LEDGER_TIME_TEXT];
	int64_t days = (e->expires_s - now_s) / DAY_S;

	ledger_time(e->expires_s, ends);
	printf("%-40s %-34s %s %-8s", e->identity[0] != '\0' ? e->identity : "(a CA)", e->serial,
	    ends, state_of(e, now_s));
	if (e->revoked_s != 0) {
		ledger_time(e->revoked_s, revoked);
		printf(" on %s, %s", revoked, e->reason);
	} else if (e->expires_s > now_s) {
		printf(" %" PRId64 " day%s left", days, days == 1 ? "" : "s");
	}
	putchar('\n');
}

static void
print_json(const struct ledger_entry *e, int64_t now_s)
{
	struct buf out = BUF_INIT(4096);
	char time_text[LEDGER_TIME_TEXT];

	ledger_time(e->expires_s, time_text);
	json_add_string(&out, "{\"identity\":", e->identity);
	json_add_string(&out, ",\"serial\":", e->serial);
	json_add_string(&out, ",\"not_after\":", time_text);
	json_add_string(&out, ",\"state\":", state_of(e, now_s));
	if (e->verify_key[0] != '\0')
		json_add_string(&out, ",\"verify_key\":", e->verify_key);
	if (e->revoked_s != 0) {
		ledger_time(e->revoked_s, time_text);
		json_add_string(&out, ",\"revoked\":", time_text);
		json_add_string(&out, ",\"reason\":", e->reason);
	}
	if (!out.failed)
		printf("%s}\n", out.data);
	buf_free(&out);
}

int
pki_list(const struct asked *a)
{
	struct buf why = BUF_INIT(8192);
	struct ledger ledger = { .entries = NULL };
	int64_t now_s = (int64_t)time(NULL);
	bool ok = folder_has(a->folder, "ca.pem");

	if (!ok)
		buf_addf(&why, "%s: expected the folder of a CA, with ca.pem", a->folder);
	ok = ok && ledger_read(&ledger, a->folder, &why);
	for (size_t i = 0; ok && i < ledger.count; i++)
		(a->json ? print_json : print_row)(&ledger.entries[i], now_s);
	if (!ok)
		pki_error(&why);
	ledger_free(&ledger);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}
