#include "dns_message.h"

#include "wire.h"

#define FLAG_QR		0x8000
#define FLAG_RD		0x0100
#define CLASS_IN	1
#define TYPE_OPT	41
#define POINTER		0xc0	/* RFC 1035 4.1.4 */

/* Unbound drops the whole OPT record from a reply over this size (RFC 6891 6.2.3). */
#define REPLY_SIZE	65000

size_t
dns_question_encode(const struct dns_question *q, uint16_t id, uint8_t out[DNS_QUESTION_MAX])
{
	uint8_t name[NAME_WIRE_MAX], option[MPIC_OPTION_QUERY_LEN];
	struct wire_writer w;

	mpic_option_encode(&q->option, option);
	wire_writer_init(&w, out, DNS_QUESTION_MAX);
	wire_put_u16(&w, id);
	wire_put_u16(&w, FLAG_RD);
	wire_put_u16(&w, 1);		/* questions */
	wire_put_u32(&w, 0);		/* answers, authorities */
	wire_put_u16(&w, 1);		/* additional: OPT */
	wire_put_bytes(&w, name, name_to_wire(&q->name, name));
	wire_put_u16(&w, q->type);
	wire_put_u16(&w, CLASS_IN);
	wire_put_u8(&w, 0);		/* the OPT record's owner is the root */
	wire_put_u16(&w, TYPE_OPT);
	wire_put_u16(&w, REPLY_SIZE);
	wire_put_u32(&w, 0);		/* extended rcode, version, flags */
	wire_put_u16(&w, 4 + sizeof(option));
	wire_put_u16(&w, MPIC_OPTION_CODE);
	wire_put_u16(&w, sizeof(option));
	wire_put_bytes(&w, option, sizeof(option));
	return wire_written(&w);
}

/* A name that may end in a compression pointer; where it points does not matter here. */
static void
name_skip(struct wire_reader *r)
{
	uint8_t len;

	while (!r->bad && (len = wire_u8(r)) != 0) {
		if ((len & POINTER) == POINTER) {
			(void)wire_u8(r);
			return;
		}
		if (len & POINTER)
			r->bad = true;
		else
			(void)wire_bytes(r, len);
	}
}

/* False if they do not fill their record exactly. */
static bool
options_read(struct dns_reply *reply, struct wire_reader rdata)
{
	while (!rdata.bad && wire_left(&rdata) > 0) {
		uint16_t code = wire_u16(&rdata);
		uint16_t len = wire_u16(&rdata);
		const uint8_t *data = wire_bytes(&rdata, len);

		if (code == MPIC_OPTION_CODE && data != NULL) {
			reply->evidence = (const char *)data;
			reply->evidence_len = len;
		}
	}
	return !rdata.bad;
}

static void
record_read(struct dns_reply *reply, struct wire_reader *r)
{
	uint16_t type;

	name_skip(r);
	type = wire_u16(r);
	(void)wire_u16(r);	/* class */
	(void)wire_u32(r);	/* TTL */
	struct wire_reader rdata = wire_sub(r, wire_u16(r));
	if (type == TYPE_OPT && !options_read(reply, rdata))
		r->bad = true;
}

bool
dns_reply_decode(struct dns_reply *reply, const void *message, size_t len)
{
	struct wire_reader r;
	uint16_t flags;
	unsigned int questions, records;

	*reply = (struct dns_reply){ 0 };
	wire_reader_init(&r, message, len);
	reply->id = wire_u16(&r);
	flags = wire_u16(&r);
	reply->rcode = flags & 0x0f;
	questions = wire_u16(&r);
	records = wire_u16(&r);
	records += wire_u16(&r);
	records += wire_u16(&r);
	for (; questions > 0 && !r.bad; questions--) {
		name_skip(&r);
		(void)wire_u32(&r);	/* type, class */
	}
	for (; records > 0 && !r.bad; records--)
		record_read(reply, &r);
	return wire_done(&r) && (flags & FLAG_QR) != 0;
}
