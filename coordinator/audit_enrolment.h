/*
 * What the audit log says of a request for a certificate: one line, "enrolment",
 * whether one was issued or refused. The token is named by the first digits of its
 * SHA-256, as its file in the CA's folder is, and never said.
 */
#ifndef MPIC_AUDIT_ENROLMENT_H
#define MPIC_AUDIT_ENROLMENT_H

#include <stdint.h>

#include "coordinator/audit_file.h"

#define AUDIT_TOKEN_DIGITS	16

/* NULL, or "", where it is not known. */
struct audit_enrolment {
	const char *outcome;		/* "enrolled", "renewed" or "refused" */
	const char *perspective;	/* the code */
	const char *peer;		/* ADDR:PORT */
	const char *key_sha256;		/* of the key that it is for, SubjectPublicKeyInfo */
	const char *token;		/* SHA-256 of it; and which use of it */
	const char *token_use;
	const char *shown;		/* serial number of the certificate that it came with */
	const char *serial, *not_after, *verify_key;	/* of what was issued */
	int status;			/* of a refusal, with its sentence */
	const char *why;
	uint64_t others;		/* refused since the last line that have none */
};

/* False: it is not there. */
bool audit_enrolment(struct audit_file *f, const struct audit_enrolment *e);

#endif
