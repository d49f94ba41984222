/*
 * A decided query as the JSON object that is its answer.
 *
 * Its members are described in lib/evidence.h, which reads it. Everything in
 * it is ASCII: names in presentation form, RDATA in base64. An evidence that
 * would pass its cap loses its records and says so with `truncated`.
 */
#ifndef MPIC_EVIDENCE_JSON_H
#define MPIC_EVIDENCE_JSON_H

struct module_qstate;
struct query;

/* Sets q->evidence, in the region; NULL there without memory. */
void evidence_make(struct query *q, struct module_qstate *qstate, int id);

#endif
