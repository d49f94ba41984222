#include "coordinator/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "coordinator/clean_text.h"
#include "coordinator/explain_facts.h"
#include "coordinator/explain_places.h"
#include "coordinator/request.h"
#include "problem_advice.h"

#define ISSUES_MAX	64
#define WORDINGS_MAX	3	/* sentences of perspectives with one cause */

/* One check of an answer, by perspective. */
struct checked {
	struct json_object *answer;
	enum check_type type;
	struct seen *seen;	/* as many as `count`; SEEN_MAX at most */
	size_t count;
};

static void
add_text(struct buf *out, const char *text)
{
	clean_text_add_short(out, text != NULL ? text : "?", EXPLAIN_SHOWN);
}

/* ---- groups: those that tell the same ---- */

static bool
is_first(const struct checked *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (c->seen[k].readable && !c->seen[k].cancelled &&
		    seen_same(&c->seen[k], &c->seen[i]))
			return false;
	return true;
}

/* The set of all that tell what `i` does. */
static void
group_of(const struct checked *c, size_t i, bool in[SEEN_MAX])
{
	for (size_t k = 0; k < c->count; k++)
		in[k] = c->seen[k].readable && !c->seen[k].cancelled &&
		    seen_same(&c->seen[k], &c->seen[i]);
}

static void
add_members(struct buf *out, const struct checked *c, const bool in[SEEN_MAX])
{
	const char *lead = "";

	for (size_t k = 0; k < c->count; k++) {
		if (!in[k])
			continue;
		buf_adds(out, lead);
		add_text(out, c->seen[k].code);
		if (c->seen[k].rir != RIR_NONE)
			buf_addf(out, " (%s)", rir_name(c->seen[k].rir));
		if (c->seen[k].primary)
			buf_adds(out, " [primary]");
		lead = ", ";
	}
}

/* What they said in their own words: each wording once, a few at most. */
static void
add_wordings(struct buf *out, const struct checked *c, const bool in[SEEN_MAX])
{
	const char *said[WORDINGS_MAX];
	size_t count = 0;

	for (size_t k = 0; k < c->count && count < WORDINGS_MAX; k++) {
		const char *message = c->seen[k].result.problem.message;
		bool known = message[0] == '\0';

		for (size_t i = 0; in[k] && i < count; i++)
			known = known || strcmp(said[i], message) == 0;
		if (!in[k] || known)
			continue;
		said[count++] = message;
		buf_adds(out, EXPLAIN_INDENT "Said: ");
		add_text(out, message);
		buf_addc(out, '\n');
	}
}

static void
add_group(struct buf *out, const struct checked *c, size_t first, size_t number)
{
	const struct seen *seen = &c->seen[first];
	enum problem problem = seen->result.problem.problem;
	bool in[SEEN_MAX];

	group_of(c, first, in);
	buf_addf(out, "  %zu. %s\n", number, problem_cause(problem));
	buf_adds(out, EXPLAIN_INDENT "Seen by: ");
	add_members(out, c, in);
	buf_addc(out, '\n');
	add_wordings(out, c, in);
	explain_facts(out, c->answer, seen);
	explain_places(out, c->seen, c->count, in);
	buf_addf(out, EXPLAIN_INDENT "What to do: %s\n", problem_advice(problem));
	if (problem_fault(problem) == FAULT_TARGET && !problem_retryable(problem))
		buf_adds(out, EXPLAIN_INDENT "Asking again before that changes nothing.\n");
}

/* ---- one check ---- */

static void
add_passed(struct buf *out, const struct checked *c)
{
	bool in[SEEN_MAX] = { false };
	size_t passed = 0;

	for (size_t k = 0; k < c->count; k++) {
		in[k] = c->seen[k].readable && !c->seen[k].cancelled &&
		    c->seen[k].result.check_passed;
		passed += in[k];
	}
	if (passed == 0) {
		buf_adds(out, "  No perspective saw what it has to see.\n");
		return;
	}
	buf_adds(out, "  Passed at: ");
	add_members(out, c, in);
	buf_addc(out, '\n');
}

static void
add_silent(struct buf *out, const struct checked *c)
{
	bool cancelled[SEEN_MAX] = { false }, unreadable[SEEN_MAX] = { false };
	size_t counts[2] = { 0, 0 };

	for (size_t k = 0; k < c->count; k++) {
		cancelled[k] = c->seen[k].cancelled;
		unreadable[k] = !c->seen[k].cancelled && !c->seen[k].readable;
		counts[0] += cancelled[k];
		counts[1] += unreadable[k];
	}
	if (counts[0] > 0) {
		buf_adds(out, "  Not waited for, as the verdict was certain: ");
		add_members(out, c, cancelled);
		buf_addc(out, '\n');
	}
	if (counts[1] > 0) {
		buf_adds(out, "  Cannot be read in this answer: ");
		add_members(out, c, unreadable);
		buf_addc(out, '\n');
	}
}

