/*
 * draft-westerbaan-alldispatch-mpic-00, in terms of POST /mpic. Pure.
 *
 * A request of the draft's becomes one of ours, and our answer one of the
 * draft's. Where the draft is silent or vague:
 *
 * - CAA records are not only fetched. `success` needs what is needed to issue: they permit the
 *   CA's own issuer domain names, which are the coordinator's configured ones.
 * - `caa` is what most perspectives saw of those whose lookup came to its end;
 *   without a relevant RRset it has domain null and no records.
 * - `expected` is the whole record, or the name that a CNAME leads to.
 * - Refusals have success, which is false, and error, too.
 */
#ifndef MPIC_DRAFT_H
#define MPIC_DRAFT_H

#include "json_reader.h"

struct buf;

/* Adds the body of POST /mpic to `out`. False with at least one fault. */
bool draft_request_translate(const char *text, size_t len, struct buf *out,
    struct json_faults *faults);
/* The body for a request with faults. */
void draft_faults_encode(const struct json_faults *faults, struct buf *out);
/* What POST /mpic answered, as the draft has it. False: it is no such answer. */
bool draft_response_translate(const char *text, size_t len, struct buf *out);

#endif
