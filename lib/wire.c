#include "wire.h"

#include <string.h>

void
wire_reader_init(struct wire_reader *r, const void *bytes, size_t len)
{
	/* An empty input may come without memory; arithmetic on NULL is undefined. */
	r->start = r->pos = bytes != NULL ? bytes : "";
	r->end = r->start + len;
	r->bad = false;
}

size_t
wire_left(const struct wire_reader *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->pos);
}

bool
wire_done(const struct wire_reader *r)
{
	return !r->bad && r->pos == r->end;
}

const uint8_t *
wire_bytes(struct wire_reader *r, size_t len)
{
	const uint8_t *p = r->pos;

	if (wire_left(r) < len || r->bad) {
		r->bad = true;
		return NULL;
	}
	r->pos += len;
	return p;
}

static uint64_t
wire_uint(struct wire_reader *r, size_t len)
{
	const uint8_t *p = wire_bytes(r, len);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t
wire_u8(struct wire_reader *r)
{
	return (uint8_t)wire_uint(r, 1);
}

uint16_t
wire_u16(struct wire_reader *r)
{
	return (uint16_t)wire_uint(r, 2);
}

uint32_t
wire_u32(struct wire_reader *r)
{
	return (uint32_t)wire_uint(r, 4);
}

uint64_t
wire_u64(struct wire_reader *r)
{
	return wire_uint(r, 8);
}

struct wire_reader
wire_sub(struct wire_reader *r, size_t len)
{
	struct wire_reader sub = { .bad = true };
	const uint8_t *p = wire_bytes(r, len);

	if (p != NULL)
		wire_reader_init(&sub, p, len);
	return sub;
}

void
wire_writer_init(struct wire_writer *w, void *bytes, size_t len)
{
	w->start = w->pos = bytes;
	w->end = w->start + len;
	w->bad = false;
}

size_t
wire_written(const struct wire_writer *w)
{
	return (size_t)(w->pos - w->start);
}

void
wire_put_bytes(struct wire_writer *w, const void *bytes, size_t len)
{
	if (w->bad || (size_t)(w->end - w->pos) < len) {
		w->bad = true;
		return;
	}
	if (len > 0)
		memcpy(w->pos, bytes, len);
	w->pos += len;
}

static void
wire_put_uint(struct wire_writer *w, uint64_t v, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = len; i-- > 0; v >>= 8)
		bytes[i] = (uint8_t)v;
	wire_put_bytes(w, bytes, len);
}

void
wire_put_u8(struct wire_writer *w, uint8_t v)
{
	wire_put_uint(w, v, 1);
}

void
wire_put_u16(struct wire_writer *w, uint16_t v)
{
	wire_put_uint(w, v, 2);
}

void
wire_put_u32(struct wire_writer *w, uint32_t v)
{
	wire_put_uint(w, v, 4);
}

void
wire_put_u64(struct wire_writer *w, uint64_t v)
{
	wire_put_uint(w, v, 8);
}
