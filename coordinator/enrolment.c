#include "coordinator/enrolment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certs_only.h"
#include "coordinator/pki/folder.h"
#include "coordinator/pki/ledger.h"

#define TEXT_MAX	((size_t)8 * 1024 * 1024)
#define CRL_TEXT_MAX	((size_t)64 * 1024 * 1024)

/* ---- what everybody may have ---- */

static bool
push(STACK_OF(X509) *all, X509 *x)
{
	return X509_add_cert(all, x, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) == 1;
}

/* The roots, and all between them and what is issued here. */
static bool
read_cacerts(struct enrolment *e, const char *roots)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = BIO_new_file(roots, "r");
	bool ok = all != NULL && bio != NULL && push(all, e->ca.certificate);
	X509 *x;

	for (int i = 0; ok && i < sk_X509_num(e->ca.above); i++)
		ok = push(all, sk_X509_value(e->ca.above, i));
	while (ok && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		ok = push(all, x);
		X509_free(x);
	}
	ERR_clear_error();
	ok = ok && certs_only_encode(all, NULL, &e->cacerts);
	BIO_free(bio);
	sk_X509_pop_free(all, X509_free);
	return ok;
}

static bool
read_crls(struct enrolment *e, const char *file)
{
	STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
	BIO *bio = BIO_new_file(file, "r");
	bool ok = all != NULL && bio != NULL;
	X509_CRL *crl;

	while (ok && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL)
		ok = sk_X509_CRL_push(all, crl) > 0;
	ERR_clear_error();
	ok = ok && certs_only_encode(NULL, all, &e->crls);
	BIO_free(bio);
	sk_X509_CRL_pop_free(all, X509_CRL_free);
	return ok;
}

/* Else what is issued is nobody's to trust. */
static bool
leads_to(const struct enrolment *e, const char *roots)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool ok = store != NULL && context != NULL && X509_STORE_load_file(store, roots) == 1 &&
	    X509_STORE_CTX_init(context, store, e->ca.certificate, e->ca.above) == 1 &&
	    X509_verify_cert(context) == 1;

	ERR_clear_error();
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return ok;
}

/* ---- life ---- */

bool
enrolment_init(struct enrolment *e, const struct enrolment_option *o,
    const struct tls_files *tls, struct buf *why)
{
	*e = (struct enrolment){ .set = o->set, .folder = o->folder, .days = o->days,
		.cacerts = BUF_INIT(TEXT_MAX), .crls = BUF_INIT(TEXT_MAX) };
	if (!o->set)
		return true;
	if (!pki_ca_read(&e->ca, o->ca, o->key, why))
		return false;
	if (!leads_to(e, tls->ca))
		buf_addf(why, "%s is no CA that leads to one in tls_ca, %s", o->ca, tls->ca);
	else if (access(o->folder, R_OK | W_OK | X_OK) != 0)
		buf_addf(why, "folder: %s: expected the folder that mpic pki intermediate has made, "
		    "which this program may write", o->folder);
	else if (!read_cacerts(e, tls->ca) || (tls->crl != NULL && !read_crls(e, tls->crl)))
		buf_adds(why, "out of memory");
	return why->len == 0;
}

void
enrolment_free(struct enrolment *e)
{
	pki_ca_free(&e->ca);
	buf_free(&e->cacerts);
	buf_free(&e->crls);
}

/* ---- revocation ---- */

enum enrolment_standing
enrolment_standing(const struct enrolment *e, X509 *x, struct buf *why)
{
	enum enrolment_standing standing = STANDING_UNKNOWN;
	struct buf text = BUF_INIT(CRL_TEXT_MAX);
	char path[FOLDER_PATH_MAX];
	X509_REVOKED *revoked;
	X509_CRL *crl = NULL;
	BIO *bio = NULL;

	folder_path(e->folder, "crl.pem", path);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return STANDING_GOOD;	/* none was ever revoked */
	if (folder_read(e->folder, "crl.pem", &text, why)) {
		bio = BIO_new_mem_buf(text.data, (int)text.len);
		crl = bio != NULL ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
	}
	if (crl != NULL && X509_CRL_verify(crl, X509_get0_pubkey(e->ca.certificate)) == 1)
		/* 2 is a hold that has ended (RFC 5280 5.3.1, removeFromCRL). */
		standing = X509_CRL_get0_by_cert(crl, &revoked, x) == 1 ? STANDING_REVOKED :
		    STANDING_GOOD;
	else if (why->len == 0)
		buf_addf(why, "%s/crl.pem is no list that the CA in it has signed", e->folder);
	ERR_clear_error();
	X509_CRL_free(crl);
	BIO_free(bio);
	buf_free(&text);
	return standing;
}

/* ---- issuing ---- */

const struct perspective *
enrolment_member(const struct fleet *fleet, const char *code)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (strcmp(fleet->members[i].code, code) == 0 &&
		    fleet->members[i].protocol == PROTOCOL_PARALLAX)
			return &fleet->members[i];
	return NULL;
}

/* RFC 7030 4.2.3: the certificate alone. */
static bool
encode(X509 *x, struct buf *base64)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	bool ok = one != NULL && sk_X509_push(one, x) > 0 && certs_only_encode(one, NULL, base64);

	sk_X509_free(one);
	return ok;
}

bool
enrolment_issue(const struct enrolment *e, const struct perspective *member,
    const struct pki_request *request, struct pki_issued *issued, struct buf *base64,
    struct buf *why)
{
	char identity[TLS_IDENTITY_MAX];
	const struct pki_holder holder = { .identity = identity,
		.signing_key = request->signing_key[0] != '\0' ? request->signing_key : NULL };

	snprintf(identity, sizeof(identity), PKI_PERSPECTIVE "%s", member->code);
	if (!pki_issue(&e->ca, &holder, request->key, e->days, issued, why) ||
	    !ledger_issued(e->folder, issued, request->signing_key, why))
		return false;
	if (encode(issued->x, base64))
		return true;
	buf_adds(why, "out of memory");
	return false;
}
