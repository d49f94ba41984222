#include "coordinator/caller.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "coordinator/config_parts.h"
#include "coordinator/rate.h"
#include "tls.h"

#define TOKEN_MAX	512	/* bytes of one that is looked at */
#define SCHEME		"Bearer"

struct caller_token {
	unsigned char sha256[SHA256_DIGEST_LENGTH];
	const struct caller *caller;
};

/* ---- from the options ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
hash_parse(const char *text, unsigned char sha256[static SHA256_DIGEST_LENGTH])
{
	if (strlen(text) != CALLER_HASH_HEX)
		return false;
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		sha256[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool
name_allowed(const char *name)
{
	for (; *name != '\0'; name++)
		if (*name <= ' ' || *name > '~' || *name == '"')
			return false;
	return true;
}

/* What is wrong is not shown: it may be the token itself. */
static void
take_token(struct callers *c, const struct caller *caller, const char *text, struct buf *faults)
{
	struct caller_token *token = &c->tokens[c->token_count];

	*token = (struct caller_token){ .caller = caller };
	if (!hash_parse(text, token->sha256)) {
		buf_addf(faults, "callers: %s: token_sha256: expected 64 hexadecimal digits, as mpic "
		    "token prints them, found something else\n", caller->name);
		return;
	}
	for (size_t i = 0; i < c->token_count; i++)
		if (memcmp(c->tokens[i].sha256, token->sha256, sizeof(token->sha256)) == 0)
			buf_addf(faults, "callers: %s: token_sha256: %s has the same\n", caller->name,
			    c->tokens[i].caller->name);
	c->token_count++;
}

static bool
has_identity(const struct caller *caller, const char *identity)
{
	for (size_t i = 0; i < caller->identities->count; i++)
		if (strcmp(caller->identities->items[i], identity) == 0)
			return true;
	return false;
}

static void
check_types(const struct caller *caller, struct buf *faults)
{
	for (size_t i = 0; i < caller->check_types->count; i++)
		if (mpic_check_type_find(caller->check_types->items[i]) == NULL)
			buf_addf(faults, "callers: %s: check_types: expected caa, dcv or dcv_with_caa, "
			    "found \"%.64s\"\n", caller->name, caller->check_types->items[i]);
}

/* Against those before it. */
static void
check_unique(const struct callers *c, const struct caller *caller, struct buf *faults)
{
	for (const struct caller *other = c->list; other < caller; other++) {
		if (strcmp(other->name, caller->name) == 0)
			buf_addf(faults, "callers: %s: there are two of this name\n", caller->name);
		for (size_t i = 0; i < caller->identities->count; i++)
			if (has_identity(other, caller->identities->items[i]))
				buf_addf(faults, "callers: %s: identity: %s is that of %s, too\n",
				    caller->name, caller->identities->items[i], other->name);
	}
}

/* Anything else is no certificate's, and may be what stands for having none. */
static void
check_identities(const struct caller *caller, struct buf *faults)
{
	for (size_t i = 0; i < caller->identities->count; i++)
		if (strncasecmp(caller->identities->items[i], TLS_IDENTITY_PREFIX,
		    strlen(TLS_IDENTITY_PREFIX)) != 0)
			buf_addf(faults, "callers: %s: identity: expected a URI that begins with "
			    TLS_IDENTITY_PREFIX ", found \"%.64s\"\n", caller->name,
			    caller->identities->items[i]);
}

static void
take_caller(struct callers *c, const struct caller_option *o, struct buf *faults)
{
	struct caller *caller = &c->list[c->count++];

	*caller = (struct caller){ .name = o->name, .identities = &o->identities,
		.check_types = &o->check_types, .rate = o->rate,
		.burst = o->burst > 0 ? (size_t)o->burst : (size_t)ceil(o->rate > 1 ? o->rate : 1),
		.concurrency = (size_t)o->concurrency };
	if (!name_allowed(o->name))
		buf_addf(faults, "callers: %zu: name: expected printable ASCII without blanks and "
		    "quotation marks\n", c->count);
	if (o->identities.count == 0 && o->token_sha256.count == 0)
		buf_addf(faults, "callers: %s: expected an identity or a token_sha256 to know it "
		    "by\n", o->name);
	if (o->rate > 0 && o->rate < RATE_LEAST)
		buf_addf(faults, "callers: %s: rate: expected 0 or at least %g, found %g\n", o->name,
		    RATE_LEAST, o->rate);
	if (o->burst > 0 && o->rate == 0)
		buf_addf(faults, "callers: %s: burst: only together with rate\n", o->name);
	check_identities(caller, faults);
	check_types(caller, faults);
	check_unique(c, caller, faults);
	for (size_t i = 0; i < o->token_sha256.count; i++)
		take_token(c, caller, o->token_sha256.items[i], faults);
}

