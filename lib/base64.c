#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Four digits' worth: `count` of them are there, the others are padding. */
static bool
add_group(const unsigned value[4], size_t count, struct buf *out)
{
	const unsigned bits = value[0] << 18 | value[1] << 12 | value[2] << 6 | value[3];
	const char bytes[3] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };

	buf_add(out, bytes, count - 1);
	/* Bits that stand for nothing are 0. */
	return (bits & ((1U << (8 * (4 - count))) - 1)) == 0 && !out->failed;
}

bool
base64_decode(const char *text, size_t len, struct buf *out)
{
	unsigned value[4] = { 0 };
	size_t count = 0, padding = 0;
	const char *digit;

	for (size_t i = 0; i < len; i++) {
		if (is_blank(text[i]))
			continue;
		digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;
		if (text[i] == '=' && count + padding > 1 && count + padding < 4) {
			padding++;
			continue;
		}
		if (digit == NULL || padding > 0)
			return false;
		value[count++] = (unsigned)(digit - digits);
		if (count < 4)
			continue;
		if (!add_group(value, count, out))
			return false;
		memset(value, 0, sizeof(value));
		count = 0;
	}
	if (count == 0)
		return true;
	return count + padding == 4 && add_group(value, count, out);
}

bool
base64_encode(const void *bytes, size_t len, struct buf *out)
{
	const unsigned char *b = bytes;

	buf_reserve(out, (len + 2) / 3 * 4);
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned bits = (unsigned)b[i] << 16 | (n > 1 ? (unsigned)b[i + 1] << 8 : 0) |
		    (n > 2 ? b[i + 2] : 0);
		const char group[4] = { digits[bits >> 18], digits[bits >> 12 & 63],
			n > 1 ? digits[bits >> 6 & 63] : '=', n > 2 ? digits[bits & 63] : '=' };

		buf_add(out, group, sizeof(group));
	}
	return !out->failed;
}
