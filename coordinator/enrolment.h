/*
 * Enrolment: what a coordinator issues certificates to its perspectives with
 * (docs/enrolment.md).
 *
 * Whoever has a token for a perspective, or a certificate of it, may have a
 * certificate for that perspective, of whatever key it shows: of no other, and only
 * while the fleet has it.
 */
#ifndef MPIC_COORDINATOR_ENROLMENT_H
#define MPIC_COORDINATOR_ENROLMENT_H

#include "coordinator/fleet.h"
#include "coordinator/pki/ca.h"
#include "coordinator/pki/request.h"
#include "tls.h"

/* As configured. */
struct enrolment_option {
	bool set;
	char *ca, *key, *folder;
	int64_t days;
};

struct enrolment {
	bool set;		/* false: nobody can enrol */
	const char *folder;	/* of the CA, with its tokens; the configuration's */
	int64_t days;
	struct pki_ca ca;
	struct buf cacerts;	/* as GET /.well-known/est/cacerts answers */
	struct buf crls;	/* empty: there are none */
};

/* Reads what the options name. False, with a sentence; to be freed either way. */
bool enrolment_init(struct enrolment *e, const struct enrolment_option *o,
    const struct tls_files *tls, struct buf *why);
void enrolment_free(struct enrolment *e);

/* A member of the fleet; NULL: it has none of that code that enrols. */
const struct perspective *enrolment_member(const struct fleet *fleet, const char *code);
enum enrolment_standing { STANDING_GOOD, STANDING_REVOKED, STANDING_UNKNOWN };
/*
 * Whether a certificate is on the list in the CA's folder, crl.pem, as it is now: no
 * tls_crl and no SIGHUP is needed. Of one that another CA has issued the list says
 * nothing. Unknown, with a sentence: there is a list, and it cannot be read.
 */
enum enrolment_standing enrolment_standing(const struct enrolment *e, X509 *x, struct buf *why);
/*
 * The certificate for the member, as the base64 that answers the request; it is in
 * the folder's list before. `issued` is to be freed. False, with a sentence.
 */
bool enrolment_issue(const struct enrolment *e, const struct perspective *member,
    const struct pki_request *request, struct pki_issued *issued, struct buf *base64,
    struct buf *why);

#endif
