#include "lookup_verdict.h"

#include <string.h>

/* Whether the lookups are the name itself and, if so asked, every parent, none left out. */
static bool
is_of(const struct evidence *e, const struct name *asked, bool climb)
{
	const char *name = asked->text;

	for (size_t i = 0; i < e->lookup_count; i++) {
		if (name == NULL || !name_equal(e->lookups[i].name, name))
			return false;
		name = climb ? strchr(name, '.') : NULL;
		if (name != NULL)
			name++;
	}
	return name == NULL;
}

bool
evidence_usable(const struct evidence *e, const char *type, const struct name *name, bool climb,
    struct check_result *result)
{
	if (e->error != NULL)
		check_result_fail(result, PROBLEM_RESOLVER_NO_EVIDENCE,
		    "the resolver did not perform the lookup: %s", e->error);
	else if (e->truncated)
		check_result_fail(result, PROBLEM_DNS_TOO_LARGE,
		    "the %s answers for %s are larger than a check takes", type, name->text);
	else if (!is_of(e, name, climb))
		check_result_fail(result, PROBLEM_RESOLVER_NO_EVIDENCE,
		    "the resolver's evidence is not of %s%s", name->text,
		    climb ? " and all its parents" : "");
	else
		return true;
	return false;
}

enum problem
lookup_problem(const struct evidence_lookup *l)
{
	enum check_dnssec status = evidence_lookup_weakest(l);

	if (l->outcome == EVIDENCE_ABANDONED)
		return PROBLEM_RESOLVER_NO_EVIDENCE;
	if (l->outcome == EVIDENCE_TOO_LARGE)
		return PROBLEM_DNS_TOO_LARGE;
	if (status == CHECK_DNSSEC_BOGUS)
		return PROBLEM_DNS_BOGUS;
	if (l->outcome == EVIDENCE_FAILED)
		return PROBLEM_DNS_FAILED;
	return status == CHECK_DNSSEC_INDETERMINATE ? PROBLEM_DNS_INDETERMINATE : PROBLEM_NONE;
}

void
lookup_fail(const struct evidence_lookup *l, const char *type, enum problem problem,
    const char *but, struct check_result *result)
{
	const char *reason = l->reason != NULL ? l->reason : "no reason given";

	switch (problem) {
	case PROBLEM_DNS_TOO_LARGE:
		check_result_fail(result, problem, "the %s records of %s are larger than a check takes%s",
		    type, l->name, but);
		break;
	case PROBLEM_DNS_BOGUS:
		check_result_fail(result, problem,
		    "the %s lookup of %s failed DNSSEC validation: %.400s%s", type, l->name, reason,
		    but);
		break;
	case PROBLEM_DNS_FAILED:
		check_result_fail(result, problem, "the %s lookup of %s failed: %.400s%s", type,
		    l->name, reason, but);
		break;
	case PROBLEM_DNS_INDETERMINATE:
		check_result_fail(result, problem,
		    "the resolver did not validate the %s answer for %s%s", type, l->name, but);
		break;
	default:
		check_result_fail(result, problem, "the resolver did not finish the %s lookup of %s%s",
		    type, l->name, but);
	}
}
