#include "httpcheck/fetch.h"

#include <string.h>

#include "check.h"
#include "wire.h"

#define AUTHORITY_MAX	512
#define NAME_MAX_BYTES	255	/* a server's name; a name in a certificate */
#define USER_AGENT_MAX	1024
#define TLS_VERSION_MAX	16

/* --- writing ---------------------------------------------------------------- */

static void
put_uint(struct buf *out, uint64_t v, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = len; i-- > 0; v >>= 8)
		bytes[i] = (uint8_t)v;
	buf_add(out, bytes, len);
}

static void
put_bytes(struct buf *out, const void *bytes, size_t len)
{
	put_uint(out, len, 4);
	buf_add(out, bytes, len);
}

/* With its NUL, so that the reader's strings stand in the message itself. */
static void
put_text(struct buf *out, const char *s)
{
	put_bytes(out, s, strlen(s) + 1);
}

static void
put_optional(struct buf *out, const char *s)
{
	put_uint(out, s != NULL, 1);
	if (s != NULL)
		put_text(out, s);
}

/* --- reading: each value has a cap, and only one encoding ------------------- */

static bool
get_bool(struct wire_reader *r)
{
	uint8_t v = wire_u8(r);

	if (v > 1)
		r->bad = true;
	return v == 1;
}

static uint64_t
get_below(struct wire_reader *r, uint64_t v, uint64_t limit)
{
	if (v < limit)
		return v;
	r->bad = true;
	return 0;
}

static const char *
get_text(struct wire_reader *r, size_t max)
{
	uint32_t len = wire_u32(r);
	const uint8_t *s = len > 0 && len <= max + 1 ? wire_bytes(r, len) : NULL;

	if (s == NULL || memchr(s, '\0', len) != s + len - 1) {
		r->bad = true;
		return "";
	}
	return (const char *)s;
}

static const char *
get_optional(struct wire_reader *r, size_t max)
{
	return get_bool(r) ? get_text(r, max) : NULL;
}

/* What goes into a request's line or field must not begin another. */
static const char *
get_line(struct wire_reader *r, size_t max, unsigned char lowest)
{
	const char *s = get_text(r, max);

	for (const char *c = s; *c != '\0'; c++)
		if (((unsigned char)*c < lowest && !(*c == '\t' && lowest == ' ')) || *c == 0x7f)
			r->bad = true;
	return s;
}

/* It becomes the host of a URL, of which nothing else may be in it. */
static const char *
get_server_name(struct wire_reader *r)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-._";
	const char *s = get_optional(r, NAME_MAX_BYTES);

	if (s != NULL && (s[0] == '\0' || s[strspn(s, letters)] != '\0'))
		r->bad = true;
	return s;
}

/* --- a job ------------------------------------------------------------------ */

void
fetch_job_encode(const struct fetch_job *job, uint64_t id, struct buf *out)
{
	put_uint(out, id, 8);
	put_uint(out, job->kind, 1);
	put_uint(out, job->address.family == AF_INET6, 1);
	buf_add(out, job->address.bytes, job->address.family == AF_INET6 ? 16 : 4);
	put_uint(out, job->port, 2);
	put_text(out, job->authority);
	put_text(out, job->path);
	put_optional(out, job->server_name);
	put_text(out, job->user_agent);
	put_uint(out, job->header_count, 1);
	for (size_t i = 0; i < job->header_count; i++) {
		put_text(out, job->headers[i].name);
		put_text(out, job->headers[i].value);
	}
	put_uint(out, (uint64_t)job->connect_ms, 8);
	put_uint(out, (uint64_t)job->total_ms, 8);
}

static void
get_address(struct wire_reader *r, struct address *a)
{
	bool six = get_bool(r);
	size_t len = six ? 16 : 4;
	const uint8_t *bytes = wire_bytes(r, len);

	a->family = six ? AF_INET6 : AF_INET;
	if (bytes != NULL)
		memcpy(a->bytes, bytes, len);
}

bool
fetch_job_decode(struct fetch_job *job, uint64_t *id, const void *bytes, size_t len)
{
	struct wire_reader r;

	memset(job, 0, sizeof(*job));
	wire_reader_init(&r, bytes, len <= FETCH_MESSAGE_MAX ? len : 0);
	*id = wire_u64(&r);
	job->kind = (enum fetch_kind)get_below(&r, wire_u8(&r), FETCH_TLS_ALPN + 1);
	get_address(&r, &job->address);
	job->port = wire_u16(&r);
	job->authority = get_line(&r, AUTHORITY_MAX, '!');
	job->path = get_line(&r, FETCH_URL_MAX, '!');
	job->server_name = get_server_name(&r);
	job->user_agent = get_line(&r, USER_AGENT_MAX, ' ');
	job->header_count = get_below(&r, wire_u8(&r), CHECK_HEADERS_MAX + 1);
	for (size_t i = 0; i < job->header_count; i++) {
		job->headers[i].name = get_line(&r, CHECK_HEADER_BYTES_MAX, '!');
		job->headers[i].value = get_line(&r, CHECK_HEADER_BYTES_MAX, ' ');
		if (job->headers[i].name[strcspn(job->headers[i].name, ":;")] != '\0')
			r.bad = true;
	}
	job->connect_ms = (int64_t)get_below(&r, wire_u64(&r), CHECK_DEADLINE_MAX_MS + 1);
	job->total_ms = (int64_t)get_below(&r, wire_u64(&r), CHECK_DEADLINE_MAX_MS + 1);
	return wire_done(&r);
}

