#include "coordinator/call_headers.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "syntax.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

struct call_headers *
call_headers_new(void)
{
	return calloc(1, sizeof(struct call_headers));
}

void
call_headers_free(struct call_headers *h)
{
	for (size_t i = 0; h != NULL && i < h->count; i++) {
		explicit_bzero(h->list[i].name, h->list[i].size);
		free(h->list[i].name);
	}
	free(h);
}

/* What the call itself says (RFC 9110 7.6.1, and its body). */
static bool
is_ours(const char *name)
{
	static const char *const ours[] = {
		"host", "connection", "keep-alive", "proxy-connection", "te", "trailer",
		"transfer-encoding", "upgrade", "content-length", "content-type",
		"content-encoding", "expect", "accept-encoding", "http2-settings",
	};

	for (size_t i = 0; i < COUNT(ours); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

/* By their names, as gateways have them: Authorization, X-API-Key, Cookie ... */
static bool
is_secret(const char *name)
{
	static const char *const parts[] = {
		"auth", "key", "token", "secret", "cookie", "password", "credential",
	};

	for (size_t i = 0; i < COUNT(parts); i++)
		if (strstr(name, parts[i]) != NULL)
			return true;
	return false;
}

static bool
is_named(const struct call_headers *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (strcmp(h->list[i].name, name) == 0)
			return true;
	return false;
}

/* Splits "Name: value" in place; the end of `line` is NUL. */
static const char *
split(struct call_header *header, char *line)
{
	char *colon = strchr(line, ':'), *end;

	if (colon == NULL)
		return "expected Name: value";
	*colon = '\0';
	header->name = line;
	header->value = colon + 1 + strspn(colon + 1, " \t");
	end = header->value + strlen(header->value);
	while (end > header->value && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		*--end = '\0';
	if (!syntax_field_name(header->name))
		return "expected a field name as of RFC 9110 5.1 before the colon";
	for (char *s = line; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
	if (header->value[0] == '\0' || !syntax_field_value(header->value))
		return "expected a value without control characters after the colon";
	return NULL;
}

const char *
call_headers_add(struct call_headers *h, const char *line, size_t len, bool open)
{
	struct call_header header = { .size = len + 1 };
	const char *why;
	char *own;

	if (len > CALL_HEADER_MAX || memchr(line, '\0', len) != NULL)
		return "expected at most 4096 bytes, none of them NUL";
	if (h->count == CALL_HEADERS_MAX)
		return "expected at most 16 fields";
	own = strndup(line, len);
	if (own == NULL)
		return "out of memory";
	why = split(&header, own);
	if (why == NULL && is_ours(header.name))
		why = "is a field that the call itself sets";
	else if (why == NULL && open && is_secret(header.name))
		why = "has the name of a secret, which belongs into headers_file";
	else if (why == NULL && is_named(h, header.name))
		why = "is given twice";
	if (why == NULL) {
		h->list[h->count++] = header;
		return NULL;
	}
	explicit_bzero(own, header.size);
	free(own);
	return why;
}

bool
call_headers_read(struct call_headers *h, const char *path, struct buf *faults)
{
	char line[CALL_HEADER_MAX + 2];
	FILE *file = fopen(path, "re");
	size_t number = 0, before = faults->len;
	const char *why;

	if (file == NULL) {
		buf_addf(faults, "headers_file: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (fgets(line, sizeof(line), file) != NULL && faults->len == before) {
		size_t len = strcspn(line, "\n");

		number++;
		if (line[0] == '#' || strspn(line, " \t\r") == len)
			continue;
		why = call_headers_add(h, line, len, false);
		if (why != NULL)
			buf_addf(faults, "headers_file: %s:%zu: %s\n", path, number, why);
	}
	if (ferror(file))
		buf_addf(faults, "headers_file: %s: cannot be read\n", path);
	explicit_bzero(line, sizeof(line));
	fclose(file);
	return faults->len == before;
}
