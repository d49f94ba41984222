/* Names and targets from any text, and the text of any name on the wire. */
#include <string.h>

#include "buf.h"
#include "fuzz.h"
#include "target.h"
#include "wire.h"

/* Every label's end and the name's, by a way of its own. */
static void
check_name(const struct name *n)
{
	uint8_t wire[NAME_WIRE_MAX];
	struct buf text = BUF_INIT(NAME_WIRE_TEXT_MAX);
	struct name parent = *n, again;
	struct wire_reader r;
	size_t len = name_to_wire(n, wire);

	REQUIRE(n->len >= 1 && n->len <= NAME_TEXT_MAX && n->text[n->len] == '\0');
	REQUIRE(strspn(n->text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n->len);
	REQUIRE(name_from_utf8(&again, n->text, n->len, NULL));
	REQUIRE(strcmp(again.text, n->text) == 0 && again.len == n->len);
	REQUIRE(name_equal(n->text, again.text));
	wire_reader_init(&r, wire, len);
	REQUIRE(name_wire_to_text(&r, &text) && wire_done(&r));
	REQUIRE(strcmp(text.data, n->text) == 0);
	for (const char *dot = n->text; (dot = strchr(dot, '.')) != NULL; dot++) {
		REQUIRE(name_parent(&parent, &parent));
		REQUIRE(strcmp(parent.text, dot + 1) == 0 && parent.len == strlen(parent.text));
	}
	REQUIRE(!name_parent(&parent, &parent));
	buf_free(&text);
}

/* With underscores: nothing is taken but for them, and what a server told is no other name. */
static void
check_underscores(const char *text, size_t len)
{
	struct name n, again;
	struct target t;

	if (name_from_utf8_underscores(&n, text, len, NULL)) {
		REQUIRE(strchr(n.text, '_') != NULL || name_from_utf8(&again, text, len, NULL));
		REQUIRE(name_from_dns(&again, n.text, n.len) && strcmp(again.text, n.text) == 0);
	} else {
		REQUIRE(!name_from_utf8(&again, text, len, NULL));
	}
	if (name_from_dns(&n, text, len)) {
		REQUIRE(n.len == strlen(n.text) && n.len <= len);
		REQUIRE(name_equal_n(n.text, n.len, text, len));
	}
	if (target_parse_adn(&t, text, len, NULL) && target_has_underscore(&t))
		REQUIRE(t.kind == TARGET_DOMAIN && !target_parse(&t, text, len, NULL));
}

static void
check_target(const uint8_t *data, size_t len)
{
	struct target t, again;
	struct target_fault fault;
	struct buf text = BUF_INIT(128);

	if (target_parse(&t, (const char *)data, len, &fault)) {
		REQUIRE(fault.code == TARGET_OK);
		REQUIRE(target_parse(&again, target_text(&t), strlen(target_text(&t)), NULL));
		REQUIRE(memcmp(&again.address, &t.address, sizeof(t.address)) == 0);
		REQUIRE(strcmp(target_text(&again), target_text(&t)) == 0 && again.kind == t.kind);
	} else {
		REQUIRE(fault.code != TARGET_OK);
		target_fault_text(&fault, &text);
		REQUIRE(!text.failed && text.len > 0);
	}
	buf_free(&text);
}

static void
check_wire(const uint8_t *data, size_t len)
{
	struct buf text = BUF_INIT(NAME_WIRE_TEXT_MAX);
	struct wire_reader r;

	wire_reader_init(&r, data, len);
	if (name_wire_to_text(&r, &text)) {
		REQUIRE(!text.failed && text.len > 0);
		for (size_t i = 0; i < text.len; i++)
			REQUIRE(text.data[i] > 0x20 && text.data[i] < 0x7f);
	} else {
		REQUIRE(r.bad && text.len == 0);
	}
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct name n;
	struct name_fault fault;

	if (name_from_utf8(&n, (const char *)data, len, &fault))
		check_name(&n);
	REQUIRE(fault.code < NAME_FAULT_COUNT);
	check_underscores((const char *)data, len);
	check_target(data, len);
	check_wire(data, len);
	return 0;
}
