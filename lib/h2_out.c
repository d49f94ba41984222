#include "h2_out.h"

#include <stdlib.h>
#include <string.h>

/* A frame that begins below H2_OUT_MAX ends below this: nobody is allowed larger ones. */
#define ROOM	((size_t)H2_OUT_MAX * 2)

bool
h2_out_fill(struct h2_out *out, nghttp2_session *session)
{
	const uint8_t *bytes;
	ssize_t len;

	out->len = 0;
	out->sent = 0;
	if (out->bytes == NULL && !nghttp2_session_want_write(session))
		return true;
	if (out->bytes == NULL && (out->bytes = malloc(ROOM)) == NULL)
		return false;
	/* A frame has at most H2_OUT_MAX bytes and its head. */
	while (out->len < H2_OUT_MAX - 9) {
		len = nghttp2_session_mem_send(session, &bytes);
		if (len == 0)
			break;
		if (len < 0 || (size_t)len > ROOM - out->len)
			return false;
		memcpy(out->bytes + out->len, bytes, (size_t)len);
		out->len += (size_t)len;
	}
	if (out->len == 0)
		h2_out_free(out);
	return true;
}

void
h2_out_free(struct h2_out *out)
{
	free(out->bytes);
	*out = (struct h2_out){ .bytes = NULL };
}
