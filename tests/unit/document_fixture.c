#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/pki/ca.h"
#include "coordinator/pki/crl.h"
#include "document_fixture.h"

#define TEXT_MAX	((size_t)64 * 1024)

static void
copy(struct buf *out, const struct buf *text)
{
	*out = BUF_INIT(TEXT_MAX);
	buf_add(out, text->data, text->len);
	assert_false(out->failed);
}

static void
issue(const struct pki_ca *ca, const char *identity, struct buf *certificate, struct buf *key)
{
	const struct pki_holder holder = { .identity = identity };
	struct buf why = BUF_INIT(1024);
	struct pki_issued issued;

	assert_true(pki_issue(ca, &holder, NULL, FIXTURE_DAYS, &issued, &why));
	copy(certificate, &issued.certificate);
	copy(key, &issued.key);
	pki_issued_free(&issued);
	buf_free(&why);
}

static void
authority(struct pki_ca *ca, struct buf *certificate)
{
	struct pki_issued own = { .serial = "" };
	struct buf why = BUF_INIT(1024);

	assert_true(pki_ca_make(ca, "a CA", 365, &why));
	assert_true(pki_ca_write(ca, &own, &why));
	copy(certificate, &own.certificate);
	pki_issued_free(&own);
	buf_free(&why);
}

void
document_fixture_make(struct document_fixture *f)
{
	struct buf why = BUF_INIT(1024), public = BUF_INIT(1024);
	struct pki_ca ca, other;

	authority(&ca, &f->ca);
	authority(&other, &f->other_ca);
	issue(&ca, "urn:mpic:perspective:" FIXTURE_CODE, &f->certificate, &f->key);
	issue(&other, "urn:mpic:perspective:" FIXTURE_CODE, &f->stranger, &f->stranger_key);
	issue(&ca, "urn:mpic:coordinator", &f->coordinator, &f->coordinator_key);
	f->crl = BUF_INIT(TEXT_MAX);
	assert_true(crl_make(&ca, NULL, 0, CRL_DAYS, NULL, &f->crl, &why));
	f->signing_key = BUF_INIT(TEXT_MAX);
	assert_true(pki_signing_key(&f->signing_key, &public, &why));
	pki_ca_free(&ca);
	pki_ca_free(&other);
	buf_free(&public);
	buf_free(&why);
}

void
document_fixture_free(struct document_fixture *f)
{
	struct buf *all[] = { &f->ca, &f->crl, &f->other_ca, &f->certificate, &f->key, &f->stranger,
		&f->stranger_key, &f->coordinator, &f->coordinator_key, &f->signing_key };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_free(all[i]);
}

void
document_fixture_block(struct buf *out, const char *name, const struct buf *text)
{
	const char *line = text->data, *end;

	buf_addf(out, "%s: |\n", name);
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		buf_addf(out, "  %.*s\n", (int)(end - line), line);
}

void
document_fixture_write(const struct document_fixture *f, const char *without, const char *more,
    struct buf *out)
{
	const struct {
		const char *name;
		const struct buf *text;
	} members[] = {
		{ "tls_ca", &f->ca }, { "tls_certificate", &f->certificate },
		{ "tls_key", &f->key }, { "signing_key", &f->signing_key },
	};

	if (strstr(without, "code") == NULL)
		buf_adds(out, "code: \"" FIXTURE_CODE "\"\n");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strstr(without, members[i].name) == NULL)
			document_fixture_block(out, members[i].name, members[i].text);
	buf_adds(out, more);
	assert_false(out->failed);
}
