#include "httpcheck/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"

#define ALPHA		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define HEX		"0123456789ABCDEFabcdef"
#define UNRESERVED	ALPHA "0123456789-._~"
#define SUB_DELIMS	"!$&'()*+,;="
#define PATH		UNRESERVED SUB_DELIMS ":@/%"

/* A piece of a text. */
struct span {
	const char *text;	/* NULL: the component is absent */
	size_t len;
};

/* RFC 3986 3, in the order in which they stand. */
struct reference {
	struct span scheme, authority, path, query, fragment;
};

static bool
fault_set(struct url_fault *why, enum url_fault_code code)
{
	*why = (struct url_fault){ .code = code };
	return code == URL_OK;
}

/* What stands up to the first of `ends`, and goes over it. */
static struct span
cut(const char **rest, const char *ends)
{
	struct span s = { *rest, strcspn(*rest, ends) };

	*rest += s.len;
	return s;
}

static bool
span_is(const struct span *s, const char *word)
{
	return s->len == strlen(word) && strncasecmp(s->text, word, s->len) == 0;
}

static bool
span_holds(const struct span *s, char c)
{
	return s->len > 0 && memchr(s->text, c, s->len) != NULL;
}

/* RFC 3986 appendix B, without its mercy: a colon in the first segment ends a scheme. */
static void
reference_split(struct reference *r, const char *text)
{
	const char *rest = text;

	*r = (struct reference){ 0 };
	if (text[strcspn(text, ":/?#")] == ':') {
		r->scheme = cut(&rest, ":");
		rest++;
	}
	if (strncmp(rest, "//", 2) == 0) {
		rest += 2;
		r->authority = cut(&rest, "/?#");
	}
	r->path = cut(&rest, "?#");
	if (*rest == '?') {
		rest++;
		r->query = cut(&rest, "#");
	}
	if (*rest == '#') {
		rest++;
		r->fragment = cut(&rest, "");
	}
}

/* Their characters (RFC 3986 3.3 to 3.5), whole percent-encodings, no NUL in one. */
static enum url_fault_code
span_check(const struct span *s, const char *allowed)
{
	for (size_t i = 0; i < s->len; i++) {
		const char *at = s->text + i;

		if (strchr(allowed, *at) == NULL)
			return URL_CHARACTER;
		if (*at != '%')
			continue;
		if (s->len - i < 3 || strchr(HEX, at[1]) == NULL || strchr(HEX, at[2]) == NULL ||
		    strncmp(at, "%00", 3) == 0)
			return URL_ENCODING;
	}
	return URL_OK;
}

static bool
rest_check(const struct reference *r, struct url_fault *why)
{
	enum url_fault_code bad = span_check(&r->path, PATH);

	if (bad == URL_OK)
		bad = span_check(&r->query, PATH "?");
	if (bad == URL_OK)
		bad = span_check(&r->fragment, PATH "?");
	return fault_set(why, bad);
}

/* Splits a port off; none and an empty one are the scheme's. */
static bool
port_read(struct url *u, struct span *host, const char *colon)
{
	struct span port = { NULL, 0 };

	if (colon != NULL) {
		port = (struct span){ colon + 1, (size_t)(host->text + host->len - colon) - 1 };
		host->len = (size_t)(colon - host->text);
	}
	if (port.len == 0)
		u->port = u->https ? 443 : 80;
	else if (span_is(&port, "80"))
		u->port = 80;
	else if (span_is(&port, "443"))
		u->port = 443;
	else
		return false;
	return true;
}

