/*
 * A persistent record of domain control (BR 3.2.2.4.22, 3.2.2.5.8), in the
 * syntax of a CAA issue value: issuer-domain-name; accounturi=URI, and perhaps
 * persistUntil (seconds since the epoch) and policy. Pure.
 */
#ifndef MPIC_PERSIST_H
#define MPIC_PERSIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_reader.h"

/* What a record must say. Lists are as the request has them and the caller's. */
struct persist_question {
	const struct json_list *issuers;	/* names of the CA's; any may match */
	const char *account_uri;		/* NULL: only the list's */
	const struct json_list *account_uris;	/* any may match */
	bool wildcard;			/* the record must be for wildcards as well */
	int64_t now_s;			/* UNIX time */
};

/*
 * What a record comes to. The order is that of nearness: of several records
 * that are not usable, the last of these is worth telling. X(symbol, sentence)
 */
#define PERSIST_OUTCOMES(X) \
	X(MALFORMED, "does not follow the syntax of RFC 8659 4.2") \
	X(OTHER_ISSUER, "names another issuer") \
	X(REPEATED, "has a parameter twice") \
	X(NO_ACCOUNT, "has no accounturi") \
	X(OTHER_ACCOUNT, "is for another account") \
	X(BAD_UNTIL, "has a persistUntil that is no number of seconds") \
	X(EXPIRED, "has expired by its persistUntil") \
	X(NO_WILDCARD, "is not for wildcards: it lacks policy=wildcard") \
	X(USABLE, "is usable")

enum persist_outcome {
#define X(symbol, sentence) PERSIST_##symbol,
	PERSIST_OUTCOMES(X)
#undef X
	PERSIST_OUTCOME_COUNT
};

/* `account` is set where the record is usable: which of the question's it is for. */
enum persist_outcome persist_judge(const struct persist_question *q, const void *record,
    size_t len, size_t *account);
/* Its URI. */
const char *persist_account(const struct persist_question *q, size_t account);
/* The end of a sentence about the record. */
const char *persist_text(enum persist_outcome outcome);

#endif
