/*
 * Enrolment over the network: EST (RFC 7030, as RFC 8951 has it clarified).
 *
 *   GET  /.well-known/est/cacerts         for everybody
 *   GET  /.well-known/est/crls            for everybody (RFC 8295 3)
 *   POST /.well-known/est/simpleenroll    with a token: HTTP Basic, the user is the
 *                                         perspective's code
 *   POST /.well-known/est/simplereenroll  with a certificate of the perspective
 *
 * A token is looked at before what it came with, and used up last of all. It is
 * never logged or answered, nor is a user name that is no perspective's.
 */
#ifndef MPIC_COORDINATOR_ENROLMENT_ROUTE_H
#define MPIC_COORDINATOR_ENROLMENT_ROUTE_H

#include <time.h>

#include "coordinator/config.h"
#include "coordinator/guesses.h"
#include "server.h"

/* What outlives a configuration. */
struct enrolment_desk {
	struct metrics *metrics;	/* NULL: none */
	struct guesses guesses;
	time_t complained_s;		/* last second a refusal was logged at notice */
};

void enrolment_cacerts(const struct coordinator_config *cfg, struct exchange *x);
void enrolment_crls(const struct coordinator_config *cfg, struct exchange *x);
void enrolment_enrol(struct enrolment_desk *d, const struct coordinator_config *cfg,
    struct exchange *x);
void enrolment_renew(struct enrolment_desk *d, const struct coordinator_config *cfg,
    struct exchange *x);

#endif
