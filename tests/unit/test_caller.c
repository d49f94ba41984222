/* Who a request is from, and what it may ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/caller.h"
#include "coordinator/config_parts.h"

#define TOKEN_A	"Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
#define TOKEN_B	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* One `callers` of the coordinator's, read as its file would be. */
struct config {
	struct option_maps options;
	struct callers callers;
	char hash_a[CALLER_HASH_HEX + 1], hash_b[CALLER_HASH_HEX + 1];
	struct buf faults;
};

static const struct option rows[] = {
	{ .name = "callers", .type = OPTION_MAPS, .offset = offsetof(struct config, options),
	    .max = CALLERS_MAX, .rows = caller_option_rows, .row_count = CALLER_OPTION_ROWS,
	    .size = sizeof(struct caller_option), .sentence = "Callers." },
};

static const struct option_table table = { .program = "test", .rows = rows, .count = 1 };

/* In `yaml`, $A and $B are the hashes of the tokens. */
static bool
config_read(struct config *c, const char *yaml)
{
	struct buf text = BUF_INIT(65536);
	bool ok;

	*c = (struct config){ .faults = BUF_INIT(8192) };
	assert_true(caller_token_hash(TOKEN_A, strlen(TOKEN_A), c->hash_a));
	assert_true(caller_token_hash(TOKEN_B, strlen(TOKEN_B), c->hash_b));
	buf_adds(&text, "callers:\n");
	for (; *yaml != '\0'; yaml++) {
		if (yaml[0] == '$')
			buf_adds(&text, *++yaml == 'A' ? c->hash_a : c->hash_b);
		else
			buf_addc(&text, *yaml);
	}
	ok = option_parse(&table, c, "f", text.data, text.len, &c->faults) &&
	    callers_init(&c->callers, &c->options, &c->faults);
	buf_free(&text);
	return ok;
}

static void
config_free(struct config *c)
{
	callers_free(&c->callers);
	option_free(&table, c);
	buf_free(&c->faults);
}

static const char known[] =
    "- {name: cert, identity: 'urn:mpic:ca'}\n"
    "- {name: token, token_sha256: $A}\n"
    "- {name: both, identity: [urn:mpic:x, urn:mpic:y], token_sha256: [$B]}\n";

/* Whom a request is from; "" nobody's, "!" nobody's with a token. */
static const struct {
	const char *identity, *authorization, *name;
} who[] = {
	{ "urn:mpic:ca", NULL, "cert" },
	{ "urn:mpic:CA", NULL, "" },
	{ "urn:mpic:ca2", NULL, "" },
	{ "urn:mpic:c", NULL, "" },
	{ "urn:mpic:y", NULL, "both" },
	{ "", NULL, "" },
	{ "plain", NULL, "" },
	{ "", "Bearer " TOKEN_A, "token" },
	{ "", "bearer   " TOKEN_A, "token" },
	{ "", "BEARER " TOKEN_B, "both" },
	{ "", "Bearer " TOKEN_A " ", "!" },
	{ "", "Bearer " TOKEN_A "x", "!" },
	{ "", "Bearer x" TOKEN_A, "!" },
	{ "", "Bearer " TOKEN_A "," TOKEN_B, "!" },
	{ "", "Bearer", "!" },
	{ "", "Bearer ", "!" },
	{ "", "", "" },
	{ "", TOKEN_A, "" },
	{ "", "Basic " TOKEN_A, "" },
	{ "", "Bearer\t" TOKEN_A, "" },
	{ "", "Bearerer " TOKEN_A, "" },
	/* A proxy's certificate is on every connection: the token is the request's. */
	{ "urn:mpic:ca", "Bearer " TOKEN_A, "token" },
	{ "urn:mpic:ca", "Bearer " TOKEN_A "x", "!" },
	{ "urn:mpic:ca", "Basic dTpw", "cert" },
};

static void
test_who(void **state)
{
	struct config c;
	enum caller_doubt doubt;

	assert_true(config_read(&c, known));
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		const struct caller *found = callers_find(&c.callers, who[i].identity,
		    who[i].authorization, &doubt);
		const char *name = found != NULL ? found->name : doubt == CALLER_BAD_TOKEN ? "!" : "";

		assert_int_equal(found != NULL, doubt == CALLER_KNOWN);
		if (strcmp(name, who[i].name) != 0)
			fail_msg("row %zu: %s", i, name);
	}
	config_free(&c);
}

/* The hash itself opens nothing, nor does one that OpenSSL's digest of nothing matches. */
static void
test_hash_is_no_token(void **state)
{
	struct config c;
	enum caller_doubt doubt;
	struct buf header = BUF_INIT(256);

	assert_true(config_read(&c, "- {name: a, token_sha256: $A}\n- {name: empty, token_sha256: "
	    "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855}\n"));
	buf_addf(&header, "Bearer %s", c.hash_a);
	assert_null(callers_find(&c.callers, "", header.data, &doubt));
	assert_null(callers_find(&c.callers, "", "Bearer ", &doubt));
	assert_int_equal(doubt, CALLER_BAD_TOKEN);
	buf_free(&header);
	config_free(&c);
}

