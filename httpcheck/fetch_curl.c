#include "httpcheck/fetch_curl.h"

#include <stdlib.h>

struct fetch_curl {
	CURLM *multi;
	struct event_base *base;
	struct event *timer;
	void (*done)(CURL *easy, CURLcode code, void *arg);
	void *arg;
};

static void
collect(struct fetch_curl *c)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left)) != NULL) {
		CURL *easy = msg->easy_handle;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(c->multi, easy);
		c->done(easy, code, c->arg);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct fetch_curl *c = arg;
	int running;

	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(c);
}

static int
set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct fetch_curl *c = arg;
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

	if (timeout_ms < 0)
		event_del(c->timer);
	else
		event_add(c->timer, &tv);
	return 0;
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct fetch_curl *c = arg;
	int mask = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
	    ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0), running;

	curl_multi_socket_action(c->multi, fd, mask, &running);
	collect(c);
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct fetch_curl *c = arg;
	struct event *event = socket_arg;
	short wanted = EV_PERSIST;

	if (what == CURL_POLL_REMOVE) {
		if (event != NULL)
			event_free(event);
		return 0;
	}
	if ((what & CURL_POLL_IN) != 0)
		wanted |= EV_READ;
	if ((what & CURL_POLL_OUT) != 0)
		wanted |= EV_WRITE;
	if (event != NULL) {
		event_del(event);
		event_assign(event, c->base, fd, wanted, on_socket, c);
	} else {
		event = event_new(c->base, fd, wanted, on_socket, c);
		if (event == NULL)
			return -1;
		curl_multi_assign(c->multi, fd, event);
	}
	return event_add(event, NULL);
}

struct fetch_curl *
fetch_curl_new(struct event_base *base, void (*done)(CURL *easy, CURLcode code, void *arg),
    void *arg)
{
	struct fetch_curl *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->base = base;
	c->done = done;
	c->arg = arg;
	c->multi = curl_multi_init();
	c->timer = evtimer_new(base, on_timer, c);
	if (c->multi == NULL || c->timer == NULL) {
		fetch_curl_free(c);
		return NULL;
	}
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return c;
}

void
fetch_curl_free(struct fetch_curl *c)
{
	if (c == NULL)
		return;
	if (c->multi != NULL)
		curl_multi_cleanup(c->multi);
	if (c->timer != NULL)
		event_free(c->timer);
	free(c);
}

bool
fetch_curl_add(struct fetch_curl *c, CURL *easy)
{
	return curl_multi_add_handle(c->multi, easy) == CURLM_OK;
}

void
fetch_curl_remove(struct fetch_curl *c, CURL *easy)
{
	curl_multi_remove_handle(c->multi, easy);
}
