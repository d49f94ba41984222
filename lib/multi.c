#include "multi.h"

#include <stdlib.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

/* A socket of libcurl's. Lives from its first use until libcurl closes it. */
struct watch {
	struct multi *multi;
	struct event *event;	/* NULL: not watched yet */
	short registered;	/* what `event` waits for */
	short wanted;		/* what libcurl wants now; 0 between transfers */
};

struct multi {
	CURLM *handle;
	struct event_base *base;
	struct event *timer;
	struct watch **watches;	/* by descriptor */
	size_t watch_count;
};

static void
collect(struct multi *m)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(m->handle, &left)) != NULL) {
		CURLcode code = msg->data.result;
		struct transfer *t;
		char *private = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
		t = (struct transfer *)private;
		/* A connection lives as long as the handle that made it is here. */
		if (!t->connects || code != CURLE_OK)
			curl_multi_remove_handle(m->handle, t->easy);
		t->ended(t, code);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct multi *m = arg;
	int running;

	curl_multi_socket_action(m->handle, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(m);
}

static int
set_timer(CURLM *handle, long timeout_ms, void *arg)
{
	struct multi *m = arg;
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

	if (timeout_ms < 0)
		event_del(m->timer);
	else
		event_add(m->timer, &tv);
	return 0;
}

static void
watch_register(struct watch *w, evutil_socket_t fd, short what)
{
	event_del(w->event);
	w->registered = 0;
	if (what == 0)
		return;
	event_assign(w->event, w->multi->base, fd, what | EV_PERSIST,
	    event_get_callback(w->event), w);
	if (event_add(w->event, NULL) == 0)
		w->registered = what;
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	struct multi *m = w->multi;
	int running, mask = 0;

	if ((what & w->wanted) == 0) {
		/* Readable or closed while idle: libcurl finds out when it next uses it. */
		watch_register(w, fd, w->wanted);
		return;
	}
	if ((what & EV_READ) != 0)
		mask |= CURL_CSELECT_IN;
	if ((what & EV_WRITE) != 0)
		mask |= CURL_CSELECT_OUT;
	curl_multi_socket_action(m->handle, fd, mask, &running);
	collect(m);
}

/* The watch of a descriptor, made if there is none. */
static struct watch *
watch_of(struct multi *m, curl_socket_t fd)
{
	size_t index = (size_t)fd, count = m->watch_count > 0 ? m->watch_count : 64;
	struct watch **grown;

	while (count <= index)
		count *= 2;
	if (count != m->watch_count) {
		grown = realloc(m->watches, count * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		for (size_t i = m->watch_count; i < count; i++)
			grown[i] = NULL;
		m->watches = grown;
		m->watch_count = count;
	}
	if (m->watches[index] == NULL) {
		struct watch *w = calloc(1, sizeof(*w));

		if (w != NULL)
			w->event = event_new(m->base, fd, 0, on_socket, w);
		if (w == NULL || w->event == NULL) {
			free(w);
			return NULL;
		}
		w->multi = m;
		m->watches[index] = w;
	}
	return m->watches[index];
}

static void
watch_free(struct multi *m, curl_socket_t fd)
{
	struct watch *w;

	if ((size_t)fd >= m->watch_count || (w = m->watches[fd]) == NULL)
		return;
	event_free(w->event);
	free(w);
	m->watches[fd] = NULL;
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct multi *m = arg;
	struct watch *w;
	short wanted = 0;

	if (what == CURL_POLL_REMOVE) {
		/* Stays registered for the next transfer, unless it asks for writing. */
		if ((size_t)fd >= m->watch_count || (w = m->watches[fd]) == NULL)
			return 0;
		w->wanted = 0;
		if ((w->registered & EV_WRITE) != 0)
			watch_register(w, fd, 0);
		return 0;
	}
	if ((what & CURL_POLL_IN) != 0)
		wanted |= EV_READ;
	if ((what & CURL_POLL_OUT) != 0)
		wanted |= EV_WRITE;
	/*
	 * A socket that goes unwatched for want of memory ends its transfer in time. An
	 * error would make libcurl give up this multi with all transfers, now and later.
	 */
	w = watch_of(m, fd);
	if (w == NULL)
		return 0;
	w->wanted = wanted;
	if (w->registered != wanted)
		watch_register(w, fd, wanted);
	return 0;
}

void
multi_closing(struct multi *m, curl_socket_t fd)
{
	watch_free(m, fd);
}

/* It may have the number of one that was closed unseen. */
bool
multi_opened(struct multi *m, curl_socket_t fd)
{
	watch_free(m, fd);
	return watch_of(m, fd) != NULL;
}

static int
close_socket(void *arg, curl_socket_t fd)
{
	multi_closing(arg, fd);
	return close(fd);
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	/* A host that is no longer there would hold what was sent to it for many minutes. */
	static const int unacknowledged_ms = 10000;
	curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);

	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (!multi_opened(arg, fd)) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
	    sizeof(unacknowledged_ms));
	return fd;
}

struct multi *
multi_new(struct event_base *base, long max_idle)
{
	struct multi *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->base = base;
	m->handle = curl_multi_init();
	m->timer = evtimer_new(base, on_timer, m);
	if (m->handle == NULL || m->timer == NULL) {
		multi_free(m);
		return NULL;
	}
	curl_multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(m->handle, CURLMOPT_TIMERDATA, m);
	curl_multi_setopt(m->handle, CURLMOPT_MAXCONNECTS, max_idle);
	return m;
}

void
multi_free(struct multi *m)
{
	if (m == NULL)
		return;
	if (m->handle != NULL)
		curl_multi_cleanup(m->handle);
	for (size_t i = 0; i < m->watch_count; i++)
		watch_free(m, (curl_socket_t)i);
	free(m->watches);
	if (m->timer != NULL)
		event_free(m->timer);
	free(m);
}

bool
multi_adopt(struct multi *m, struct transfer *t)
{
	CURL *e = t->easy;

	return curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, m) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, m) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, t->connects ? 1L : 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PRIVATE, t) == CURLE_OK;
}

bool
multi_add(struct multi *m, struct transfer *t)
{
	return curl_multi_add_handle(m->handle, t->easy) == CURLM_OK;
}

void
multi_remove(struct multi *m, struct transfer *t)
{
	curl_multi_remove_handle(m->handle, t->easy);
}
