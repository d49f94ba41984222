/*
 * One perspective's result of one check in an answer, read for an explanation:
 * an answer may be a file from anywhere, so every member may be missing or
 * of another type than it should be.
 */
#ifndef MPIC_SEEN_H
#define MPIC_SEEN_H

#include "check.h"
#include "coordinator/fleet.h"

#define SEEN_MAX	(FLEET_MAX + 1)	/* the fleet, and a primary */

struct seen {
	const char *code;	/* of the document; "?" if it has none */
	enum rir rir;		/* RIR_NONE: not told */
	bool primary;
	bool cancelled;		/* it was not waited for: it says nothing */
	bool readable;		/* the members below are filled */
	struct check_result result;	/* owns nothing */
	struct json_object *details, *evidence;	/* of the document; NULL: none */
};

/* Members of `object`, which may be anything or NULL. NULL, -1: none of that type. */
const char *seen_string(struct json_object *object, const char *key);
struct json_object *seen_object(struct json_object *object, const char *key);
struct json_object *seen_list(struct json_object *object, const char *key);
int64_t seen_int(struct json_object *object, const char *key);
/* False also if there is none. */
bool seen_bool(struct json_object *object, const char *key);
size_t seen_count(struct json_object *list);	/* 0 for NULL */

/* Reads an entry of `perspectives`; the result is at `key`, "check_response" or the like. */
void seen_read(struct seen *seen, struct json_object *entry, const char *key,
    enum check_type type);
/*
 * The lookup that decided or failed, of the evidence: the first that is bogus,
 * else the first that failed, else the first. NULL if there is none.
 */
struct json_object *seen_lookup(const struct seen *seen);
/* Whether both tell the same of the domain, by problem and by what was seen. */
bool seen_same(const struct seen *a, const struct seen *b);

#endif
