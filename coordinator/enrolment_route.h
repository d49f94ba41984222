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
 *
 * With an audit log each POST leaves a line in it before it is answered, and no
 * certificate goes out without. Of refusals, which strangers can have as many of as
 * they like, so many a second do; the next line says how many others there were.
 */
#ifndef MPIC_COORDINATOR_ENROLMENT_ROUTE_H
#define MPIC_COORDINATOR_ENROLMENT_ROUTE_H

#include <time.h>

#include "coordinator/audit_file.h"
#include "coordinator/config.h"
#include "coordinator/guesses.h"
#include "server.h"

/* Refusals in the audit log: how many there were in a second, and how many had no line. */
struct refusal_lines {
	time_t second;
	unsigned lines;
	uint64_t others;
};

/* What outlives a configuration. */
struct enrolment_desk {
	struct metrics *metrics;	/* NULL: none */
	struct audit_file *audit;	/* NULL: none */
	struct refusal_lines of_strangers, of_known;
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
