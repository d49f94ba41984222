#include "response_fixture.h"

#include <string.h>

#include "open_mpic.h"

struct perspective fleet[MEMBERS + 1] = {
	{ .code = "aws:us-east-1", .rir = RIR_ARIN },
	{ .code = "aws:eu-central-1", .rir = RIR_RIPE_NCC },
	{ .code = "aws:ap-south-1", .rir = RIR_APNIC },
	{ .code = "aws:sa-east-1", .rir = RIR_LACNIC, .primary = true },
};

/* One perspective's result. */
static void
corroborator_make(struct corroborator *c, const struct mpic_request *q, enum check_type type,
    size_t i, char vote)
{
	struct buf raw = BUF_INIT(CHECK_RESULT_MAX);
	struct check_result r;

	corroborator_init(c, &fleet[i], type, q->dcv.method);
	if (vote == 'u') {
		corroborator_fail(c, PROBLEM_PERSPECTIVE_UNREACHABLE, "gone");
		c->timestamp_ns = 0;
		return;
	}
	if (vote == '.')
		return;	/* not asked */
	if (vote == 'c') {
		corroborator_fail(c, PROBLEM_CANCELLED, "too late");
		c->timestamp_ns = 0;
		return;
	}
	check_result_init(&r, type);
	r.check_completed = r.check_passed = true;
	r.caa.dnssec_status = r.dcv.dnssec_status = CHECK_DNSSEC_SECURE - (int)i;
	r.dcv.method = q->dcv.method;
	if (vote == 'f')
		check_result_fail(&r, type == CHECK_CAA ? PROBLEM_CAA_FORBIDS :
		    PROBLEM_NO_MATCH, "no means no");
	check_result_encode(&r, &raw);
	corroborator_take(c, &r, &raw);
}

void
attempt_make(struct made *m, const struct mpic_request *q, size_t number, const char *votes)
{
	bool primary = votes[1] == ':';
	size_t count = strcspn(votes, "/") - (primary ? 2 : 0);

	m->attempt = (struct attempt){ .number = number, .count = count, .has_primary = primary,
		.poll_count = q->check_type->count, .polls = m->polls };
	for (size_t k = 0; k < m->attempt.poll_count; k++, votes += count + 1) {
		struct poll *poll = &m->polls[k];

		*poll = (struct poll){ .type = q->check_type->checks[k],
			.corroborators = m->corroborators[k],
			.ballot = { .perspectives = count, .required = 2, .regions = count > 2 ? 2 : 1 } };
		if (primary) {
			corroborator_make(&m->primaries[k], q, poll->type, MEMBERS, votes[0]);
			poll->primary = &m->primaries[k];
			poll->ballot.has_primary = true;
			poll->ballot.primary = (uint8_t)(votes[0] == 'c' ? VOTE_CANCELLED :
			    corroborator_vote(poll->primary));
			votes += 2;
		}
		for (size_t i = 0; i < count; i++) {
			corroborator_make(&m->corroborators[k][i], q, poll->type, i, votes[i]);
			poll->ballot.votes[i] = votes[i] == 'c' ? VOTE_CANCELLED :
			    votes[i] == '.' ? VOTE_PENDING : corroborator_vote(&m->corroborators[k][i]);
			if (votes[i] == 'a') {
				corroborator_set_apart(&m->corroborators[k][i], "not the same");
				poll->ballot.votes[i] = VOTE_APART;
			}
			poll->ballot.rirs[i] = fleet[i].rir;
		}
		poll_close(poll);
	}
}

void
attempt_drop(struct made *m)
{
	for (size_t k = 0; k < m->attempt.poll_count; k++)
		for (size_t i = 0; i < m->attempt.count; i++)
			corroborator_free(&m->corroborators[k][i]);
	for (size_t k = 0; m->attempt.has_primary && k < m->attempt.poll_count; k++)
		corroborator_free(&m->primaries[k]);
}

struct mpic_request
request_for(const char *check_type)
{
	return (struct mpic_request){ .domain_or_ip_target = "C1.com", .perspectives = MEMBERS,
		.quorum = 2, .check_type = mpic_check_type_find(check_type) };
}

struct mpic_request
request_plain(void)
{
	return request_for("caa");
}

void
encode(const struct mpic_request *q, const char *const *votes, size_t attempts,
    struct buf *out)
{
	struct made m[4];
	struct attempt a[4];
	const struct rules rules = policy_at(open_mpic(), 0);
	struct buf echo = BUF_INIT(4096);
	struct mpic_response r = { .rules = &rules, .attempts = a, .attempt_count = attempts,
	    .elapsed_ms = 12 };

	question_echo_encode(q, &echo);
	r.echo = echo.data;
	for (size_t i = 0; i < attempts; i++) {
		attempt_make(&m[i], q, i + 1, votes[i]);
		a[i] = m[i].attempt;
		a[i].remotes_not_asked = strstr(votes[i], ":...") != NULL;
	}
	mpic_response_encode(&r, out);
	for (size_t i = 0; i < attempts; i++)
		attempt_drop(&m[i]);
	buf_free(&echo);
}

struct json_object *
member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("there is no %s", key);
	return value;
}
