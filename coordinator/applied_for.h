/*
 * The names of a certificate that a request's target is validated for: its
 * member `applied_for`, one name or a list. Pure.
 *
 * Each is judged by itself (coordinator/adn.h), and one that the target cannot
 * stand for is a fault of the request.
 */
#ifndef MPIC_APPLIED_FOR_H
#define MPIC_APPLIED_FOR_H

#include "coordinator/adn.h"
#include "json_reader.h"

struct applied_for {
	size_t count;		/* 0: the request has none */
	bool list;		/* as sent: faults have an index then */
	struct adn *names;	/* owned */
};

/* Reads the member, `raw`, of a request; nothing is judged yet. Free it in any case. */
void applied_for_read(struct applied_for *a, struct json_object *raw,
    struct json_object *document, struct json_faults *faults);
void applied_for_free(struct applied_for *a);
/*
 * Judges each name, as far as is possible without a lookup. `lookups`: CNAME
 * records can be looked up; else a name that would need one is a fault.
 */
void applied_for_judge(struct applied_for *a, const struct adn_question *q, bool lookups,
    struct json_faults *faults);
/* Whether a lookup has to say what some of them come to. */
bool applied_for_undecided(const struct applied_for *a);
/* The fault of name `i`: why the target does not stand for it. */
void applied_for_fault(const struct applied_for *a, size_t i, const struct adn_question *q,
    const char *why, struct json_faults *faults);

/* The answer's authorization_domain_name, a list; each name must be ADN_PERMITTED. */
void applied_for_encode(const struct applied_for *a, const struct adn_question *q,
    struct buf *out);
/* Whether the Authorization Domain Name is another than a name applied for. */
bool applied_for_differs(const struct applied_for *a, const struct adn_question *q);

#endif