/* An address in brackets; what else they may hold (RFC 3986 IPvFuture, RFC 6874 zones) is none. */
static bool
literal_read(struct url *u, struct span host, struct url_fault *why)
{
	const char *end = memchr(host.text, ']', host.len);
	bool port = end != NULL && (size_t)(end - host.text) + 1 < host.len;

	if (end == NULL || (port && end[1] != ':'))
		return fault_set(why, URL_CHARACTER);
	if (!port_read(u, &host, port ? end + 1 : NULL))
		return fault_set(why, URL_PORT);
	why->code = URL_HOST;
	if (!target_parse(&u->host, host.text + 1, (size_t)(end - host.text) - 1, &why->host))
		return false;
	if (u->host.kind != TARGET_IPV6) {
		why->host = (struct target_fault){ .code = TARGET_BAD_IPV6 };
		return false;
	}
	return fault_set(why, URL_OK);
}

static bool
authority_read(struct url *u, struct span host, struct url_fault *why)
{
	if (host.len == 0)
		return fault_set(why, URL_NO_HOST);
	if (span_holds(&host, '@'))
		return fault_set(why, URL_USER);
	if (host.text[0] == '[')
		return literal_read(u, host, why);
	if (!port_read(u, &host, memchr(host.text, ':', host.len)))
		return fault_set(why, URL_PORT);
	if (host.len == 0)
		return fault_set(why, URL_NO_HOST);
	for (size_t i = 0; i < host.len; i++)
		/* A U-label is no URL's (RFC 3986 3.2.2): the server had to encode it. */
		if (strchr(UNRESERVED SUB_DELIMS "%", host.text[i]) == NULL)
			return fault_set(why, URL_CHARACTER);
	why->code = URL_HOST;
	if (!target_parse(&u->host, host.text, host.len, &why->host))
		return false;
	return fault_set(why, u->host.kind == TARGET_WILDCARD ? URL_WILDCARD : URL_OK);
}

/* Takes the last segment and its slash off a path under way. */
static void
segment_drop(struct buf *path)
{
	while (path->len > 0 && path->data[--path->len] != '/')
		;
}

/* RFC 3986 5.2.4, of a path that begins with a slash. */
static void
path_add(struct buf *out, struct span path)
{
	size_t i = 0;

	while (i < path.len) {
		const char *segment = path.text + i + 1;
		const char *slash = memchr(segment, '/', path.len - i - 1);
		size_t len = slash != NULL ? (size_t)(slash - segment) : path.len - i - 1;
		bool up = len == 2 && memcmp(segment, "..", 2) == 0;

		i += 1 + len;
		if (up)
			segment_drop(out);
		if (!up && !(len == 1 && *segment == '.')) {
			buf_addc(out, '/');
			buf_add(out, segment, len);
		} else if (slash == NULL) {
			buf_addc(out, '/');
		}
	}
	if (out->len == 0)
		buf_addc(out, '/');
}

/* RFC 3986 5.2.3: the base's path up to its last slash, and the reference's. */
static void
path_merge(struct buf *out, const struct url *base, struct span path)
{
	const char *from = url_path(base);
	size_t end = strcspn(from, "?");

	while (end > 0 && from[end - 1] != '/')
		end--;
	buf_add(out, from, end);
	buf_add(out, path.text, path.len);
}

/* RFC 3986 5.2.2 for path and query; into `path`. */
static void
path_resolve(struct buf *path, const struct url *base, const struct reference *r)
{
	struct buf merged = BUF_INIT(2 * URL_MAX);
	struct span from = r->path, query = r->query;

	if (r->authority.text == NULL && r->path.len == 0) {
		const char *rest = url_path(base);

		from = cut(&rest, "?");
		if (query.text == NULL && *rest == '?')
			query = (struct span){ rest + 1, strlen(rest + 1) };
	} else if (r->authority.text == NULL && *r->path.text != '/') {
		path_merge(&merged, base, r->path);
		from = (struct span){ merged.data, merged.len };
		path->failed = path->failed || merged.failed;
	}
	path_add(path, from);
	if (query.text != NULL) {
		buf_addc(path, '?');
		buf_add(path, query.text, query.len);
	}
	buf_free(&merged);
}

