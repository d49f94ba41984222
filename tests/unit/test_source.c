/* Where a document comes from, in what order, and what is meant for something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/boot/source.h"

static char root[] = "/tmp/test_source.XXXXXX";

static void
run(const char *commands)
{
	char command[512];

	snprintf(command, sizeof(command), "set -e; cd %s; %s", root, commands);
	assert_int_equal(system(command), 0);
}

static int
setup(void **state)
{
	return mkdtemp(root) == NULL;
}

static int
teardown(void **state)
{
	run("rm -r \"$PWD\"");
	unsetenv("CREDENTIALS_DIRECTORY");
	return 0;
}

/* The text found, or the faults; from where, in `name`. */
static const char *
found(const char **name)
{
	static char said[1024];
	struct buf text = BUF_INIT(64), faults = BUF_INIT(4096);
	bool ok = source_read(root, &text, name, &faults);

	assert_int_equal(ok, faults.len == 0);
	snprintf(said, sizeof(said), "%s", ok ? text.data : faults.data);
	buf_free(&text);
	buf_free(&faults);
	return said;
}

static void
test_order(void **state)
{
	const char *name;

	assert_string_equal(found(&name), "document: there is no systemd credential mpic.document, no "
	    "disk labelled CIDATA with a file user-data, and this machine's maker, \"\", is no cloud "
	    "whose metadata service this image knows (AWS, Google Cloud, Azure)\n");
	run("mkdir -p sys/class/dmi/id; echo QEMU >sys/class/dmi/id/sys_vendor");
	assert_non_null(strstr(found(&name), "this machine's maker, \"QEMU\", is no cloud"));
	run("mkdir -p run/mpic-cidata; echo 'code: disk' >run/mpic-cidata/user-data");
	assert_string_equal(found(&name), "code: disk\n");
	assert_string_equal(name, "cidata");
	run("mkdir credentials; echo 'code: credential' >credentials/mpic.document");
	setenv("CREDENTIALS_DIRECTORY", "/nowhere", 1);
	assert_string_equal(found(&name), "code: disk\n");
	{
		char folder[64];

		snprintf(folder, sizeof(folder), "%s/credentials", root);
		setenv("CREDENTIALS_DIRECTORY", folder, 1);
	}
	assert_string_equal(found(&name), "code: credential\n");
	assert_string_equal(name, "credential");
}

/* One that is there and wrong is not passed over. */
static void
test_wrong_is_a_fault(void **state)
{
	const char *name;

	run("echo '#cloud-config' >credentials/mpic.document");
	assert_string_equal(found(&name), "document: the text from credential is for cloud-init "
	    "(#cloud-config): this image has none; give it the document that mpic pki issue "
	    "printed\n");
	run(": >credentials/mpic.document");
	assert_string_equal(found(&name), "document: the text from credential is empty\n");
	run("head -c 65 /dev/zero | tr '\\0' x >credentials/mpic.document");
	assert_string_equal(found(&name), "credential mpic.document: is of more than 64 bytes\n");
	run("rm credentials/mpic.document; mkfifo credentials/mpic.document");
	assert_string_equal(found(&name), "credential mpic.document: is no regular file\n");
	run("rm credentials/mpic.document; rm run/mpic-cidata/user-data; "
	    "mkdir run/mpic-cidata/user-data");
	assert_string_equal(found(&name), "user-data of the disk CIDATA: is no regular file\n");
}

static const struct {
	const char *text, *what;	/* how it begins; NULL: it may be a document */
} texts[] = {
	{ "code: x\n", NULL },
	{ "# urn:mpic:perspective:x. It holds private keys.\ncode: x\n", NULL },
	{ "#code: x\n", NULL },
	{ "{\"code\": \"x\"}", NULL },
	{ "", "is empty" },
	{ " \r\n\t\n", "is empty" },
	{ "#cloud-config\nusers: []\n", "is for cloud-init" },
	{ "\n#cloud-config\n", "is for cloud-init" },
	{ "#include\nhttps://x\n", "is for cloud-init" },
	{ "#!/bin/sh\n", "is a script" },
	{ "Content-Type: multipart/mixed; boundary=x\n", "is a MIME archive" },
	{ "{\"ignition\":{}}", "is for Ignition" },
	{ "\x1f\x8b\x08", "is compressed (gzip)" },
	{ "-----BEGIN CERTIFICATE-----\n", "is PEM" },
	{ "IyB1cm46bXBpYzpwZXJzcGVjdGl2ZTp4LiBJdCBob2xkcyBwcml2YXRlIGtleXMu\nCmNvZGU6IHgK\n",
	    "is in base64 once too often" },
};

static void
test_foreign(void **state)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *what = source_foreign(texts[i].text, strlen(texts[i].text));

		if (texts[i].what == NULL) {
			assert_null(what);
			continue;
		}
		assert_non_null(what);
		assert_memory_equal(what, texts[i].what, strlen(texts[i].what));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_wrong_is_a_fault),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
