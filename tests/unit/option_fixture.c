#include "option_fixture.h"

#include <stddef.h>

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

static const struct option rows[OPTION_FIXTURE_COUNT] = {
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

const struct option_table table = { .program = "mpic-test", .rows = rows,
	.count = OPTION_FIXTURE_COUNT };

const char whole[] =
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
