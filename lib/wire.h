/*
 * A bounded reader over hostile bytes, and a bounded writer.
 *
 * The reader's error is sticky: after a read past the end every read returns
 * zero or NULL and `bad` stays set. Read everything, check wire_done() once:
 * it requires that nothing failed and nothing is left over.
 */
#ifndef MPIC_WIRE_H
#define MPIC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_reader {
	const uint8_t *start;	/* for offsets that count from the beginning */
	const uint8_t *pos;
	const uint8_t *end;
	bool bad;
};

void wire_reader_init(struct wire_reader *r, const void *bytes, size_t len);
size_t wire_left(const struct wire_reader *r);
bool wire_done(const struct wire_reader *r);
uint8_t wire_u8(struct wire_reader *r);
uint16_t wire_u16(struct wire_reader *r);
uint32_t wire_u32(struct wire_reader *r);
uint64_t wire_u64(struct wire_reader *r);
/* `len` bytes in place, or NULL. Valid as long as the bytes read from. */
const uint8_t *wire_bytes(struct wire_reader *r, size_t len);
/* A reader over the next `len` bytes, which are skipped here. */
struct wire_reader wire_sub(struct wire_reader *r, size_t len);

/* Writes big-endian into memory of the caller's; `bad` once it did not fit. */
struct wire_writer {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	bool bad;
};

void wire_writer_init(struct wire_writer *w, void *bytes, size_t len);
size_t wire_written(const struct wire_writer *w);
void wire_put_u8(struct wire_writer *w, uint8_t v);
void wire_put_u16(struct wire_writer *w, uint16_t v);
void wire_put_u32(struct wire_writer *w, uint32_t v);
void wire_put_u64(struct wire_writer *w, uint64_t v);
void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t len);

#endif
