/* Options: good and bad files with the very messages, and -D. */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "option_fixture.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
