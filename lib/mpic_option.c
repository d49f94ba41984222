#include "mpic_option.h"

#include "wire.h"

void
mpic_option_encode(const struct mpic_option *o, uint8_t out[MPIC_OPTION_QUERY_LEN])
{
	struct wire_writer w;

	wire_writer_init(&w, out, MPIC_OPTION_QUERY_LEN);
	wire_put_u8(&w, MPIC_OPTION_VERSION);
	wire_put_u8(&w, (uint8_t)o->operation);
	wire_put_u8(&w, o->flags);
	wire_put_u8(&w, o->name_cap);
	wire_put_u64(&w, o->nonce);
}

bool
mpic_option_decode(struct mpic_option *o, const void *data, size_t len)
{
	struct wire_reader r;
	uint8_t version, operation;

	wire_reader_init(&r, data, len);
	version = wire_u8(&r);
	operation = wire_u8(&r);
	o->flags = wire_u8(&r);
	o->name_cap = wire_u8(&r);
	o->nonce = wire_u64(&r);
	if (r.bad || version != MPIC_OPTION_VERSION ||
	    operation < MPIC_LOOKUP || operation > MPIC_STATS)
		return false;
	o->operation = (enum mpic_operation)operation;
	return true;
}
