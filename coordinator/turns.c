#include "coordinator/turns.h"

#include <stdlib.h>

TAILQ_HEAD(turn_list, turn);

struct line {
	struct turn_list waiting;	/* initialised once somebody has waited */
	size_t count;
	TAILQ_ENTRY(line) entry;	/* in the ring, while somebody waits */
};

struct turns {
	TAILQ_HEAD(, line) ring;	/* the first has the next turn */
	size_t count, most, most_each;
	size_t line_count;
	struct line lines[];
};

struct turns *
turns_new(size_t lines)
{
	struct turns *t = calloc(1, sizeof(*t) + lines * sizeof(t->lines[0]));

	if (t == NULL)
		return NULL;
	TAILQ_INIT(&t->ring);
	t->line_count = lines;
	return t;
}

void
turns_free(struct turns *t)
{
	free(t);
}

void
turns_limit(struct turns *t, size_t most, size_t most_each)
{
	t->most = most;
	t->most_each = most_each;
}

bool
turns_full(const struct turns *t, size_t line)
{
	return t->count >= t->most || line >= t->line_count ||
	    t->lines[line].count >= t->most_each;
}

bool
turns_add(struct turns *t, size_t line, struct turn *turn)
{
	struct line *l = &t->lines[line];

	if (turns_full(t, line))
		return false;
	turn->line = (uint32_t)line;
	if (l->count == 0) {
		TAILQ_INIT(&l->waiting);
		TAILQ_INSERT_TAIL(&t->ring, l, entry);
	}
	TAILQ_INSERT_TAIL(&l->waiting, turn, entry);
	l->count++;
	t->count++;
	return true;
}

void
turns_remove(struct turns *t, struct turn *turn)
{
	struct line *l = &t->lines[turn->line];

	TAILQ_REMOVE(&l->waiting, turn, entry);
	t->count--;
	if (--l->count == 0)
		TAILQ_REMOVE(&t->ring, l, entry);
}

struct turn *
turns_next(struct turns *t)
{
	struct line *l = TAILQ_FIRST(&t->ring);
	struct turn *turn;

	if (l == NULL)
		return NULL;
	turn = TAILQ_FIRST(&l->waiting);
	turns_remove(t, turn);
	if (l->count > 0) {
		TAILQ_REMOVE(&t->ring, l, entry);
		TAILQ_INSERT_TAIL(&t->ring, l, entry);
	}
	return turn;
}

struct turn *
turns_late(struct turns *t, uint64_t now_ns)
{
	struct line *l;
	struct turn *turn;

	TAILQ_FOREACH(l, &t->ring, entry) {
		TAILQ_FOREACH(turn, &l->waiting, entry) {
			if (turn->until_ns > now_ns)
				continue;
			turns_remove(t, turn);
			return turn;
		}
	}
	return NULL;
}

size_t
turns_count(const struct turns *t)
{
	return t->count;
}
