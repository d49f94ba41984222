#include "coordinator/inspection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "coordinator/fanout_line.h"

#define ANSWER_MAX	((size_t)64 * 1024)
#define TIMEOUT_MS	5000L

enum question { ASK_READY, ASK_IDENTITY, QUESTION_COUNT };
static const char *const paths[QUESTION_COUNT] = { "/readyz", "/identity" };

/* One endpoint: its questions one after the other. */
struct look {
	struct transfer transfer;	/* first; without a handle once it is over */
	struct inspection *inspection;
	struct fanout_line *line;
	struct inspected *row;
	enum question question;
	int64_t asked_ns;		/* wall clock */
	struct buf answer;
	char error[CURL_ERROR_SIZE];
};

struct inspection {
	struct fanout *fanout;
	struct look *looks;
	struct inspected *rows;
	size_t count, pending;
	struct event *over;		/* none could be asked: done() comes from the loop all the same */
	void (*done)(void *arg, const struct inspected *rows, size_t count);
	void *arg;
};

static int64_t
wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- what is said ---- */

static void
take_text(struct json_object *o, const char *member, char into[static INSPECTION_TEXT_MAX])
{
	struct json_object *value;

	if (json_object_object_get_ex(o, member, &value) &&
	    json_object_is_type(value, json_type_string))
		snprintf(into, INSPECTION_TEXT_MAX, "%s", json_object_get_string(value));
}

static int64_t
take_time(struct json_object *o, const char *member)
{
	char text[INSPECTION_TEXT_MAX] = "";
	struct tm tm = { .tm_year = 0 };
	const char *end;

	take_text(o, member, text);
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return end != NULL && *end == '\0' ? (int64_t)timegm(&tm) : 0;
}

static void
take_notices(struct json_object *o, struct inspected *row)
{
	struct buf out = BUF_INIT(sizeof(row->notices) - 1);
	struct json_object *list, *one;

	if (json_object_object_get_ex(o, "notices", &list) &&
	    json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list) && !out.failed; i++) {
			one = json_object_array_get_idx(list, i);
			if (!json_object_is_type(one, json_type_string))
				continue;
			if (out.len > 0)
				buf_addc(&out, ',');
			buf_add_json(&out, json_object_get_string(one),
			    (size_t)json_object_get_string_len(one));
		}
	snprintf(row->notices, sizeof(row->notices), "%s", out.data != NULL && !out.failed ?
	    out.data : "");
	buf_free(&out);
}

/*
 * A gateway may let nothing but checks through, and says so by one of these: AWS by 403
 * as well, which is also what it has for a wrong key. A perspective itself says none of them.
 */
static bool
is_hidden(const struct perspective *p, long status)
{
	return (p->gateway || p->protocol == PROTOCOL_OPEN_MPIC) &&
	    (status == 403 || status == 404 || status == 405);
}

static void
take_ready(struct look *look, struct json_object *o, long status)
{
	look->row->reachable = true;
	look->row->ready = status == 200;
	look->row->hidden = is_hidden(look->row->perspective, status);
	if (look->row->hidden) {
		snprintf(look->row->error, sizeof(look->row->error), "GET /readyz is answered with "
		    "status %ld%s", status, status == 403 ? ", which may also mean that the key in "
		    "headers_file is not the one that is wanted" : "");
		return;
	}
	take_text(o, "resolver", look->row->resolver);
	take_text(o, "detail", look->row->error);
	if (!look->row->ready && look->row->error[0] == '\0')
		snprintf(look->row->error, sizeof(look->row->error), "GET /readyz: status %ld", status);
}

/* Its clock is compared with ours of half way between question and answer. */
static void
take_identity(struct look *look, struct json_object *o, long status)
{
	struct inspected *row = look->row;
	int64_t ours_ns = look->asked_ns + (wall_ns() - look->asked_ns) / 2;
	struct json_object *value;

	if (status != 200 || !json_object_object_get_ex(o, "timestamp_ns", &value) ||
	    !json_object_is_type(value, json_type_int))
		return;
	row->told = true;
	row->clock_ms = (json_object_get_int64(value) / 1000 - ours_ns / 1000) / 1000;
	/* Behind a gateway it is not the certificate that was shown. */
	if (!row->perspective->gateway)
		row->begins_s = take_time(o, "certificate_not_before");
	take_text(o, "software_version", row->software_version);
	take_text(o, "image_version", row->image_version);
	take_text(o, "signing_key", row->signing_key);
	take_notices(o, row);
}

/* ---- one after the other ---- */

static size_t
on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	struct buf *answer = arg;

	buf_add(answer, bytes, size * n);
	return answer->failed ? 0 : size * n;
}

static void
inspection_over(struct inspection *i)
{
	i->done(i->arg, i->rows, i->count);
	inspection_free(i);
}

static void
on_over(evutil_socket_t fd, short what, void *arg)
{
	inspection_over(arg);
}

