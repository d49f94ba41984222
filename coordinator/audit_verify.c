#include "coordinator/audit_verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"

/* A member's bytes; false if there is none. */
static bool
member(const char *line, size_t len, const char *key, struct json_span *value)
{
	struct json_scanned scanned;

	if (!json_scan(line, len, key, &scanned) || scanned.value.text == NULL)
		return false;
	*value = scanned.value;
	return true;
}

/* 0 without the member; what is no number is none either. */
static uint64_t
number(const char *line, size_t len, const char *key)
{
	struct json_span value;
	char digits[21];

	if (!member(line, len, key, &value) || value.len >= sizeof(digits))
		return 0;
	memcpy(digits, value.text, value.len);
	digits[value.len] = '\0';
	return strtoull(digits, NULL, 10);
}

/* The line is one that accounts for torn bytes: for those that stand before it, or none. */
static enum audit_blame
check_torn(struct audit_verifier *v, const char *line, size_t len, bool open, struct buf *why)
{
	uint64_t claimed = open ? number(line, len, "torn_bytes") : 0;
	char hash[AUDIT_HASH_LEN + 1];
	struct json_span value;

	if (v->pending == 0 && claimed == 0)
		return AUDIT_GOOD;
	if (v->pending == 0) {
		buf_addf(why, "it tells of %" PRIu64 " torn bytes before it, which are gone",
		    claimed);
		return AUDIT_THIS;
	}
	if (!audit_digest_hex(v->pending_digest, hash))
		return AUDIT_FAILED;
	if (claimed != v->pending || !member(line, len, "torn_sha256", &value) ||
	    value.len != AUDIT_HASH_LEN + 2 || memcmp(value.text + 1, hash, AUDIT_HASH_LEN) != 0) {
		buf_adds(why, "no line of an audit log, and not what a later line calls torn");
		return AUDIT_TORN;
	}
	v->pending = 0;
	v->torn++;
	return AUDIT_GOOD;
}

static enum audit_blame
check_first(const struct audit_verifier *v, const struct audit_head *h, struct buf *why)
{
	if (v->from != NULL && strcmp(h->prev, v->from) != 0) {
		buf_addf(why, "it names %s as the line before, not the hash given", h->prev);
		return AUDIT_THIS;
	}
	if (v->from == NULL && h->seq == 1 && strcmp(h->prev, AUDIT_LINK_NONE.hash) != 0) {
		buf_adds(why, "it is number 1 and yet names a line before it");
		return AUDIT_THIS;
	}
	return AUDIT_GOOD;
}

static enum audit_blame
check_place(const struct audit_verifier *v, const struct audit_head *h, struct buf *why)
{
	if (v->first_seq == 0)
		return check_first(v, h, why);
	if (h->seq > v->last.seq + 1) {
		buf_addf(why, "it is number %" PRIu64 " after number %" PRIu64 ": %" PRIu64
		    " missing before it", h->seq, v->last.seq, h->seq - v->last.seq - 1);
		return AUDIT_THIS;
	}
	if (h->seq <= v->last.seq) {
		buf_addf(why, "it is number %" PRIu64 " after number %" PRIu64 ": out of order, "
		    "or twice", h->seq, v->last.seq);
		return AUDIT_THIS;
	}
	if (strcmp(h->prev, v->last.hash) != 0) {
		buf_addf(why, "its hash is %s, but number %" PRIu64 " names %s: edited",
		    v->last.hash, h->seq, h->prev);
		return AUDIT_BEFORE;
	}
	return AUDIT_GOOD;
}

enum audit_blame
audit_verify_line(struct audit_verifier *v, const char *line, size_t len, struct buf *why)
{
	enum audit_blame blame;
	struct audit_head head;
	bool open;

	if (!audit_head_read(&head, line, len)) {
		audit_digest_add(v->pending_digest, line, len);
		audit_digest_add(v->pending_digest, "\n", 1);
		v->pending += len + 1;
		return AUDIT_GOOD;
	}
	open = strcmp(head.event, "open") == 0;
	if ((blame = check_torn(v, line, len, open, why)) != AUDIT_GOOD ||
	    (blame = check_place(v, &head, why)) != AUDIT_GOOD)
		return blame;
	if (v->first_seq == 0)
		v->first_seq = head.seq;
	v->lines++;
	v->unrecorded += open ? number(line, len, "unrecorded") : 0;
	v->last.seq = head.seq;
	audit_digest_add(v->digest, line, len);
	audit_digest_add(v->digest, "\n", 1);
	return audit_digest_hex(v->digest, v->last.hash) ? AUDIT_GOOD : AUDIT_FAILED;
}

enum audit_blame
audit_verify_end(struct audit_verifier *v, struct buf *why)
{
	if (v->pending == 0)
		return AUDIT_GOOD;
	buf_adds(why, "torn or no line of an audit log, and no later line tells of it");
	return AUDIT_TORN;
}
