/*
 * An applicant's web server that costs next to nothing: every request gets the
 * same page, at once or late, and the connection ends with it.
 *
 *	web [-s STATUS] [-d DELAY_MS] -b BODY ADDR:PORT...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "endpoint.h"

#define BACKLOG		4096
#define HEAD_MAX	4096

struct web {
	struct event_base *base;
	struct timeval delay;
	char reply[8192];
	size_t reply_len;
};

struct visitor {
	struct web *web;
	struct event *event;	/* a request to read, then the time to reply */
	int fd;
	size_t len;
	char head[HEAD_MAX];
};

static void
visitor_free(struct visitor *v)
{
	event_free(v->event);
	close(v->fd);
	free(v);
}

/* The reply fits the socket's buffer; whoever has gone has gone. */
static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct visitor *v = arg;

	(void)!send(v->fd, v->web->reply, v->web->reply_len, MSG_NOSIGNAL);
	visitor_free(v);
}

static void
on_request(evutil_socket_t fd, short what, void *arg)
{
	struct visitor *v = arg;
	ssize_t len = recv(fd, v->head + v->len, HEAD_MAX - v->len, 0);

	if (len <= 0) {
		visitor_free(v);
		return;
	}
	v->len += (size_t)len;
	if (v->len < 4 || memcmp(v->head + v->len - 4, "\r\n\r\n", 4) != 0)
		return;
	if (!evutil_timerisset(&v->web->delay)) {
		on_due(fd, 0, v);
		return;
	}
	event_del(v->event);
	evtimer_assign(v->event, v->web->base, on_due, v);
	event_add(v->event, &v->web->delay);
}

static void
on_visitor(evutil_socket_t listener, short what, void *arg)
{
	struct web *web = arg;
	struct visitor *v;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		v = calloc(1, sizeof(*v));
		if (v == NULL)
			exit(1);
		v->web = web;
		v->fd = fd;
		v->event = event_new(web->base, fd, EV_READ | EV_PERSIST, on_request, v);
		if (v->event == NULL || event_add(v->event, NULL) != 0)
			exit(1);
	}
}

static bool
web_listen(struct web *web, const char *where)
{
	struct endpoint to;
	int fd = endpoint_parse(&to, where) ? endpoint_listen(&to, BACKLOG) : -1;
	struct event *event;

	if (fd < 0 || evutil_make_socket_nonblocking(fd) != 0)
		return false;
	event = event_new(web->base, fd, EV_READ | EV_PERSIST, on_visitor, web);
	return event != NULL && event_add(event, NULL) == 0;
}

/* As many visitors as the system allows. */
static void
raise_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int
main(int argc, char **argv)
{
	static struct web web;
	const char *body = NULL;
	int letter, len, delay_ms = 0, status = 200;

	while ((letter = getopt(argc, argv, "s:d:b:")) != -1) {
		switch (letter) {
		case 's': status = atoi(optarg); break;
		case 'd': delay_ms = atoi(optarg); break;
		case 'b': body = optarg; break;
		default: return 2;
		}
	}
	if (optind == argc || body == NULL) {
		fprintf(stderr, "usage: web [-s STATUS] [-d DELAY_MS] -b BODY ADDR:PORT...\n");
		return 2;
	}
	web.delay = (struct timeval){ delay_ms / 1000, delay_ms % 1000 * 1000 };
	len = snprintf(web.reply, sizeof(web.reply), "HTTP/1.1 %d So\r\nContent-Type: text/plain\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", status, strlen(body), body);
	web.base = event_base_new();
	if (web.base == NULL || len < 0 || (size_t)len >= sizeof(web.reply))
		return 1;
	web.reply_len = (size_t)len;
	raise_limit();
	for (int i = optind; i < argc; i++)
		if (!web_listen(&web, argv[i])) {
			fprintf(stderr, "web: cannot listen at %s\n", argv[i]);
			return 1;
		}
	return event_base_dispatch(web.base) == 0 ? 0 : 1;
}
