#include "appliance/update/update_report.h"

#include <string.h>

static const struct {
	const char *name;
	bool notice;
} results[] = {
#define X(symbol, name_, notice_) [UPDATE_RESULT_##symbol] = { name_, notice_ },
	UPDATE_RESULTS(X)
#undef X
};

const char *
update_result_name(enum update_result result)
{
	return results[result].name;
}

static void
add_gauge(struct buf *out, const char *name, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* A sentence may have what a server said in it. */
static void
add_notice(struct buf *out, const struct buf *why)
{
	buf_adds(out, "# notice update: ");
	for (const char *s = why->data; *s != '\0'; s++)
		buf_addc(out, *s >= ' ' && *s <= '~' ? *s : '?');
	buf_addc(out, '\n');
}

void
update_report_text(const struct update_report *r, struct buf *out)
{
	if (results[r->result].notice && r->why.len > 0)
		add_notice(out, &r->why);
	add_gauge(out, "mpic_update_result", "What the last look for an update came to.");
	for (size_t i = 0; i < UPDATE_RESULT_COUNT; i++)
		buf_addf(out, "mpic_update_result{result=\"%s\"} %d\n", results[i].name,
		    i == (size_t)r->result);
	if (r->checked_s > 0) {
		add_gauge(out, "mpic_update_checked_seconds",
		    "Unix time at which a manifest was last had.");
		buf_addf(out, "mpic_update_checked_seconds %lld\n", (long long)r->checked_s);
		add_gauge(out, "mpic_update_expires_seconds",
		    "Unix time at which the manifest expires.");
		buf_addf(out, "mpic_update_expires_seconds %lld\n", (long long)r->expires_s);
	}
	if (r->available[0] == '\0')
		return;
	add_gauge(out, "mpic_update_available_info", "The version that the manifest has.");
	buf_addf(out, "mpic_update_available_info{version=\"%s\"} 1\n", r->available);
}
