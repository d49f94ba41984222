/*
 * What the parts of mpic.so share: the module's own state and its marks on
 * Unbound's query states.
 *
 * A query with our option becomes a `struct query` (query.h), an aggregator
 * that asks nothing itself: every lookup is a `struct sub` (sub.h), a query
 * state of its own that shares no answer with any other. Both hang on the
 * query state's minfo and start with an `enum mark`. A state without a mark
 * is ordinary traffic and passes through untouched.
 */
#ifndef MPIC_MODULE_STATE_H
#define MPIC_MODULE_STATE_H

#include "config.h"
#include "util/module.h"

#include "counters.h"
#include "settings.h"

enum mark { MARK_QUERY = 0x51, MARK_SUB = 0x53 };

/* One a loaded module, shared by every thread: constant after init() but for the counters. */
struct module_state {
	struct settings settings;
	struct counters counters;
	int iterator;		/* index of the iterator in the module stack */
};

struct module_state *module_state(struct module_env *env, int id);

#endif
