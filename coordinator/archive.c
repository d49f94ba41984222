#include "coordinator/archive.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "coordinator/agreement.h"
#include "coordinator/fleet.h"
#include "coordinator/request.h"
#include "json_scan.h"
#include "signature.h"

/* What the signed results of one check of one attempt have in common. */
struct common {
	bool set;
	char nonce[CHECK_NONCE_MAX + 1];
	char request_sha256[SIGNATURE_DIGEST_LEN + 1];
	size_t passed;		/* and verified */
	bool has_primary;	/* genuine */
	struct check_result primary;	/* owned */
};

struct archive {
	const char *text;
	const struct json_token *tokens;
	struct archive_keys *keys;
	struct buf *out;
	const struct mpic_check_type *type;
	struct target target;
	size_t genuine, wrong, not_signed;
};

/* One result and where it stands. */
struct entry {
	bool primary;
	bool open_mpic;		/* by the answer's own word: it never signs */
	char code[CHECK_CODE_MAX + 1];
	enum check_type check;
	const char *text;
	size_t len;
};

void
archive_keys_free(struct archive_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		jws_key_free(keys->list[i].key);
	keys->count = 0;
}

/* ---- tokens ---- */

/* The value of a member; NULL: there is none. Names are never repeated nor need escapes. */
static const struct json_token *
member(const struct archive *a, const struct json_token *object, const char *name)
{
	const struct json_token *end, *at;
	size_t len = strlen(name);

	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	end = a->tokens + object->next;
	for (at = object + 1; at < end; at = a->tokens + at[1].next)
		if (at->len == len && memcmp(a->text + at->at, name, len) == 0)
			return at + 1;
	return NULL;
}

static const struct json_token *
member_of(const struct archive *a, const struct json_token *object, const char *name,
    enum json_kind kind)
{
	const struct json_token *value = member(a, object, name);

	return value != NULL && value->kind == kind ? value : NULL;
}

/* A string's bytes as a text; "" for what is none, is too long, or has escapes. */
static void
copy_string(const struct archive *a, const struct json_token *token, char *out, size_t size)
{
	bool fits = token != NULL && token->kind == JSON_STRING && !token->escaped &&
	    token->len < size;

	snprintf(out, size, "%.*s", fits ? (int)token->len : 0, fits ? a->text + token->at : "");
}

/* ---- one result ---- */

static enum signature_fault
entry_claims(const struct archive *a, const struct entry *e, struct archive_key **key,
    struct signature_claims *claims)
{
	const struct signature_claims asked = { .perspective_code = e->code,
		.check_type = check_type_name(e->check), .target = target_text(&a->target) };
	enum signature_fault fault = SIGNATURE_MISSING;

	*key = NULL;
	for (size_t i = 0; i < a->keys->count && *key == NULL; i++) {
		fault = signature_glance(a->keys->list[i].key, e->text, e->len);
		if (fault == SIGNATURE_OK)
			*key = &a->keys->list[i];
	}
	if (*key == NULL)
		return fault;
	fault = signature_verify((*key)->key, e->text, e->len, claims);
	if (fault == SIGNATURE_OK) {
		fault = signature_compare(claims, &asked);
		if (fault != SIGNATURE_OK)
			signature_claims_free(claims);
	}
	return fault;
}

/* Why it cannot stand beside the others although its signature is right; NULL: it can. */
static const char *
entry_misfit(const struct entry *e, const struct archive_key *key,
    const struct signature_claims *claims, const struct common *common)
{
	if (key->code[0] != '\0' && strcmp(key->code, e->code) != 0)
		return "its signature was made with the key of another perspective";
	if (!common->set)
		return NULL;
	/* What the primary was asked may have left it more time: only its nonce is the others'. */
	if (strcmp(common->nonce, claims->nonce != NULL ? claims->nonce : "") != 0 ||
	    (common->request_sha256[0] != '\0' &&
	    strcmp(common->request_sha256, claims->request_sha256) != 0))
		return "it answers another request than the results before it";
	return NULL;
}

static void
add_line(const struct archive *a, const struct entry *e, const char *state, const char *text)
{
	buf_adds(a->out, "  ");
	buf_add_escaped(a->out, e->code, strlen(e->code));
	for (size_t n = strlen(e->code); n < 24; n++)
		buf_addc(a->out, ' ');
	buf_addf(a->out, " %s  %-8s  %s", check_type_name(e->check), state, text);
}

static void
add_genuine(const struct archive *a, const struct entry *e, const struct check_result *r,
    const struct signature_claims *claims)
{
	time_t at = (time_t)(claims->timestamp_ns.value / 1000000000);
	const char *resolver = claims->resolver_version, *image = claims->image_version;
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	add_line(a, e, "genuine", r->check_passed ? "passed  " : "not passed  ");
	buf_addf(a->out, "%s  ", when);
	buf_add_escaped(a->out, claims->software_version, strlen(claims->software_version));
	if (resolver != NULL) {
		buf_adds(a->out, "  ");
		buf_add_escaped(a->out, resolver, strlen(resolver));
	}
	if (image != NULL) {
		buf_adds(a->out, "  image ");
		buf_add_escaped(a->out, image, strlen(image));
	}
	if (r->private_root)
		buf_adds(a->out, "  of a private root");
	buf_addc(a->out, '\n');
}

