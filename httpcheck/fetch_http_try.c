#include "httpcheck/fetch_http_try.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STATUS_SHOWN	13	/* octets of a status line that is none, in a sentence */
#define HEADS_MAX	8	/* interim replies and the last */

bool
http_try_fault(struct http_try *t, enum problem problem, const char *fmt, ...)
{
	va_list ap;

	if (t->problem != PROBLEM_NONE)
		return false;
	t->problem = problem;
	va_start(ap, fmt);
	vsnprintf(t->sentence, sizeof(t->sentence), fmt, ap);
	va_end(ap);
	/* libcurl's and OpenSSL's words may hold the peer's */
	for (char *c = t->sentence; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return false;
}

/* --- the head --------------------------------------------------------------- */

/* The value of the field, without blanks around it, if the line is this field. */
static const char *
field_value(const char *line, size_t len, const char *name, size_t *value_len)
{
	size_t at = strlen(name);

	if (len <= at || strncasecmp(line, name, at) != 0 || line[at] != ':')
		return NULL;
	for (at++; at < len && (line[at] == ' ' || line[at] == '\t'); at++)
		;
	while (len > at && strchr(" \t\r\n", line[len - 1]) != NULL)
		len--;
	*value_len = len - at;
	return line + at;
}

static bool
take_location(struct http_try *t, const char *value, size_t len)
{
	if (t->located)
		return http_try_fault(t, PROBLEM_HTTP_MALFORMED, "sent two Location fields");
	if (len > FETCH_URL_MAX)
		return http_try_fault(t, PROBLEM_HTTP_TOO_LARGE,
		    "sent a Location of %zu bytes, more than %zu", len, FETCH_URL_MAX);
	t->located = true;
	buf_add(&t->location, value, len);
	if (len == 0)
		buf_adds(&t->location, "");
	return !t->location.failed ||
	    http_try_fault(t, PROBLEM_OVERLOADED, "the fetcher is out of memory");
}

/* RFC 9112 6.3: of lengths that differ none is to be believed; libcurl would take the last. */
static bool
take_length(struct http_try *t, const char *value, size_t len)
{
	char before[sizeof(t->length)];

	t->in_location = false;
	memcpy(before, t->length, sizeof(before));
	snprintf(t->length, sizeof(t->length), "%.*s", (int)(len < 64 ? len : 64), value);
	return before[0] == '\0' || strcmp(before, t->length) == 0 ||
	    http_try_fault(t, PROBLEM_HTTP_MALFORMED, "sent Content-Length fields that differ");
}

/* libcurl would decompress what nobody asked for. */
static bool
accept_coding(struct http_try *t, const char *value, size_t len)
{
	if ((len == 7 && strncasecmp(value, "chunked", 7) == 0) ||
	    (len == 8 && strncasecmp(value, "identity", 8) == 0))
		return true;
	return http_try_fault(t, PROBLEM_HTTP_MALFORMED,
	    "sent its page in a transfer coding nobody asked for: %.*s",
	    (int)(len < 64 ? len : 64), value);
}

/* RFC 9112 4; without a reason the blank before it may be missing. Some libcurls take four digits. */
static bool
is_status_line(const char *line, size_t len)
{
	static const char form[] = "HTTP/1.d ddd";
	const size_t end = sizeof(form) - 1;

	if (len <= end || (line[end] != ' ' && line[end] != '\r' && line[end] != '\n'))
		return false;
	for (size_t i = 0; i < end; i++)
		if (form[i] == 'd' ? line[i] < '0' || line[i] > '9' : line[i] != form[i])
			return false;
	return true;
}

static bool
begin_head(struct http_try *t, const char *line, size_t len)
{
	if (!is_status_line(line, len))
		return http_try_fault(t, PROBLEM_HTTP_MALFORMED,
		    "sent a status line that begins with \"%.*s\"",
		    (int)(len < STATUS_SHOWN ? len : STATUS_SHOWN), line);
	t->in_head = true;
	buf_reset(&t->location);
	t->located = t->in_location = false;
	t->length[0] = '\0';
	return ++t->heads <= HEADS_MAX || http_try_fault(t, PROBLEM_HTTP_MALFORMED,
	    "sent more than %d interim replies", HEADS_MAX - 1);
}

bool
http_try_line(struct http_try *t, const char *line, size_t len)
{
	const char *value;
	size_t value_len;
	long status = 0;

	t->head_len += len;
	if (t->head_len > FETCH_HEAD_MAX)
		return http_try_fault(t, PROBLEM_HTTP_TOO_LARGE,
		    "sent %zu bytes of header fields, more than %zu", t->head_len,
		    FETCH_HEAD_MAX);
	if (t->head_done)
		return true;	/* trailers */
	if (!t->in_head)
		return begin_head(t, line, len);
	if (line[0] == '\r' || line[0] == '\n') {
		t->in_head = false;
		curl_easy_getinfo(t->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
		t->head_done = status >= 200 || status == 101;
		return true;
	}
	if (t->in_location && (line[0] == ' ' || line[0] == '\t'))
		return http_try_fault(t, PROBLEM_HTTP_MALFORMED,
		    "sent a Location field in two lines");
	value = field_value(line, len, "Transfer-Encoding", &value_len);
	if (value != NULL)
		return accept_coding(t, value, value_len);
	value = field_value(line, len, "Content-Length", &value_len);
	if (value != NULL)
		return take_length(t, value, value_len);
	value = field_value(line, len, "Location", &value_len);
	t->in_location = value != NULL;
	return value == NULL || take_location(t, value, value_len);
}

/* --- the page --------------------------------------------------------------- */

bool
http_try_body(struct http_try *t, const char *bytes, size_t len)
{
	size_t room = FETCH_BODY_MAX - t->body.len;

	t->more = len > room;
	buf_add(&t->body, bytes, t->more ? room : len);
	if (t->body.failed)
		return http_try_fault(t, PROBLEM_OVERLOADED, "the fetcher is out of memory");
	return !t->more;
}

/* --- the end ---------------------------------------------------------------- */

void
http_try_late(struct http_try *t, bool connected, int64_t after_ms)
{
	long long ms = after_ms;

	if (!connected)
		http_try_fault(t, PROBLEM_CONNECT_TIMEOUT, "no TCP connection within %lld ms", ms);
	else if (t->kind == FETCH_HTTPS && t->tls_version[0] == '\0')
		http_try_fault(t, PROBLEM_TLS_TIMEOUT,
		    "connected, but no TLS handshake was finished within %lld ms", ms);
	else if (t->head_len == 0)
		http_try_fault(t, PROBLEM_HTTP_TIMEOUT,
		    "sent not one line of a reply within %lld ms", ms);
	else if (!t->head_done)
		http_try_fault(t, PROBLEM_HTTP_TIMEOUT,
		    "sent %zu bytes of header fields without an end within %lld ms",
		    t->head_len, ms);
	else
		http_try_fault(t, PROBLEM_HTTP_TIMEOUT,
		    "sent %zu bytes of a page without an end within %lld ms", t->body.len, ms);
}

static bool
fault_no_connection(struct http_try *t)
{
	long error = 0;

	if (t->refused != NULL)
		return http_try_fault(t, PROBLEM_ADDRESS_REFUSED, "its address %s", t->refused);
	curl_easy_getinfo(t->transfer.easy, CURLINFO_OS_ERRNO, &error);
	if (t->socket_error != 0 || error == EADDRNOTAVAIL)
		return http_try_fault(t, PROBLEM_OVERLOADED,
		    "the fetcher has no socket left: %s",
		    strerror(t->socket_error != 0 ? t->socket_error : (int)error));
	if (error == ECONNREFUSED)
		return http_try_fault(t, PROBLEM_CONNECT_REFUSED, "refused the connection");
	if (error == ETIMEDOUT)
		return http_try_fault(t, PROBLEM_CONNECT_TIMEOUT, "no TCP connection: timed out");
	if (error == ECONNRESET)
		return http_try_fault(t, PROBLEM_CONNECTION_RESET, "reset the connection at once");
	return http_try_fault(t, PROBLEM_CONNECT_FAILED, "no TCP connection: %s",
	    error != 0 ? strerror((int)error) : t->curl_says);
}

static bool
fault_closed(struct http_try *t, const char *how)
{
	if (t->head_len == 0)
		return http_try_fault(t, PROBLEM_CONNECTION_RESET,
		    "%s the connection before the first line of a reply", how);
	if (!t->head_done)
		return http_try_fault(t, PROBLEM_CONNECTION_RESET,
		    "%s the connection after %zu bytes of its reply's header fields", how,
		    t->head_len);
	return http_try_fault(t, PROBLEM_CONNECTION_RESET,
	    "%s the connection after %zu bytes of a page that is not whole", how, t->body.len);
}

/* What libcurl ends with when the reply itself is at fault. */
static bool
fault_reply(struct http_try *t, CURLcode code)
{
	switch (code) {
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return fault_closed(t, "closed");
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		if (strstr(t->curl_says, "chunk") != NULL)
			return http_try_fault(t, PROBLEM_HTTP_MALFORMED,
			    "sent a page in broken chunks: %s", t->curl_says);
		return fault_closed(t, "reset");
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
		return http_try_fault(t, PROBLEM_HTTP_MALFORMED,
		    "sent what is no HTTP/1 reply: %s", t->curl_says);
	case CURLE_BAD_CONTENT_ENCODING:
		/* of the transfer; later libcurls refuse it before accept_coding() sees it */
		return http_try_fault(t, PROBLEM_HTTP_MALFORMED,
		    "sent its page in a transfer coding nobody asked for: %s", t->curl_says);
	case CURLE_OUT_OF_MEMORY:
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
#endif
		/* what a server can fill of libcurl's: one line, the number of lines */
		if (!t->head_done && t->fd != CURL_SOCKET_BAD)
			return http_try_fault(t, PROBLEM_HTTP_TOO_LARGE,
			    "sent too many header fields, or too long ones: %s", t->curl_says);
		return http_try_fault(t, PROBLEM_OVERLOADED, "the fetcher is out of memory");
	default:
		return http_try_fault(t, PROBLEM_INTERNAL, "libcurl: %s",
		    t->curl_says[0] != '\0' ? t->curl_says : curl_easy_strerror(code));
	}
}

void
http_try_judge(struct http_try *t, CURLcode code)
{
	if (t->problem != PROBLEM_NONE)
		return;		/* the transfer was ended for it */
	if (code == CURLE_OK && !t->head_done)
		fault_closed(t, "closed");
	else if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && t->more))
		snprintf(t->sentence, sizeof(t->sentence), "answered");
	else if (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT)
		fault_no_connection(t);
	else if (t->kind == FETCH_HTTPS && t->tls_version[0] == '\0')
		http_try_fault(t, PROBLEM_TLS_FAILED, "no TLS handshake: %s",
		    t->curl_says[0] != '\0' ? t->curl_says : curl_easy_strerror(code));
	else
		fault_reply(t, code);
}
