#include "coordinator/reception.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "coordinator/metrics.h"
#include "json_writer.h"
#include "log.h"

#define DETAIL_MAX	((size_t)8 * 1024)

static void
refuse_with(struct exchange *x, int status, const char *detail, const struct header *extra)
{
	struct buf out = BUF_INIT(2 * DETAIL_MAX);

	json_add_string(&out, "{\"detail\":", detail);
	buf_addc(&out, '}');
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, status, NULL, out.data, out.len, extra, extra != NULL ? 1 : 0);
	buf_free(&out);
}

void
reception_refuse(struct exchange *x, int status, const char *detail, int64_t retry_s)
{
	char seconds[24];
	const struct header later = { "Retry-After", seconds };

	snprintf(seconds, sizeof(seconds), "%" PRId64, retry_s);
	refuse_with(x, status, detail, retry_s > 0 ? &later : NULL);
}

/* Strangers may ask without end; the log is not theirs to fill. */
static void
log_stranger(struct reception *r, const struct exchange *x, const char *why)
{
	time_t now = time(NULL);

	log_write(now != r->complained_s ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG, "request refused",
	    "peer", exchange_peer(x), "identity", exchange_identity(x), "why", why, NULL);
	r->complained_s = now;
}

/* RFC 6750 3, 3.1: no error code for a request that brings no token. */
static void
refuse_stranger(struct reception *r, struct exchange *x, enum caller_doubt doubt)
{
	const struct header plain = { "WWW-Authenticate", "Bearer realm=\"mpic\"" };
	const struct header invalid = { "WWW-Authenticate",
		"Bearer realm=\"mpic\", error=\"invalid_token\"" };
	const char *identity = exchange_identity(x);
	struct buf detail = BUF_INIT(DETAIL_MAX);

	metric_add(r->metrics, METRIC_REFUSED, ADMISSION_UNKNOWN - 1, 1);
	if (doubt == CALLER_BAD_TOKEN)
		buf_adds(&detail, "the bearer token is no caller's");
	else if (identity[0] != '\0' && strcmp(identity, "plain") != 0)
		buf_addf(&detail, "the identity %s is no caller's, and there is no bearer token",
		    identity);
	else
		buf_adds(&detail, "there is neither a certificate with a caller's identity nor a "
		    "bearer token");
	log_stranger(r, x, detail.data != NULL ? detail.data : "");
	refuse_with(x, 401, detail.data != NULL ? detail.data : "who asks?",
	    doubt == CALLER_BAD_TOKEN ? &invalid : &plain);
	buf_free(&detail);
}

const struct caller *
reception_caller(struct reception *r, const struct callers *callers, struct exchange *x)
{
	enum caller_doubt doubt;
	const struct caller *caller = callers_find(callers, exchange_identity(x),
	    exchange_header(x, "Authorization"), &doubt);

	if (caller == NULL)
		refuse_stranger(r, x, doubt);
	return caller;
}

static bool
from_this_machine(const struct exchange *x)
{
	struct endpoint peer = { .len = 0 };

	return endpoint_parse(&peer, exchange_peer(x)) && endpoint_loopback(&peer);
}

bool
reception_insider(struct reception *r, const struct callers *callers, struct exchange *x)
{
	return exchange_identity(x)[0] != '\0' || from_this_machine(x) ||
	    reception_caller(r, callers, x) != NULL;
}