static void
test_too_long(void **state)
{
	struct config c;
	enum caller_doubt doubt;
	struct buf header = BUF_INIT(4096);

	assert_true(config_read(&c, known));
	buf_adds(&header, "Bearer ");
	for (size_t i = 0; i < 4000; i++)
		buf_addc(&header, 'a');
	assert_null(callers_find(&c.callers, "", header.data, &doubt));
	buf_free(&header);
	config_free(&c);
}

static void
test_nobody_configured(void **state)
{
	const struct callers none = { .count = 0 };
	enum caller_doubt doubt;
	const struct caller *found = callers_find(&none, "", "Bearer x", &doubt);

	assert_string_equal(found->name, CALLER_NOBODY);
	assert_true(caller_may(found, mpic_check_type_find("dcv_with_caa")));
	assert_true(found->rate == 0 && found->concurrency == 0);
}

static const struct {
	const char *types;
	bool caa, dcv, both;
} may[] = {
	{ "[]", true, true, true },
	{ "caa", true, false, false },
	{ "[dcv]", false, true, false },
	{ "dcv_with_caa", false, false, true },
	{ "[dcv, caa]", true, true, true },
	{ "[caa, dcv_with_caa]", true, false, true },
};

static void
test_check_types(void **state)
{
	for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++) {
		struct buf yaml = BUF_INIT(256);
		struct config c;

		buf_addf(&yaml, "- {name: a, identity: urn:mpic:x, check_types: %s}\n", may[i].types);
		assert_true(config_read(&c, yaml.data));
		assert_int_equal(caller_may(c.callers.list, mpic_check_type_find("caa")), may[i].caa);
		assert_int_equal(caller_may(c.callers.list, mpic_check_type_find("dcv")), may[i].dcv);
		assert_int_equal(caller_may(c.callers.list, mpic_check_type_find("dcv_with_caa")),
		    may[i].both);
		config_free(&c);
		buf_free(&yaml);
	}
}

static const struct {
	const char *yaml, *says;
} faults[] = {
	{ "- urn:mpic:ca\n", "f:2: expected a mapping of option names to values\n" },
	{ "- {identity: urn:mpic:x}\n", "f:2: callers[0].name: is required\n" },
	{ "- {name: a}\n", "callers: a: expected an identity or a token_sha256 to know it by\n" },
	{ "- {name: a b, identity: urn:mpic:x}\n", "callers: 1: name: expected printable ASCII without blanks "
	    "and quotation marks\n" },
	{ "- {name: a, identity: urn:mpic:x}\n- {name: a, identity: urn:mpic:y}\n",
	    "callers: a: there are two of this name\n" },
	{ "- {name: a, identity: urn:mpic:x}\n- {name: b, identity: [urn:mpic:y, urn:mpic:x]}\n",
	    "callers: b: identity: urn:mpic:x is that of a, too\n" },
	{ "- {name: a, token_sha256: " TOKEN_A "}\n", "callers: a: token_sha256: expected 64 "
	    "hexadecimal digits, as mpic token prints them, found something else\n" },
	{ "- {name: a, token_sha256: [$A]}\n- {name: b, token_sha256: [$B, $A]}\n",
	    "callers: b: token_sha256: a has the same\n" },
	{ "- {name: a, identity: urn:mpic:x, check_types: [caa, web]}\n", "callers: a: check_types: expected "
	    "caa, dcv or dcv_with_caa, found \"web\"\n" },
	{ "- {name: a, identity: plain}\n", "callers: a: identity: expected a URI that begins with "
	    "urn:mpic:, found \"plain\"\n" },
	{ "- {name: a, identity: urn:mpic:x, burst: 3}\n", "callers: a: burst: only together with rate\n" },
	{ "- {name: a, identity: urn:mpic:x, rate: -1}\n", "f:2: callers[0].rate: expected a number from 0 "
	    "to 1000000 (requests a second), found \"-1\"\n" },
};

static void
test_faults(void **state)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct config c;

		assert_false(config_read(&c, faults[i].yaml));
		assert_string_equal(c.faults.data, faults[i].says);
		config_free(&c);
	}
}

static void
test_limits(void **state)
{
	struct config c;

	assert_true(config_read(&c, "- {name: a, identity: urn:mpic:x, rate: 2.5}\n"
	    "- {name: b, identity: urn:mpic:y, rate: 0.1, burst: 7, concurrency: 9}\n"));
	assert_true(c.callers.list[0].rate == 2.5);
	assert_int_equal(c.callers.list[0].burst, 3);
	assert_int_equal(c.callers.list[0].concurrency, 0);
	assert_int_equal(c.callers.list[1].burst, 7);
	assert_int_equal(c.callers.list[1].concurrency, 9);
	config_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_hash_is_no_token),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_nobody_configured),
		cmocka_unit_test(test_check_types),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
