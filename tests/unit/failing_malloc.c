#include "failing_malloc.h"

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t len);

static long left = -1;

void
failing_malloc_after(long count)
{
	left = count;
}

static bool
granted(void)
{
	if (left > 0)
		left--;
	else if (left == 0)
		return false;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return granted() ? __real_malloc(size) : NULL;
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return granted() ? __real_calloc(count, size) : NULL;
}

void *
__wrap_realloc(void *old, size_t size)
{
	return granted() ? __real_realloc(old, size) : NULL;
}

char *
__wrap_strdup(const char *s)
{
	return granted() ? __real_strdup(s) : NULL;
}

char *
__wrap_strndup(const char *s, size_t len)
{
	return granted() ? __real_strndup(s, len) : NULL;
}
