/*
 * The signature of a perspective on its result of a check.
 *
 * A signed result is an object whose last member is `signature`, written
 * without any space before it: a compact JWS (jws.h). Its payload is an object
 * that says who did what for whom and when, and names two digests:
 *
 *   perspective_code, check_type, domain_or_ip_target, nonce, timestamp_ns
 *   software_version, resolver_version (as the resolver says it; null while it
 *   has said nothing), image_version (of the appliance; null)
 *   request_sha256  of the request's body as the perspective received it
 *   result_sha256   of the result's bytes without the member: those before
 *                   ,"signature": and a closing brace
 *
 * both SHA-256 in base64url. So a result stays verifiable wherever its bytes
 * are kept as they came, with the public key alone.
 */
#ifndef MPIC_SIGNATURE_H
#define MPIC_SIGNATURE_H

#include "json_reader.h"
#include "jws.h"

#define SIGNATURE_MAX		((size_t)4096)	/* bytes that it adds to a result */
#define SIGNATURE_DIGEST_LEN	43
#define SIGNATURE_VERSION_MAX	128		/* bytes of software_version and image_version */
#define SIGNATURE_RESOLVER_MAX	64		/* bytes of resolver_version */

/* What is signed. Strings are borrowed: from `document` once it was read. */
struct signature_claims {
	struct json_object *document;	/* owned; NULL if filled by hand */
	const char *perspective_code, *check_type, *target;
	const char *nonce;		/* or NULL */
	struct json_int timestamp_ns;	/* wall clock, UNIX epoch */
	const char *request_sha256, *result_sha256;
	const char *software_version;
	const char *resolver_version;	/* or NULL */
	const char *image_version;	/* or NULL */
};

/* X(symbol, sentence): the sentence goes on from "its signature ". */
#define SIGNATURE_FAULTS(X) \
	X(MISSING,	"is missing") \
	X(MALFORMED,	"is malformed") \
	X(OTHER_KEY,	"names another key or another algorithm") \
	X(FALSE,	"was not made with its key, or what was signed has been changed") \
	X(CLAIMS,	"is over something that is no result of a check") \
	X(RESULT,	"is of another result, or the result has been changed") \
	X(CODE,		"is of another perspective") \
	X(CHECK,	"is of another type of check") \
	X(TARGET,	"is for another target") \
	X(NONCE,	"is for another nonce") \
	X(REQUEST,	"is for another request") \
	X(NO_MEMORY,	"could not be verified: out of memory")

enum signature_fault {
	SIGNATURE_OK,
#define X(symbol, sentence) SIGNATURE_##symbol,
	SIGNATURE_FAULTS(X)
#undef X
};

/* The end of a sentence; NULL for SIGNATURE_OK. */
const char *signature_fault_text(enum signature_fault fault);

/* SHA-256 in base64url. */
bool signature_digest(const struct jws_key *key, const char *text, size_t len,
    char digest[static SIGNATURE_DIGEST_LEN + 1]);
/*
 * Signs `result`, the text of an object with members; fills in no claim but
 * result_sha256. False: the result is of no use any more.
 */
bool signature_add(const struct jws_key *key, const struct signature_claims *claims,
    struct buf *result);

/* Where the JWS of a well-formed result stands. False: it has none. */
struct signature_place {
	const char *jws;
	size_t jws_len;
	size_t signed_len;	/* bytes of the result before the member */
};
bool signature_find(const char *result, size_t len, struct signature_place *place);
/*
 * OK, MISSING or OTHER_KEY: what can be told of a result without arithmetic.
 * OK means nothing about who made it.
 */
enum signature_fault signature_glance(const struct jws_key *key, const char *result, size_t len);
/* Verifies it over these bytes, which must be well-formed JSON. Free the claims when OK. */
enum signature_fault signature_verify(const struct jws_key *key, const char *result, size_t len,
    struct signature_claims *claims);
/* Whether the claims are `asked`; of that a member that is NULL is not compared. */
enum signature_fault signature_compare(const struct signature_claims *claims,
    const struct signature_claims *asked);
/* Reads a payload. False: it is none. */
bool signature_claims_read(struct signature_claims *claims, const char *text, size_t len);
void signature_claims_free(struct signature_claims *claims);

#endif
