#include "metric_names.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

struct metric_names {
	size_t max, len_max;
	struct shared {
		_Atomic size_t count;	/* so many are written and will not change */
		char text[];		/* each len_max + 1 bytes */
	} *shared;
};

static size_t
shared_size(const struct metric_names *n)
{
	return sizeof(*n->shared) + n->max * (n->len_max + 1);
}

struct metric_names *
metric_names_new(size_t max, size_t len_max)
{
	struct metric_names *n = malloc(sizeof(*n));

	if (n == NULL)
		return NULL;
	*n = (struct metric_names){ .max = max, .len_max = len_max };
	n->shared = mmap(NULL, shared_size(n), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n->shared == MAP_FAILED) {
		free(n);
		return NULL;
	}
	return n;
}

void
metric_names_free(struct metric_names *n)
{
	if (n == NULL)
		return;
	munmap(n->shared, shared_size(n));
	free(n);
}

static char *
text_at(const struct metric_names *n, size_t index)
{
	return n->shared->text + index * (n->len_max + 1);
}

static size_t
count_of(const struct metric_names *n)
{
	return atomic_load_explicit(&n->shared->count, memory_order_acquire);
}

size_t
metric_names_find(const struct metric_names *n, const char *name)
{
	for (size_t i = 0; i < count_of(n); i++)
		if (strcmp(text_at(n, i), name) == 0)
			return i;
	return SIZE_MAX;
}

size_t
metric_names_add(struct metric_names *n, const char *name)
{
	size_t index = metric_names_find(n, name), len = strlen(name);

	if (index != SIZE_MAX || len > n->len_max || metric_names_full(n))
		return index;
	index = count_of(n);
	memcpy(text_at(n, index), name, len + 1);
	atomic_store_explicit(&n->shared->count, index + 1, memory_order_release);
	return index;
}

const char *
metric_names_get(const struct metric_names *n, size_t index)
{
	return index < count_of(n) ? text_at(n, index) : NULL;
}

bool
metric_names_full(const struct metric_names *n)
{
	return count_of(n) == n->max;
}
