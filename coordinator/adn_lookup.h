/*
 * The CNAME lookups that say whether a request's target is an Authorization
 * Domain Name, by the coordinator's own resolver, before any attempt.
 *
 * Each name that is undecided is followed by itself, one record after another,
 * until it reaches the target or cannot. Every answer has been validated: one
 * that is bogus, or that failed, leads nowhere.
 */
#ifndef MPIC_ADN_LOOKUP_H
#define MPIC_ADN_LOOKUP_H

#include "coordinator/applied_for.h"
#include "random_pool.h"
#include "resolver.h"

/* What came of it, valid during the call. */
struct adn_lookup_end {
	/* Our resolver did not do its work, so nothing is known: why; else NULL. */
	const char *unavailable;
	const struct json_faults *faults;	/* none: every name is ADN_PERMITTED */
	const struct adn_question *question;
};

struct adn_lookup_plan {
	struct resolver *resolver;
	struct random_pool *random;
	const struct adn_question *question;	/* copied, with its target */
	struct applied_for *names;	/* judged; outlives the lookups, which decide them */
	int64_t patience_ms;		/* for all */
	void (*ended)(void *arg, const struct adn_lookup_end *end);
	void *arg;
};

struct adn_lookups;

/*
 * NULL without memory or randomness; ended() is never called then. Else it is
 * called once, from the loop; the lookups are gone when it returns.
 */
struct adn_lookups *adn_lookups_start(const struct adn_lookup_plan *plan);
/* ended() will not be called. */
void adn_lookups_cancel(struct adn_lookups *l);

#endif
