/*
 * The private EDNS option between a daemon of ours and mpic.so, both ways.
 *
 * A query that carries the option is not answered like others: the module
 * performs `operation` on the question and answers with the same option,
 * whose data is then one JSON object (lib/evidence.h). A reply without the
 * option is an error, never an answer. The option goes over loopback only
 * and is ignored from any other client.
 *
 * Query data, 12 octets, network order: version 1, operation, flags,
 * name cap, nonce (8). Longer data is a later version's: its tail is ignored.
 */
#ifndef MPIC_EDNS_OPTION_H
#define MPIC_EDNS_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPIC_OPTION_CODE	65443	/* RFC 6891 9: 65001-65534 are for local use */
#define MPIC_OPTION_VERSION	1
#define MPIC_OPTION_QUERY_LEN	12

enum mpic_operation {
	MPIC_LOOKUP = 1,	/* the question's name and type, nothing else */
	MPIC_CLIMB = 2,		/* the type at the name and each parent (RFC 8659 3) */
	MPIC_STATS = 3,		/* the module's counters; the question is ignored */
};

/*
 * Where a lookup fails and its answer was not bogus: ask again with packets
 * really sent, then prove or fail to prove the domain Insecure (RFC 4035 4.3).
 */
#define MPIC_FLAG_PROVE		0x01

struct mpic_option {
	enum mpic_operation operation;
	uint8_t flags;
	uint8_t name_cap;	/* most names a climb may ask; 0: the module's own cap */
	uint64_t nonce;		/* echoed in the evidence as 16 hex digits */
};

void mpic_option_encode(const struct mpic_option *o, uint8_t out[MPIC_OPTION_QUERY_LEN]);
/* False for another version, an unknown operation or too few octets. */
bool mpic_option_decode(struct mpic_option *o, const void *data, size_t len);

#endif
