#include "appliance/update/version.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS	"0123456789"

bool
version_valid(const char *text)
{
	bool last = false;	/* the number after the hyphen has begun */

	if (strlen(text) >= VERSION_MAX)
		return false;
	for (;;) {
		size_t len = strspn(text, DIGITS);

		if (len == 0 || len > VERSION_DIGITS)
			return false;
		text += len;
		if (*text == '\0')
			return true;
		if (last || (*text != '.' && *text != '-'))
			return false;
		last = *text == '-';
		text++;
	}
}

/* The end comes before a hyphen, and that before a dot: 1.2 < 1.2-1 < 1.2.1. */
static int
separator_rank(char c)
{
	return c == '\0' ? 0 : c == '-' ? 1 : 2;
}

int
version_compare(const char *a, const char *b)
{
	for (;;) {
		char *a_end, *b_end;
		long x = strtol(a, &a_end, 10), y = strtol(b, &b_end, 10);

		if (x != y)
			return x < y ? -1 : 1;
		if (*a_end != *b_end)
			return separator_rank(*a_end) - separator_rank(*b_end);
		if (*a_end == '\0')
			return 0;
		a = a_end + 1;
		b = b_end + 1;
	}
}
