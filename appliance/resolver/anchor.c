#include "appliance/resolver/anchor.h"

#include <errno.h>
#include <string.h>

#include "appliance/place.h"

#define KEY_MAX	4096	/* in base64 */

/*
 * The key within "... DNSKEY flags protocol algorithm KEY ...", RFC 4034 2.2; NULL
 * if the line has none.
 */
static const char *
line_key(const char *line, size_t len, size_t *key_len)
{
	const char *at = memmem(line, len, "DNSKEY", 6), *end = line + len;

	if (at == NULL)
		return NULL;
	for (int field = 0; field < 4; field++) {
		at += strcspn(at, " \t\n");
		at += strspn(at, " \t");
	}
	*key_len = strcspn(at, " \t\n;");
	return at < end && *key_len > 0 && *key_len < KEY_MAX ? at : NULL;
}

bool
anchor_complete(const char *state, const char *image)
{
	size_t state_len = strlen(state), len, key_len, keys = 0;
	const char *key;

	for (const char *line = image; *line != '\0'; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		key = line[0] != ';' ? line_key(line, len, &key_len) : NULL;
		if (key == NULL)
			continue;
		keys++;
		if (memmem(state, state_len, key, key_len) == NULL)
			return false;
	}
	return keys > 0;
}

bool
anchor_seed(const char *root, struct buf *said)
{
	struct buf state = BUF_INIT(ANCHOR_MAX), image = BUF_INIT(ANCHOR_MAX);
	bool have, has_image, ok = true;

	have = place_read(root, ANCHOR_STATE, &state) && state.data != NULL;
	has_image = place_read(root, ANCHOR_IMAGE, &image) && image.data != NULL;
	if (!has_image) {
		buf_adds(said, "the image's trust anchor " ANCHOR_IMAGE " cannot be read");
		ok = have;
	} else if (!have || !anchor_complete(state.data, image.data)) {
		ok = place_replace(root, ANCHOR_STATE, &image, 0600);
		if (ok)
			buf_addf(said, "the trust anchor is the image's: %s", have ?
			    "what was kept lacked one of its keys" : "none was kept");
		else
			buf_addf(said, ANCHOR_STATE " cannot be written: %s", strerror(errno));
	}
	buf_free(&state);
	buf_free(&image);
	return ok || have;
}