bool
callers_init(struct callers *c, const struct option_maps *options, struct buf *faults)
{
	const struct caller_option *o = options->items;
	size_t before = faults->len, tokens = 0;

	*c = (struct callers){ .count = 0 };
	for (size_t i = 0; i < options->count; i++)
		tokens += o[i].token_sha256.count;
	c->list = calloc(options->count + 1, sizeof(*c->list));
	c->tokens = calloc(tokens + 1, sizeof(*c->tokens));
	if (c->list == NULL || c->tokens == NULL) {
		buf_adds(faults, "callers: out of memory\n");
		return false;
	}
	for (size_t i = 0; i < options->count; i++)
		take_caller(c, &o[i], faults);
	return faults->len == before && !faults->failed;
}

void
callers_free(struct callers *c)
{
	free(c->list);
	free(c->tokens);
	*c = (struct callers){ .count = 0 };
}

/* ---- who it is ---- */

/* RFC 6750 2.1, RFC 9110 11.1. NULL: another scheme, or none. "": no token can be read. */
static const char *
bearer_token(const char *authorization, size_t *len)
{
	const size_t scheme = sizeof(SCHEME) - 1;
	const char *token;

	if (authorization == NULL || strncasecmp(authorization, SCHEME, scheme) != 0 ||
	    (authorization[scheme] != ' ' && authorization[scheme] != '\0'))
		return NULL;
	token = authorization + scheme + strspn(authorization + scheme, " ");
	*len = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");
	if (token[*len] != '\0' || *len > TOKEN_MAX)
		*len = 0;
	return token;
}

/* All rows are looked at, whichever it is: time tells nothing. */
static const struct caller *
find_token(const struct callers *c, const char *token, size_t len)
{
	unsigned char sha256[SHA256_DIGEST_LENGTH];
	const struct caller *found = NULL;

	if (len == 0 || EVP_Digest(token, len, sha256, NULL, EVP_sha256(), NULL) != 1)
		return NULL;
	for (size_t i = 0; i < c->token_count; i++)
		if (CRYPTO_memcmp(c->tokens[i].sha256, sha256, sizeof(sha256)) == 0)
			found = c->tokens[i].caller;
	return found;
}

static const struct caller *
find_identity(const struct callers *c, const char *identity)
{
	for (size_t i = 0; *identity != '\0' && i < c->count; i++)
		if (has_identity(&c->list[i], identity))
			return &c->list[i];
	return NULL;
}

const struct caller *
callers_find(const struct callers *c, const char *identity, const char *authorization,
    enum caller_doubt *doubt)
{
	static const struct option_strings nothing = { NULL, 0 };
	static const struct caller nobody = { .name = CALLER_NOBODY, .identities = &nothing,
		.check_types = &nothing, .burst = 1 };
	const struct caller *found;
	const char *token;
	size_t len = 0;

	*doubt = CALLER_KNOWN;
	if (c->count == 0)
		return &nobody;
	token = bearer_token(authorization, &len);
	found = token != NULL ? find_token(c, token, len) : find_identity(c, identity);
	if (found == NULL)
		*doubt = token != NULL ? CALLER_BAD_TOKEN : CALLER_NONE;
	return found;
}

size_t
callers_index(const struct callers *c, const struct caller *caller)
{
	return c->count > 0 ? (size_t)(caller - c->list) : 0;
}

/* ---- what it may ---- */

static bool
lists(const struct caller *caller, const char *name)
{
	for (size_t i = 0; i < caller->check_types->count; i++)
		if (strcmp(caller->check_types->items[i], name) == 0)
			return true;
	return false;
}

bool
caller_may(const struct caller *caller, const struct mpic_check_type *type)
{
	if (caller->check_types->count == 0 || lists(caller, type->name))
		return true;
	for (size_t i = 0; i < type->count; i++)
		if (!lists(caller, check_type_name(type->checks[i])))
			return false;
	return true;
}

void
caller_forbidden_text(const struct caller *caller, const struct mpic_check_type *type,
    struct buf *out)
{
	buf_addf(out, "the caller %s may not ask for %s, only for", caller->name, type->name);
	for (size_t i = 0; i < caller->check_types->count; i++)
		buf_addf(out, "%s %s", i > 0 ? "," : "", caller->check_types->items[i]);
}

bool
caller_token_hash(const char *token, size_t len, char hex[static CALLER_HASH_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sha256[SHA256_DIGEST_LENGTH];

	if (EVP_Digest(token, len, sha256, NULL, EVP_sha256(), NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof(sha256); i++) {
		hex[2 * i] = digits[sha256[i] >> 4];
		hex[2 * i + 1] = digits[sha256[i] & 15];
	}
	hex[CALLER_HASH_HEX] = '\0';
	return true;
}
