#include "syntax.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define ALNUM	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool
syntax_field_name(const char *text)
{
	return *text != '\0' && text[strspn(text, ALNUM "!#$%&'*+-.^_`|~")] == '\0';
}

bool
syntax_field_value(const char *value)
{
	for (const unsigned char *s = (const unsigned char *)value; *s != '\0'; s++)
		if ((*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

bool
syntax_uri(const char *text)
{
	size_t scheme = strspn(text, ALNUM "+-.");

	if (scheme == 0 || !isalpha((unsigned char)text[0]) || text[scheme] != ':' ||
	    text[scheme + 1] == '\0')
		return false;
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0'; s++)
		if (*s <= 0x20 || *s >= 0x7f || strchr("\"<>\\^`{|}", *s) != NULL)
			return false;
	return true;
}

/* One step of a path after percent-decoding: "." and ".." would lead elsewhere. */
static bool
is_dot_segment(const char *s, size_t len)
{
	size_t dots = 0;

	while (len > 0) {
		size_t step = len >= 3 && strncasecmp(s, "%2e", 3) == 0 ? 3 : *s == '.' ? 1 : 0;

		if (step == 0)
			return false;
		dots++;
		s += step;
		len -= step;
	}
	return dots == 1 || dots == 2;
}

bool
syntax_relative_path(const char *text)
{
	static const char pchar[] = ALNUM "-._~!$&'()*+,;=:@/";
	size_t begin = 0;

	if (*text == '/')
		return false;
	for (size_t i = 0;; i++) {
		if (text[i] == '/' || text[i] == '\0') {
			if (is_dot_segment(text + begin, i - begin) ||
			    (i == begin && text[i] == '/'))
				return false;
			begin = i + 1;
		}
		if (text[i] == '\0')
			return true;
		if (text[i] == '%') {
			if (!isxdigit((unsigned char)text[i + 1]) ||
			    !isxdigit((unsigned char)text[i + 2]))
				return false;
			/* A slash or backslash in disguise, and the end of a C string. */
			if (strncasecmp(text + i, "%2f", 3) == 0 ||
			    strncasecmp(text + i, "%5c", 3) == 0 || strncmp(text + i, "%00", 3) == 0)
				return false;
		} else if (strchr(pchar, text[i]) == NULL) {
			return false;
		}
	}
}
