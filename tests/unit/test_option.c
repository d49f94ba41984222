/* Options: good and bad files with the very messages, -D, and what is printed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "option.h"

struct place {
	char *code;
	char *url;
	double latitude;
	struct option_strings too_close;
};

struct home {
	bool set;
	char *street;
	int64_t number;
	struct option_strings doors;
};

struct config {
	struct endpoint listen;
	int64_t workers;
	int64_t timeout_ms;
	bool plain;
	char *key;
	char *secret;
	double share;
	struct option_strings identities;
	struct option_maps places;
	struct home home;
};

#define AT(member) offsetof(struct config, member)
#define IN(member) offsetof(struct place, member)

static const struct option place_rows[] = {
	{ .name = "code", .type = OPTION_STRING, .offset = IN(code), .min = 1, .max = 32,
	    .flags = OPTION_REQUIRED, .sentence = "Its code." },
	{ .name = "url", .type = OPTION_STRING, .offset = IN(url), .def = "https://x",
	    .sentence = "Where it is." },
	{ .name = "latitude", .type = OPTION_REAL, .offset = IN(latitude), .min = -90, .max = 90,
	    .flags = OPTION_REQUIRED, .unit = "degrees", .sentence = "How far north." },
	{ .name = "too_close_codes", .type = OPTION_STRINGS, .offset = IN(too_close),
	    .sentence = "Its neighbours." },
};

static const struct option home_rows[] = {
	{ .name = "street", .type = OPTION_STRING, .offset = offsetof(struct home, street),
	    .flags = OPTION_REQUIRED, .sentence = "Its street." },
	{ .name = "number", .type = OPTION_INTEGER, .offset = offsetof(struct home, number),
	    .min = 1, .max = 999, .def = "1", .sentence = "Its number." },
	{ .name = "doors", .type = OPTION_STRINGS, .offset = offsetof(struct home, doors),
	    .sentence = "Its doors." },
};

static const struct option rows[] = {
	{ .name = "listen", .type = OPTION_ENDPOINT, .offset = AT(listen),
	    .flags = OPTION_REQUIRED, .sentence = "Where to listen." },
	{ .name = "workers", .type = OPTION_INTEGER, .offset = AT(workers), .min = 0, .max = 64,
	    .def = "2", .sentence = "Worker processes." },
	{ .name = "timeout", .type = OPTION_INTEGER, .offset = AT(timeout_ms), .min = 1,
	    .max = 60000, .def = "5000", .unit = "ms", .sentence = "How long to wait." },
	{ .name = "plain", .type = OPTION_BOOL, .offset = AT(plain), .def = "false",
	    .sentence = "Plain HTTP." },
	{ .name = "key", .type = OPTION_PATH, .offset = AT(key), .sentence = "The key's file." },
	{ .name = "secret", .type = OPTION_STRING, .offset = AT(secret), .min = 8, .max = 64,
	    .flags = OPTION_SECRET, .sentence = "A secret." },
	{ .name = "share", .type = OPTION_REAL, .offset = AT(share), .sentence = "A share." },
	{ .name = "identities", .type = OPTION_STRINGS, .offset = AT(identities),
	    .min = 1, .max = 3, .def = "[urn:mpic:coordinator]", .sentence = "Who may call." },
	{ .name = "places", .type = OPTION_MAPS, .offset = AT(places), .rows = place_rows,
	    .row_count = 4, .size = sizeof(struct place), .sentence = "Places." },
	{ .name = "residence", .type = OPTION_MAP, .offset = AT(home), .rows = home_rows,
	    .row_count = 3, .size = sizeof(struct home), .sentence = "Where it lives." },
};

static const struct option_table table = { .program = "mpic-test", .rows = rows, .count = 10 };

static const char whole[] =
    "# comment\n"
    "listen: '[::1]:8443'\n"
    "workers: 4\n"
    "plain: true\n"
    "key: /etc/key.pem\n"
    "secret: abcdefghij\n"
    "share: -0.25\n"
    "identities: [urn:mpic:a, 'urn:mpic:b']\n"
    "places:\n"
    "  - code: aa\n"
    "    latitude: 52.5\n"
    "    too_close_codes: [bb]\n"
    "  - {code: bb, latitude: 0, url: 'https://bb'}\n"
    "residence: {street: Long Lane, doors: [front, back]}\n";

static void
test_whole_file(void **state)
{
	struct config c = { .workers = 0 };
	struct buf faults = BUF_INIT(4096);
	struct place *places;

	assert_true(option_defaults(&table, &c, &faults));
	assert_int_equal(c.timeout_ms, 5000);
	assert_true(option_parse(&table, &c, "f", whole, strlen(whole), &faults));
	assert_true(option_complete(&table, &c, &faults));
	assert_int_equal(faults.len, 0);
	assert_int_equal(c.workers, 4);
	assert_true(c.plain);
	assert_true(endpoint_loopback(&c.listen));
	assert_true(c.share == -0.25);
	assert_int_equal(c.identities.count, 2);
	assert_string_equal(c.identities.items[1], "urn:mpic:b");
	assert_int_equal(c.places.count, 2);
	places = c.places.items;
	assert_string_equal(places[0].url, "https://x");
	assert_string_equal(places[0].too_close.items[0], "bb");
	assert_true(places[0].latitude == 52.5);
	assert_string_equal(places[1].url, "https://bb");
	assert_true(c.home.set);
	assert_string_equal(c.home.street, "Long Lane");
	assert_int_equal(c.home.number, 1);
	assert_int_equal(c.home.doors.count, 2);
	option_free(&table, &c);
	assert_null(c.key);
	assert_false(c.home.set);
	assert_null(c.home.street);
	buf_free(&faults);
}

/* `fault`: all of the messages; "" when the text is good. */
static const struct {
	const char *text, *faults;
} bad[] = {
	{ "", "" },
	{ "# nothing\n", "" },
	{ "{}", "" },
	{ "workers: 65\n", "f:1: workers: expected an integer from 0 to 64, found \"65\"\n" },
	{ "workers: -1\n", "f:1: workers: expected an integer from 0 to 64, found \"-1\"\n" },
	{ "workers: 0x10\n", "f:1: workers: expected an integer from 0 to 64, found \"0x10\"\n" },
	{ "workers: 1e1\n", "f:1: workers: expected an integer from 0 to 64, found \"1e1\"\n" },
	{ "workers: 99999999999999999999\n", "f:1: workers: expected an integer from 0 to 64, "
	    "found \"99999999999999999999\"\n" },
	{ "workers:\n", "f:1: workers: expected an integer from 0 to 64, found \"\"\n" },
	{ "workers: [1]\n", "f:1: workers: expected an integer from 0 to 64, found \"a list\"\n" },
	{ "timeout: 0\n", "f:1: timeout: expected an integer from 1 to 60000 (ms), found \"0\"\n" },
	{ "residence: {street: x, number: 0}\n", "f:1: residence.number: expected an integer from 1 to 999, "
	    "found \"0\"\n" },
	{ "residence: {number: 3}\n", "f:1: residence.street: is required\n" },
	{ "residence: {street: x, numbr: 3}\n", "f:1: residence.numbr: no such option; did you mean "
	    "number?\n" },
	{ "residence: [x]\n", "f:1: residence: expected a mapping, found \"a list\"\n" },
	{ "residence: x\n", "f:1: residence: expected a mapping, found \"a single value\"\n" },
	{ "residence:\n", "f:1: residence: expected a mapping, found \"a single value\"\n" },
	{ "residence: {}\n", "f:1: residence.street: is required\n" },
	{ "places: [{code: a, latitude: 1, url: {}}]\n", "f:1: places[0].url: expected a string, "
	    "found \"a mapping\"\n" },
	/* what may be a key that slipped is not repeated */
	{ "workers: |\n  MIGHAgEAMBMGByqGSM49\n", "f:1: workers: expected an integer from 0 to 64, "
	    "found several lines\n" },
	{ "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg: x\n",
	    "f:1: a name of 48 bytes: no such option\n" },
	{ "plain: maybe\n", "f:1: plain: expected true or false, found \"maybe\"\n" },
	{ "listen: localhost:80\n", "f:1: listen: expected an ADDRESS:PORT or [ADDRESS]:PORT, "
	    "found \"localhost:80\"\n" },
	{ "listen: 1.2.3.4:65536\n", "f:1: listen: expected an ADDRESS:PORT or [ADDRESS]:PORT, "
	    "found \"1.2.3.4:65536\"\n" },
	{ "listen: '::1:80'\n", "f:1: listen: expected an ADDRESS:PORT or [ADDRESS]:PORT, "
	    "found \"::1:80\"\n" },
	{ "secret: short\n", "f:1: secret: expected a string of 8 to 64 bytes, "
	    "found something else\n" },
	{ "share: nan\n", "f:1: share: expected a number, found \"nan\"\n" },
	{ "identities: x\n", "f:1: identities: expected a list of strings, 1 to 3 of them, "
	    "found \"a single value\"\n" },
	{ "identities: []\n", "f:1: identities: expected a list of strings, 1 to 3 of them, "
	    "found \"0 items\"\n" },
	{ "identities:\n - a\n - [b]\n", "f:3: identities: item 2: expected a string of 1 to "
	    "1024 bytes\n" },
	{ "wokers: 2\n", "f:1: wokers: no such option; did you mean workers?\n" },
	{ "nothing_like_it: 2\n", "f:1: nothing_like_it: no such option\n" },
	{ "workers: 1\nplain: no\nworkers: 2\n", "f:3: workers: given twice\n" },
	{ "workers: x\nplain: y\nfoo: z\n",
	    "f:1: workers: expected an integer from 0 to 64, found \"x\"\n"
	    "f:2: plain: expected true or false, found \"y\"\n"
	    "f:3: foo: no such option\n" },
	{ "- workers\n", "f:1: expected a mapping of option names to values\n" },
	{ "workers\n", "f:1: expected a mapping of option names to values\n" },
	{ "[a]: b\n", "f:1: expected the name of an option\n" },
	{ "workers: &a 2\n", "f:1: anchors are not allowed here\n" },
	{ "key: *a\n", "f:1: aliases are not allowed here\n" },
	{ "workers: !!int 2\n", "f:1: tags are not allowed here\n" },
	{ "workers: 2\n---\nworkers: 3\n", "f:2: a second document is not allowed here\n" },
	{ "key: [[[[[[a]]]]]]\n", "f:1: nesting this deep is not allowed here\n" },
	{ "key: \"a\\0b\"\n", "f:1: key: expected a path, found \"a NUL byte\"\n" },
	{ "key: 'a\nplain: true\n", "f:3: not YAML: found unexpected end of stream\n" },
	{ "places: [{code: a, latitude: 91}]\n",
	    "f:1: places[0].latitude: expected a number from -90 to 90 (degrees), found \"91\"\n" },
	{ "places:\n - code: a\n   latitude: 1\n - latitud: 2\n",
	    "f:4: places[1].latitud: no such option; did you mean latitude?\n"
	    "f:4: places[1].code: is required\n"
	    "f:4: places[1].latitude: is required\n" },
	{ "places: [a]\n", "f:1: expected a mapping of option names to values\n" },
};

