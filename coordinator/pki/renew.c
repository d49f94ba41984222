/* mpic pki renew: another certificate of the same key. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/pki/command.h"
#include "coordinator/pki/found.h"
#include "tls_extension.h"

/* Nothing that was taken back, or is another's, is given anew. */
static bool
may_renew(const struct asked *a, const struct pki_ca *ca, const X509 *old, struct buf *why)
{
	char serial[CERTIFICATE_SERIAL_MAX], at[LEDGER_TIME_TEXT];
	const struct ledger_entry *entry = NULL;
	struct ledger ledger = { .entries = NULL };
	bool ok = pki_is_ours(ca, old);

	if (!ok)
		buf_addf(why, "%s: the certificate was not issued by the CA in %s", a->certificate,
		    a->folder);
	ok = ok && certificate_serial(X509_get0_serialNumber(old), serial) &&
	    ledger_read(&ledger, a->folder, why);
	if (ok)
		entry = ledger_find(&ledger, serial);
	if (entry != NULL && entry->revoked_s != 0) {
		ledger_time(entry->revoked_s, at);
		buf_addf(why, "%s: certificate %s of %s was revoked on %s (%s)", a->certificate,
		    serial, entry->identity, at, entry->reason);
		ok = false;
	}
	ledger_free(&ledger);
	return ok;
}

static bool
renew(const struct asked *a, const X509 *old, struct pki_issued *issued, struct buf *why)
{
	char signing_key[TLS_SIGNING_KEY_LEN + 1];
	struct pki_ca ca;
	bool ok = folder_ca(a->folder, a->key, &ca, why) && may_renew(a, &ca, old, why) &&
	    pki_renew(&ca, old, a->days > 0 ? a->days : LEAF_DAYS, issued, why);

	if (ok)
		tls_signing_key(X509_get0_extensions(issued->x), signing_key);
	ok = ok && ledger_issued(a->folder, issued, signing_key, why);
	pki_ca_free(&ca);
	return ok;
}

int
pki_renew_command(const struct asked *a)
{
	struct buf why = BUF_INIT(8192), text = BUF_INIT(DOCUMENT_MAX), out = BUF_INIT(2 * DOCUMENT_MAX);
	struct pki_issued issued = { .serial = "" };
	X509 *old = NULL;
	int status = MPIC_ERROR;

	if (a->certificate == NULL)
		buf_adds(&why, "expected --certificate FILE (try --help)");
	else if (!mpic_read_file("pki", a->certificate, &text))
		goto out;
	else if ((old = found_certificate(a->certificate, &text, &why)) != NULL &&
	    renew(a, old, &issued, &why)) {
		if (!found_replace(&text, &issued.certificate, &out)) {
			buf_reset(&out);
			buf_add(&out, issued.certificate.data, issued.certificate.len);
		}
		if (document_print(&out))
			status = MPIC_YES;
		else
			buf_addf(&why, "standard output: %s", strerror(errno));
	}
	if (status != MPIC_YES)
		pki_error(&why);
out:
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	X509_free(old);
	pki_issued_free(&issued);
	buf_free(&text);
	buf_free(&out);
	buf_free(&why);
	return status;
}
