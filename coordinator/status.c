#include <config.h>

#include "coordinator/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/reception.h"
#include "json_writer.h"

#define DAY_S		INT64_C(86400)
#define SOON_S		(14 * DAY_S)
#define CLOCK_MAX_MS	2000
#define BODY_MAX	((size_t)4 * 1024 * 1024)

/* ---- the verdict ---- */

static void __attribute__((format(printf, 3, 4)))
add(struct buf *care, size_t *count, const char *fmt, ...)
{
	char sentence[2 * INSPECTION_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	if ((*count)++ > 0)
		buf_addc(care, ',');
	buf_add_json(care, sentence, strlen(sentence));
}

/* Days that are left, rounded down. */
static int64_t
days_left(int64_t expires_s, int64_t now_s)
{
	int64_t left = expires_s - now_s;

	return left >= 0 ? left / DAY_S : -((-left + DAY_S - 1) / DAY_S);
}

static bool
ends_soon(const struct inspected *row, int64_t now_s)
{
	int64_t quarter = row->begins_s > 0 ? (row->expires_s - row->begins_s) / 4 : SOON_S;

	return row->expires_s != 0 && row->expires_s - now_s < (quarter < SOON_S ? quarter : SOON_S);
}

enum key_state { KEY_UNSIGNED, KEY_NOT_CHECKED, KEY_MATCHES, KEY_DIFFERS };
static const char *const key_states[] = { "unsigned", "not-checked", "matches", "differs" };

/* What results are verified with, against what the perspective says that it signs with. */
static enum key_state
key_state(const struct inspected *row)
{
	const struct perspective *p = row->perspective;
	struct buf why = BUF_INIT(256);
	struct jws_key *key;
	bool same;

	if (p->verify_enrolled)
		return row->signing_key[0] != '\0' &&
		    strcmp(row->signing_key, row->certified_key) == 0 ? KEY_MATCHES : KEY_DIFFERS;
	if (p->verify_key == NULL)
		return row->signing_key[0] != '\0' ? KEY_NOT_CHECKED : KEY_UNSIGNED;
	/* A path would be read. */
	key = strlen(row->signing_key) == TLS_SIGNING_KEY_LEN && strchr(row->signing_key, '.') == NULL &&
	    row->signing_key[0] == 'M' ? jws_key_read_public(row->signing_key, &why) : NULL;
	same = key != NULL && strcmp(key->id, p->verify_key->id) == 0;
	jws_key_free(key);
	buf_free(&why);
	return same ? KEY_MATCHES : KEY_DIFFERS;
}

size_t
status_judge(const struct inspected *row, int64_t now_s, struct buf *care)
{
	size_t count = 0;

	if (!row->reachable)
		add(care, &count, "it cannot be reached: %s", row->error);
	else if (!row->ready && !row->hidden)
		add(care, &count, "it is not ready: %s", row->error);
	if (ends_soon(row, now_s))
		add(care, &count, "its certificate ends in %" PRId64 " days",
		    days_left(row->expires_s, now_s));
	if (row->told && key_state(row) == KEY_DIFFERS)
		add(care, &count, "it does not sign with the key that verify_key has");
	if (row->told && (row->clock_ms > CLOCK_MAX_MS || row->clock_ms < -CLOCK_MAX_MS))
		add(care, &count, "its clock is %" PRId64 " ms %s ours", row->clock_ms < 0 ?
		    -row->clock_ms : row->clock_ms, row->clock_ms < 0 ? "behind" : "ahead of");
	if (row->notices[0] != '\0')
		add(care, &count, "it has notices");
	return count;
}

/* ---- the answer ---- */

static void
add_time(struct buf *out, const char *lead, int64_t at_s)
{
	time_t at = (time_t)at_s;
	char text[32];
	struct tm tm;

	if (at_s == 0 || gmtime_r(&at, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		json_add_string(out, lead, NULL);
	else
		json_add_string(out, lead, text);
}

/* null for "", and what is no UTF-8 in it is made so. */
static void
add_text(struct buf *out, const char *lead, const char *text)
{
	json_add_string(out, lead, text[0] != '\0' ? text : NULL);
}

static void
add_certificate(struct buf *out, int64_t expires_s, int64_t now_s)
{
	add_time(out, ",\"certificate_not_after\":", expires_s);
	if (expires_s != 0)
		json_add_int(out, ",\"days_left\":", days_left(expires_s, now_s));
	else
		buf_adds(out, ",\"days_left\":null");
}

/* Whether it needs care. */
static bool
add_row(struct buf *out, const struct inspected *row, int64_t now_s)
{
	size_t count;

	json_add_string(out, "{\"perspective_code\":", row->perspective->code);
	json_add_string(out, ",\"url\":", row->url);
	json_add_bool(out, ",\"reachable\":", row->reachable);
	if (row->hidden)
		buf_adds(out, ",\"ready\":null");
	else
		json_add_bool(out, ",\"ready\":", row->ready);
	add_text(out, ",\"hidden\":", row->hidden ? row->error : "");
	add_text(out, ",\"software_version\":", row->software_version);
	add_text(out, ",\"image_version\":", row->image_version);
	add_text(out, ",\"resolver_version\":", row->resolver);
	add_certificate(out, row->expires_s, now_s);
	json_add_string(out, ",\"signing_key\":", row->told ? key_states[key_state(row)] : NULL);
	if (row->told)
		json_add_int(out, ",\"clock_offset_ms\":", row->clock_ms);
	else
		buf_adds(out, ",\"clock_offset_ms\":null");
	add_text(out, ",\"last_error\":", row->last_error);
	add_time(out, ",\"last_error_at\":", row->last_error_s);
	buf_addf(out, ",\"notices\":[%s],\"care\":[", row->notices);
	count = status_judge(row, now_s, out);
	buf_adds(out, "]}");
	return count > 0;
}

static void
on_inspected(void *arg, const struct inspected *rows, size_t count)
{
	struct status_desk *d = arg;
	struct exchange *x = d->exchange;
	struct generation *g = d->generation;
	int64_t now_s = (int64_t)time(NULL);
	struct buf out = BUF_INIT(BODY_MAX);
	bool own = d->expires_s != 0 && d->expires_s - now_s < SOON_S, care = own;

	d->exchange = NULL;
	d->inspection = NULL;
	d->generation = NULL;
	buf_adds(&out, "{\"perspectives\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_addc(&out, ',');
		care = add_row(&out, &rows[i], now_s) || care;
	}
	json_add_string(&out, "],\"coordinator\":{\"software_version\":", "Parallax " PACKAGE_VERSION);
	add_certificate(&out, d->expires_s, now_s);
	buf_addf(&out, ",\"care\":[%s]}", own ? "\"its certificate ends soon\"" : "");
	json_add_string(&out, ",\"status\":", care ? "care" : "well");
	buf_addc(&out, '}');
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 200, NULL, out.data, out.len, NULL, 0);
	buf_free(&out);
	generation_release(g);
}

/* ---- the desk ---- */

void
status_route(struct status_desk *d, struct generation *g, int64_t expires_s, struct exchange *x)
{
	if (d->exchange != NULL) {
		reception_refuse(x, 503, "somebody else looks at the fleet just now", 1);
		return;
	}
	d->exchange = x;
	d->generation = g;
	d->expires_s = expires_s;
	generation_hold(g);
	d->inspection = inspection_start(g->fanout, on_inspected, d);
	if (d->inspection != NULL)
		return;
	d->exchange = NULL;
	d->generation = NULL;
	generation_release(g);
	exchange_refuse(x, 503, "out of memory");
}

void
status_stop(struct status_desk *d)
{
	inspection_free(d->inspection);
	d->inspection = NULL;
	if (d->exchange != NULL) {
		exchange_refuse(d->exchange, 503, "the coordinator ends");
		generation_release(d->generation);
	}
	d->exchange = NULL;
	d->generation = NULL;
}