static void
test_bad_files(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config c = { .workers = 0 };
		struct buf faults = BUF_INIT(4096);
		bool good = bad[i].faults[0] == '\0', ok;

		ok = option_parse(&table, &c, "f", bad[i].text, strlen(bad[i].text), &faults);
		assert_string_equal(faults.data != NULL ? faults.data : "", bad[i].faults);
		assert_int_equal(ok, good);
		option_free(&table, &c);
		buf_free(&faults);
	}
}

static void
test_too_large(void **state)
{
	struct config c = { .workers = 0 };
	struct buf faults = BUF_INIT(4096), text = BUF_INIT(OPTION_FILE_MAX + 100);

	while (text.len <= OPTION_FILE_MAX)
		buf_adds(&text, "# filling\n");
	assert_false(option_parse(&table, &c, "f", text.data, text.len, &faults));
	assert_string_equal(faults.data, "f: larger than 1048576 bytes\n");
	buf_free(&text);
	buf_free(&faults);
}

static const struct {
	const char *assignment, *faults;
} sets[] = {
	{ "workers=7", "" },
	{ "key=a: [b", "" },
	{ "key=", "" },
	{ "identities=urn:mpic:c", "" },
	{ "identities=[a, b, c]", "" },
	{ "places=[{code: x, latitude: 1}]", "" },
	{ "workers=x", "-D: workers: expected an integer from 0 to 64, found \"x\"\n" },
	{ "workers", "-D: expected NAME=VALUE, found workers\n" },
	{ "nope=1", "-D: nope: no such option\n" },
	{ "workrs=1", "-D: workrs: no such option; did you mean workers?\n" },
	{ "identities=[a, b, c, d]", "-D:1: identities: expected a list of strings, 1 to 3 of them, "
	    "found \"4 items\"\n" },
};

