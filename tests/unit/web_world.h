/*
 * Test helper: what surrounds a web check, in a table. It defines the
 * functions of resolver.h, fetcher.h and run.h that the check calls, so the
 * program takes everything else from the library, and none of these.
 *
 * A family of a host is addresses apart by spaces, or one of the words below;
 * NULL: there is no such record.
 */
#ifndef MPIC_TEST_WEB_WORLD_H
#define MPIC_TEST_WEB_WORLD_H

#include "httpcheck/fetcher.h"
#include "httpcheck/run.h"

#define BOGUS		"bogus"
#define FAILS		"fails"		/* no name server answers */
#define INDETERMINATE	"indeterminate"
#define NO_NAME		"nxdomain"
#define TIMES_OUT	"times-out"	/* a resolver_answer of PROBLEM_DNS_TIMEOUT */
#define UNREACHABLE	"unreachable"	/* the resolver is */
#define HANGS		"hangs"		/* never answered */
#define ODD		"odd"		/* RDATA of three octets */
#define LARGE		"large"		/* evidence of some 30 kB */

struct web_host {
	const char *name, *aaaa, *a;
};

/* What an address answers, on one URL or on any. The first row that fits is taken. */
struct web_server {
	const char *address;	/* NULL: any */
	const char *url;	/* as "http://host/path", by scheme, Host field and path; NULL: any */
	int status;
	const char *location, *body;
	enum problem problem;
	const char *sentence;
	bool hangs;		/* never answers */
	const struct fetch_outcome *outcome;	/* instead of all the others */
};

#define WEB_FETCHES_MAX	128

/* A job as it was asked for; texts are copies. */
struct web_job {
	enum fetch_kind kind;
	char address[ADDRESS_TEXT_MAX], url[600], server_name[300], user_agent[64], headers[300];
	int64_t connect_ms, total_ms;
};

struct web_world {
	const struct web_host *hosts;		/* ends with a NULL name */
	const struct web_server *servers;	/* ends with neither status, problem, hangs nor outcome */
	int64_t deadline_ms;			/* 0: 20000 */

	struct event_base *base;
	struct run run;
	struct web_job jobs[WEB_FETCHES_MAX];
	size_t job_count, question_count;
	size_t open;				/* questions and fetches under way */

	unsigned ends;				/* replies so far */
	bool passed;
	enum problem problem;
	char message[CHECK_MESSAGE_MAX];
	struct buf json;			/* the result, encoded */
};

/* `target` and `parameters` are the request's. At most one world at a time. */
void web_world_start(struct web_world *w, const char *target,
    const struct check_dcv_parameters *parameters);
/* The check, from its start to its reply; fails the test if that does not come. */
void web_world_check(struct web_world *w, const char *target,
    const struct check_dcv_parameters *parameters);
/* Turns the loop for a time. */
void web_world_turn(struct web_world *w, int ms);
/* Requires that nothing is under way any more. */
void web_world_free(struct web_world *w);

#endif
