/*
 * Authorization Domain Names. An input is lines: a digit or letter for the
 * method, the name applied for, the target, and names that CNAMEs lead to. What
 * is permitted obeys the rules, said again here in another way.
 */
#include <string.h>

#include "coordinator/adn.h"
#include "fuzz.h"
#include "json_scan.h"

#define LINES_MAX	16

static struct suffixes suffixes;

/* Whether `n` is `above` or has more labels before it. */
static bool
is_within(const char *n, const char *above)
{
	size_t len = strlen(n), tail = strlen(above);

	return len >= tail && strcmp(n + len - tail, above) == 0 &&
	    (len == tail || n[len - tail - 1] == '.');
}

/* Steps come in their order, each of a kind that the method allows, and end at the target. */
static void
check_steps(const struct adn *adn, const struct adn_question *q)
{
	const struct dcv_method_row *row = dcv_method_row(q->method);
	bool wildcard = adn->applied_for.kind == TARGET_WILDCARD;
	const char *at = adn->applied_for.name.text;

	REQUIRE(adn->step_count <= ADN_STEPS_MAX);
	REQUIRE(!wildcard || (row->wildcard && adn->base.len > 0 && adn->step_count > 0));
	for (size_t i = 0; i < adn->step_count; i++) {
		const struct adn_step *step = &adn->steps[i];

		switch (step->kind) {
		case ADN_STRIP:
			REQUIRE(i == 0 && wildcard && strcmp(step->to.text, at) == 0);
			break;
		case ADN_CNAME:
			REQUIRE(row->cname && !wildcard);
			break;
		case ADN_PRUNE:
			REQUIRE(row->prune && i + 1 == adn->step_count);
			REQUIRE(is_within(at, step->to.text) && strcmp(at, step->to.text) != 0);
			REQUIRE(adn->base.len > 0 && is_within(step->to.text, adn->base.text));
			break;
		default:
			REQUIRE(!"a reverse lookup of a name");
		}
		at = step->to.text;
	}
	REQUIRE(strcmp(at, q->target->name.text) == 0);
	REQUIRE(!row->wildcard_in_record || adn->step_count == 0 ||
	    q->target->kind == TARGET_WILDCARD);
}

static void
check_permitted(const struct adn *adn, const struct adn_question *q)
{
	struct buf out = BUF_INIT((size_t)64 * 1024);
	struct json_scanned scanned;
	struct name base;

	if (target_is_ip(&adn->applied_for))
		REQUIRE(adn->base.len == 0 && adn->step_count <= 1);
	else if (q->dcv)
		check_steps(adn, q);
	else
		REQUIRE(adn->step_count == 0);
	if (adn->base.len > 0)
		REQUIRE(suffixes_base(q->suffixes, &adn->base, &base) &&
		    strcmp(base.text, adn->base.text) == 0);
	REQUIRE(adn_text(q)[0] != '\0');
	adn_encode(adn, q, &out);
	REQUIRE(!out.failed && json_scan(out.data, out.len, NULL, &scanned));
	buf_free(&out);
}

static size_t
split(char *text, char *lines[LINES_MAX])
{
	char *save = NULL;
	size_t n = 0;

	for (char *l = strtok_r(text, "\n", &save); l != NULL && n < LINES_MAX;
	    l = strtok_r(NULL, "\n", &save))
		lines[n++] = l;
	return n;
}

/* With ever more of its CNAMEs known: what was decided once stays so. */
static void
judge(struct adn *adn, const struct adn_question *q, char *lines[], size_t count)
{
	struct adn_chain chain = { .count = 0 };
	struct buf why = BUF_INIT(4096);
	enum adn_outcome before = ADN_UNKNOWN;
	struct name to;

	for (size_t i = 0;; i++) {
		buf_reset(&why);
		adn_judge(adn, q, &chain, &why);
		REQUIRE(before == ADN_UNKNOWN || adn->outcome == before);
		REQUIRE((adn->outcome == ADN_REFUSED) == (why.len > 0));
		if (adn->outcome == ADN_PERMITTED)
			check_permitted(adn, q);
		before = adn->outcome;
		if (i == count || !name_from_dns(&to, lines[i], strlen(lines[i])) ||
		    !adn_chain_add(adn, &chain, &to, CHECK_DNSSEC_INSECURE, &why))
			break;
	}
	chain.complete = true;
	buf_reset(&why);
	adn_judge(adn, q, &chain, &why);
	REQUIRE(adn->outcome != ADN_UNKNOWN);
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct adn adn = { .outcome = ADN_REFUSED };
	struct adn_question q = { .suffixes = &suffixes, .peer = { .text = "peer.com", .len = 8 } };
	char *text = malloc(len + 1), *lines[LINES_MAX];
	struct target target;
	size_t count;

	REQUIRE(text != NULL);
	if (suffixes.psl == NULL)
		REQUIRE(suffixes_load(&suffixes, NULL, NULL));
	memcpy(text, data, len);
	text[len] = '\0';
	count = split(text, lines);
	if (count >= 3 && target_parse(&adn.applied_for, lines[1], strlen(lines[1]), NULL) &&
	    target_parse_adn(&target, lines[2], strlen(lines[2]), NULL)) {
		q.target = &target;
		q.method = (enum dcv_method)((unsigned char)lines[0][0] % DCV_METHOD_COUNT);
		q.caa = lines[0][1] == 'c';
		q.dcv = !q.caa || lines[0][2] == 'd';
		if (!q.dcv || dcv_method_refuses(q.method, &target) == NULL)
			judge(&adn, &q, lines + 3, count - 3);
	}
	free(text);
	return 0;
}
