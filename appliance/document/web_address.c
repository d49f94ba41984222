#include "appliance/document/web_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

#define HOST_MAX	253
#define LABEL_MAX	63
#define LETTERS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/* RFC 3986 3.3 and 3.4: what a path and a query may have. */
#define PATH	LETTERS "-._~!$&'()*+,;=:@/?%"

static const struct {
	bool http;
	long port;		/* beside the scheme's own; 0: none */
	const char *expected;
} uses[] = {
	[WEB_ENROLMENT] = { false, 8443, "expected https://HOST/ or https://HOST:8443/" },
	[WEB_UPDATE] = { true, 0, "expected https://HOST/FOLDER or http://HOST/FOLDER, without a "
	    "port" },
	[WEB_LOG] = { false, 19532, "expected https://HOST, https://HOST:443 or "
	    "https://HOST:19532" },
};

static bool
name_allowed(const char *host, size_t len)
{
	size_t label = 0;

	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dot = host[i] == '.', hyphen = host[i] == '-';

		if (dot ? label == 0 || host[i - 1] == '-' :
		    (hyphen && label == 0) || strchr(LETTERS "-", host[i]) == NULL)
			return false;
		label = dot ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return host[len - 1] != '-';
}

bool
web_host_allowed(const char *host)
{
	struct address address;

	return address_parse(&address, host) || name_allowed(host, strlen(host));
}

/* "[2001:db8::1]" or a name or IPv4 address at the start: its length; 0: none. */
static size_t
host_length(const char *text)
{
	size_t len = strcspn(text, ":/");
	char literal[ADDRESS_TEXT_MAX];
	struct address address;

	if (text[0] != '[')
		return name_allowed(text, len) ? len : 0;
	len = strcspn(text, "]");
	if (text[len] == '\0' || len - 1 >= sizeof(literal))
		return 0;
	snprintf(literal, sizeof(literal), "%.*s", (int)(len - 1), text + 1);
	return address_parse(&address, literal) && address.family == AF_INET6 ? len + 1 : 0;
}

static bool
port_allowed(const char *digits, size_t len, bool https, enum web_use use)
{
	long port = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++)
		port = port * 10 + (digits[i] - '0');
	return port > 0 && (port == (https ? 443 : 80) || port == uses[use].port);
}

const char *
web_address_refused(const char *url, enum web_use use)
{
	bool https = strncmp(url, "https://", 8) == 0;
	bool http = strncmp(url, "http://", 7) == 0;
	const char *rest = url + (https ? 8 : 7);
	size_t len;

	if (!https && !(http && uses[use].http))
		return uses[use].expected;
	len = host_length(rest);
	if (len == 0)
		return uses[use].expected;
	rest += len;
	if (*rest == ':') {
		len = strspn(++rest, "0123456789");
		if (!port_allowed(rest, len, https, use))
			return uses[use].expected;
		rest += len;
	}
	if (*rest != '\0' && (*rest != '/' || rest[strspn(rest, PATH)] != '\0'))
		return uses[use].expected;
	return NULL;
}
