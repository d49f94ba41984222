/*
 * The addresses of one host name, for a web check: AAAA and A are asked for
 * at once and judged by their evidence.
 *
 * An answer that is bogus, or of which this perspective cannot tell, fails
 * the lookup whatever the other family says. A family whose name servers
 * failed is passed over when the other has addresses; once the other decides,
 * it is waited for no longer than HOST_LOOKUP_PATIENCE_MS. Every lookup goes into the record.
 */
#ifndef MPIC_HOST_LOOKUP_H
#define MPIC_HOST_LOOKUP_H

#include <event2/event.h>

#include "evidence.h"
#include "httpcheck/run.h"
#include "httpcheck/web_record.h"

#define HOST_ADDRESSES_MAX	8	/* of a family that are kept */
#define HOST_LOOKUP_PATIENCE_MS	5000

enum host_family_name { HOST_IPV6, HOST_IPV4, HOST_FAMILIES };

/* What came of one family. */
struct host_family {
	enum problem problem;	/* PROBLEM_NONE with no address: there is no such record */
	bool no_name;		/* NXDOMAIN */
	struct address addresses[HOST_ADDRESSES_MAX];
	size_t count;
};

/* The same in turn: IPv6 first. */
struct host_addresses {
	struct address list[HOST_FAMILIES * HOST_ADDRESSES_MAX];
	size_t count;
};

/*
 * Judges the evidence of one lookup of `name`. Pure. The problem's sentence is
 * added to `why`.
 */
void host_family_judge(struct host_family *f, enum host_family_name family,
    const struct name *name, const struct evidence *e, struct buf *why);

struct host_lookup;

/* `problem` PROBLEM_NONE: there are addresses. All of it is valid during the call. */
typedef void host_lookup_done(void *arg, enum problem problem, const char *message,
    const struct host_addresses *addresses);

/* NULL without memory or nonces; then `done` is not called. It is never called from within. */
struct host_lookup *host_lookup_start(struct run *run, const struct name *name,
    struct web_record *record, host_lookup_done *done, void *arg);
/* `done` will not be called. */
void host_lookup_cancel(struct host_lookup *l);

#endif