static void
test_overrides(void **state)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct config c = { .workers = 0 };
		struct buf faults = BUF_INIT(4096);
		bool ok;

		assert_true(option_parse(&table, &c, "f", whole, strlen(whole), &faults));
		ok = option_set(&table, &c, sets[i].assignment, &faults);
		assert_string_equal(faults.data != NULL ? faults.data : "", sets[i].faults);
		assert_int_equal(ok, sets[i].faults[0] == '\0');
		option_free(&table, &c);
		buf_free(&faults);
	}
}

/* A number that nobody gave is neither 0 nor shown; one that is 0 is both. */
static void
test_absent_real(void **state)
{
	struct config c = { .workers = 0 };
	struct buf faults = BUF_INIT(4096), out = BUF_INIT(4096);
	struct place *places;

	assert_true(option_defaults(&table, &c, &faults));
	assert_true(isnan(c.share));
	option_parse(&table, &c, "f", "places: [{code: a}, {code: b, latitude: 0}]\n", 43, &faults);
	places = c.places.items;
	assert_true(isnan(places[0].latitude));
	assert_true(places[1].latitude == 0);
	option_dump(&table, &c, &out);
	assert_null(strstr(out.data, "share"));
	assert_non_null(strstr(out.data, "places:\n  - code: \"a\"\n    url: \"https://x\"\n"
	    "    too_close_codes: []\n  - code: \"b\"\n    url: \"https://x\"\n"
	    "    latitude: 0\n"));
	assert_null(strstr(out.data, "residence"));
	option_free(&table, &c);
	buf_free(&faults);
	buf_free(&out);
}

