#include "coordinator/h2_peer.h"

#include "coordinator/fanout_line.h"
#include "coordinator/h2_link.h"

/* Those that the perspective is closing may be about for as long as their longest call. */
#define ALL_MAX		(2 * H2_LINKS_MAX)
#define UNKNOWN_MAX	100	/* calls before it says how many it takes (RFC 9113 6.5.2) */

void
h2_peer_init(struct h2_peer *h2)
{
	TAILQ_INIT(&h2->links);
	h2->calls_max = UNKNOWN_MAX;
}

void
h2_peer_free(struct h2_peer *h2)
{
	struct h2_link *link;

	while ((link = TAILQ_FIRST(&h2->links)) != NULL)
		h2_link_free(link);
}

bool
h2_peer_start(struct h2_peer *h2, struct call *call)
{
	struct h2_link *link;

	TAILQ_FOREACH(link, &h2->links, entry)
		if (h2_link_has_room(link))
			return h2_link_call(link, call);
	return false;
}

const char *
h2_peer_give_up(struct call *call)
{
	return h2_link_give_up(call);
}

bool
h2_peer_connect(struct fanout_line *line)
{
	struct h2_peer *h2 = &line->h2;
	struct h2_link *link;
	size_t usable = 0;

	TAILQ_FOREACH(link, &h2->links, entry)
		usable += !link->leaving;
	if (h2_peer_connecting(h2) || usable >= H2_LINKS_MAX || h2->count >= ALL_MAX)
		return true;
	return h2_link_new(line) != NULL;
}

bool
h2_peer_ready(const struct h2_peer *h2)
{
	const struct h2_link *link;

	TAILQ_FOREACH(link, &h2->links, entry)
		if (link->session != NULL && !link->leaving)
			return true;
	return false;
}

/* One that has not greeted us may have room for many calls more than we know of. */
bool
h2_peer_connecting(const struct h2_peer *h2)
{
	const struct h2_link *link;

	TAILQ_FOREACH(link, &h2->links, entry)
		if (!link->greeted && !link->leaving)
			return true;
	return false;
}

void
h2_peer_expire(struct h2_peer *h2, uint64_t now_ns, struct call_list *expired)
{
	struct h2_link *link;

	TAILQ_FOREACH(link, &h2->links, entry)
		call_list_expire(&link->calls, now_ns, expired);
}

void
h2_peer_tick(struct h2_peer *h2)
{
	struct h2_link *link, *next;

	/* What one of them does ends no other. */
	for (link = TAILQ_FIRST(&h2->links); link != NULL; link = next) {
		next = TAILQ_NEXT(link, entry);
		h2_link_tick(link);
	}
}

void
h2_peer_recheck(struct h2_peer *h2)
{
	struct h2_link *link, *next;

	for (link = TAILQ_FIRST(&h2->links); link != NULL; link = next) {
		next = TAILQ_NEXT(link, entry);
		h2_link_recheck(link);
	}
}
