#include "dns_record.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "caa.h"
#include "caa_value.h"
#include "name.h"
#include "wire.h"

#define ROOM_MAX	((size_t)512 * 1024)

/* Adds the value that RDATA of the type has; false if it has none. */
typedef bool read_value(struct wire_reader *r, struct buf *room);

static bool
read_txt(struct wire_reader *r, struct buf *room)
{
	if (wire_left(r) == 0)
		return false;
	while (!wire_done(r) && !r->bad) {
		size_t len = wire_u8(r);
		const uint8_t *string = wire_bytes(r, len);

		if (string != NULL)
			buf_add(room, string, len);
	}
	return wire_done(r);
}

static bool
read_name(struct wire_reader *r, struct buf *room)
{
	size_t start = room->len;

	if (!name_wire_to_text(r, room) || !wire_done(r))
		return false;
	if (room->len > start + 1 || (room->data != NULL && room->data[start] != '.'))
		buf_addc(room, '.');
	return true;
}

static bool
read_address(struct wire_reader *r, struct buf *room, int family, size_t size)
{
	const uint8_t *bytes = wire_bytes(r, size);
	char text[INET6_ADDRSTRLEN];

	if (!wire_done(r) || inet_ntop(family, bytes, text, sizeof(text)) == NULL)
		return false;
	buf_adds(room, text);
	return true;
}

static bool
read_a(struct wire_reader *r, struct buf *room)
{
	return read_address(r, room, AF_INET, 4);
}

static bool
read_aaaa(struct wire_reader *r, struct buf *room)
{
	return read_address(r, room, AF_INET6, 16);
}

static bool
read_caa(struct wire_reader *r, struct buf *room)
{
	struct caa_record record;

	if (!caa_record_parse(&record, r->pos, wire_left(r)))
		return false;
	buf_add(room, record.value, record.value_len);
	return true;
}

static read_value *const readers[DCV_RECORD_COUNT] = {
	[DCV_TXT] = read_txt, [DCV_CNAME] = read_name, [DCV_CAA] = read_caa,
	[DCV_A] = read_a, [DCV_AAAA] = read_aaaa, [DCV_PTR] = read_name,
};

static void
add_unknown(struct buf *room, const struct evidence_record *record)
{
	buf_addf(room, "\\# %zu", record->len);
	for (size_t i = 0; i < record->len; i++)
		buf_addf(room, i == 0 ? " %02x" : "%02x", record->rdata[i]);
}

static void
fold_case(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] >= 'A' && s[i] <= 'Z')
			s[i] = (char)(s[i] + ('a' - 'A'));
}

static void
record_read(struct dns_records *r, const struct evidence_record *record, read_value *reader,
    bool fold)
{
	struct dns_record *d = &r->list[r->count++];
	struct wire_reader rdata;

	wire_reader_init(&rdata, record->rdata, record->len);
	d->value_at = r->room.len;
	d->malformed = !reader(&rdata, &r->room);
	if (r->room.failed)
		return;
	d->value_len = r->room.len - d->value_at;
	buf_addc(&r->room, '\0');
	d->text_at = r->room.len;
	if (d->malformed) {
		add_unknown(&r->room, record);
	} else {
		/* room for the longest, so that the value does not move while it is read */
		buf_reserve(&r->room, 4 * d->value_len);
		if (!r->room.failed)
			buf_add_escaped(&r->room, r->room.data + d->value_at, d->value_len);
	}
	buf_addc(&r->room, '\0');
	if (fold && !r->room.failed)
		fold_case(r->room.data + d->value_at, d->value_len);
}

static bool
has_tag(const struct evidence_record *record, const char *tag)
{
	struct caa_record caa;

	return caa_record_parse(&caa, record->rdata, record->len) &&
	    caa_tag_is(caa.tag, caa.tag_len, tag);
}

bool
dns_records_read(struct dns_records *r, const struct evidence_lookup *l, enum dcv_record type,
    const char *tag, bool fold)
{
	*r = (struct dns_records){ .room = BUF_INIT(ROOM_MAX) };
	r->list = calloc(l->record_count, sizeof(*r->list));
	r->texts = calloc(l->record_count, sizeof(*r->texts));
	if (r->list == NULL || r->texts == NULL)
		return false;
	for (size_t i = 0; i < l->record_count && !r->room.failed; i++)
		if (tag == NULL || has_tag(&l->records[i], tag))
			record_read(r, &l->records[i], readers[type], fold);
	/* only now does nothing move any more */
	for (size_t i = 0; i < r->count && !r->room.failed; i++)
		r->texts[i] = r->room.data + r->list[i].text_at;
	return !r->room.failed;
}

void
dns_records_free(struct dns_records *r)
{
	free(r->list);
	free(r->texts);
	buf_free(&r->room);
	*r = (struct dns_records){ .count = 0 };
}

const char *
dns_record_value(const struct dns_records *r, size_t i, size_t *len)
{
	*len = r->list[i].value_len;
	return r->list[i].malformed ? NULL : r->room.data + r->list[i].value_at;
}