static void
test_required(void **state)
{
	struct config c = { .workers = 0 };
	struct buf faults = BUF_INIT(4096);

	assert_false(option_complete(&table, &c, &faults));
	assert_string_equal(faults.data, "mpic-test: listen: is required\n");
	buf_free(&faults);
}

/* What --dump prints reads back as the same, but for secrets. */
static void
test_dump(void **state)
{
	struct config c = { .workers = 0 }, again = { .workers = 0 };
	struct buf faults = BUF_INIT(4096), first = BUF_INIT(4096), second = BUF_INIT(4096);

	option_defaults(&table, &c, &faults);
	assert_true(option_parse(&table, &c, "f", whole, strlen(whole), &faults));
	option_dump(&table, &c, &first);
	assert_null(strstr(first.data, "abcdefghij"));
	assert_non_null(strstr(first.data, "# secret: is set and not shown\n"));
	assert_non_null(strstr(first.data, "  - code: \"aa\"\n    url: \"https://x\"\n"));
	assert_non_null(strstr(first.data, "\nresidence:\n  street: \"Long Lane\"\n  number: 1\n"
	    "  doors: [\"front\", \"back\"]\n"));
	assert_true(option_parse(&table, &again, "d", first.data, first.len, &faults));
	again.secret = strdup("abcdefghij");
	option_dump(&table, &again, &second);
	assert_string_equal(first.data, second.data);
	option_free(&table, &c);
	option_free(&table, &again);
	buf_free(&first);
	buf_free(&second);
	buf_free(&faults);
}

/* The sample is good as it is, and with every option's mark of a comment taken away. */
static void
test_sample(void **state)
{
	struct config c = { .workers = 0 };
	struct buf faults = BUF_INIT(4096), sample = BUF_INIT(16384), open = BUF_INIT(16384);

	option_sample(&table, &sample);
	assert_true(option_parse(&table, &c, "s", sample.data, sample.len, &faults));
	for (const char *line = sample.data; *line != '\0';) {
		size_t len = strcspn(line, "\n") + 1;

		bool item = strncmp(line, "#  - ", 5) == 0 ||
		    (strncmp(line, "#    ", 5) == 0 && line[5] != ' ') ||
		    (strncmp(line, "#  ", 3) == 0 && line[3] != ' ');

		if (item || (len > 1 && line[0] == '#' && line[1] != ' '))
			buf_add(&open, line + 1, len - 1);
		line += len;
	}
	option_parse(&table, &c, "s", open.data, open.len, &faults);
	assert_int_equal(c.timeout_ms, 5000);
	assert_string_equal(c.identities.items[0], "urn:mpic:coordinator");
	assert_int_equal(c.places.count, 1);
	assert_string_equal(faults.data, "s:10: places[0].code: expected a string of 1 to 32 "
	    "bytes, found \"\"\ns:15: residence.street: expected a string, found \"\"\n");
	option_free(&table, &c);
	buf_free(&faults);
	buf_free(&sample);
	buf_free(&open);
}

static void
test_manual(void **state)
{
	struct buf out = BUF_INIT(16384);

	option_man(&table, &out);
	assert_non_null(strstr(out.data, ".It Cm timeout\nHow long to wait.\n"
	    "An integer from 1 to 60000 (ms); default 5000.\n"));
	buf_free(&out);
}