static bool
text_make(struct url *u, const struct buf *path, struct url_fault *why)
{
	char authority[URL_AUTHORITY_MAX];
	struct buf text = BUF_INIT(URL_MAX);

	if (path->failed)
		return fault_set(why, path->len >= URL_MAX ? URL_TOO_LONG : URL_NO_MEMORY);
	buf_addf(&text, "%s://%s", u->https ? "https" : "http", url_authority(u, authority));
	u->path_at = text.len;
	if (!text.failed && text.len + path->len > URL_MAX) {
		buf_free(&text);
		return fault_set(why, URL_TOO_LONG);
	}
	buf_add(&text, path->data, path->len);
	u->text = buf_take(&text);
	buf_free(&text);
	return fault_set(why, u->text != NULL ? URL_OK : URL_NO_MEMORY);
}

static bool
scheme_read(struct url *u, const struct url *base, const struct reference *r,
    struct url_fault *why)
{
	if (r->scheme.text == NULL && base == NULL)
		return fault_set(why, URL_RELATIVE);
	if (r->scheme.text == NULL)
		u->https = base->https;
	else if (span_is(&r->scheme, "https"))
		u->https = true;
	else if (!span_is(&r->scheme, "http"))
		return fault_set(why, URL_SCHEME);
	if (r->scheme.text != NULL && r->authority.text == NULL)
		return fault_set(why, URL_NO_HOST);
	return true;
}

bool
url_resolve(struct url *u, const struct url *base, const char *reference, struct url_fault *why)
{
	struct buf path = BUF_INIT(2 * URL_MAX);
	struct reference r;
	bool ok;

	*u = (struct url){ 0 };
	*why = (struct url_fault){ 0 };
	if (*reference == '\0')
		return fault_set(why, URL_EMPTY);
	if (strnlen(reference, URL_MAX + 1) > URL_MAX)
		return fault_set(why, URL_TOO_LONG);
	reference_split(&r, reference);
	if (!scheme_read(u, base, &r, why))
		return false;
	if (r.authority.text == NULL) {
		u->host = base->host;
		u->port = base->port;
	} else if (!authority_read(u, r.authority, why)) {
		return false;
	}
	if (!rest_check(&r, why))
		return false;
	path_resolve(&path, base, &r);
	ok = text_make(u, &path, why);
	buf_free(&path);
	return ok;
}

void
url_fault_text(const struct url_fault *why, struct buf *out)
{
	static const char *const texts[URL_FAULT_COUNT] = {
		[URL_OK] = "is a URL",
		[URL_EMPTY] = "is empty",
		[URL_TOO_LONG] = "is longer than 8 KiB",
		[URL_CHARACTER] = "holds a character that a URL cannot (RFC 3986)",
		[URL_ENCODING] = "holds a percent sign that begins no octet, or an encoded NUL",
		[URL_RELATIVE] = "has no scheme",
		[URL_SCHEME] = "has a scheme other than http and https",
		[URL_NO_HOST] = "has no host",
		[URL_USER] = "has user information before its host",
		[URL_PORT] = "has a port other than 80 and 443",
		[URL_WILDCARD] = "has a host with a wildcard",
		[URL_NO_MEMORY] = "could not be read for want of memory",
	};

	if (why->code == URL_HOST) {
		buf_adds(out, "has a host that ");
		target_fault_text(&why->host, out);
	} else {
		buf_adds(out, texts[why->code]);
	}
}

const char *
url_authority(const struct url *u, char text[static URL_AUTHORITY_MAX])
{
	bool literal = u->host.kind == TARGET_IPV6;
	bool usual = u->port == (u->https ? 443 : 80);

	snprintf(text, URL_AUTHORITY_MAX, "%s%s%s%s", literal ? "[" : "", target_text(&u->host),
	    literal ? "]" : "", usual ? "" : u->https ? ":80" : ":443");
	return text;
}

const char *
url_path(const struct url *u)
{
	return u->text + u->path_at;
}

void
url_move(struct url *to, struct url *from)
{
	*to = *from;
	from->text = NULL;
}

void
url_free(struct url *u)
{
	free(u->text);
	u->text = NULL;
}