/* --- an outcome ------------------------------------------------------------- */

static void
certificate_encode(const struct fetch_certificate *c, struct buf *out)
{
	size_t listed = c->name_count < FETCH_NAMES_MAX ? c->name_count : FETCH_NAMES_MAX;

	put_uint(out, c->present, 1);
	if (!c->present)
		return;
	put_uint(out, c->parsed, 1);
	buf_add(out, c->sha256, sizeof(c->sha256));
	put_optional(out, c->common_name);
	put_uint(out, c->name_count, 4);
	for (size_t i = 0; i < listed; i++) {
		put_uint(out, c->names[i].kind, 1);
		put_optional(out, c->names[i].text);
	}
	put_uint(out, c->acme_count, 4);
	put_uint(out, c->acme_critical, 1);
	put_bytes(out, c->acme, c->acme_len);
}

/* A name of a kind that is compared has a text. */
static void
get_names(struct wire_reader *r, struct fetch_certificate *c)
{
	for (size_t i = 0; i < c->name_count && i < FETCH_NAMES_MAX; i++) {
		c->names[i].kind = (enum fetch_name_kind)get_below(r, wire_u8(r),
		    FETCH_OTHER_NAME + 1);
		c->names[i].text = get_optional(r, NAME_MAX_BYTES);
		if ((c->names[i].text == NULL) != (c->names[i].kind == FETCH_OTHER_NAME))
			r->bad = true;
	}
}

static void
certificate_decode(struct wire_reader *r, struct fetch_certificate *c)
{
	const uint8_t *bytes;

	c->present = get_bool(r);
	if (!c->present)
		return;
	c->parsed = get_bool(r);
	bytes = wire_bytes(r, sizeof(c->sha256));
	if (bytes != NULL)
		memcpy(c->sha256, bytes, sizeof(c->sha256));
	c->common_name = get_optional(r, NAME_MAX_BYTES);
	c->name_count = wire_u32(r);
	get_names(r, c);
	c->acme_count = wire_u32(r);
	c->acme_critical = get_bool(r);
	c->acme_len = get_below(r, wire_u32(r), FETCH_ACME_MAX + 1);
	bytes = wire_bytes(r, c->acme_len);
	if (bytes != NULL)
		memcpy(c->acme, bytes, c->acme_len);
}

/* -1 is 0, so that what was not reached needs no sign. */
static void
put_time(struct buf *out, int64_t us)
{
	put_uint(out, us < 0 ? 0 : (uint64_t)us + 1, 8);
}

static int64_t
get_time(struct wire_reader *r)
{
	return (int64_t)get_below(r, wire_u64(r), (uint64_t)INT64_MAX) - 1;
}

void
fetch_outcome_encode(const struct fetch_outcome *o, uint64_t id, struct buf *out)
{
	put_uint(out, id, 8);
	put_uint(out, o->problem, 1);
	put_text(out, o->sentence != NULL ? o->sentence : "");
	put_uint(out, (uint64_t)o->status, 2);
	put_optional(out, o->location);
	put_bytes(out, o->body, o->body_len);
	put_uint(out, o->more, 1);
	put_optional(out, o->tls_version);
	put_uint(out, o->alpn, 1);
	certificate_encode(&o->certificate, out);
	put_time(out, o->connect_us);
	put_time(out, o->tls_us);
	put_time(out, o->first_byte_us);
	put_time(out, o->total_us);
}

bool
fetch_outcome_decode(struct fetch_outcome *o, uint64_t *id, const void *bytes, size_t len)
{
	struct wire_reader r;

	memset(o, 0, sizeof(*o));
	wire_reader_init(&r, bytes, len <= FETCH_MESSAGE_MAX ? len : 0);
	*id = wire_u64(&r);
	o->problem = (enum problem)get_below(&r, wire_u8(&r), PROBLEM_COUNT);
	o->sentence = get_text(&r, FETCH_SENTENCE_MAX - 1);
	o->status = (int)get_below(&r, wire_u16(&r), 1000);
	o->location = get_optional(&r, FETCH_URL_MAX);
	o->body_len = get_below(&r, wire_u32(&r), FETCH_BODY_MAX + 1);
	o->body = wire_bytes(&r, o->body_len);
	o->more = get_bool(&r);
	o->tls_version = get_optional(&r, TLS_VERSION_MAX);
	o->alpn = get_bool(&r);
	certificate_decode(&r, &o->certificate);
	o->connect_us = get_time(&r);
	o->tls_us = get_time(&r);
	o->first_byte_us = get_time(&r);
	o->total_us = get_time(&r);
	return wire_done(&r);
}
