#include "coordinator/refusal.h"

#include <inttypes.h>
#include <stdio.h>

#include "json_writer.h"
#include "log.h"
#include "server_trace.h"

struct origin
origin_of(const struct corroborator_pool *pool, const struct caller *caller,
    const struct exchange *x)
{
	struct origin origin = { .caller = caller };

	origin.given = exchange_trace(x, pool->asker.random, &origin.trace);
	trace_id_text(&origin.trace, origin.id);
	return origin;
}

void
refusal_log(const struct exchange *x, const struct caller *caller, const char *trace_id,
    const char *why)
{
	log_notice("refused", "why", why, "trace_id", trace_id, "caller", caller->name,
	    "peer", exchange_peer(x));
}

enum answer
refusal_send(struct exchange *x, int status, const struct header *header,
    const struct caller *caller, const char *trace_id, const struct buf *body)
{
	bool failed = body->failed || body->len == 0;

	refusal_log(x, caller, trace_id, failed ? "out of memory" : body->data);
	if (failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, status, NULL, body->data, body->len, header,
		    header != NULL);
	return failed || status == 503 ? ANSWER_FAILED : ANSWER_REFUSED;
}

void
refusal_unrecorded(struct exchange *x, const struct caller *caller, const char *trace_id,
    const struct audit_file *audit)
{
	const struct header later = { "Retry-After", "1" };	/* it is tried again every second */
	struct buf out = BUF_INIT(REFUSAL_MAX);
	char text[1024];

	snprintf(text, sizeof(text), "no verdict is given that cannot be recorded: %s",
	    audit_file_fault(audit));
	refusal_log(x, caller, trace_id, text);
	json_add_string(&out, "{\"detail\":", text);
	buf_addc(&out, '}');
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 503, NULL, out.data, out.len, &later, 1);
	buf_free(&out);
}

size_t
admission_cell(const struct corroborator_pool *pool, const struct caller *caller)
{
	return pool->caller_cells != NULL ?
	    pool->caller_cells[callers_index(pool->callers, caller)] : 0;
}

void
admission_count(const struct corroborator_pool *pool, const struct caller *caller,
    enum admittance came)
{
	if (pool->on_admission != NULL)
		pool->on_admission(pool->arg, admission_cell(pool, caller), came);
}

void
refusal_turn_away(const struct corroborator_pool *pool, struct exchange *x, const struct caller *caller,
    const char *trace_id, enum admittance came, int64_t retry_s)
{
	struct buf text = BUF_INIT(REFUSAL_MAX), refusal = BUF_INIT(REFUSAL_MAX);
	char seconds[24];
	const struct header later = { "Retry-After", seconds };

	admission_count(pool, caller, came);
	admission_text(came, caller, &text);
	buf_addf(&text, "; try again in %" PRId64 " s", retry_s);
	snprintf(seconds, sizeof(seconds), "%" PRId64, retry_s);
	json_add_string(&refusal, "{\"detail\":", text.data != NULL ? text.data : "");
	buf_addc(&refusal, '}');
	log_info("turned away", "why", text.data != NULL ? text.data : "", "trace_id", trace_id,
	    "caller", caller->name, "peer", exchange_peer(x));
	if (refusal.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, admission_status(came), NULL, refusal.data, refusal.len, &later, 1);
	buf_free(&text);
	buf_free(&refusal);
}
