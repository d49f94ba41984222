#include "server_chunk.h"

#include <stdbool.h>
#include <string.h>

#define LINE_MAX_BYTES 256	/* a size with its extensions, or a trailer field */
#define TRAILER_MAX 4096

/* The raw bytes not yet decoded. */
struct raw {
	char *pos;
	const char *end;
};

/* Length of the line at `raw` without its CRLF; -1: not in yet; -2: too long. */
static int
line_length(const struct raw *raw)
{
	size_t len = (size_t)(raw->end - raw->pos);
	const char *end = memmem(raw->pos, len, "\r\n", 2);

	if (end == NULL)	/* the last byte may be the CR of the end */
		return len > LINE_MAX_BYTES + 1 ? -2 : -1;
	return end - raw->pos > LINE_MAX_BYTES ? -2 : (int)(end - raw->pos);
}

/* One to eight hexadecimal digits, then the end or an extension. */
static bool
size_parse(const char *line, size_t len, uint64_t *size)
{
	size_t digits = 0;

	*size = 0;
	for (; digits < len && digits < 9; digits++) {
		char c = line[digits];
		unsigned v;

		if (c >= '0' && c <= '9')
			v = (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = (unsigned)((c | 0x20) - 'a') + 10;
		else
			break;
		*size = *size * 16 + v;
	}
	if (digits == 0 || digits > 8)
		return false;
	return digits == len || line[digits] == ';' || line[digits] == ' ' ||
	    line[digits] == '\t';
}

static enum chunk_result
decode_size(struct chunk_decoder *d, struct raw *raw, size_t max)
{
	int len = line_length(raw);

	if (len == -1)
		return CHUNK_MORE;
	if (len < 0 || !size_parse(raw->pos, (size_t)len, &d->left))
		return CHUNK_MALFORMED;
	if (d->left > max - d->decoded)
		return CHUNK_TOO_LARGE;
	raw->pos += len + 2;
	d->state = d->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	return CHUNK_COMPLETE;
}

static enum chunk_result
decode_data(struct chunk_decoder *d, struct raw *raw, char *bytes)
{
	size_t n = (size_t)(raw->end - raw->pos);

	if (n > d->left)
		n = (size_t)d->left;
	memmove(bytes + d->decoded, raw->pos, n);
	raw->pos += n;
	d->decoded += n;
	d->left -= n;
	if (d->left > 0)
		return CHUNK_MORE;
	d->state = CHUNK_DATA_END;
	return CHUNK_COMPLETE;
}

static enum chunk_result
decode_data_end(struct chunk_decoder *d, struct raw *raw)
{
	if (raw->end - raw->pos < 2)
		return CHUNK_MORE;
	if (memcmp(raw->pos, "\r\n", 2) != 0)
		return CHUNK_MALFORMED;
	raw->pos += 2;
	d->state = CHUNK_SIZE;
	return CHUNK_COMPLETE;
}

static enum chunk_result
decode_trailer(struct chunk_decoder *d, struct raw *raw)
{
	int len = line_length(raw);

	if (len == -1)
		return CHUNK_MORE;
	if (len < 0 || (d->trailer += (size_t)len) > TRAILER_MAX)
		return CHUNK_MALFORMED;
	raw->pos += len + 2;
	if (len == 0)
		d->state = CHUNK_DONE;
	return CHUNK_COMPLETE;
}

enum chunk_result
chunk_decode(struct chunk_decoder *d, char *bytes, size_t *len, size_t max)
{
	struct raw raw = { bytes + d->decoded, bytes + *len };
	enum chunk_result result = CHUNK_COMPLETE;

	while (result == CHUNK_COMPLETE && d->state != CHUNK_DONE) {
		switch (d->state) {
		case CHUNK_SIZE:
			result = decode_size(d, &raw, max);
			break;
		case CHUNK_DATA:
			result = decode_data(d, &raw, bytes);
			break;
		case CHUNK_DATA_END:
			result = decode_data_end(d, &raw);
			break;
		default:
			result = decode_trailer(d, &raw);
			break;
		}
	}
	memmove(bytes + d->decoded, raw.pos, (size_t)(raw.end - raw.pos));
	*len = d->decoded + (size_t)(raw.end - raw.pos);
	return result;
}
