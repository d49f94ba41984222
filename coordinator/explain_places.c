#include "coordinator/explain_places.h"

#include "coordinator/explain_facts.h"

/* Its own failing tells nothing of the domain. */
static bool
has_view(const struct seen *s)
{
	enum problem problem = s->result.problem.problem;

	return s->readable && !s->cancelled && (s->result.check_passed ||
	    problem_fault(problem) == FAULT_TARGET);
}

static unsigned
bit(const struct seen *s)
{
	return s->rir != RIR_NONE ? 1U << s->rir : 0;
}

static void
add_regions(struct buf *out, unsigned rirs)
{
	const char *lead = "";

	for (int r = RIR_NONE + 1; r < RIR_COUNT; r++)
		if ((rirs & 1U << r) != 0) {
			buf_addf(out, "%s%s", lead, rir_name((enum rir)r));
			lead = " and ";
		}
}

/* How the domain's servers come to show some regions one thing and some another. */
static const char *
usual_cause(enum problem problem)
{
	switch (problem) {
	case PROBLEM_DNS_FAILED:
	case PROBLEM_DNS_TIMEOUT:
	case PROBLEM_CONNECT_REFUSED:
	case PROBLEM_CONNECT_FAILED:
	case PROBLEM_CONNECT_TIMEOUT:
	case PROBLEM_CONNECTION_RESET:
	case PROBLEM_TLS_FAILED:
	case PROBLEM_TLS_TIMEOUT:
	case PROBLEM_HTTP_TIMEOUT:
	case PROBLEM_HTTP_STATUS:
		return "Usual: a geo-block, which is a firewall, CDN or name server that turns some "
		    "countries away. Lift it for the validation.\n";
	default:
		return "Usual: servers that are not in step, which is a secondary that was not updated, "
		    "an anycast node, GeoDNS or a CDN's cache. Compare what each of them answers.\n";
	}
}

void
explain_places(struct buf *out, const struct seen *seen, size_t count, const bool in[])
{
	unsigned ours = 0, others = 0;
	size_t mine = 0, rest = 0, passed = 0;
	enum problem problem = PROBLEM_NONE;

	for (size_t k = 0; k < count; k++) {
		if (!has_view(&seen[k]))
			continue;
		*(in[k] ? &mine : &rest) += 1;
		*(in[k] ? &ours : &others) |= bit(&seen[k]);
		passed += seen[k].result.check_passed;
		if (in[k])
			problem = seen[k].result.problem.problem;
	}
	if (mine == 0 || rest == 0)
		return;
	buf_adds(out, EXPLAIN_INDENT "Where: ");
	if (ours != 0 && others != 0 && (ours & others) == 0) {
		buf_adds(out, "only perspectives in the service region of ");
		add_regions(out, ours);
		buf_adds(out, " saw this; those in that of ");
		add_regions(out, others);
		buf_adds(out, " did not.\n");
	} else {
		buf_adds(out, "perspectives in the same regions saw different things.\n");
	}
	buf_addf(out, EXPLAIN_INDENT "%s", usual_cause(problem));
	if (passed > 0 && 2 * passed < mine + rest)
		buf_adds(out, EXPLAIN_INDENT "Only a minority saw what is expected. That is how the hijack "
		    "of a route looks:\n" EXPLAIN_INDENT "take it for an attack until it is explained.\n");
	else
		buf_adds(out, EXPLAIN_INDENT "If nothing of the kind explains it, somebody may be attacking "
		    "routes to the domain.\n");
}
