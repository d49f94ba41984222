#include "server_head.h"

#include <string.h>
#include <strings.h>

size_t
head_end(const char *text, size_t len, size_t searched)
{
	size_t from = searched > 3 ? searched - 3 : 0;
	const char *end;

	if (from > len)
		return 0;
	end = memmem(text + from, len - from, "\r\n\r\n", 4);
	return end != NULL ? (size_t)(end - text) + 4 : 0;
}

/* RFC 9110 5.6.2: what names and methods are made of. */
static bool
is_token(const char *s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
		    (*s >= 'A' && *s <= 'Z') || strchr(marks, *s) != NULL))
			return false;
	return true;
}

/* Cuts the line at `*pos` off its CRLF; NULL when it holds a stray control character. */
static char *
next_line(char **pos, const char *end)
{
	char *line = *pos, *s;

	for (s = line; s + 1 < end && !(s[0] == '\r' && s[1] == '\n'); s++)
		if ((unsigned char)*s < ' ' ? *s != '\t' : *s == 0x7f)
			return NULL;
	*s = '\0';
	*pos = s + 2;
	return line;
}

/* The path of an absolute-form target (RFC 9112 3.2.2) or the target itself. */
static char *
target_path(char *target)
{
	char *host;

	if (strncasecmp(target, "http://", 7) != 0 &&
	    strncasecmp(target, "https://", 8) != 0)
		return target;
	host = strchr(target, ':') + 3;
	return strchr(host, '/');
}

static int
request_line(struct head *h, char *text, char *line, const char **why)
{
	char *target = strchr(line, ' ');
	char *version = target != NULL ? strchr(target + 1, ' ') : NULL;
	char *path, *query;

	*why = "malformed request line";
	if (version == NULL || strchr(version + 1, ' ') != NULL)
		return 400;
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(line))
		return 400;
	if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 || version[6] != '.')
		return 400;
	if (version[5] != '1' || version[7] < '0' || version[7] > '9') {
		*why = "only HTTP/1.1 and HTTP/1.0 are spoken here";
		return 505;
	}
	path = target_path(target);
	if (path == NULL || (*path != '/' && strcmp(path, "*") != 0))
		return 400;
	query = strchr(path, '?');
	if (query != NULL)
		*query++ = '\0';
	else
		query = path + strlen(path);
	h->method = (uint32_t)(line - text);
	h->path = (uint32_t)(path - text);
	h->query = (uint32_t)(query - text);
	h->http10 = version[7] == '0';
	h->close = h->http10;
	return 0;
}

static int
field_line(struct head *h, char *text, char *line, const char **why)
{
	char *colon = strchr(line, ':'), *value, *end;

	*why = "malformed header field";
	if (colon == NULL)
		return 400;
	*colon = '\0';
	if (!is_token(line))
		return 400;
	if (h->field_count == HEAD_FIELDS_MAX) {
		*why = "too many header fields";
		return 431;
	}
	value = colon + 1 + strspn(colon + 1, " \t");
	for (end = value + strlen(value); end > value && strchr(" \t", end[-1]) != NULL;)
		*--end = '\0';
	h->fields[h->field_count++] = (struct head_field){
		(uint32_t)(line - text), (uint32_t)(value - text) };
	return 0;
}

/* At most 18 digits, so that it cannot overflow; nothing but digits. */
static bool
length_parse(const char *s, uint64_t *length)
{
	size_t len = strlen(s);

	if (len == 0 || len > 18 || strspn(s, "0123456789") != len)
		return false;
	for (*length = 0; *s != '\0'; s++)
		*length = *length * 10 + (uint64_t)(*s - '0');
	return true;
}

/* Whether the comma-separated list holds the token, case aside. */
static bool
list_holds(const char *list, const char *token)
{
	size_t len = strlen(token), item;

	while (*list != '\0') {
		list += strspn(list, ", \t");
		item = strcspn(list, ", \t");
		if (item == len && strncasecmp(list, token, len) == 0)
			return true;
		list += item;
	}
	return false;
}

/* What the fields say about the request's framing; two lengths are an attack. */
struct framing {
	const char *value;	/* last value seen */
	unsigned count;
};

static struct framing
framing_of(const struct head *h, const char *text, const char *name)
{
	struct framing f = { NULL, 0 };

	for (size_t i = 0; i < h->field_count; i++) {
		if (strcasecmp(text + h->fields[i].name, name) == 0) {
			f.value = text + h->fields[i].value;
			f.count++;
		}
	}
	return f;
}

static int
body_framing(struct head *h, const char *text, const char **why)
{
	struct framing length = framing_of(h, text, "Content-Length");
	struct framing coding = framing_of(h, text, "Transfer-Encoding");

	*why = "ambiguous length of the body";
	if (length.count + coding.count > 1)
		return 400;
	if (coding.count == 1 && h->close)
		return 400;
	if (coding.count == 1 && strcasecmp(coding.value, "chunked") != 0) {
		*why = "the only transfer coding known here is chunked";
		return 501;
	}
	h->chunked = coding.count == 1;
	if (length.count == 1 && !length_parse(length.value, &h->content_length))
		return 400;
	return 0;
}

static int
connection_options(struct head *h, const char *text, const char **why)
{
	const char *connection = head_find(h, text, "Connection");
	const char *expect = head_find(h, text, "Expect");

	if (framing_of(h, text, "Host").count > 1 ||
	    (!h->close && head_find(h, text, "Host") == NULL)) {
		*why = "exactly one Host field is needed";
		return 400;
	}
	if (expect != NULL && strcasecmp(expect, "100-continue") != 0) {
		*why = "the only expectation known here is 100-continue";
		return 417;
	}
	h->expect_continue = expect != NULL && !h->close;
	if (connection != NULL && list_holds(connection, "close"))
		h->close = true;
	return 0;
}

int
head_parse(struct head *h, char *text, size_t len, const char **why)
{
	const char *end = text + len - 2;	/* before the empty line */
	char *pos = text, *line;
	int status;

	h->field_count = 0;
	h->content_length = 0;
	h->chunked = false;
	*why = "control character in the head";
	line = next_line(&pos, end);
	if (line == NULL)
		return 400;
	status = request_line(h, text, line, why);
	while (status == 0 && pos < end) {
		*why = "control character in the head";
		line = next_line(&pos, end);
		status = line != NULL ? field_line(h, text, line, why) : 400;
	}
	if (status == 0)
		status = body_framing(h, text, why);
	if (status == 0)
		status = connection_options(h, text, why);
	return status;
}

const char *
head_find(const struct head *h, const char *text, const char *name)
{
	for (size_t i = 0; i < h->field_count; i++)
		if (strcasecmp(text + h->fields[i].name, name) == 0)
			return text + h->fields[i].value;
	return NULL;
}
