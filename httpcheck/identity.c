#include <config.h>

#include "httpcheck/identity.h"

#include <time.h>

#include "base64.h"
#include "httpcheck/perspective.h"
#include "httpcheck/status_file.h"
#include "json_writer.h"

#define BODY_MAX	((size_t)64 * 1024)

static void
add_time(struct buf *out, const char *lead, int64_t at_s)
{
	time_t at = (time_t)at_s;
	char text[32];
	struct tm tm;

	if (at_s == 0 || gmtime_r(&at, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		json_add_string(out, lead, NULL);
	else
		json_add_string(out, lead, text);
}

/* As verify_key of a coordinator has it. */
static void
add_key(struct buf *out, const char *lead, const struct jws_key *key)
{
	struct buf text = BUF_INIT(256);
	unsigned char *der = NULL;
	int len = key != NULL ? i2d_PUBKEY(key->pkey, &der) : -1;

	json_add_string(out, lead, len > 0 && base64_encode(der, (size_t)len, &text) ?
	    text.data : NULL);
	OPENSSL_free(der);
	buf_free(&text);
}

void
identity_route(struct exchange *x, void *arg)
{
	struct perspective *p = arg;
	struct buf out = BUF_INIT(BODY_MAX);
	struct timespec now;
	int64_t begins_s, ends_s;

	server_lifetime(p->server, &begins_s, &ends_s);
	clock_gettime(CLOCK_REALTIME, &now);
	json_add_string(&out, "{\"perspective_code\":", p->cfg->code);
	json_add_string(&out, ",\"software_version\":", "Parallax " PACKAGE_VERSION);
	json_add_string(&out, ",\"image_version\":", p->cfg->image_version);
	json_add_string(&out, ",\"resolver_version\":", p->resolver_version[0] != '\0' ?
	    p->resolver_version : NULL);
	add_key(&out, ",\"signing_key\":", p->signing_key);
	add_time(&out, ",\"certificate_not_before\":", begins_s);
	add_time(&out, ",\"certificate_not_after\":", ends_s);
	json_add_int(&out, ",\"timestamp_ns\":", (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	buf_adds(&out, ",\"notices\":[");
	status_notices(&p->cfg->status_files, &out);
	buf_adds(&out, "]}");
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 200, NULL, out.data, out.len, NULL, 0);
	buf_free(&out);
}
