/*
 * Whether lines of an audit log are a chain (coordinator/audit_chain.h): fed
 * one by one, over as many files as it has.
 *
 * What a chain shows is that no line between its first and its last was
 * edited, dropped, added or moved. That it begins and ends where it should is
 * for who kept a hash elsewhere to say: `from` and the link at the end.
 */
#ifndef MPIC_AUDIT_VERIFY_H
#define MPIC_AUDIT_VERIFY_H

#include "coordinator/audit_chain.h"

struct audit_verifier {
	struct audit_digest *digest;	/* borrowed */
	const char *from;	/* hash that the first line names; NULL: any */
	struct audit_link last;	/* of the lines so far */
	uint64_t first_seq;	/* 0: no line yet */
	uint64_t lines, torn, unrecorded;
	/* Torn bytes that no line has accounted for yet. */
	uint64_t pending;
	struct audit_digest *pending_digest;	/* borrowed */
};

/* Where a fault lies. */
enum audit_blame {
	AUDIT_GOOD,
	AUDIT_THIS,	/* in the line just given */
	AUDIT_BEFORE,	/* in the line before it, or this one */
	AUDIT_TORN,	/* in the first line that was no whole one */
	AUDIT_FAILED,	/* no memory */
};

/* The bytes before a line end, or the file's. On a fault `why` gets a half-sentence. */
enum audit_blame audit_verify_line(struct audit_verifier *v, const char *line, size_t len,
    struct buf *why);
/* After the last line. */
enum audit_blame audit_verify_end(struct audit_verifier *v, struct buf *why);

#endif
