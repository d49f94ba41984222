#include "coordinator/probe.h"

#include <stdlib.h>

#include "coordinator/fanout_line.h"
#include "monotonic.h"

#define PROBE_TICKS	5	/* that one may take */

struct probe {
	struct transfer transfer;	/* first */
	struct fanout_line *line;
};

/* What it says is of no interest. */
static size_t
on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	return size * n;
}

static void
probe_failed(struct fanout_line *line)
{
	balance_probed(&line->group->balance, (size_t)(line - line->group->lines),
	    monotonic_ns());
}

static void
on_ended(struct transfer *t, CURLcode code)
{
	struct probe *probe = (struct probe *)t;
	struct fanout_line *line = probe->line;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	line->probe = NULL;
	curl_easy_cleanup(t->easy);
	free(probe);
	if (code == CURLE_OK && status >= 200 && status < 500)
		line_succeeded(line);
	else
		probe_failed(line);
}

static bool
probe_prepare(struct probe *probe)
{
	struct fanout_line *line = probe->line;
	CURL *e = probe->transfer.easy;

	return e != NULL && multi_adopt(line->fanout->multi, &probe->transfer) &&
	    line_prepare(line, e, NULL) &&
	    curl_easy_setopt(e, CURLOPT_URL, line->ready_url) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTPHEADER, line->h1.headers) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS,
	    (long)(PROBE_TICKS * line->fanout->tick_ms)) == CURLE_OK;
}

void
probe_start(struct fanout_line *line)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (probe == NULL) {
		probe_failed(line);
		return;
	}
	probe->line = line;
	probe->transfer = (struct transfer){ .easy = curl_easy_init(), .ended = on_ended };
	if (probe_prepare(probe) && multi_add(line->fanout->multi, &probe->transfer)) {
		line->probe = probe;
		return;
	}
	curl_easy_cleanup(probe->transfer.easy);
	free(probe);
	probe_failed(line);
}

void
probe_free(struct probe *probe)
{
	if (probe == NULL)
		return;
	multi_remove(probe->line->fanout->multi, &probe->transfer);
	curl_easy_cleanup(probe->transfer.easy);
	free(probe);
}
