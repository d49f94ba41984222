/* What is to be done with a manifest whose signature is good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/update/update_verdict.h"

#define NOW	INT64_C(1795000000)
#define DAY	INT64_C(86400)

/* What differs from a machine that runs 5.2-1 of "image", found good, with nothing remembered. */
struct row {
	const char *what;
	const char *image, *version, *minimum;	/* the manifest's */
	bool rollback;
	int64_t released, expires;		/* after NOW; 0: a day ago, in ten days */
	int64_t root, efi;
	const char *failed, *waiting, *floor;	/* the machine's */
	int64_t last;				/* released, the last one; after NOW; 0: none */
	enum update_verdict verdict;
	const char *why;
};

static const struct row rows[] = {
	{ "a newer one", .version = "5.2-2", .verdict = UPDATE_INSTALL, .why = "to be installed" },
	{ "the same", .version = "5.2-1", .verdict = UPDATE_CURRENT },
	{ "the same, a rollback", .version = "5.2-1", .rollback = true, .verdict = UPDATE_CURRENT },
	{ "an older one", .version = "5.1", .verdict = UPDATE_REFUSED, .why = "not signed as a rollback" },
	{ "an older one, a rollback", .version = "5.1", .rollback = true, .verdict = UPDATE_INSTALL },
	{ "a newer one, a rollback", .version = "6", .rollback = true, .verdict = UPDATE_INSTALL },
	{ "of another image", .image = "image-debug", .version = "6", .verdict = UPDATE_REFUSED,
	    .why = "it is for image-debug, and this machine runs image" },
	{ "expired", .version = "6", .expires = -1, .verdict = UPDATE_REFUSED, .why = "expired" },
	{ "expires now", .version = "6", .expires = INT64_MIN, .verdict = UPDATE_REFUSED,
	    .why = "expired" },
	{ "the same, expired", .version = "5.2-1", .expires = -1, .verdict = UPDATE_REFUSED,
	    .why = "expired" },
	{ "yet to come", .version = "6", .released = UPDATE_EARLY_S + 1, .verdict = UPDATE_REFUSED,
	    .why = "yet to come" },
	{ "of clocks that differ", .version = "6", .released = UPDATE_EARLY_S,
	    .verdict = UPDATE_INSTALL },
	{ "released after the last", .version = "6", .last = -2 * DAY, .verdict = UPDATE_INSTALL },
	{ "released with the last", .version = "6", .last = -DAY, .verdict = UPDATE_INSTALL },
	{ "an old one again, though newer than what runs", .version = "6", .last = -DAY + 1,
	    .verdict = UPDATE_REFUSED, .why = "an old one again" },
	{ "a rollback of old", .version = "5.1", .rollback = true, .last = -DAY + 1,
	    .verdict = UPDATE_REFUSED, .why = "an old one again" },
	{ "below what may run", .version = "5.1", .rollback = true, .floor = "5.1-1",
	    .verdict = UPDATE_REFUSED, .why = "below 5.1-1" },
	{ "just what may run", .version = "5.1-1", .rollback = true, .floor = "5.1-1",
	    .verdict = UPDATE_INSTALL },
	{ "a manifest cannot lower it", .version = "5.1", .minimum = "1", .rollback = true,
	    .floor = "5.1-1", .verdict = UPDATE_REFUSED, .why = "below 5.1-1" },
	{ "below its own minimum", .version = "6", .minimum = "6.1", .verdict = UPDATE_REFUSED,
	    .why = "below its own minimum" },
	{ "what failed", .version = "6", .failed = "6", .last = -DAY, .verdict = UPDATE_REFUSED,
	    .why = "not tried again until a newer manifest" },
	{ "what failed, and nothing is remembered", .version = "6", .failed = "6",
	    .verdict = UPDATE_REFUSED, .why = "not tried again" },
	{ "what failed, by a newer manifest", .version = "6", .failed = "6", .last = -2 * DAY,
	    .verdict = UPDATE_INSTALL },
	{ "newer than what failed", .version = "6.1", .failed = "6", .last = -DAY,
	    .verdict = UPDATE_INSTALL },
	{ "what waits", .version = "6", .waiting = "6", .last = -DAY, .verdict = UPDATE_WAITING,
	    .why = "waits for the restart" },
	{ "what waits, made anew", .version = "6", .waiting = "6", .last = -2 * DAY,
	    .verdict = UPDATE_INSTALL },
	{ "newer than what waits", .version = "6.1", .waiting = "6", .last = -DAY,
	    .verdict = UPDATE_INSTALL },
	{ "as large as the slot", .version = "6", .root = 1000, .verdict = UPDATE_INSTALL },
	{ "larger than the slot", .version = "6", .root = 1001, .verdict = UPDATE_REFUSED,
	    .why = "its root has 1001 bytes, and the slot 1000" },
	{ "a large kernel", .version = "6", .efi = 101, .verdict = UPDATE_REFUSED,
	    .why = "its kernel image has 101 bytes" },
};

static void
expect(const struct row *row)
{
	char version[VERSION_MAX], image[32], minimum[VERSION_MAX];
	struct manifest m = { .version = version, .image = image, .rollback = row->rollback,
		.released = "R", .expires = "E",
		.released_s = NOW + (row->released != 0 ? row->released : -DAY),
		.expires_s = row->expires == INT64_MIN ? NOW :
		    NOW + (row->expires != 0 ? row->expires : 10 * DAY),
		.minimum = row->minimum != NULL ? minimum : NULL,
		.root.bytes = row->root != 0 ? row->root : 500,
		.efi.bytes = row->efi != 0 ? row->efi : 50 };
	const struct update_seen seen = { .image = "image", .version = "5.2-1",
		.failed = row->failed != NULL ? row->failed : "",
		.waiting = row->waiting != NULL ? row->waiting : "", .now_s = NOW,
		.released_s = row->last != 0 ? NOW + row->last : 0,
		.minimum = row->floor != NULL ? row->floor : "",
		.slot_bytes = 1000, .efi_bytes_max = 100 };
	struct buf why = BUF_INIT(1024);
	enum update_verdict verdict;

	snprintf(version, sizeof(version), "%s", row->version);
	snprintf(image, sizeof(image), "%s", row->image != NULL ? row->image : "image");
	snprintf(minimum, sizeof(minimum), "%s", row->minimum != NULL ? row->minimum : "");
	verdict = update_judge(&m, &seen, &why);
	if (verdict != row->verdict ||
	    (row->why != NULL && (why.data == NULL || strstr(why.data, row->why) == NULL)))
		fail_msg("%s: %d, %s", row->what, (int)verdict, why.data != NULL ? why.data : "");
	buf_free(&why);
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
