/*
 * A look at every endpoint of a fleet, over the connections and with the
 * certificates that calls have: whether it is there, ready, and what it is.
 */
#ifndef MPIC_COORDINATOR_INSPECTION_H
#define MPIC_COORDINATOR_INSPECTION_H

#include "coordinator/fanout.h"

#define INSPECTION_TEXT_MAX	256

/* What was seen of one endpoint. Texts are its own words: hostile, and cut. */
struct inspected {
	const struct perspective *perspective;
	const char *url;
	bool reachable;			/* it, or its gateway, answered GET /readyz */
	bool ready;
	bool hidden;			/* its gateway does not let GET /readyz through: `ready` is unknown */
	bool told;			/* it answered GET /identity: what follows is known */
	char software_version[INSPECTION_TEXT_MAX], image_version[INSPECTION_TEXT_MAX];
	char resolver[INSPECTION_TEXT_MAX];	/* Unbound's version, of /readyz */
	char signing_key[INSPECTION_TEXT_MAX];	/* base64; "" none */
	char certified_key[TLS_SIGNING_KEY_LEN + 1];	/* that its certificate names */
	int64_t begins_s;		/* its certificate, by its own word; 0 unknown */
	int64_t expires_s;		/* as it was shown; 0: plain */
	int64_t clock_ms;		/* by so much its clock is ahead of ours */
	char notices[1024];		/* items of a JSON array */
	char error[INSPECTION_TEXT_MAX];	/* why it is not reachable, not ready or hidden; "" */
	char last_error[INSPECTION_TEXT_MAX];	/* of a call to it, in this worker; "" none */
	int64_t last_error_s;		/* Unix time */
};

struct inspection;

/*
 * Begins to look. `done` comes once, from the loop, with a row an endpoint that is
 * valid during it; the fan-out must stay until then. NULL without memory.
 */
struct inspection *inspection_start(struct fanout *f,
    void (*done)(void *arg, const struct inspected *rows, size_t count), void *arg);
/* Gives it up: no done(). NULL is fine. */
void inspection_free(struct inspection *i);

#endif
