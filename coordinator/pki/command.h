/* Inside mpic pki: what its commands share. */
#ifndef MPIC_PKI_COMMAND_H
#define MPIC_PKI_COMMAND_H

#include "coordinator/mpic.h"
#include "coordinator/pki/folder.h"
#include "coordinator/pki/ledger.h"
#include "tls.h"

#define CA_DAYS		3650
#define ENROLMENT_DAYS	1095
#define LEAF_DAYS	90
#define TOKEN_DAYS	7
#define DOCUMENT_MAX	((size_t)256 * 1024)

/* What the arguments say. */
struct asked {
	const char *folder;		/* of the CA */
	const char *other;		/* a second operand, of the commands that have one */
	const char *name, *days_text, *uses_text;
	const char *perspective, *caller, *address, *out, *url;
	const char *certificate, *serial, *reason, *key;
	bool coordinator, no_signing_key, json, host_good;
	int64_t days;			/* 0: not given */
	int64_t uses;
	char identity[TLS_IDENTITY_MAX];	/* of whom it is about; "" when it is not said */
	struct pki_holder holder;
};

/* Each gives the exit status. */
int pki_init(const struct asked *a);
int pki_enrolment(const struct asked *a);
int pki_issue_command(const struct asked *a);
int pki_renew_command(const struct asked *a);
int pki_revoke(const struct asked *a);
int pki_crl(const struct asked *a);
int pki_list(const struct asked *a);
int pki_token(const struct asked *a);

/* Says why on standard error. MPIC_ERROR. */
int pki_error(const struct buf *why);

/* "name: |" and the text, indented: a member of a document. */
void document_block(struct buf *out, const char *name, const struct buf *text);
/* What every document of a perspective begins with. */
void document_begin(struct buf *out, const struct asked *a);
/* The line that coordinator.yaml needs, on standard error; `verify_key` NULL: none in it. */
void document_row(const struct asked *a, const char *verify_key);
/* Prints it; its text is wiped and freed. */
bool document_print(struct buf *out);

#endif
