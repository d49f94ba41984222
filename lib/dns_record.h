/*
 * The records of one answer as validation methods take them: of each the value
 * that is compared and the text that is shown. Pure.
 *
 *   TXT         the character-strings joined; shown escaped if they are no text
 *   CNAME, PTR  the name in presentation form with its trailing dot
 *   CAA         the property's value
 *   A, AAAA     the address as inet_ntop(3) writes it
 *
 * RDATA that is not of its type has no value and is shown as RFC 3597 5 has it.
 */
#ifndef MPIC_DNS_RECORD_H
#define MPIC_DNS_RECORD_H

#include "buf.h"
#include "dcv_method.h"
#include "evidence.h"

struct dns_record {
	size_t value_at, value_len;	/* in `room` */
	size_t text_at;
	bool malformed;
};

struct dns_records {
	struct dns_record *list;	/* owned */
	const char **texts;		/* owned; of each record, in `room` */
	size_t count;
	struct buf room;
};

/*
 * Reads the answer's records. With `tag` (lower case) only CAA records of that
 * property count. `fold` turns the capital ASCII letters of values into small
 * ones. False without memory; to be freed in either case.
 */
bool dns_records_read(struct dns_records *r, const struct evidence_lookup *l,
    enum dcv_record type, const char *tag, bool fold);
void dns_records_free(struct dns_records *r);
/* The value, which may hold any octet and has a NUL behind it; NULL if the record is malformed. */
const char *dns_record_value(const struct dns_records *r, size_t i, size_t *len);

#endif
