/* Answers of a coordinator whose perspectives voted as a test says. */
#ifndef MPIC_TEST_RESPONSE_FIXTURE_H
#define MPIC_TEST_RESPONSE_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "coordinator/response.h"

#define MEMBERS 3

/* The last is a primary. */
extern struct perspective fleet[MEMBERS + 1];

/* An attempt, and where its parts are. */
struct made {
	struct attempt attempt;
	struct poll polls[MPIC_CHECKS_MAX];
	struct corroborator corroborators[MPIC_CHECKS_MAX][MEMBERS], primaries[MPIC_CHECKS_MAX];
};

/*
 * `votes` of the members, the primary's first if there is a ':', those of the second check
 * behind a '/': p passed, f says no, u could not be reached, c was not awaited; an 'a'
 * passed on something else than the primary, a '.' was not asked.
 */
void attempt_make(struct made *m, const struct mpic_request *q, size_t number, const char *votes);
void attempt_drop(struct made *m);

/* Of this check, at MEMBERS perspectives; request_plain() is of CAA. */
struct mpic_request request_for(const char *check_type);
struct mpic_request request_plain(void);

/* The answer to it after these attempts. */
void encode(const struct mpic_request *q, const char *const *votes, size_t attempts,
    struct buf *out);
/* A member of it, which must be there. */
struct json_object *member(struct json_object *o, const char *key);

#define ROW(rule, members) "{\"rule\":\"" rule "\",\"document\":\"Open MPIC\"," \
	"\"version\":\"3.5.0\",\"section\":null,\"from\":null," members "}"
/* What ends an answer; of two perspectives no RIR's region is demanded. */
#define RULES_OF(regions) ",\"policy\":{\"name\":\"open-mpic\",\"document\":\"Open MPIC\"," \
	"\"version\":\"3.5.0\",\"rows\":[" ROW("remotes", "\"value\":2") "," \
	ROW("may_fail", "\"remotes\":2,\"value\":1") "," regions \
	ROW("distance_km", "\"value\":500") "]},\"compliance\":[]}"
#define RULES_OF_2 RULES_OF("")
#define RULES_OF_3 RULES_OF(ROW("rir_regions", "\"remotes\":3,\"value\":2") ",")

#endif
