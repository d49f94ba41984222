/* Which cloud a machine is in, and what its metadata service's answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include <cmocka.h>

#include "appliance/boot/metadata.h"

/* As seen on machines of the clouds, and of others that are none. */
static const struct {
	struct dmi dmi;
	enum cloud cloud;
} machines[] = {
	{ { "Amazon EC2", "t3.small", "Amazon EC2", "1.0", "Amazon EC2" }, CLOUD_AWS },
	{ { "Xen", "HVM domU", "Xen", "4.11.amazon", "" }, CLOUD_AWS },
	{ { "Xen", "HVM domU", "Xen", "4.17.3", "" }, CLOUD_NONE },
	{ { "Google", "Google Compute Engine", "Google", "Google", "" }, CLOUD_GOOGLE },
	{ { "Google", "Chromebook", "coreboot", "", "" }, CLOUD_NONE },
	{ { "Microsoft Corporation", "Virtual Machine", "American Megatrends Inc.", "090008",
	    "7783-7084-3265-9085-8269-3286-77" }, CLOUD_AZURE },
	{ { "Microsoft Corporation", "Virtual Machine", "American Megatrends Inc.", "090008",
	    "4321-1234" }, CLOUD_NONE },
	{ { "QEMU", "Standard PC (Q35 + ICH9, 2009)", "EDK II", "2022.11", "" }, CLOUD_NONE },
	{ { "", "", "", "", "" }, CLOUD_NONE },
};

static void
test_cloud(void **state)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		assert_int_equal(cloud_of(&machines[i].dmi), machines[i].cloud);
}

static void
put(const char *root, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/sys/class/dmi/id/%s", root, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
test_dmi(void **state)
{
	char root[] = "/tmp/test_metadata.XXXXXX", command[128];
	struct dmi dmi;

	assert_non_null(mkdtemp(root));
	dmi_read(root, &dmi);
	assert_string_equal(dmi.sys_vendor, "");
	snprintf(command, sizeof(command), "mkdir -p %s/sys/class/dmi/id", root);
	assert_int_equal(system(command), 0);
	put(root, "sys_vendor", "Amazon EC2\n");
	put(root, "product_name", "a name that is much longer than any that a maker of machines gives "
	    "to one\n");
	dmi_read(root, &dmi);
	assert_string_equal(dmi.sys_vendor, "Amazon EC2");
	assert_int_equal(strlen(dmi.product_name), sizeof(dmi.product_name) - 1);
	assert_int_equal(cloud_of(&dmi), CLOUD_AWS);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static const struct {
	enum cloud cloud;
	int status;
	bool marked;
	const char *body;
	enum metadata_result result;
	const char *text;	/* when found, the text; when failed, the sentence */
} answers[] = {
	{ CLOUD_AWS, 200, false, "code: x\n", METADATA_FOUND, "code: x\n" },
	{ CLOUD_AWS, 404, false, "Not Found", METADATA_NONE, NULL },
	{ CLOUD_AWS, 200, false, "", METADATA_NONE, NULL },
	{ CLOUD_AWS, 401, false, "", METADATA_FAILED, "answered with status 401" },
	{ CLOUD_AWS, 302, false, "", METADATA_FAILED, "answered with status 302" },
	{ CLOUD_GOOGLE, 200, true, "code: x\n", METADATA_FOUND, "code: x\n" },
	{ CLOUD_GOOGLE, 200, false, "code: x\n", METADATA_FAILED, "gave an answer without the field "
	    "Metadata-Flavor: Google" },
	{ CLOUD_GOOGLE, 404, true, "", METADATA_NONE, NULL },
	{ CLOUD_AZURE, 200, false, "Y29kZTogeAo=", METADATA_FOUND, "code: x\n" },
	{ CLOUD_AZURE, 200, false, "Y29kZTog\r\neAo=\r\n", METADATA_FOUND, "code: x\n" },
	{ CLOUD_AZURE, 200, false, "code: x", METADATA_FAILED, "gave user-data that is not base64" },
	{ CLOUD_AZURE, 200, false, "Y29kZTogeA", METADATA_FAILED, "gave user-data that is not "
	    "base64" },
	{ CLOUD_AZURE, 200, false, "", METADATA_NONE, NULL },
	{ CLOUD_AZURE, 200, false, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3"
	    "ODkwMTIzNDU2Nzg5MDEyMzQ1", METADATA_FAILED, "gave user-data of more than 64 bytes" },
	{ CLOUD_AWS, 200, false, "0123456789012345678901234567890123456789012345678901234567890123456"
	    "789", METADATA_FAILED, "gave user-data of more than 64 bytes" },
};

static void
test_user_data(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct http_answer answer = { .status = answers[i].status,
			.marked = answers[i].marked, .body = answers[i].body,
			.body_len = strlen(answers[i].body) };
		struct buf text = BUF_INIT(64), why = BUF_INIT(512);

		assert_int_equal(metadata_user_data(answers[i].cloud, &answer, &text, &why),
		    answers[i].result);
		if (answers[i].result == METADATA_FOUND)
			assert_string_equal(text.data, answers[i].text);
		if (answers[i].result == METADATA_FAILED)
			assert_string_equal(why.data, answers[i].text);
		buf_free(&text);
		buf_free(&why);
	}
}

/* What goes into the next request must not be able to add lines to it. */
static void
test_token(void **state)
{
	static const struct {
		int status;
		const char *body;
		bool good;
	} cases[] = {
		{ 200, "AQAEAJ_x-y==", true },
		{ 200, "", false },
		{ 404, "AQAEAJ", false },
		{ 200, "a b", false },
		{ 200, "a\r\nHost: x", false },
		{ 200, "0123456789abcdef0123456789abcdef", false },
	};
	char token[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_answer answer = { .status = cases[i].status,
			.body = cases[i].body, .body_len = strlen(cases[i].body) };

		assert_int_equal(metadata_token(&answer, token, sizeof(token)), cases[i].good);
		if (cases[i].good)
			assert_string_equal(token, cases[i].body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cloud),
		cmocka_unit_test(test_dmi),
		cmocka_unit_test(test_user_data),
		cmocka_unit_test(test_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
