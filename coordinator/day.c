#include "coordinator/day.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* So many digits as a number; -1: they are none. */
static int
digits(const char *text, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

bool
day_parse(const char *text, int64_t *start_s)
{
	struct tm tm = { .tm_isdst = 0 };
	char back[DAY_TEXT_LEN + 1];

	if (strlen(text) != DAY_TEXT_LEN || text[4] != '-' || text[7] != '-' ||
	    digits(text, 4) < 1970 || digits(text + 5, 2) < 1 || digits(text + 8, 2) < 1)
		return false;
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	*start_s = timegm(&tm);
	/* The 30th of February would be another day. */
	day_text(*start_s, back);
	return strcmp(back, text) == 0;
}

void
day_text(int64_t at_s, char text[DAY_TEXT_LEN + 1])
{
	time_t t = (time_t)at_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(text, DAY_TEXT_LEN + 1, "%Y-%m-%d", &tm) == 0)
		snprintf(text, DAY_TEXT_LEN + 1, "%s", "?");
}
