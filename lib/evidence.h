/*
 * Evidence: what mpic.so says of the lookups it made, one JSON object.
 *
 * Members: v (1), nonce, op, resolver and module (versions), elapsed_us,
 * truncated, then either
 *   error    why the operation was not performed, or
 *   stats    counters by name, or
 *   found    the index of the lookup that has the relevant RRset, or -1, and
 *   lookups  nearest name first, each: name, type, outcome (answer, nodata,
 *            nxdomain, failed, too-large, abandoned), and unless abandoned
 *            rcode, dnssec (RFC 4035 4.3), ede (RFC 8914) and reason if bogus
 *            or failed, server, transport and rtt_us of the answer (or, of a
 *            failure, `exchanges`: everything that was tried), tries,
 *            tries_sent (tries in which a server of the failing zone was sent
 *            packets), queries_sent, elapsed_us, chain (CNAME and DNAME hops,
 *            each with its status), case_kept (false: the server answers in
 *            another case than it was asked, so 0x20 was given up), and with
 *            an answer owner, ttl and records (RDATA in base64); insecurity
 *            (proven, steps) if it was walked.
 * Names are in presentation form without a dot at the end.
 *
 * It comes from our own resolver over loopback, but what is in it was chosen
 * by strangers. Reading is strict: what does not fit is an error, never an
 * empty answer. It is also what a perspective reads most often: by json_tokens.h.
 */
#ifndef MPIC_EVIDENCE_H
#define MPIC_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "json_tokens.h"

#define EVIDENCE_MAX		((size_t)64 * 1024)	/* bytes of JSON */
#define EVIDENCE_LOOKUPS_MAX	127
#define EVIDENCE_RECORDS_MAX	8192	/* of one RRset */
#define EVIDENCE_HOPS_MAX	32	/* of one lookup */

enum evidence_outcome {
	EVIDENCE_ANSWER,
	EVIDENCE_NODATA,
	EVIDENCE_NXDOMAIN,
	EVIDENCE_FAILED,
	EVIDENCE_TOO_LARGE,
	EVIDENCE_ABANDONED,
};

/* RDATA of one record, in memory of the evidence's. */
struct evidence_record {
	const uint8_t *rdata;
	size_t len;
};

/* A CNAME or DNAME that was followed. Strings are borrowed from the document. */
struct evidence_hop {
	const char *owner, *type, *target;
	enum check_dnssec dnssec;
};

/* Strings are borrowed from the document; NULL when absent. */
struct evidence_lookup {
	const char *name;
	int outcome;			/* enum evidence_outcome */
	const char *rcode;
	enum check_dnssec dnssec;
	const char *reason;
	const char *owner;		/* of the RRset: the end of the hops */
	int64_t ttl_s;
	int64_t tries_sent;
	bool insecure;			/* shown by a walk, hops included */
	struct evidence_record *records;	/* with EVIDENCE_ANSWER */
	size_t record_count;
	struct evidence_hop *hops;	/* `chain`; NULL: none */
	size_t hop_count;
};

struct evidence {
	struct json_tokens *document;	/* owned: what the strings point to */
	const char *error;		/* NULL: the operation was performed */
	bool truncated;			/* records are missing: not usable */
	const char *resolver;		/* "unbound 1.22.0" */
	struct evidence_lookup *lookups;	/* owned */
	size_t lookup_count;
	const struct evidence_lookup *found;	/* into lookups, or NULL */
	uint8_t *rdata;			/* owned: what the records point to */
};

/*
 * Reads the evidence that answers `nonce`. False, with a sentence in `why`,
 * when it is malformed, of another version, or answers another nonce. To be
 * freed in either case.
 */
bool evidence_decode(struct evidence *e, const char *json, size_t len, uint64_t nonce,
    struct buf *why);
void evidence_free(struct evidence *e);
/* The weakest of the answer and of every hop to it. */
enum check_dnssec evidence_lookup_weakest(const struct evidence_lookup *l);
/*
 * The same of the first `count` lookups (a failed one shown Insecure is that),
 * the abandoned left out; UNKNOWN if nothing was looked up.
 */
enum check_dnssec evidence_weakest(const struct evidence *e, size_t count);

#endif
