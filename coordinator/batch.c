#include "coordinator/batch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/event_struct.h>

#include "coordinator/batch_split.h"
#include "json_writer.h"

/* No more is begun while so many bytes wait for the client. */
#define UNREAD_MAX	((size_t)256 * 1024)
#define LINE_MORE	64	/* bytes of a line besides the answer */
#define LINE_MAX_BYTES	((size_t)65 * 1024 * 1024)
#define REFUSAL_MAX	((size_t)64 * 1024)
#define STATUS_TOO_MANY	429
#define PAUSES_MAX	10	/* with nothing begun in between */
#define PAUSE_MAX_S	30

struct batch_item {
	struct batch *batch;
	struct exchange *exchange;	/* NULL: it is not under way */
};

struct batch {
	struct batch_config cfg;
	struct exchange *outer;
	const char *text;		/* of the outer's body */
	struct batch_parts parts;
	size_t next;			/* the first that has not begun, but for `again` */
	size_t *again;			/* those that were turned away, to begin anew: a stack */
	size_t again_count;
	size_t running;
	size_t at_once;			/* what its caller's limits seem to leave of cfg.at_once */
	struct event pause;		/* nothing runs, and it is too early to begin */
	bool paused;
	int pauses;			/* one after another */
	bool beginning;			/* batch_go_on() is on the stack */
	bool gone;
	struct batch_item items[];
};

static void
batch_free(struct batch *b)
{
	event_del(&b->pause);
	batch_parts_free(&b->parts);
	free(b->again);
	free(b);
}

/* ---- lines ---- */

/* Between the tokens of an answer, where alone they stand, line ends mean nothing. */
static void
add_one_line(struct buf *line, const char *text, size_t len)
{
	size_t begin = line->len;

	buf_add(line, text, len);
	if (line->failed)
		return;
	for (char *at = line->data + begin; (at = strpbrk(at, "\r\n")) != NULL; at++)
		*at = ' ';
}

static const char *
retry_after(const struct inner_answer *answer)
{
	for (size_t i = 0; i < answer->extra_count; i++)
		if (strcasecmp(answer->extra[i].name, "Retry-After") == 0)
			return answer->extra[i].value;
	return NULL;
}

static void
batch_say(struct batch *b, size_t index, const struct inner_answer *answer)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	const char *later = retry_after(answer);

	buf_reserve(&line, answer->len + LINE_MORE);
	json_add_int(&line, "{\"index\":", (int64_t)index);
	json_add_int(&line, ",\"status\":", answer->status);
	if (later != NULL)
		json_add_int(&line, ",\"retry_after_s\":", strtol(later, NULL, 10));
	buf_adds(&line, ",\"response\":");
	add_one_line(&line, answer->body, answer->len);
	buf_adds(&line, "}\n");
	/* Of a line that is missing the client knows by its index. */
	if (!line.failed)
		exchange_send(b->outer, line.data, line.len);
	buf_free(&line);
}

static void
batch_refuse_one(struct batch *b, size_t index, int status, const char *body)
{
	static const struct header later = { "Retry-After", "1" };
	const struct inner_answer answer = { .status = status, .body = body, .len = strlen(body),
		.extra = &later, .extra_count = status == 503 };

	batch_say(b, index, &answer);
}

/* ---- one request of many ---- */

static void batch_go_on(struct batch *b);

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct batch *b = arg;

	b->paused = false;
	batch_go_on(b);
}

/* Its caller may have no more at once, or not yet. False: it has been tried long enough. */
static bool
batch_put_off(struct batch *b, size_t index, const struct inner_answer *answer)
{
	const char *later = retry_after(answer);
	struct timeval pause = { .tv_sec = later != NULL ? strtol(later, NULL, 10) : 1 };

	if (b->gone || (b->running == 0 && b->pauses == PAUSES_MAX))
		return false;
	b->again[b->again_count++] = index;
	b->at_once = b->running > 0 ? b->running : 1;
	if (b->running > 0)
		return true;
	if (pause.tv_sec < 1 || pause.tv_sec > PAUSE_MAX_S)
		pause.tv_sec = pause.tv_sec < 1 ? 1 : PAUSE_MAX_S;
	b->pauses++;
	b->paused = event_add(&b->pause, &pause) == 0;
	return true;
}

static void
on_answer(void *arg, const struct inner_answer *answer)
{
	struct batch_item *item = arg;
	struct batch *b = item->batch;
	size_t index = (size_t)(item - b->items);

	item->exchange = NULL;
	b->running--;
	if (answer->status != STATUS_TOO_MANY || !batch_put_off(b, index, answer)) {
		batch_say(b, index, answer);
		b->at_once += b->at_once < b->cfg.at_once;
		b->pauses = answer->status == STATUS_TOO_MANY ? b->pauses : 0;
	}
	batch_go_on(b);
}

