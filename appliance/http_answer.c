#include "appliance/http_answer.h"

#include <string.h>
#include <strings.h>

#define DIGITS	"0123456789"
#define BLANKS	" \t"

void
http_answer_init_max(struct http_answer *a, const char *mark, size_t body_max)
{
	*a = (struct http_answer){ .mark = mark, .body_max = body_max,
		.raw = BUF_INIT(HTTP_ANSWER_HEAD_MAX + body_max + 1024) };
}

void
http_answer_init(struct http_answer *a, const char *mark)
{
	http_answer_init_max(a, mark, HTTP_ANSWER_BODY_MAX);
}

void
http_answer_free(struct http_answer *a)
{
	/* a body can be a document with keys */
	if (a->raw.data != NULL)
		explicit_bzero(a->raw.data, a->raw.cap);
	buf_free(&a->raw);
	a->body = NULL;
	a->body_len = 0;
}

static enum http_progress
bad(struct http_answer *a, const char *why)
{
	a->why = why;
	return HTTP_BAD;
}

static enum http_progress
done(struct http_answer *a, size_t len)
{
	a->body = a->raw.data + a->body_at;
	a->body_len = len;
	a->raw.data[a->body_at + len] = '\0';
	return HTTP_DONE;
}

/* ---- the head ---- */

/* RFC 9112 4: "HTTP/1.1 200 OK", the reason left out sometimes. */
static bool
status_line(struct http_answer *a, const char *line, size_t len)
{
	if (len < 12 || strncmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') ||
	    line[8] != ' ' || strspn(line + 9, DIGITS) < 3 || (len > 12 && line[12] != ' '))
		return false;
	a->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	return a->status >= 200;
}

static bool
name_is(const char *line, size_t name_len, const char *name)
{
	return name_len == strlen(name) && strncasecmp(line, name, name_len) == 0;
}

static bool
value_is(const char *value, size_t len, const char *text)
{
	return len == strlen(text) && strncasecmp(value, text, len) == 0;
}

/* RFC 9110 8.6: digits; a second one is refused even if it says the same. */
static const char *
take_length(struct http_answer *a, const char *value, size_t len)
{
	if (a->has_length || len == 0 || len > 9 || strspn(value, DIGITS) < len)
		return "has a Content-Length that is none";
	a->has_length = true;
	for (size_t i = 0; i < len; i++)
		a->length = a->length * 10 + (size_t)(value[i] - '0');
	return a->length > a->body_max ? "is too large" : NULL;
}

static const char *
take_field(struct http_answer *a, const char *name, size_t name_len, const char *value,
    size_t len)
{
	size_t mark_len = a->mark != NULL ? strcspn(a->mark, ":") : 0;

	if (name_is(name, name_len, "Content-Length"))
		return take_length(a, value, len);
	if (name_is(name, name_len, "Transfer-Encoding")) {
		if (a->has_chunks || !value_is(value, len, "chunked"))
			return "has a transfer coding other than chunked";
		a->has_chunks = true;
	} else if (name_is(name, name_len, "Content-Encoding") && !value_is(value, len, "identity")) {
		return "is compressed";
	} else if (a->mark != NULL && name_len == mark_len &&
	    strncasecmp(name, a->mark, mark_len) == 0 &&
	    value_is(value, len, a->mark + mark_len + 2)) {
		a->marked = true;
	}
	return NULL;
}

/* RFC 9112 5: no blank before the colon, no line that goes on with the one before. */
static const char *
field_line(struct http_answer *a, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value, *end = line + len;

	if (colon == NULL || colon == line || memchr(line, '\0', len) != NULL ||
	    strcspn(line, BLANKS "\r\n") < (size_t)(colon - line))
		return "has a field that is none";
	value = colon + 1;
	while (value < end && strchr(BLANKS, *value) != NULL)
		value++;
	while (end > value && strchr(BLANKS, end[-1]) != NULL)
		end--;
	return take_field(a, line, (size_t)(colon - line), value, (size_t)(end - value));
}