/*
 * Without a signature it counts for nothing: a coordinator writes such results
 * itself in place of those it did not get. One that passed is another matter,
 * unless it is said to be of a perspective that never signs: it counts for nothing
 * either, so that nothing is to be had by saying so.
 */
static void
entry_unsigned(struct archive *a, const struct entry *e, const struct check_result *r)
{
	if (r->check_passed && e->open_mpic) {
		a->not_signed++;
		add_line(a, e, "unsigned", "passed, does not count: protocol open-mpic has no "
		    "signatures\n");
	} else if (r->check_passed) {
		a->wrong++;
		add_line(a, e, "WRONG", "passed, and its signature is missing\n");
	} else {
		a->not_signed++;
		add_line(a, e, "unsigned", r->problem.problem == PROBLEM_CANCELLED ?
		    "cancelled\n" : "not passed\n");
	}
}

/* Takes over what the result owns. */
static void
primary_take(struct check_result *r, struct common *common)
{
	common->has_primary = true;
	common->primary = *r;
	r->document = NULL;
}

/*
 * As agreement_judge(); but whether the request left a choice is not known here,
 * so that who does not say what it relied on is believed.
 */
static bool
corroborates(const struct check_result *r, const struct common *common)
{
	return r->check_passed && (r->type != CHECK_DCV || !common->has_primary ||
	    agreement_details(&common->primary.dcv, &r->dcv, r->dcv.relied_on == NULL ||
	    common->primary.dcv.relied_on == NULL));
}

static void
entry_signed(struct archive *a, const struct entry *e, struct check_result *r,
    struct common *common)
{
	struct signature_claims claims = { .document = NULL };
	struct archive_key *key;
	enum signature_fault fault = entry_claims(a, e, &key, &claims);
	const char *misfit;

	if (fault != SIGNATURE_OK) {
		a->wrong++;
		add_line(a, e, "WRONG", "its signature ");
		buf_adds(a->out, key == NULL ? "is of none of the keys given" :
		    signature_fault_text(fault));
		buf_addc(a->out, '\n');
		return;
	}
	misfit = entry_misfit(e, key, &claims, common);
	if (misfit != NULL) {
		a->wrong++;
		add_line(a, e, "WRONG", misfit);
		buf_addc(a->out, '\n');
	} else {
		a->genuine++;
		common->set = true;
		if (!e->primary)
			common->passed += corroborates(r, common);
		snprintf(common->nonce, sizeof(common->nonce), "%s",
		    claims.nonce != NULL ? claims.nonce : "");
		if (!e->primary)
			snprintf(common->request_sha256, sizeof(common->request_sha256), "%s",
			    claims.request_sha256);
		snprintf(key->code, sizeof(key->code), "%s", e->code);
		add_genuine(a, e, r, &claims);
		if (e->primary)
			primary_take(r, common);
	}
	signature_claims_free(&claims);
}

static bool
entry_verify(struct archive *a, const struct entry *e, struct common *common)
{
	struct signature_place place;
	struct json_faults faults;
	struct check_result r;
	bool read;

	json_faults_init(&faults);
	read = check_result_decode(&r, e->check, e->text, e->len, &faults);
	if (read && signature_find(e->text, e->len, &place))
		entry_signed(a, e, &r, common);
	else if (read)
		entry_unsigned(a, e, &r);
	check_result_free(&r);
	return read;
}

/* ---- the answer ---- */

static void
commons_free(struct common *commons)
{
	for (size_t i = 0; i < MPIC_CHECKS_MAX; i++)
		if (commons[i].has_primary)
			check_result_free(&commons[i].primary);
}

/* An entry of `perspectives`, or what is of its shape. */
static bool
perspective_verify(struct archive *a, const struct json_token *one, bool primary,
    struct common *commons)
{
	static const char *const members[MPIC_CHECKS_MAX] = { "check_response",
		"caa_check_response" };

	for (size_t check = 0; check < a->type->count; check++) {
		const struct json_token *r = member_of(a, one, members[check], JSON_OBJECT);
		char protocol[16];
		struct entry e = { .primary = primary, .check = a->type->checks[check] };

		copy_string(a, member(a, one, "perspective_code"), e.code, sizeof(e.code));
		copy_string(a, member(a, one, "protocol"), protocol, sizeof(protocol));
		e.open_mpic = strcmp(protocol,
		    perspective_protocol_names[PROTOCOL_OPEN_MPIC]) == 0;
		if (r == NULL || e.code[0] == '\0')
			return false;
		e.text = a->text + r->at;
		e.len = r->len;
		if (!entry_verify(a, &e, &commons[check]))
			return false;
	}
	return true;
}

/* `list` is `perspectives`, or one of previous_attempt_results; `primary` that of the same. */
static bool
attempt_verify(struct archive *a, const struct json_token *list, const struct json_token *primary,
    struct common *commons)
{
	const struct json_token *end = a->tokens + list->next;