static void
add_check(struct buf *out, const struct checked *c)
{
	size_t number = 0;

	add_passed(out, c);
	for (size_t i = 0; i < c->count; i++) {
		const struct seen *seen = &c->seen[i];

		if (!seen->readable || seen->cancelled || seen->result.check_passed ||
		    !is_first(c, i))
			continue;
		add_group(out, c, i, ++number);
	}
	add_silent(out, c);
}

static void
read_check(struct checked *c, const char *key)
{
	struct json_object *list = seen_list(c->answer, "perspectives");
	struct json_object *primary = seen_object(c->answer, "primary");

	c->count = 0;
	if (primary != NULL) {
		seen_read(&c->seen[c->count], primary, key, c->type);
		c->seen[c->count++].primary = true;
	}
	for (size_t i = 0; i < seen_count(list) && c->count < SEEN_MAX; i++)
		seen_read(&c->seen[c->count++], json_object_array_get_idx(list, i), key, c->type);
}

/* ---- an answer ---- */

static void
add_verdict(struct buf *out, struct json_object *answer, const char *what)
{
	const char *quorum = seen_string(answer, "quorum");

	buf_adds(out, what);
	buf_adds(out, seen_bool(answer, "is_valid") ? "VALID" : "NOT VALID");
	if (quorum != NULL) {
		buf_adds(out, ", corroborated by ");
		add_text(out, quorum);
	}
}

static void
add_head(struct buf *out, struct json_object *answer)
{
	struct json_object *actual = seen_object(answer, "actual_orchestration_parameters");
	const char *method = seen_string(seen_object(answer, "dcv_check_parameters"),
	    "validation_method");
	const char *trace = seen_string(answer, "trace_identifier");
	int64_t needed = seen_int(actual, "quorum_count");
	size_t before = seen_count(seen_list(answer, "previous_attempt_results"));

	add_text(out, seen_string(answer, "domain_or_ip_target"));
	buf_adds(out, " (");
	add_text(out, seen_string(answer, "check_type"));
	if (method != NULL) {
		buf_adds(out, ", ");
		add_text(out, method);
	}
	add_verdict(out, answer, "): ");
	if (needed >= 0)
		buf_addf(out, " (%" PRId64 " needed)", needed);
	if (before > 0)
		buf_addf(out, ", after %zu earlier attempt%s", before, before > 1 ? "s" : "");
	buf_addc(out, '\n');
	if (trace != NULL) {
		buf_adds(out, "  Order or request: ");
		add_text(out, trace);
		buf_addc(out, '\n');
	}
}

/* Methods that the rules have retired and the like. */
static void
add_compliance(struct buf *out, struct json_object *answer)
{
	struct json_object *list = seen_list(answer, "compliance");

	for (size_t i = 0; i < seen_count(list) && i < ISSUES_MAX; i++) {
		buf_adds(out, "  Note of the rules: ");
		add_text(out, seen_string(json_object_array_get_idx(list, i), "message"));
		buf_addc(out, '\n');
	}
}

static enum verdict
explain_answer(struct json_object *answer, struct seen *seen, struct buf *out)
{
	const char *name = seen_string(answer, "check_type");
	const struct mpic_check_type *type = name != NULL ? mpic_check_type_find(name) : NULL;
	static const char *const keys[MPIC_CHECKS_MAX] = { "check_response", "caa_check_response" };
	struct json_object *verdicts = seen_object(answer, "verdicts");

	if (type == NULL || seen_list(answer, "perspectives") == NULL) {
		buf_adds(out, "This is no answer of a coordinator: it has no check_type that is known, "
		    "or no perspectives.\n");
		return VERDICT_ERROR;
	}
	add_head(out, answer);
	for (size_t i = 0; i < type->count; i++) {
		struct checked c = { .answer = answer, .type = type->checks[i], .seen = seen };
		struct json_object *verdict = seen_object(verdicts, check_type_name(c.type));

		read_check(&c, keys[i]);
		if (type->count > 1) {
			buf_adds(out, c.type == CHECK_CAA ? " CAA" : " Domain control");
			if (verdict != NULL)
				add_verdict(out, verdict, ": ");
			buf_addc(out, '\n');
		}
		add_check(out, &c);
	}
	add_compliance(out, answer);
	return seen_bool(answer, "is_valid") ? VERDICT_YES : VERDICT_NO;
}

/* ---- a refusal ---- */

/* "caa_check_parameters.caa_domains" of ["body", ...]. */
static void
add_location(struct buf *out, struct json_object *issue)
{
	struct json_object *loc = seen_list(issue, "loc");

	for (size_t i = 1; i < seen_count(loc); i++) {
		const char *step = json_object_get_string(json_object_array_get_idx(loc, i));

		buf_adds(out, i > 1 ? "." : "");
		add_text(out, step);
	}
	buf_adds(out, seen_count(loc) > 1 ? ": " : "");
}

