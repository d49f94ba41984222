#include "root_hash.h"

#include <string.h>

#define ARGUMENT "mpic.root="

/* Copies up to `max` hex digits; how many there were. */
static size_t
hex_copy(char *to, size_t max, const char *from)
{
	size_t n = strspn(from, "0123456789abcdef");

	if (n > max)
		n = 0;
	memcpy(to, from, n);
	to[n] = '\0';
	return n;
}

static bool
blocks_read(unsigned long long *blocks, const char *text, const char **end)
{
	unsigned long long n = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && n <= ROOT_BLOCKS_MAX; p++)
		n = n * 10 + (unsigned)(*p - '0');
	*blocks = n;
	*end = p;
	return p > text && *text != '0' && n <= ROOT_BLOCKS_MAX;
}

static bool
value_parse(struct root_hash *root, const char *value)
{
	size_t n = hex_copy(root->hash, ROOT_HASH_LEN, value);

	if (n != ROOT_HASH_LEN || value[n] != ',')
		return false;
	value += n + 1;
	n = hex_copy(root->salt, ROOT_SALT_MAX, value);
	if (n == 0 || n % 2 != 0 || value[n] != ',')
		return false;
	return blocks_read(&root->blocks, value + n + 1, &value) &&
	    (*value == '\0' || strchr(" \n", *value) != NULL);
}

bool
root_hash_parse(struct root_hash *root, const char *cmdline)
{
	size_t found = 0;
	bool good = false;

	for (const char *p = cmdline; *p != '\0'; p += strcspn(p, " \n")) {
		p += strspn(p, " \n");
		if (strncmp(p, ARGUMENT, strlen(ARGUMENT)) != 0)
			continue;
		found++;
		good = value_parse(root, p + strlen(ARGUMENT));
	}
	return found == 1 && good;
}
