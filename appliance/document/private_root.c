#include "appliance/document/private_root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "appliance/document/web_address.h"

#define BLANKS	" \t"
#define HEX	"0123456789abcdefABCDEF"
#define BASE64	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
#define WORDS_MAX	64
#define WORD_MAX	1024

/* An item as words with blanks between. */
struct words {
	char text[OPTION_ITEM_MAX + 1];
	const char *list[WORDS_MAX];
	size_t count;
};

static bool
words_split(struct words *w, const char *item)
{
	char *rest = w->text, *word;

	w->count = 0;
	if (strlen(item) > OPTION_ITEM_MAX)
		return false;
	strcpy(w->text, item);
	while ((word = strsep(&rest, BLANKS)) != NULL) {
		if (*word == '\0')
			continue;
		if (w->count == WORDS_MAX)
			return false;
		w->list[w->count++] = word;
	}
	return w->count > 0;
}

/* ---- hints ---- */

static bool
hint_read(const char *item, struct words *w, struct address *address)
{
	size_t len;

	if (!words_split(w, item) || w->count != 2 || !address_parse(address, w->list[1]))
		return false;
	len = strlen(w->list[0]);
	/* with or without the root's dot */
	if (len > 1 && w->list[0][len - 1] == '.')
		w->text[w->list[0] - w->text + (ptrdiff_t)len - 1] = '\0';
	return web_host_allowed(w->list[0]);
}

void
private_root_hints(const struct document_root *root, struct buf *out)
{
	struct address address;
	struct words w;

	for (size_t i = 0; i < root->hints.count; i++)
		if (hint_read(root->hints.items[i], &w, &address))
			buf_addf(out, ". 518400 IN NS %s.\n%s. 518400 IN %s %s\n", w.list[0],
			    w.list[0], address.family == AF_INET ? "A" : "AAAA", w.list[1]);
}

/* ---- trust anchors ---- */

static bool
number(const char *word, unsigned long most)
{
	return strlen(word) <= 10 && word[0] != '\0' && word[strspn(word, "0123456789")] == '\0' &&
	    strtoul(word, NULL, 10) <= most;
}

/* The last field may have blanks in it. */
static bool
rest_is(const struct words *w, size_t from, const char *letters, size_t least)
{
	size_t len = 0;

	for (size_t i = from; i < w->count; i++) {
		if (w->list[i][strspn(w->list[i], letters)] != '\0')
			return false;
		len += strlen(w->list[i]);
	}
	return len >= least;
}

/* RFC 4034 5.3 and 2.2, of the root's name: [TTL] [IN] DS|DNSKEY and its data. */
static bool
anchor_allowed(const char *item)
{
	struct words w;
	size_t at = 1;

	if (!words_split(&w, item) || strcmp(w.list[0], ".") != 0)
		return false;
	at += at < w.count && number(w.list[at], 2147483647);
	at += at < w.count && strcasecmp(w.list[at], "IN") == 0;
	if (w.count < at + 5 || !number(w.list[at + 1], 65535) || !number(w.list[at + 2], 255) ||
	    !number(w.list[at + 3], 255))
		return false;
	if (strcasecmp(w.list[at], "DS") == 0)
		return rest_is(&w, at + 4, HEX, 40);
	return strcasecmp(w.list[at], "DNSKEY") == 0 && strcmp(w.list[at + 2], "3") == 0 &&
	    rest_is(&w, at + 4, BASE64, 40);
}

void
private_root_anchors(const struct document_root *root, struct buf *out)
{
	for (size_t i = 0; i < root->trust_anchor.count; i++)
		buf_addf(out, "\ttrust-anchor: \"%s\"\n", root->trust_anchor.items[i]);
}

bool
private_root_check(const struct document_root *root, struct buf *faults)
{
	size_t before = faults->len;
	struct address address;
	struct words w;

	for (size_t i = 0; i < root->hints.count; i++)
		if (!hint_read(root->hints.items[i], &w, &address))
			buf_addf(faults, "private_root.hints[%zu]: expected a name, a blank and an "
			    "address, such as \"a.root.example 192.0.2.1\"\n", i);
	for (size_t i = 0; i < root->trust_anchor.count; i++)
		if (!anchor_allowed(root->trust_anchor.items[i]))
			buf_addf(faults, "private_root.trust_anchor[%zu]: expected a DS or DNSKEY "
			    "record of the root, such as \". DS 20326 8 2 E06D...\"\n", i);
	return faults->len == before && !faults->failed;
}
