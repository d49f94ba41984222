/* The members of an appliance's document, made afresh, and documents of them. */
#ifndef MPIC_DOCUMENT_FIXTURE_H
#define MPIC_DOCUMENT_FIXTURE_H

#include "buf.h"

#define FIXTURE_CODE	"aws:eu-central-1"
#define FIXTURE_DAYS	20

struct document_fixture {
	struct buf ca, crl, other_ca;			/* and another's */
	struct buf certificate, key;			/* of FIXTURE_CODE, by ca, for FIXTURE_DAYS */
	struct buf stranger, stranger_key;		/* the same, by other_ca */
	struct buf coordinator, coordinator_key;	/* urn:mpic:coordinator, by ca */
	struct buf signing_key;
};

void document_fixture_make(struct document_fixture *f);
void document_fixture_free(struct document_fixture *f);
/* "name: |" and the text, indented. */
void document_fixture_block(struct buf *out, const char *name, const struct buf *text);
/*
 * A whole document: each member of the list is left out where it stands in
 * `without` ("tls_key signing_key"), and `more` follows.
 */
void document_fixture_write(const struct document_fixture *f, const char *without,
    const char *more, struct buf *out);

#endif