/* `len` bytes up to the empty line, which ends them. */
static const char *
read_head(struct http_answer *a, size_t len)
{
	const char *line = a->raw.data, *end = line + len, *next;
	const char *why = NULL;

	for (bool first = true; line < end && why == NULL; line = next + 2, first = false) {
		next = memmem(line, (size_t)(end - line), "\r\n", 2);
		if (next == NULL)
			return "has a line without an end";
		if (!first)
			why = field_line(a, line, (size_t)(next - line));
		else if (!status_line(a, line, (size_t)(next - line)))
			why = "is no HTTP/1.1";
	}
	/* RFC 9112 6.1: that is an attempt at something */
	if (why == NULL && a->has_length && a->has_chunks)
		why = "has both a Content-Length and a transfer coding";
	return why;
}

static enum http_progress
feed_head(struct http_answer *a)
{
	const char *end = memmem(a->raw.data, a->raw.len, "\r\n\r\n", 4);
	size_t len = end != NULL ? (size_t)(end - a->raw.data) + 2 : a->raw.len;
	const char *why;

	if (len > HTTP_ANSWER_HEAD_MAX)
		return bad(a, "has more than 8192 bytes of fields");
	if (end == NULL)
		return HTTP_MORE;
	why = read_head(a, len);
	if (why != NULL)
		return bad(a, why);
	a->body_at = len + 2;
	a->state = a->has_chunks ? ANSWER_CHUNKS : a->has_length ? ANSWER_LENGTH : ANSWER_TO_END;
	/* RFC 9112 6.3: these have no body, whatever they say */
	if (a->status == 204 || a->status == 304) {
		a->state = ANSWER_LENGTH;
		a->length = 0;
	}
	return HTTP_MORE;
}

/* ---- the body ---- */

static enum http_progress
feed_chunks(struct http_answer *a)
{
	size_t len = a->raw.len - a->body_at;
	enum chunk_result result = chunk_decode(&a->chunks, a->raw.data + a->body_at, &len,
	    a->body_max);

	a->raw.len = a->body_at + len;
	switch (result) {
	case CHUNK_MORE:
		return HTTP_MORE;
	case CHUNK_COMPLETE:
		return len == a->chunks.decoded ? done(a, len) : bad(a, "goes on after its end");
	case CHUNK_TOO_LARGE:
		return bad(a, "is too large");
	default:
		return bad(a, "has chunks that are none");
	}
}

static enum http_progress
feed_body(struct http_answer *a)
{
	size_t len = a->raw.len - a->body_at;

	if (a->state == ANSWER_CHUNKS)
		return feed_chunks(a);
	if (a->state == ANSWER_TO_END)
		return len > a->body_max ? bad(a, "is too large") : HTTP_MORE;
	if (len > a->length)
		return bad(a, "goes on after its end");
	return len == a->length ? done(a, len) : HTTP_MORE;
}

enum http_progress
http_answer_feed(struct http_answer *a, const void *bytes, size_t len)
{
	enum http_progress progress = HTTP_MORE;

	if (len == 0)
		return HTTP_MORE;
	buf_add(&a->raw, bytes, len);
	if (a->raw.failed)
		return bad(a, "is too large");
	if (a->state == ANSWER_HEAD)
		progress = feed_head(a);
	if (progress == HTTP_MORE && a->state != ANSWER_HEAD)
		progress = feed_body(a);
	return progress;
}

enum http_progress
http_answer_end(struct http_answer *a)
{
	if (a->state == ANSWER_TO_END)
		return done(a, a->raw.len - a->body_at);
	return bad(a, a->raw.len > 0 ? "ends too early" : "is missing: the connection ended");
}

const char *
http_answer_field(const struct http_answer *a, const char *name, size_t *len)
{
	const char *end = a->raw.data + a->body_at - 2, *line = a->raw.data, *next, *colon, *value;

	/* read_head() has seen that every line is one, and the first is the status */
	for (; (next = memmem(line, (size_t)(end - line), "\r\n", 2)) != NULL; line = next + 2) {
		colon = memchr(line, ':', (size_t)(next - line));
		if (line == a->raw.data || colon == NULL ||
		    !name_is(line, (size_t)(colon - line), name))
			continue;
		for (value = colon + 1; value < next && strchr(BLANKS, *value) != NULL; value++)
			continue;
		while (next > value && strchr(BLANKS, next[-1]) != NULL)
			next--;
		*len = (size_t)(next - value);
		return value;
	}
	return NULL;
}
