/*
 * The revocation lists of an appliance that enrols (tls_crl): those of its document
 * at first, then those that its coordinator has, without a boot.
 *
 * crl.pem in the folder of mpic-enrol is what mpic-httpcheck reads. It is there once
 * no list in it is overdue, for with one that is nobody is trusted; and it is written
 * only when there is something new, for that has the perspective read it again.
 */
#ifndef MPIC_APPLIANCE_ENROL_CRL_H
#define MPIC_APPLIANCE_ENROL_CRL_H

#include <stdbool.h>
#include <stdint.h>

#include "appliance/enrol/crl_set.h"
#include "appliance/enrol/enrol_call.h"

struct enrol_crl {
	bool wanted;		/* the document has lists */
	bool boot;		/* crl.pem was not there yet */
	STACK_OF(X509_CRL) *set;
	struct buf fault;	/* of the last try to have newer ones; empty: it was good */
};

/* Reads those that are there below `root`, else the document's; these are served if they are good. */
void enrol_crl_begin(struct enrol_crl *c, const char *root);
/* Asks the coordinator; `ca` is the file of the document's. False: see `fault`. */
bool enrol_crl_refresh(struct enrol_crl *c, const char *root, const struct enrol_server *server,
    const char *ca);
/* Nobody is trusted: a list is past. Adds a line that says so. */
bool enrol_crl_overdue(const struct enrol_crl *c, struct buf *line);
/* For the perspective's status_files. */
void enrol_crl_status(const struct enrol_crl *c, struct buf *text);
void enrol_crl_free(struct enrol_crl *c);

#endif
