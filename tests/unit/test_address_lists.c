/*
 * The appliance's lists of addresses that no stranger's server has, Unbound's and the packet
 * filter's, against lib/address.c: the same addresses, no more and no fewer.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

/* for its rows */
#include "address.c"

#define TREE		"/appliance/tree"
#define UNBOUND		TREE "/usr/lib/parallax/appliance-private.conf"
#define FILTER		TREE "/etc/nftables.conf"
#define BLOCKS_MAX	64

struct block {
	struct address address;
	unsigned bits;
};

struct list {
	struct block blocks[BLOCKS_MAX];
	size_t count;
};

/* --- reading them -------------------------------------------------------------------- */

static char *
read_file(const char *path)
{
	const char *top = getenv("srcdir");
	char name[4096], *text = calloc(1, 65536);
	FILE *file;

	snprintf(name, sizeof(name), "%s%s", top != NULL ? top : ".", path);
	file = fopen(name, "r");
	if (file == NULL)
		fail_msg("%s cannot be read", name);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

/* "192.0.2.0/24" or an address alone. */
static void
add_block(struct list *l, const char *text, size_t len)
{
	struct block *b = &l->blocks[l->count];
	char copy[64], *slash;

	assert_in_range(len, 2, sizeof(copy) - 1);
	assert_in_range(l->count, 0, BLOCKS_MAX - 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	if (!address_parse(&b->address, copy))
		fail_msg("%s is no address", copy);
	b->bits = slash != NULL ? (unsigned)atoi(slash + 1) :
	    b->address.family == AF_INET ? 32 : 128;
	l->count++;
}

static void
read_unbound(struct list *l)
{
	static const char key[] = "do-not-query-address: ";
	char *text = read_file(UNBOUND);

	l->count = 0;
	for (const char *at = text; (at = strstr(at, key)) != NULL;) {
		at += strlen(key);
		add_block(l, at, strcspn(at, "\n"));
	}
	free(text);
}

/* The elements of one set; what is outside 2000::/3 is a rule of its own there. */
static void
read_set(struct list *l, const char *set)
{
	char *text = read_file(FILTER), head[32];
	const char *at, *end;

	snprintf(head, sizeof(head), "set %s {", set);
	at = strstr(text, head);
	assert_non_null(at);
	at = strstr(at, "elements = {");
	assert_non_null(at);
	at = strchr(at, '{') + 1;
	end = strchr(at, '}');
	while (at < end) {
		size_t len = strcspn(at, " \t\n,}");

		if (len > 0)
			add_block(l, at, len);
		at += len + 1;
	}
	free(text);
}

static void
read_filter(struct list *l)
{
	static const char *const others[] = { "::/3", "4000::/2", "8000::/1" };
	char *text = read_file(FILTER);

	assert_non_null(strstr(text, "ip6 daddr != 2000::/3 counter name out_address_dropped drop"));
	free(text);
	l->count = 0;
	read_set(l, "refused4");
	read_set(l, "refused6");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		add_block(l, others[i], strlen(others[i]));
}

/* --- asking them ----------------------------------------------------------------------- */

static bool
block_holds(const struct block *b, const struct address *a)
{
	uint8_t mask = (uint8_t)(0xff00 >> b->bits % 8);

	return a->family == b->address.family &&
	    memcmp(a->bytes, b->address.bytes, b->bits / 8) == 0 &&
	    (mask == 0 || ((a->bytes[b->bits / 8] ^ b->address.bytes[b->bits / 8]) & mask) == 0);
}

static bool
list_holds(const struct list *l, const struct address *a)
{
	for (size_t i = 0; i < l->count; i++)
		if (block_holds(&l->blocks[i], a))
			return true;
	return false;
}

static void
assert_same(const struct list *l, const struct address *a)
{
	char text[INET6_ADDRSTRLEN];

	if (list_holds(l, a) == (address_refused(a) != NULL))
		return;
	inet_ntop(a->family, a->bytes, text, sizeof(text));
	fail_msg("%s is %s by lib/address.c", text,
	    address_refused(a) != NULL ? "refused" : "not refused");
}

/* One before the block, its first, its last, one after. */
static void
assert_edges(const struct list *l, const struct block *b)
{
	size_t size = b->address.family == AF_INET ? 4 : 16;
	struct address low = b->address, high = b->address;
	int i;

	for (unsigned bit = b->bits; bit < size * 8; bit++)
		high.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	assert_same(l, &low);
	assert_same(l, &high);
	for (i = (int)size - 1; i >= 0 && low.bytes[i]-- == 0; i--)
		continue;
	for (i = (int)size - 1; i >= 0 && ++high.bytes[i] == 0; i--)
		continue;
	assert_same(l, &low);
	assert_same(l, &high);
}

static void
assert_rows(const struct list *l, const struct range *rows, size_t count, int family)
{
	for (size_t i = 0; i < count; i++) {
		struct block b = { .address.family = family, .bits = rows[i].bits };

		memcpy(b.address.bytes, rows[i].prefix, sizeof(rows[i].prefix));
		assert_edges(l, &b);
	}
}

/* Two sets of blocks that agree at every edge of either agree everywhere. */
static void
assert_list(const struct list *l)
{
	assert_in_range(l->count, 10, BLOCKS_MAX);
	for (size_t i = 0; i < l->count; i++)
		assert_edges(l, &l->blocks[i]);
	assert_rows(l, ipv4_ranges, sizeof(ipv4_ranges) / sizeof(ipv4_ranges[0]), AF_INET);
	assert_rows(l, ipv6_ranges, sizeof(ipv6_ranges) / sizeof(ipv6_ranges[0]), AF_INET6);
}

static void
test_unbound(void **state)
{
	struct list l;

	read_unbound(&l);
	assert_list(&l);
}

static void
test_filter(void **state)
{
	struct list l;

	read_filter(&l);
	assert_list(&l);
}

/* What is named a metadata service there is one here. */
static void
test_metadata(void **state)
{
	struct list l = { .count = 0 };

	read_set(&l, "metadata4");
	read_set(&l, "metadata6");
	assert_int_equal(l.count, 5);
	for (size_t i = 0; i < l.count; i++) {
		const char *what = address_refused(&l.blocks[i].address);

		assert_non_null(what);
		assert_non_null(strstr(what, "metadata service"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unbound),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