static bool
look_ask(struct look *look)
{
	CURL *e = look->transfer.easy;
	const char *ready = look->line->ready_url;
	char url[1024];

	snprintf(url, sizeof(url), "%.*s%s", (int)(strlen(ready) - strlen(paths[ASK_READY])), ready,
	    paths[look->question]);
	buf_reset(&look->answer);
	look->asked_ns = wall_ns();
	return curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
	    multi_add(look->line->fanout->multi, &look->transfer);
}

static void
look_end(struct look *look)
{
	curl_easy_cleanup(look->transfer.easy);
	look->transfer.easy = NULL;
	buf_free(&look->answer);
	look->row->expires_s = look->line->plain ? 0 : look->line->peer.expires_s;
	if (!look->line->plain)
		memcpy(look->row->certified_key, look->line->peer.signing_key,
		    sizeof(look->row->certified_key));
	if (--look->inspection->pending == 0)
		inspection_over(look->inspection);
}

static void
explain(struct look *look, CURLcode code)
{
	const struct tls_peer *peer = &look->line->peer;
	const char *why = look->error[0] != '\0' ? look->error : curl_easy_strerror(code);

	if (code == CURLE_PEER_FAILED_VERIFICATION && peer->outcome == TLS_UNTRUSTED)
		why = peer->reason;
	if (code == CURLE_PEER_FAILED_VERIFICATION && peer->outcome == TLS_IDENTITY_MISMATCH)
		snprintf(look->row->error, sizeof(look->row->error), "its certificate says \"%.128s\"",
		    peer->presented);
	else
		snprintf(look->row->error, sizeof(look->row->error), "%.255s", why);
}

static void
on_ended(struct transfer *t, CURLcode code)
{
	struct look *look = (struct look *)t;
	struct json_object *o = NULL;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && look->answer.data != NULL)
		o = json_tokener_parse(look->answer.data);
	if (code != CURLE_OK && look->question == ASK_READY)
		explain(look, code);
	else if (code == CURLE_OK && look->question == ASK_READY)
		take_ready(look, o, status);
	else if (code == CURLE_OK)
		take_identity(look, o, status);
	json_object_put(o);
	if (code != CURLE_OK || ++look->question == QUESTION_COUNT || !look_ask(look))
		look_end(look);
}

static bool
look_prepare(struct look *look)
{
	CURL *e = look->transfer.easy = curl_easy_init();
	struct fanout_line *line = look->line;

	return e != NULL && multi_adopt(line->fanout->multi, &look->transfer) &&
	    line_prepare(line, e, NULL) &&
	    curl_easy_setopt(e, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTPHEADER, line->h1.headers) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, &look->answer) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, look->error) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, TIMEOUT_MS) == CURLE_OK;
}

/* ---- life ---- */

static void
look_start(struct inspection *i, size_t k)
{
	struct look *look = &i->looks[k];
	struct inspected *row = &i->rows[k];

	*look = (struct look){ .transfer = { .ended = on_ended }, .inspection = i,
		.line = &i->fanout->lines[k], .row = row, .answer = BUF_INIT(ANSWER_MAX) };
	row->perspective = look->line->perspective;
	row->url = look->line->url;
	snprintf(row->last_error, sizeof(row->last_error), "%s", look->line->last_error);
	row->last_error_s = look->line->last_error_s;
	if (look_prepare(look) && look_ask(look)) {
		i->pending++;
		return;
	}
	snprintf(row->error, sizeof(row->error), "it could not be asked: out of memory");
	curl_easy_cleanup(look->transfer.easy);
	look->transfer.easy = NULL;
}

struct inspection *
inspection_start(struct fanout *f, void (*done)(void *arg, const struct inspected *rows,
    size_t count), void *arg)
{
	struct inspection *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return NULL;
	*i = (struct inspection){ .fanout = f, .count = f->line_count, .done = done, .arg = arg,
		.looks = calloc(f->line_count + 1, sizeof(*i->looks)),
		.rows = calloc(f->line_count + 1, sizeof(*i->rows)),
		.over = evtimer_new(f->base, on_over, i) };
	if (i->looks == NULL || i->rows == NULL || i->over == NULL) {
		i->count = 0;
		inspection_free(i);
		return NULL;
	}
	for (size_t k = 0; k < i->count; k++)
		look_start(i, k);
	if (i->pending == 0)
		event_active(i->over, EV_TIMEOUT, 0);
	return i;
}

void
inspection_free(struct inspection *i)
{
	if (i == NULL)
		return;
	for (size_t k = 0; k < i->count; k++) {
		struct look *look = &i->looks[k];

		if (look->transfer.easy != NULL) {
			multi_remove(i->fanout->multi, &look->transfer);
			curl_easy_cleanup(look->transfer.easy);
		}
		buf_free(&look->answer);
	}
	if (i->over != NULL)
		event_free(i->over);
	free(i->looks);
	free(i->rows);
	free(i);
}
