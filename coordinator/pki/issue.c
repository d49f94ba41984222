/* mpic pki init, intermediate and issue. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sys/stat.h>

#include "coordinator/pki/command.h"
#include "coordinator/pki/token.h"

/* ---- CAs ---- */

static bool
make_folder(const char *folder, struct buf *why)
{
	if (mkdir(folder, 0700) == 0 || errno == EEXIST)
		return true;
	buf_addf(why, "%s: %s", folder, strerror(errno));
	return false;
}

static bool
write_ca(const char *folder, const struct pki_ca *ca, struct buf *why)
{
	struct pki_issued texts;
	bool ok = pki_ca_write(ca, &texts, why) &&
	    folder_write_new(folder, "ca.key", &texts.key, false, why) &&
	    folder_write_new(folder, "ca.pem", &texts.certificate, true, why);

	pki_issued_free(&texts);
	return ok;
}

int
pki_init(const struct asked *a)
{
	const char *name = a->name != NULL ? a->name : "Parallax private CA";
	struct buf why = BUF_INIT(8192);
	struct pki_ca ca = { .certificate = NULL };
	bool ok = make_folder(a->folder, &why) &&
	    pki_ca_make(&ca, name, a->days > 0 ? a->days : CA_DAYS, &why) &&
	    write_ca(a->folder, &ca, &why);

	if (!ok)
		pki_error(&why);
	pki_ca_free(&ca);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}

/* What a coordinator needs to enrol by it, and nothing of the root's key. */
static bool
fill_enrolment(const struct asked *a, const struct pki_ca *ca, struct buf *why)
{
	struct buf root = BUF_INIT(PKI_PEM_MAX), nothing = BUF_INIT(1);
	bool ok = folder_trusted(a->folder, &root, why) && make_folder(a->other, why) &&
	    write_ca(a->other, ca, why) && folder_write_new(a->other, "root.pem", &root, true, why);

	/* There from the beginning, for whose the folder is. */
	buf_adds(&nothing, "");
	ok = ok && folder_append(a->other, "issued.jsonl", &nothing, why) &&
	    token_folders(a->other, why);
	buf_free(&root);
	buf_free(&nothing);
	return ok;
}

int
pki_enrolment(const struct asked *a)
{
	const char *name = a->name != NULL ? a->name : "Parallax enrolment CA";
	struct buf why = BUF_INIT(8192);
	struct pki_ca root, ca = { .certificate = NULL };
	bool ok = folder_ca(a->folder, a->key, &root, &why) &&
	    pki_ca_make_enrolment(&ca, &root, name, a->days > 0 ? a->days : ENROLMENT_DAYS, &why);
	struct pki_issued issued = { .serial = "" };

	/* An intermediate can be revoked as well; its line has no identity. */
	ok = ok && pki_ca_write(&ca, &issued, &why) &&
	    ledger_issued(a->folder, &issued, NULL, &why) && fill_enrolment(a, &ca, &why);
	if (!ok)
		pki_error(&why);
	pki_issued_free(&issued);
	pki_ca_free(&root);
	pki_ca_free(&ca);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}

/* ---- issue ---- */

/* All that a part begins with. */
struct papers {
	struct buf ca;
	struct pki_issued tls;
	struct buf signing_key, verify_key;
};

static void
papers_free(struct papers *p)
{
	if (p->signing_key.data != NULL)
		explicit_bzero(p->signing_key.data, p->signing_key.len);
	buf_free(&p->signing_key);
	buf_free(&p->verify_key);
	buf_free(&p->ca);
	pki_issued_free(&p->tls);
}

/* The certificate says which signing key is whose, for coordinators that want to know it so. */
static bool
papers_make(struct papers *p, const struct asked *a, struct buf *why)
{
	struct pki_holder holder = a->holder;
	struct pki_ca ca;
	bool ok;

	*p = (struct papers){ .ca = BUF_INIT(PKI_PEM_MAX) };
	ok = folder_ca(a->folder, a->key, &ca, why) && folder_trusted(a->folder, &p->ca, why);
	if (ok && a->perspective != NULL && !a->no_signing_key) {
		ok = pki_signing_key(&p->signing_key, &p->verify_key, why);
		holder.signing_key = p->verify_key.data;
	}
	ok = ok && pki_issue(&ca, &holder, NULL, a->days > 0 ? a->days : LEAF_DAYS, &p->tls, why);
	pki_ca_free(&ca);
	return ok;
}

static bool
print_document(const struct papers *p, const struct asked *a)
{
	struct buf out = BUF_INIT(DOCUMENT_MAX);

	buf_addf(&out, "# %s. It holds private keys.\n", a->identity);
	if (a->perspective != NULL)
		document_begin(&out, a);
	document_block(&out, "tls_ca", &p->ca);
	document_block(&out, "tls_certificate", &p->tls.certificate);
	document_block(&out, "tls_key", &p->tls.key);
	if (p->signing_key.len > 0)
		document_block(&out, "signing_key", &p->signing_key);
	return document_print(&out);
}

static bool
write_files(const struct papers *p, const struct asked *a, struct buf *why)
{
	return make_folder(a->out, why) &&
	    folder_write_new(a->out, "ca.pem", &p->ca, true, why) &&
	    folder_write_new(a->out, "tls.pem", &p->tls.certificate, true, why) &&
	    folder_write_new(a->out, "tls.key", &p->tls.key, false, why) &&
	    (p->signing_key.len == 0 ||
	    folder_write_new(a->out, "sign.key", &p->signing_key, false, why));
}

int
pki_issue_command(const struct asked *a)
{
	struct buf why = BUF_INIT(8192);
	struct papers p;
	bool ok = papers_make(&p, a, &why) &&
	    ledger_issued(a->folder, &p.tls, p.verify_key.data, &why) &&
	    (a->out != NULL ? write_files(&p, a, &why) : print_document(&p, a));

	if (!ok && why.len == 0)
		buf_addf(&why, "standard output: %s", strerror(errno));
	if (!ok)
		pki_error(&why);
	else if (a->perspective != NULL)
		document_row(a, p.verify_key.data);
	papers_free(&p);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}
