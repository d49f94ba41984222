/* Options of keys and names: what may be one value, and what systemd holds. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "option.h"

struct vault {
	char *key;
	struct option_strings names, hashes;
	struct option_maps boxes;
};

struct box {
	char *file;
};

static const struct option box_rows[] = {
	{ .name = "file", .type = OPTION_PATH, .offset = offsetof(struct box, file),
	    .sentence = "Its file." },
};

static const struct option vault_rows[] = {
	{ .name = "key", .type = OPTION_PATH, .offset = offsetof(struct vault, key),
	    .sentence = "The key." },
	{ .name = "names", .type = OPTION_STRINGS, .offset = offsetof(struct vault, names),
	    .flags = OPTION_OR_ONE, .sentence = "Names." },
	{ .name = "hashes", .type = OPTION_STRINGS, .offset = offsetof(struct vault, hashes),
	    .flags = OPTION_OR_ONE | OPTION_SECRET, .sentence = "Hashes." },
	{ .name = "boxes", .type = OPTION_MAPS, .offset = offsetof(struct vault, boxes),
	    .rows = box_rows, .row_count = 1, .size = sizeof(struct box), .sentence = "Boxes." },
};

static const struct option_table vaults = { .program = "mpic-test", .rows = vault_rows,
	.count = 4 };

static void
test_one_is_a_list(void **state)
{
	static const char text[] = "names: a\nhashes: verysecret\n";
	struct vault v = { .key = NULL };
	struct buf faults = BUF_INIT(4096), dump = BUF_INIT(4096);

	assert_true(option_parse(&vaults, &v, "f", text, strlen(text), &faults));
	assert_int_equal(v.names.count, 1);
	assert_string_equal(v.names.items[0], "a");
	option_dump(&vaults, &v, &dump);
	assert_string_equal(dump.data, "names: [\"a\"]\n# hashes: is set and not shown\nboxes: []\n");
	assert_false(option_parse(&vaults, &v, "f", "names: {a: b}\n", 14, &faults));
	assert_false(option_parse(&vaults, &v, "f", "names: ''\n", 10, &faults));
	assert_string_equal(faults.data, "f:1: names: expected a list of strings, or one, found "
	    "\"a mapping\"\nf:1: names: item 1: expected a string of 1 to 1024 bytes\n");
	buf_reset(&dump);
	option_set(&vaults, &v, "hashes=[]", &faults);
	option_dump(&vaults, &v, &dump);
	assert_string_equal(dump.data, "names: [\"a\"]\nboxes: []\n");
	option_free(&vaults, &v);
	buf_free(&faults);
	buf_free(&dump);
}

static const struct {
	const char *folder, *key, *box, *faults;
} credentials[] = {
	{ "/run/credentials/x", "/run/credentials/x/tls.key", "/run/credentials/x/b", "" },
	{ NULL, "credential:tls.key", "credential:b",
	    "mpic-test: key: credential:tls.key: there is no $CREDENTIALS_DIRECTORY, which systemd "
	    "sets for a unit with LoadCredential=tls.key:FILE\n"
	    "mpic-test: boxes[1].file: credential:b: there is no $CREDENTIALS_DIRECTORY, which "
	    "systemd sets for a unit with LoadCredential=b:FILE\n" },
};

static void
test_credentials(void **state)
{
	static const char text[] = "key: credential:tls.key\nnames: [credential:n]\n"
	    "boxes: [{file: /a/credential:b}, {file: 'credential:b'}]\n";

	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]); i++) {
		struct vault v = { .key = NULL };
		struct buf faults = BUF_INIT(4096);
		const struct box *boxes;

		assert_true(option_parse(&vaults, &v, "f", text, strlen(text), &faults));
		if (credentials[i].folder != NULL)
			setenv("CREDENTIALS_DIRECTORY", credentials[i].folder, 1);
		else
			unsetenv("CREDENTIALS_DIRECTORY");
		assert_int_equal(option_credentials(&vaults, &v, &faults),
		    credentials[i].folder != NULL);
		boxes = v.boxes.items;
		assert_string_equal(v.key, credentials[i].key);
		assert_string_equal(v.names.items[0], "credential:n");
		assert_string_equal(boxes[0].file, "/a/credential:b");
		assert_string_equal(boxes[1].file, credentials[i].box);
		assert_string_equal(faults.data != NULL ? faults.data : "", credentials[i].faults);
		option_free(&vaults, &v);
		buf_free(&faults);
	}
}

static void
test_bad_credentials(void **state)
{
	static const char *const names[] = { "", "a/b", "/a", "..", "." };

	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vault v = { .key = NULL };
		struct buf faults = BUF_INIT(4096), text = BUF_INIT(256);

		buf_addf(&text, "key: 'credential:%s'\n", names[i]);
		assert_true(option_parse(&vaults, &v, "f", text.data, text.len, &faults));
		assert_false(option_credentials(&vaults, &v, &faults));
		assert_non_null(strstr(faults.data, "mpic-test: key: expected credential: and the "
		    "name of a systemd credential, without '/', found credential:"));
		option_free(&vaults, &v);
		buf_free(&faults);
		buf_free(&text);
	}
}

/* --dump shows what was written, wherever it is run; running needs the credential. */
static void
test_command_line_credentials(void **state)
{
	char *argv[] = { "mpic-test", "-Dkey=credential:k", "--dump", NULL };
	struct vault v = { .key = NULL };

	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(option_command_line(&vaults, 3, argv, &v), 0);
	assert_int_equal(option_command_line(&vaults, 2, argv, &v), 2);
	setenv("CREDENTIALS_DIRECTORY", "/run/c", 1);
	assert_int_equal(option_command_line(&vaults, 2, argv, &v), -1);
	assert_string_equal(v.key, "/run/c/k");
	option_free(&vaults, &v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_is_a_list),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_bad_credentials),
		cmocka_unit_test(test_command_line_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
