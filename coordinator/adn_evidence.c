#include "coordinator/adn_evidence.h"

#include "lookup_verdict.h"
#include "wire.h"

#define CNAME	"CNAME"

/* The only record of the answer. False: there is none such, or it is no name to go on with. */
static bool
read_record(const struct evidence_lookup *l, struct name *to)
{
	struct buf text = BUF_INIT(NAME_WIRE_TEXT_MAX);
	struct wire_reader r;
	bool ok = l->record_count == 1;

	if (ok) {
		wire_reader_init(&r, l->records[0].rdata, l->records[0].len);
		ok = name_wire_to_text(&r, &text) && wire_done(&r) && !text.failed &&
		    name_from_dns(to, text.data, text.len);
	}
	buf_free(&text);
	return ok;
}

static void
take_answer(struct adn *adn, struct adn_chain *chain, const struct evidence_lookup *l,
    struct buf *why)
{
	struct name to;

	if (!read_record(l, &to)) {
		adn->outcome = ADN_REFUSED;
		buf_addf(why, "the CNAME of %s leads to no name of letters, digits, hyphens and "
		    "underscores", adn_chain_end(adn, chain)->text);
	} else if (!adn_chain_add(adn, chain, &to, evidence_lookup_weakest(l), why)) {
		adn->outcome = ADN_REFUSED;
	}
}

/* Fails the result where there is nothing to rely on. */
static void
take_lookup(struct adn *adn, struct adn_chain *chain, const struct evidence *e,
    struct check_result *result, struct buf *why)
{
	const struct evidence_lookup *l;
	enum problem problem;

	if (!evidence_usable(e, CNAME, adn_chain_end(adn, chain), false, result))
		return;
	l = &e->lookups[0];
	problem = lookup_problem(l);
	if (problem != PROBLEM_NONE)
		lookup_fail(l, CNAME, problem, "", result);
	else if (l->outcome == EVIDENCE_ANSWER)
		take_answer(adn, chain, l, why);
	else
		chain->complete = true;
}

enum problem
adn_evidence_take(struct adn *adn, const struct adn_question *q, struct adn_chain *chain,
    const struct evidence *e, struct buf *why)
{
	struct check_result result;

	check_result_init(&result, CHECK_DCV);
	take_lookup(adn, chain, e, &result, why);
	if (result.problem.problem != PROBLEM_NONE) {
		adn->outcome = ADN_REFUSED;
		buf_adds(why, result.problem.message);
	} else if (adn->outcome == ADN_UNKNOWN) {
		adn_judge(adn, q, chain, why);
	}
	return result.problem.problem;
}
