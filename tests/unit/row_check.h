/* Test helper: assertions that say which row failed, that of `current`, which has a label. */
#ifndef MPIC_TEST_ROW_CHECK_H
#define MPIC_TEST_ROW_CHECK_H

#include <string.h>

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail_msg("%s: %s", current->label, #cond); \
	} while (0)

/* Either may be NULL. */
#define CHECK_TEXT(got, expected, what) row_check_text(current->label, got, expected, what)

static inline void
row_check_text(const char *label, const char *got, const char *expected, const char *what)
{
	if ((got == NULL) != (expected == NULL) || (got != NULL && strcmp(got, expected) != 0))
		fail_msg("%s: %s is %s, not %s", label, what, got != NULL ? got : "null",
		    expected != NULL ? expected : "null");
}

#endif
