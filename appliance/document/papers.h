/*
 * The certificates and keys in an appliance's document, looked at before
 * anything is done with them: they must fit each other and the perspective.
 *
 * A time is looked at as far as it is known: a certificate that ended before the
 * image was made has ended, whatever the clock says.
 */
#ifndef MPIC_APPLIANCE_PAPERS_H
#define MPIC_APPLIANCE_PAPERS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define PAPERS_IDENTITY	"urn:mpic:perspective:"	/* and the code */

/* PEM texts, borrowed; NULL for what the document has not. */
struct papers {
	const char *code;
	const char *ca;			/* tls_ca */
	const char *certificate;	/* tls_certificate: the leaf first */
	const char *key;		/* tls_key */
	const char *crl;		/* tls_crl */
	bool crl_renewed;		/* before it is used: it may be past by now */
	const char *signing_key;
	const char *enrolment_ca;	/* enrolment.ca */
	const char *log_forward_ca;	/* log_forward.ca */
	int64_t earliest_s;		/* it is at least then, Unix time */
	int64_t now_s;			/* and this, if the clock can be relied on; else 0 */
};

/* Adds a line a fault, "MEMBER: what is wrong"; never a byte of a key. True without any. */
bool papers_check(const struct papers *p, struct buf *faults);

#endif
