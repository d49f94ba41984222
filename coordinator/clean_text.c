#include "coordinator/clean_text.h"

#include <string.h>

#include "buf.h"

static void
add(struct buf *out, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text, *end = s + len;

	for (; s < end; s++)
		if (s[0] == 0xc2 && s + 1 < end && s[1] >= 0x80 && s[1] < 0xa0) {
			buf_addc(out, '?');
			s++;
		} else {
			buf_addc(out, *s < 0x20 || *s == 0x7f ? '?' : (char)*s);
		}
}

void
clean_text_add(struct buf *out, const char *text)
{
	add(out, text, strlen(text));
}

void
clean_text_add_short(struct buf *out, const char *text, size_t max)
{
	size_t n = strnlen(text, max);
	bool cut = text[n] != '\0';

	while (cut && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	add(out, text, n);
	if (cut)
		buf_adds(out, "...");
}
