#include "coordinator/audit_chain.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "json_scan.h"
#include "json_writer.h"

/* ---- SHA-256 ---- */

struct audit_digest {
	EVP_MD *sha256;
	EVP_MD_CTX *ctx;
	bool begun, failed;
};

struct audit_digest *
audit_digest_new(void)
{
	struct audit_digest *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->ctx = EVP_MD_CTX_new();
	if (d->sha256 != NULL && d->ctx != NULL)
		return d;
	audit_digest_free(d);
	return NULL;
}

void
audit_digest_free(struct audit_digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->sha256);
	free(d);
}

void
audit_digest_add(struct audit_digest *d, const void *bytes, size_t len)
{
	if (!d->begun)
		d->failed = EVP_DigestInit_ex2(d->ctx, d->sha256, NULL) != 1;
	d->begun = true;
	d->failed = d->failed || EVP_DigestUpdate(d->ctx, bytes, len) != 1;
}

bool
audit_digest_hex(struct audit_digest *d, char hex[AUDIT_HASH_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sum[AUDIT_HASH_LEN / 2];

	audit_digest_add(d, "", 0);
	d->begun = false;
	if (d->failed || EVP_DigestFinal_ex(d->ctx, sum, NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof(sum); i++) {
		hex[2 * i] = digits[sum[i] >> 4];
		hex[2 * i + 1] = digits[sum[i] & 15];
	}
	hex[AUDIT_HASH_LEN] = '\0';
	return true;
}

/* ---- writing ---- */

void
audit_line_begin(struct buf *out, const struct audit_link *last, const char *time,
    const char *event)
{
	buf_adds(out, "{\"seq\":");
	buf_add_uint(out, last->seq + 1);
	buf_adds(out, ",\"prev\":\"");
	buf_add(out, last->hash, AUDIT_HASH_LEN);
	buf_adds(out, "\",\"time\":\"");
	buf_adds(out, time);
	buf_adds(out, "\",\"event\":\"");
	buf_adds(out, event);
	buf_addc(out, '"');
}

bool
audit_line_end(struct buf *out, size_t start, struct audit_digest *d, struct audit_link *last)
{
	buf_adds(out, "}\n");
	if (out->failed)
		return false;
	audit_digest_add(d, out->data + start, out->len - start);
	if (!audit_digest_hex(d, last->hash))
		return false;
	last->seq++;
	return true;
}

/* ---- reading ---- */

/* What is still to be read of a line. Past a text that did not match nothing does. */
struct cursor {
	const char *at, *end;
	bool failed;
};

static void
expect(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if (c->failed || (size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
		c->failed = true;
	else
		c->at += len;
}

/* Between `least` and `most` characters of `set`, copied with a NUL. */
static void
take(struct cursor *c, const char *set, size_t least, size_t most, char *into)
{
	size_t n = 0;

	while (!c->failed && n < most && c->at < c->end && *c->at != '\0' &&
	    strchr(set, *c->at) != NULL)
		into[n++] = *c->at++;
	into[n] = '\0';
	c->failed = c->failed || n < least;
}

bool
audit_head_read(struct audit_head *h, const char *line, size_t len)
{
	struct cursor c = { line, line + len, false };
	struct json_scanned scanned;
	char seq[20], time[41];

	expect(&c, "{\"seq\":");
	take(&c, "0123456789", 1, sizeof(seq) - 1, seq);
	expect(&c, ",\"prev\":\"");
	take(&c, "0123456789abcdef", AUDIT_HASH_LEN, AUDIT_HASH_LEN, h->prev);
	expect(&c, "\",\"time\":\"");
	take(&c, "0123456789-:.TZ", 1, sizeof(time) - 1, time);
	expect(&c, "\",\"event\":\"");
	take(&c, "abcdefghijklmnopqrstuvwxyz", 1, AUDIT_EVENT_MAX, h->event);
	expect(&c, "\"");
	h->seq = strtoull(seq, NULL, 10);
	/* A torn line is no document, wherever it broke off. */
	return !c.failed && h->seq > 0 && line[len - 1] == '}' &&
	    json_scan(line, len, NULL, &scanned);
}

/* Makes the line of `len` bytes and a line end `last`. */
static bool
take_line(struct audit_tail *t, const struct audit_head *head, const char *line, size_t len,
    struct audit_digest *d)
{
	audit_digest_add(d, line, len);
	audit_digest_add(d, "\n", 1);
	t->found = true;
	t->last.seq = head->seq;
	return audit_digest_hex(d, t->last.hash);
}

bool
audit_tail_read(struct audit_tail *t, const char *text, size_t len, bool whole,
    struct audit_digest *d)
{
	const char *end = text + len, *next, *torn = text, *line = NULL;
	struct audit_head head, last = { .seq = 0 };
	size_t line_len = 0;

	*t = (struct audit_tail){ .last = AUDIT_LINK_NONE,
		.line_end = len == 0 || end[-1] == '\n' };
	for (const char *at = text; at < end; at = next) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		bool begun = at > text || whole;	/* else only its end is in the text */

		next = nl != NULL ? nl + 1 : end;
		if (!begun || !audit_head_read(&head, at, (size_t)((nl ? nl : end) - at)))
			continue;
		line = at;
		line_len = (size_t)((nl ? nl : end) - at);
		torn = next;
		last = head;
	}
	if (line != NULL && !take_line(t, &last, line, line_len, d))
		return false;
	if (torn == end)
		return true;
	t->torn = (uint64_t)(end - torn) + !t->line_end;
	audit_digest_add(d, torn, (size_t)(end - torn));
	if (!t->line_end)
		audit_digest_add(d, "\n", 1);
	return audit_digest_hex(d, t->torn_hash);
}
