#include "coordinator/balance.h"

#define MS	UINT64_C(1000000)

void
balance_init(struct balance *b, size_t count, unsigned eject_after, int64_t probe_ms)
{
	*b = (struct balance){ .count = count, .eject_after = eject_after, .probe_ms = probe_ms };
}

/* Whether `a` is the better choice. */
static bool
is_better(const struct balance_endpoint *a, const struct balance_endpoint *b)
{
	if (a->ejected != b->ejected)
		return b->ejected;
	return a->ejected ? a->failed_ns < b->failed_ns : a->under_way < b->under_way;
}

size_t
balance_begin(struct balance *b, uint32_t but, bool healthy)
{
	size_t best = BALANCE_NONE;

	for (size_t k = 0; k < b->count; k++) {
		size_t i = (b->turn + k) % b->count;
		const struct balance_endpoint *e = &b->endpoints[i];

		if ((but & UINT32_C(1) << i) != 0 || (healthy && e->ejected))
			continue;
		if (best == BALANCE_NONE || is_better(e, &b->endpoints[best]))
			best = i;
	}
	if (best == BALANCE_NONE)
		return best;
	b->turn = (best + 1) % b->count;
	b->endpoints[best].under_way++;
	return best;
}

void
balance_end(struct balance *b, size_t i)
{
	b->endpoints[i].under_way--;
}

bool
balance_failed(struct balance *b, size_t i, uint64_t now_ns)
{
	struct balance_endpoint *e = &b->endpoints[i];

	e->failed_ns = now_ns;
	return !e->ejected && ++e->failures >= b->eject_after && balance_eject(b, i, now_ns);
}

bool
balance_eject(struct balance *b, size_t i, uint64_t now_ns)
{
	struct balance_endpoint *e = &b->endpoints[i];

	e->failed_ns = now_ns;
	if (e->ejected)
		return false;
	e->ejected = true;
	e->probe_ms = b->probe_ms;
	e->probe_ns = now_ns + (uint64_t)e->probe_ms * MS;
	return true;
}

bool
balance_succeeded(struct balance *b, size_t i)
{
	struct balance_endpoint *e = &b->endpoints[i];
	bool back = e->ejected;

	e->failures = 0;
	e->ejected = e->probing = false;
	return back;
}

bool
balance_probe(struct balance *b, size_t i, uint64_t now_ns)
{
	struct balance_endpoint *e = &b->endpoints[i];

	if (!e->ejected || e->probing || now_ns < e->probe_ns)
		return false;
	e->probing = true;
	return true;
}

void
balance_probed(struct balance *b, size_t i, uint64_t now_ns)
{
	struct balance_endpoint *e = &b->endpoints[i];

	e->probing = false;
	e->probe_ms = e->probe_ms * 2 < BALANCE_PROBE_MAX_MS ? e->probe_ms * 2 :
	    BALANCE_PROBE_MAX_MS;
	e->probe_ns = now_ns + (uint64_t)e->probe_ms * MS;
}

size_t
balance_ejected(const struct balance *b)
{
	size_t ejected = 0;

	for (size_t i = 0; i < b->count; i++)
		ejected += b->endpoints[i].ejected;
	return ejected;
}