/* Lines as mdoc wants them: none too long, a sentence's end is a line's, nothing means anything. */
static void
test_man_text(void **state)
{
	static const struct {
		const char *text, *lines;
	} texts[] = {
		{ "One. Two (or so.) Three", "One.\nTwo (or so.)\nThree\n" },
		{ ".dot 'quote' back\\slash", "\\&.dot 'quote' back\\eslash\n" },
		{ "'begins", "\\&'begins\n" },
		{ "Default 1.5 or a.b, ...", "Default 1.5 or a.b, ...\n" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb .c",
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb .c\n" },
		{ "", "\n" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = BUF_INIT(1024);

		option_man_text(texts[i].text, &out);
		assert_string_equal(out.data, texts[i].lines);
		buf_free(&out);
	}
}

static bool
check_workers(void *config, struct buf *faults)
{
	const struct config *c = config;

	if (c->workers != 9)
		buf_adds(faults, "expected nine workers\n");
	return c->workers == 9;
}

static void
test_command_line(void **state)
{
	char path[] = "/tmp/test_option.XXXXXX";
	char *argv[] = { "mpic-test", "-c", path, "--set=workers=9", "-Dplain=false", NULL };
	struct config c = { .workers = 0 };
	struct option_table checked = table;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, whole, strlen(whole)), strlen(whole));
	close(fd);
	checked.check = check_workers;
	assert_int_equal(option_command_line(&checked, 5, argv, &c), -1);
	assert_int_equal(c.workers, 9);
	assert_false(c.plain);
	option_free(&table, &c);
	argv[3] = "--set=workers=8";
	c = (struct config){ .workers = 0 };
	assert_int_equal(option_command_line(&checked, 5, argv, &c), 2);
	unlink(path);
	c = (struct config){ .workers = 0 };
	assert_int_equal(option_command_line(&table, 5, argv, &c), 2);
}

/* ---- what may be one value, and what systemd holds ---- */

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

static void
file_put(int fd, const char *text)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
}

/* What a running program makes of its file on SIGHUP. */
static void
test_read_again(void **state)
{
	char path[] = "/tmp/test_option.XXXXXX";
	char *argv[] = { "mpic-test", "-c", path, "--set=workers=9", NULL };
	struct config running = { .workers = 0 }, again = { .workers = 0 };
	struct option fixed[10];
	struct option_table checked = table;
	struct buf faults = BUF_INIT(1024), kept = BUF_INIT(1024);
	int fd = mkstemp(path);

	memcpy(fixed, rows, sizeof(fixed));
	for (size_t i = 0; i < 5; i++)
		fixed[i].flags |= OPTION_FIXED;
	checked.rows = fixed;
	checked.check = check_workers;
	file_put(fd, whole);
	assert_int_equal(option_command_line(&checked, 4, argv, &running), -1);
	/* The same once more; -D's as before. */
	assert_true(option_read_again(&checked, 4, argv, &running, &again, &faults, &kept));
	assert_int_equal(again.workers, 9);
	assert_int_equal(kept.len, 0);
	option_free(&checked, &again);
	/* Another file: what is fixed stays, and is named; the rest is new. */
	file_put(fd, "listen: '127.0.0.1:1'\nworkers: 3\nsecret: klmnopqrst\n");
	again = (struct config){ .workers = 0 };
	assert_true(option_read_again(&checked, 4, argv, &running, &again, &faults, &kept));
	assert_string_equal(kept.data, "listen, plain, key");
	assert_int_equal(again.listen.addr.ss_family, running.listen.addr.ss_family);
	assert_string_equal(again.key, "/etc/key.pem");
	assert_true(again.key != running.key);
	assert_true(again.plain);
	assert_string_equal(again.secret, "klmnopqrst");
	assert_int_equal(again.places.count, 0);
	option_free(&checked, &again);
	/* A bad one. */
	file_put(fd, "nonsense: 1\n");
	again = (struct config){ .workers = 0 };
	assert_false(option_read_again(&checked, 4, argv, &running, &again, &faults, &kept));
	assert_true(faults.len > 0);
	option_free(&checked, &again);
	option_free(&checked, &running);
	close(fd);
	unlink(path);
	buf_free(&faults);
	buf_free(&kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_file),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_absent_real),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_man_text),
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_one_is_a_list),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_bad_credentials),
		cmocka_unit_test(test_command_line_credentials),
		cmocka_unit_test(test_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