static enum verdict
explain_refusal(struct json_object *refusal, struct buf *out)
{
	struct json_object *issues = seen_list(refusal, "validation_issues");
	const char *detail = seen_string(refusal, "detail"), *error = seen_string(refusal, "error");

	if (issues == NULL) {
		buf_adds(out, "The request was refused and nothing was checked: ");
		add_text(out, detail != NULL ? detail : error);
		buf_adds(out, "\n  Nothing in the domain has to change; whoever asked has to ask otherwise, "
		    "or again later.\n");
		return VERDICT_ERROR;
	}
	buf_adds(out, "The request cannot be served, and nothing of the domain was checked.\n");
	for (size_t i = 0; i < seen_count(issues) && i < ISSUES_MAX; i++) {
		struct json_object *issue = json_object_array_get_idx(issues, i);
		const char *message = seen_string(issue, "message");

		buf_addf(out, "  %zu. ", i + 1);
		add_location(out, issue);
		add_text(out, message != NULL ? message : seen_string(issue, "msg"));
		buf_addc(out, '\n');
	}
	buf_adds(out, "  What to do: the CA's software has to send these members as expected; "
	    "if domain_or_ip_target is among them, the name was ordered wrongly.\n");
	return VERDICT_ERROR;
}

/* ---- documents ---- */

/* As a batch gives it, or an archive: the answer is a member. */
static struct json_object *
unwrapped(struct json_object *object)
{
	static const char *const keys[] = { "answer", "response", "body", "result", "error" };
	struct json_object *inner;

	if (seen_list(object, "perspectives") != NULL)
		return object;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if ((inner = seen_object(object, keys[i])) != NULL)
			return inner;
	return object;
}

static enum verdict
explain_one(struct json_object *object, struct seen *seen, struct buf *out)
{
	struct json_object *answer = unwrapped(object);
	int64_t index = seen_int(object, "index");

	/* A batch's lines come in the order of ending. */
	if (answer != object && index >= 0)
		buf_addf(out, "Request %" PRId64 " of the batch:\n", index);
	if (!json_object_is_type(answer, json_type_object)) {
		buf_adds(out, "This is no answer of a coordinator: it is no object.\n");
		return VERDICT_ERROR;
	}
	if (seen_string(answer, "check_type") == NULL && (seen_string(answer, "error") != NULL ||
	    seen_string(answer, "detail") != NULL || seen_list(answer, "validation_issues") != NULL))
		return explain_refusal(answer, out);
	return explain_answer(answer, seen, out);
}

/* The worst of two, of which an error is. */
static enum verdict
worse(enum verdict a, enum verdict b)
{
	return a > b ? a : b;
}

/* An answer, or a list of them. */
static enum verdict
explain_document(struct json_object *document, struct seen *seen, struct buf *out)
{
	enum verdict verdict = VERDICT_YES;

	if (!json_object_is_type(document, json_type_array))
		return explain_one(document, seen, out);
	if (json_object_array_length(document) == 0) {
		buf_adds(out, "The list is empty.\n");
		return VERDICT_ERROR;
	}
	for (size_t i = 0; i < json_object_array_length(document); i++) {
		buf_adds(out, i > 0 ? "\n" : "");
		verdict = worse(verdict, explain_one(json_object_array_get_idx(document, i), seen, out));
	}
	return verdict;
}

/* One line of JSON Lines. */
static enum verdict
explain_line(const char *text, size_t len, size_t number, struct seen *seen, struct buf *out)
{
	struct json_faults faults;
	struct json_object *document;
	enum verdict verdict;

	json_faults_init(&faults);
	document = json_document_parse(text, len, &faults);
	if (document == NULL) {
		buf_addf(out, "Line %zu is no JSON: %s\n", number, faults.list[0].message);
		return VERDICT_ERROR;
	}
	verdict = explain_document(document, seen, out);
	json_object_put(document);
	return verdict;
}

static enum verdict
explain_lines(const char *text, size_t len, struct seen *seen, struct buf *out)
{
	enum verdict verdict = VERDICT_YES;
	const char *end = text + len, *lead = "";
	bool any = false;

	for (size_t number = 1; text < end && !out->failed; number++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t line = stop != NULL ? (size_t)(stop - text) : (size_t)(end - text);
		size_t at = 0;

		while (at < line && strchr(" \t\r", text[at]) != NULL && text[at] != '\0')
			at++;
		if (at < line) {
			buf_adds(out, lead);
			lead = "\n";
			any = true;
			verdict = worse(verdict, explain_line(text, line, number, seen, out));
		}
		text += line + (stop != NULL);
	}
	if (!any)
		buf_adds(out, "There is nothing to explain.\n");
	return any ? verdict : VERDICT_ERROR;
}

enum verdict
explain(const char *text, size_t len, struct buf *out)
{
	struct seen *seen = malloc(SEEN_MAX * sizeof(*seen));
	struct json_object *document;
	struct json_faults faults;
	enum verdict verdict;

	if (seen == NULL) {
		buf_adds(out, "out of memory\n");
		return VERDICT_ERROR;
	}
	json_faults_init(&faults);
	document = json_document_parse(text, len, &faults);
	verdict = document != NULL ? explain_document(document, seen, out) :
	    explain_lines(text, len, seen, out);
	json_object_put(document);
	free(seen);
	return verdict;
}