static void
batch_begin(struct batch *b, size_t index)
{
	const struct batch_part *part = &b->parts.list[index];
	struct batch_item *item = &b->items[index];

	if (part->len > b->cfg.request_max) {
		batch_refuse_one(b, index, 413, "{\"detail\":\"the request is too large\"}");
		return;
	}
	if (exchange_draining(b->outer)) {
		batch_refuse_one(b, index, 503, "{\"detail\":\"the coordinator is going down\"}");
		return;
	}
	item->batch = b;
	item->exchange = exchange_within(b->outer, b->text + part->at, part->len, on_answer, item);
	if (item->exchange == NULL) {
		batch_refuse_one(b, index, 503, "{\"detail\":\"out of memory\"}");
		return;
	}
	b->running++;
	b->cfg.handle(item->exchange, b->cfg.arg);
}

/* ---- all of them ---- */

static bool
batch_may_begin(const struct batch *b)
{
	if (b->gone || b->paused || (b->next == b->parts.count && b->again_count == 0))
		return false;
	return exchange_unsent(b->outer) < UNREAD_MAX && (b->running == 0 ||
	    (b->running < b->at_once && exchange_room(b->outer)));
}

/* Begins what may begin; ends the batch when nothing is left. */
static void
batch_go_on(struct batch *b)
{
	/* What is answered at once is answered within batch_begin(). */
	if (b->beginning)
		return;
	b->beginning = true;
	while (batch_may_begin(b))
		batch_begin(b, b->again_count > 0 ? b->again[--b->again_count] : b->next++);
	b->beginning = false;
	if (b->running == 0 && (b->gone || (b->next == b->parts.count && b->again_count == 0))) {
		exchange_end(b->outer);
		batch_free(b);
	}
}

static void
on_sent(struct exchange *x, void *arg)
{
	batch_go_on(arg);
}

static void
on_gone(struct exchange *x, void *arg)
{
	struct batch *b = arg;

	b->gone = b->beginning = true;
	for (size_t i = 0; i < b->parts.count; i++)
		if (b->items[i].exchange != NULL)
			exchange_within_gone(b->items[i].exchange);
	b->beginning = false;
	batch_go_on(b);
}

/* ---- the request ---- */

static bool
is_lines(const struct exchange *x)
{
	static const char *const types[] = { "application/x-ndjson", "application/jsonl",
		"application/jsonlines", "application/x-jsonlines" };
	const char *type = exchange_header(x, "Content-Type");
	size_t len = type != NULL ? strcspn(type, "; \t") : 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (len == strlen(types[i]) && strncasecmp(type, types[i], len) == 0)
			return true;
	return false;
}

static void
refuse(struct exchange *x, const struct json_faults *faults)
{
	struct buf refusal = BUF_INIT(REFUSAL_MAX);

	if (faults->count > 0)
		json_faults_encode(faults, "request-validation-failed", &refusal);
	if (refusal.failed || refusal.len == 0)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 400, NULL, refusal.data, refusal.len, NULL, 0);
	buf_free(&refusal);
}

static struct batch *
batch_new(struct exchange *x, const struct batch_config *cfg, struct batch_parts *parts,
    const char *text)
{
	struct batch *b = calloc(1, sizeof(*b) + parts->count * sizeof(b->items[0]));

	if (b == NULL)
		return NULL;
	b->again = calloc(cfg->at_once, sizeof(b->again[0]));
	if (b->again == NULL) {
		free(b);
		return NULL;
	}
	b->cfg = *cfg;
	b->at_once = cfg->at_once;
	b->outer = x;
	b->text = text;
	event_assign(&b->pause, cfg->base, -1, 0, on_pause_over, b);
	b->parts = *parts;
	parts->list = NULL;
	return b;
}

void
batch_route(struct exchange *x, const struct batch_config *cfg)
{
	struct batch *b = NULL;
	struct batch_parts parts;
	struct json_faults faults;
	const char *text;
	size_t len;

	json_faults_init(&faults);
	text = exchange_body(x, &len);
	if (batch_split(&parts, text, len, is_lines(x), cfg->max, &faults))
		b = batch_new(x, cfg, &parts, text);
	batch_parts_free(&parts);
	if (b == NULL) {
		refuse(x, &faults);
		return;
	}
	exchange_stream(x, 200, "application/x-ndjson", NULL, 0);
	exchange_on_gone(x, on_gone, b);
	exchange_on_sent(x, on_sent, b);
	batch_go_on(b);
}
