/* Which root a kernel was signed with, from its command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/initrd/root_hash.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct row {
	const char *cmdline;
	bool good;
	const char *salt;
	unsigned long long blocks;
};

static const struct row rows[] = {
	{ "mpic.root=" HASH ",00ff,12\n", true, "00ff", 12 },
	{ "ro mpic.root=" HASH ",a1,4194304 quiet\n", true, "a1", 4194304 },
	{ "panic=10 mpic.root=" HASH ",a1,1", true, "a1", 1 },
	{ "", false, NULL, 0 },
	{ "quiet root=/dev/sda1\n", false, NULL, 0 },
	{ "xmpic.root=" HASH ",a1,1\n", false, NULL, 0 },
	{ "mpic.root=\n", false, NULL, 0 },
	{ "mpic.root=" HASH "\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1,\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",,1\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a,1\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",A1,1\n", false, NULL, 0 },
	{ "mpic.root=" HASH "0,a1,1\n", false, NULL, 0 },
	{ "mpic.root=0" HASH ",a1,1\n", false, NULL, 0 },
	{ "mpic.root=123,a1,1\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1,0\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1,01\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1,-1\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1,1x\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1,1,1\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1,4194305\n", false, NULL, 0 },
	{ "mpic.root=" HASH ",a1,18446744073709551617\n", false, NULL, 0 },
	/* Whoever can add an argument cannot say which of two counts. */
	{ "mpic.root=" HASH ",a1,1 mpic.root=" HASH ",a1,2\n", false, NULL, 0 },
};

static void
cmdlines(void **state)
{
	struct root_hash root;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].cmdline);
		assert_int_equal(root_hash_parse(&root, rows[i].cmdline), rows[i].good);
		if (!rows[i].good)
			continue;
		assert_string_equal(root.hash, HASH);
		assert_string_equal(root.salt, rows[i].salt);
		assert_int_equal(root.blocks, rows[i].blocks);
	}
}

/* A salt of any length that is too long is refused, not cut. */
static void
long_salt(void **state)
{
	char cmdline[512], salt[ROOT_SALT_MAX + 3];
	struct root_hash root;

	memset(salt, 'a', sizeof(salt) - 1);
	salt[sizeof(salt) - 1] = '\0';
	snprintf(cmdline, sizeof(cmdline), "mpic.root=%s,%s,1", HASH, salt);
	assert_false(root_hash_parse(&root, cmdline));
	salt[ROOT_SALT_MAX] = '\0';
	snprintf(cmdline, sizeof(cmdline), "mpic.root=%s,%s,1", HASH, salt);
	assert_true(root_hash_parse(&root, cmdline));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cmdlines),
		cmocka_unit_test(long_salt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
