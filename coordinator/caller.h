/*
 * Who may ask the coordinator, for what and how much: the callers of a
 * configuration. Pure but for a hash.
 *
 * A caller is known by an identity in its certificate (lib/tls.h) or by a bearer
 * token (RFC 6750 2.1), of which only the SHA-256 is kept: it is random, so that
 * neither salt nor stretching would add anything. A request that brings a
 * token is its token's caller's, whatever the certificate says: a proxy's own is
 * on every connection. Without a caller configured everybody is the same one, and
 * the configuration sees to it that the coordinator listens on loopback only.
 */
#ifndef MPIC_COORDINATOR_CALLER_H
#define MPIC_COORDINATOR_CALLER_H

#include "coordinator/request.h"
#include "option.h"

#define CALLERS_MAX	256
#define CALLER_NAME_MAX	64	/* bytes */
#define CALLER_NOBODY	"loopback"	/* the name of everybody */

struct caller {
	const char *name;		/* in audit and log lines, metrics and refusals */
	const struct option_strings *identities;
	const struct option_strings *check_types;	/* none: all */
	double rate;			/* requests a second, RATE_LEAST or more; 0: no limit */
	size_t burst;			/* requests at once, at least 1 */
	size_t concurrency;		/* requests under way in all workers; 0: no limit */
};

struct caller_token;

/* All zero is nobody configured. Strings are the options'. */
struct callers {
	struct caller *list;
	size_t count;
	struct caller_token *tokens;
	size_t token_count;
};

/* Why a request is nobody's. */
enum caller_doubt {
	CALLER_KNOWN,
	CALLER_NONE,		/* neither a token nor an identity that is a caller's */
	CALLER_BAD_TOKEN,	/* there is a token, and it is no caller's */
};

/* `options`: of struct caller_option. Free it either way. False, with one line a fault. */
bool callers_init(struct callers *c, const struct option_maps *options, struct buf *faults);
void callers_free(struct callers *c);
/* `authorization`: the header's value, or NULL. NULL, with the doubt, if nobody is known. */
const struct caller *callers_find(const struct callers *c, const char *identity,
    const char *authorization, enum caller_doubt *doubt);
/* Its place among them, less than CALLERS_MAX + 1: nobody's is after the last. */
size_t callers_index(const struct callers *c, const struct caller *caller);
/* A type is permitted by its name, or by those of each of its checks. */
bool caller_may(const struct caller *caller, const struct mpic_check_type *type);
/* The sentence for a type that it may not ask for. */
void caller_forbidden_text(const struct caller *caller, const struct mpic_check_type *type,
    struct buf *out);

#define CALLER_HASH_HEX	64
/* The SHA-256 of a token as the configuration has it. False if OpenSSL fails. */
bool caller_token_hash(const char *token, size_t len, char hex[static CALLER_HASH_HEX + 1]);

#endif
