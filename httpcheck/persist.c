#include "httpcheck/persist.h"

#include <string.h>

#include "caa_value.h"
#include "name.h"

/* The parameters that mean something, each at most once. */
enum parameter { ACCOUNT, UNTIL, POLICY, PARAMETER_COUNT };

struct persist_record {
	struct caa_parameter parameters[PARAMETER_COUNT];	/* tag NULL: absent */
	bool repeated;
};

static struct persist_record
parameters_read(struct caa_value *value)
{
	static const char *const words[PARAMETER_COUNT] = { "accounturi", "persistuntil", "policy" };
	struct persist_record record = { .repeated = false };
	struct caa_parameter p;

	while (caa_value_next(value, &p)) {
		for (size_t i = 0; i < PARAMETER_COUNT; i++) {
			if (!caa_tag_is(p.tag, p.tag_len, words[i]))
				continue;
			record.repeated = record.repeated || record.parameters[i].tag != NULL;
			record.parameters[i] = p;
		}
	}
	return record;
}

/* The CA's names may be written as U-labels; a record's are compared as they stand. */
static bool
issuer_matches(const struct persist_question *q, const struct caa_value *value)
{
	struct name name;

	for (size_t i = 0; i < q->issuers->count; i++) {
		const char *issuer = q->issuers->items[i];

		if (name_from_utf8(&name, issuer, strlen(issuer), NULL) &&
		    name_equal_n(name.text, name.len, value->issuer, value->issuer_len))
			return true;
	}
	return false;
}

/* Octet by octet: the path of a URI has case. */
static bool
is_uri(const struct caa_parameter *p, const char *uri)
{
	return uri != NULL && strlen(uri) == p->value_len && memcmp(uri, p->value, p->value_len) == 0;
}

const char *
persist_account(const struct persist_question *q, size_t account)
{
	return account == 0 ? q->account_uri : q->account_uris->items[account - 1];
}

/* The first of the question's that it is for. */
static bool
account_matches(const struct persist_question *q, const struct caa_parameter *p, size_t *account)
{
	for (size_t i = 0; i <= q->account_uris->count; i++)
		if (is_uri(p, persist_account(q, i))) {
			*account = i;
			return true;
		}
	return false;
}

/* Digits of ASCII only; what is too large for a number is still later than now. */
static bool
read_seconds(const struct caa_parameter *p, int64_t *seconds)
{
	*seconds = 0;
	for (size_t i = 0; i < p->value_len; i++) {
		if (p->value[i] < '0' || p->value[i] > '9')
			return false;
		if (*seconds > (INT64_MAX - 9) / 10)
			*seconds = INT64_MAX / 10 - 1;
		*seconds = *seconds * 10 + (p->value[i] - '0');
	}
	return p->value_len > 0;
}

static enum persist_outcome
judge_parameters(const struct persist_question *q, const struct persist_record *record,
    size_t *account)
{
	const struct caa_parameter *p = record->parameters;
	int64_t until = INT64_MAX;

	if (record->repeated)
		return PERSIST_REPEATED;
	if (p[ACCOUNT].tag == NULL)
		return PERSIST_NO_ACCOUNT;
	if (!account_matches(q, &p[ACCOUNT], account))
		return PERSIST_OTHER_ACCOUNT;
	if (p[UNTIL].tag != NULL && !read_seconds(&p[UNTIL], &until))
		return PERSIST_BAD_UNTIL;
	if (until < q->now_s)
		return PERSIST_EXPIRED;
	if (q->wildcard && (p[POLICY].tag == NULL ||
	    !caa_tag_is(p[POLICY].value, p[POLICY].value_len, "wildcard")))
		return PERSIST_NO_WILDCARD;
	return PERSIST_USABLE;
}

enum persist_outcome
persist_judge(const struct persist_question *q, const void *text, size_t len, size_t *account)
{
	struct persist_record record;
	struct caa_value value;

	if (!caa_value_parse(&value, text, len))
		return PERSIST_MALFORMED;
	if (value.issuer_len == 0 || !issuer_matches(q, &value))
		return PERSIST_OTHER_ISSUER;
	record = parameters_read(&value);
	return judge_parameters(q, &record, account);
}

const char *
persist_text(enum persist_outcome outcome)
{
	static const char *const texts[PERSIST_OUTCOME_COUNT] = {
#define X(symbol, sentence) [PERSIST_##symbol] = sentence,
		PERSIST_OUTCOMES(X)
#undef X
	};

	return texts[outcome];
}
