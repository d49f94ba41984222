#include "coordinator/adn.h"

#include <stdarg.h>
#include <string.h>

#include "json_writer.h"

#define ADN_SECTION		"1.6.1"		/* the definition */

static enum adn_outcome __attribute__((format(printf, 2, 3)))
refuse(struct buf *why, const char *fmt, ...)
{
	char text[2 * NAME_TEXT_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_adds(why, text);
	return ADN_REFUSED;
}

static void
add_step(struct adn *adn, enum adn_step_kind kind, const struct name *to, enum check_dnssec dnssec)
{
	adn->steps[adn->step_count++] = (struct adn_step){ kind, dnssec, *to };
}

/* ---- addresses ---- */

static bool
is_about_address(const struct adn *adn, const struct adn_question *q)
{
	return target_is_ip(&adn->applied_for) || target_is_ip(q->target) ||
	    (q->dcv && q->method == DCV_REVERSE_ADDRESS_LOOKUP);
}

/* Open MPIC's form of a reverse lookup has the reverse name as its target. */
static bool
is_same_address(const struct adn *adn, const struct adn_question *q)
{
	struct name reverse;

	if (target_is_ip(q->target))
		return strcmp(target_text(&adn->applied_for), target_text(q->target)) == 0;
	return q->dcv && q->method == DCV_REVERSE_ADDRESS_LOOKUP &&
	    target_reverse_name(&adn->applied_for, &reverse) &&
	    strcmp(reverse.text, q->target->name.text) == 0;
}

static enum adn_outcome
judge_address(struct adn *adn, const struct adn_question *q, struct buf *why)
{
	if (!is_same_address(adn, q))
		return refuse(why, target_is_ip(&adn->applied_for) ?
		    "an IP address is validated by itself alone (3.2.2.5)" :
		    "control of an IP address proves control of no domain name");
	if (q->method == DCV_REVERSE_ADDRESS_LOOKUP)
		add_step(adn, ADN_REVERSE, &q->peer, CHECK_DNSSEC_UNKNOWN);
	return ADN_PERMITTED;
}

/* ---- names ---- */

static bool
is_below(const struct name *n, const struct name *above)
{
	size_t left = n->len - above->len;

	return n->len > above->len && n->text[left - 1] == '.' &&
	    strcmp(n->text + left, above->text) == 0;
}

static enum adn_outcome
prune(struct adn *adn, const struct name *from, const struct adn_question *q, struct buf *why)
{
	const struct name *target = &q->target->name;

	if (!dcv_method_row(q->method)->prune)
		return refuse(why, "this method proves control of no name below its target");
	if (adn->base.len == 0)
		return refuse(why, "%s is a public suffix: no label of it can be pruned", from->text);
	if (target->len < adn->base.len)
		return refuse(why, "labels are pruned down to the Base Domain Name at most, and that "
		    "of %s is %s", from->text, adn->base.text);
	add_step(adn, ADN_PRUNE, target, CHECK_DNSSEC_UNKNOWN);
	return ADN_PERMITTED;
}

/* Whether `from` is the target, or labels can be pruned so that it is. */
static enum adn_outcome
reach(struct adn *adn, const struct name *from, const struct adn_question *q, struct buf *why)
{
	const struct name *target = &q->target->name;

	if (!suffixes_base(q->suffixes, from, &adn->base))
		adn->base = (struct name){ .len = 0 };
	if (strcmp(from->text, target->text) == 0)
		return ADN_PERMITTED;
	return is_below(from, target) ? prune(adn, from, q, why) : ADN_UNKNOWN;
}

/* The target is neither the name nor above it: may CNAME records be followed? */
static enum adn_outcome
may_follow(const struct adn *adn, const struct adn_question *q, struct buf *why)
{
	const struct dcv_method_row *row = dcv_method_row(q->method);

	if (adn->applied_for.kind == TARGET_WILDCARD)
		return refuse(why, "expected %s%s: no CNAME is followed from a wildcard",
		    adn->applied_for.name.text, row->prune ? " or a name above it" : "");
	if (!row->cname)
		return refuse(why, "expected %s itself%s: no CNAME leads from it to what this "
		    "method validates", adn->applied_for.name.text,
		    row->prune ? " or a name above it" : "");
	if (suffixes_has(q->suffixes, &q->target->name))
		return refuse(why, "%s is a public suffix", q->target->name.text);
	return ADN_UNKNOWN;
}

static enum adn_outcome
follow(struct adn *adn, const struct adn_question *q, const struct adn_chain *chain,
    struct buf *why)
{
	enum adn_outcome outcome = may_follow(adn, q, why);

	for (size_t i = 0; outcome == ADN_UNKNOWN && i < chain->count; i++) {
		add_step(adn, ADN_CNAME, &chain->hops[i].to, chain->hops[i].dnssec);
		outcome = reach(adn, &chain->hops[i].to, q, why);
	}
	if (outcome != ADN_UNKNOWN || !chain->complete)
		return outcome;
	if (chain->count == 0)
		return refuse(why, "the target is neither the name nor above it, and %s has no CNAME "
		    "record", adn->applied_for.name.text);
	return refuse(why, "no CNAME leads to the target or below it: after %zu of them there is "
	    "none at %s", chain->count, adn_chain_end(adn, chain)->text);
}

/* What can be told to be wrong before there is any step. */
static enum adn_outcome
judge_wildcards(const struct adn *adn, const struct adn_question *q, struct buf *why)
{
	const struct target *applied_for = &adn->applied_for, *target = q->target;
	const struct dcv_method_row *row = dcv_method_row(q->method);
	bool wildcard = applied_for->kind == TARGET_WILDCARD;

	if (wildcard && !row->wildcard)
		return refuse(why, "this method does not validate wildcards");
	if (wildcard && suffixes_has(q->suffixes, &applied_for->name))
		return refuse(why, "%s is a public suffix: nobody may have every name below it "
		    "(3.2.2.6)", applied_for->name.text);
	if (target->kind == TARGET_WILDCARD && !row->wildcard_in_record &&
	    strcmp(target->text, applied_for->text) != 0)
		return refuse(why, "a wildcard stands for no other name; expected the target %s",
		    target->name.text);
	return ADN_PERMITTED;
}

static enum adn_outcome
judge_name(struct adn *adn, const struct adn_question *q, const struct adn_chain *chain,
    struct buf *why)
{
	const struct name *name = &adn->applied_for.name;
	enum adn_outcome outcome = judge_wildcards(adn, q, why);

	if (outcome != ADN_PERMITTED)
		return outcome;
	if (adn->applied_for.kind == TARGET_WILDCARD)
		add_step(adn, ADN_STRIP, name, CHECK_DNSSEC_UNKNOWN);
	outcome = reach(adn, name, q, why);
	if (outcome == ADN_UNKNOWN)
		outcome = follow(adn, q, chain, why);
	if (outcome == ADN_PERMITTED && adn->step_count > 0 &&
	    dcv_method_row(q->method)->wildcard_in_record && q->target->kind != TARGET_WILDCARD)
		return refuse(why, "the record has to say that it holds for wildcards and for names "
		    "below its own, which the target *.%s asks for", q->target->name.text);
	return outcome;
}

/* The name of the certificate, and nothing else that is the same to domain control. */
static enum adn_outcome
judge_caa(struct adn *adn, const struct adn_question *q, struct buf *why)
{
	if (strcmp(target_text(&adn->applied_for), target_text(q->target)) != 0)
		return refuse(why, "CAA is checked for the name in the certificate itself, a "
		    "wildcard's with its asterisk; expected the target %s",
		    target_text(&adn->applied_for));
	if (!suffixes_base(q->suffixes, &adn->applied_for.name, &adn->base))
		adn->base = (struct name){ .len = 0 };
	return ADN_PERMITTED;
}

void
adn_judge(struct adn *adn, const struct adn_question *q, const struct adn_chain *chain,
    struct buf *why)
{
	adn->step_count = 0;
	adn->base = (struct name){ .len = 0 };
	adn->outcome = q->caa ? judge_caa(adn, q, why) : ADN_PERMITTED;
	if (adn->outcome != ADN_PERMITTED || !q->dcv)
		return;
	adn->outcome = is_about_address(adn, q) ? judge_address(adn, q, why) :
	    judge_name(adn, q, chain, why);
}

/* ---- the chain ---- */

const struct name *
adn_chain_end(const struct adn *adn, const struct adn_chain *chain)
{
	return chain->count > 0 ? &chain->hops[chain->count - 1].to : &adn->applied_for.name;
}

bool
adn_chain_add(const struct adn *adn, struct adn_chain *chain, const struct name *to,
    enum check_dnssec dnssec, struct buf *why)
{
	bool back = strcmp(adn->applied_for.name.text, to->text) == 0;

	for (size_t i = 0; i < chain->count; i++)
		back = back || strcmp(chain->hops[i].to.text, to->text) == 0;
	if (back) {
		refuse(why, "its CNAME records lead in a circle, back to %s", to->text);
		return false;
	}
	if (chain->count == ADN_CNAMES_MAX) {
		refuse(why, "more than %d CNAME records follow one another", ADN_CNAMES_MAX);
		return false;
	}
	chain->hops[chain->count].to = *to;
	chain->hops[chain->count++].dnssec = dnssec;
	return true;
}

/* ---- the answer ---- */

struct adn_question
adn_question(const struct check_dcv_parameters *p, const struct target *target,
    const struct suffixes *suffixes)
{
	struct adn_question q = { .target = target, .suffixes = suffixes, .dcv = p->set };

	if (!q.dcv)
		return q;
	q.method = (enum dcv_method)p->method;
	if (q.method == DCV_REVERSE_ADDRESS_LOOKUP)
		name_from_utf8(&q.peer, p->challenge_value, strlen(p->challenge_value), NULL);
	return q;
}

const char *
adn_text(const struct adn_question *q)
{
	if (q->dcv && q->method == DCV_REVERSE_ADDRESS_LOOKUP)
		return q->peer.text;
	return q->dcv && !target_is_ip(q->target) ? q->target->name.text : target_text(q->target);
}

static const char *
step_section(enum adn_step_kind kind, const struct adn_question *q)
{
	return kind == ADN_CNAME ? ADN_SECTION : dcv_method_section(q->method, q->target);
}

static void
add_encoded_steps(const struct adn *adn, const struct adn_question *q, struct buf *out)
{
	static const char *const names[] = {
		[ADN_STRIP] = "strip", [ADN_CNAME] = "cname", [ADN_PRUNE] = "prune",
		[ADN_REVERSE] = "reverse",
	};
	const char *from = target_text(&adn->applied_for);

	buf_adds(out, ",\"steps\":[");
	for (size_t i = 0; i < adn->step_count; i++) {
		const struct adn_step *step = &adn->steps[i];

		json_add_string(out, i > 0 ? ",{\"step\":" : "{\"step\":", names[step->kind]);
		json_add_string(out, ",\"from\":", from);
		json_add_string(out, ",\"to\":", step->to.text);
		json_add_string(out, ",\"dnssec_status\":", check_dnssec_name(step->dnssec));
		json_add_string(out, ",\"section\":", step_section(step->kind, q));
		buf_addc(out, '}');
		from = step->to.text;
	}
	buf_addc(out, ']');
}

void
adn_encode(const struct adn *adn, const struct adn_question *q, struct buf *out)
{
	json_add_string(out, "{\"applied_for\":", target_text(&adn->applied_for));
	json_add_string(out, ",\"authorization_domain_name\":", adn_text(q));
	json_add_string(out, ",\"base_domain\":", adn->base.len > 0 ? adn->base.text : NULL);
	add_encoded_steps(adn, q, out);
	buf_adds(out, ",\"evidence\":[");
	buf_add(out, adn->evidence.data != NULL ? adn->evidence.data : "", adn->evidence.len);
	buf_adds(out, "]}");
}
