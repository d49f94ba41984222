#include "base64url.h"

#include <stdint.h>

#include "buf.h"

#define NONE	64

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
base64url_add(struct buf *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	char four[4];

	buf_reserve(out, BASE64URL_LEN(len));
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t group = (uint32_t)from[i] << 16 |
		    (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);

		for (unsigned int k = 0; k < 4; k++)
			four[k] = digits[group >> (18 - 6 * k) & 63];
		buf_add(out, four, left > 2 ? 4 : left + 1);
	}
}

static uint32_t
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	return c == '-' ? 62 : c == '_' ? 63 : NONE;
}

bool
base64url_decode(const char *text, size_t len, struct buf *out)
{
	uint32_t bits = 0, value;
	unsigned int held = 0;	/* of `bits`, its lowest */

	if (len % 4 == 1)
		return false;
	buf_reserve(out, BASE64URL_BYTES(len));
	for (size_t i = 0; i < len; i++) {
		value = value_of(text[i]);
		if (value == NONE)
			return false;
		bits = (bits << 6 | value) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			buf_addc(out, (char)(bits >> held & 0xff));
		}
	}
	return (bits & ((1U << held) - 1)) == 0;
}