	if (primary != NULL && !perspective_verify(a, primary, true, commons))
		return false;
	for (const struct json_token *one = list + 1; one < end; one = a->tokens + one->next)
		if (!perspective_verify(a, one, false, commons))
			return false;
	return true;
}

/* `primaries`, if not NULL, has one for each. */
static bool
previous_verify(struct archive *a, const struct json_token *lists,
    const struct json_token *primaries)
{
	const struct json_token *end = a->tokens + lists->next;
	const struct json_token *primary = primaries != NULL ? primaries + 1 : NULL;

	for (const struct json_token *one = lists + 1; one < end; one = a->tokens + one->next) {
		struct common commons[MPIC_CHECKS_MAX] = { { .set = false } };
		bool ok = one->kind == JSON_LIST && (primary == NULL ||
		    primary < a->tokens + primaries->next) &&
		    attempt_verify(a, one, primary, commons);

		commons_free(commons);
		if (!ok)
			return false;
		primary = primary != NULL ? a->tokens + primary->next : NULL;
	}
	return primary == NULL || primary == a->tokens + primaries->next;
}

/* is_valid is the coordinator's claim; the votes for it must be there. */
static bool
quorum_verify(struct archive *a, const struct json_token *top, bool has_primary,
    const struct common *commons)
{
	const struct json_token *actual = member(a, top, "actual_orchestration_parameters");
	char text[24] = "";
	const struct json_token *count = member_of(a, actual, "quorum_count", JSON_INTEGER);
	size_t needed;

	if (member_of(a, top, "is_valid", JSON_TRUE) == NULL)
		return member_of(a, top, "is_valid", JSON_FALSE) != NULL;
	if (count == NULL || count->len >= sizeof(text))
		return false;
	memcpy(text, a->text + count->at, count->len);
	needed = (size_t)strtoul(text, NULL, 10);
	for (size_t check = 0; check < a->type->count; check++) {
		if (has_primary && (!commons[check].has_primary ||
		    !commons[check].primary.check_passed)) {
			a->wrong++;
			buf_addf(a->out, "is_valid is true, but no genuine result of %s shows that the "
			    "primary passed\n", check_type_name(a->type->checks[check]));
		}
		if (commons[check].passed < needed || needed == 0) {
			a->wrong++;
			buf_addf(a->out, "is_valid is true, but %zu genuine results of %s passed where "
			    "%zu were needed\n", commons[check].passed,
			    check_type_name(a->type->checks[check]), needed);
		}
	}
	return true;
}

static bool
answer_verify(struct archive *a)
{
	struct common commons[MPIC_CHECKS_MAX] = { { .set = false } };
	const struct json_token *top = a->tokens, *list, *previous, *primary;
	char type[32], target[CHECK_TARGET_MAX + 1];
	bool ok;

	copy_string(a, member(a, top, "check_type"), type, sizeof(type));
	copy_string(a, member(a, top, "domain_or_ip_target"), target, sizeof(target));
	a->type = mpic_check_type_find(type);
	list = member_of(a, top, "perspectives", JSON_LIST);
	if (a->type == NULL || list == NULL ||
	    !target_parse_adn(&a->target, target, strlen(target), NULL))
		return false;
	previous = member_of(a, top, "previous_attempt_results", JSON_LIST);
	primary = member(a, top, "primary");
	ok = (previous == NULL || previous_verify(a, previous,
	    member_of(a, top, "previous_primary_results", JSON_LIST))) &&
	    attempt_verify(a, list, primary, commons) &&
	    quorum_verify(a, top, primary != NULL, commons);
	commons_free(commons);
	return ok;
}

/* Strictly JSON, and no member twice: else other readers might see other results. */
static struct json_token *
tokens_of(const char *text, size_t len)
{
	struct json_object *document;
	struct json_token *tokens;
	struct json_scanned scanned;
	struct json_faults faults;

	json_faults_init(&faults);
	document = json_document_parse(text, len, &faults);
	if (document == NULL)
		return NULL;
	json_object_put(document);
	tokens = malloc(JSON_TOKENS_MAX(len) * sizeof(tokens[0]));
	if (tokens != NULL && !json_scan_tokens(text, len, tokens, &scanned)) {
		free(tokens);
		tokens = NULL;
	}
	return tokens;
}

enum archive_verdict
archive_verify(const char *text, size_t len, struct archive_keys *keys, struct buf *out)
{
	struct json_token *tokens = len <= ARCHIVE_TEXT_MAX ? tokens_of(text, len) : NULL;
	struct archive a = { .text = text, .tokens = tokens, .keys = keys, .out = out };
	bool read = tokens != NULL && answer_verify(&a);

	if (read)
		buf_addf(out, "%zu genuine, %zu unsigned, %zu wrong\n", a.genuine, a.not_signed,
		    a.wrong);
	free(tokens);
	if (!read)
		return ARCHIVE_UNREADABLE;
	return a.wrong == 0 && a.genuine > 0 ? ARCHIVE_GENUINE : ARCHIVE_WRONG;
}
