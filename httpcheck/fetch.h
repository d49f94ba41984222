/*
 * One try of one address of an applicant's server: what is asked of the
 * fetcher and what came of it. Values of both sides of the privilege boundary
 * (docs/privilege.md), and their codec: one message a job, one an outcome.
 *
 * A job names an address, never a name to resolve. Nothing is followed,
 * retried or judged here: status, location, page and the certificate's facts
 * go back as they were seen, capped.
 */
#ifndef MPIC_FETCH_H
#define MPIC_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "buf.h"
#include "check_dcv.h"
#include "problem.h"

#define FETCH_BODY_MAX		((size_t)64 * 1024)	/* bytes of a page that are read */
#define FETCH_HEAD_MAX		((size_t)32 * 1024)	/* of a reply's head */
#define FETCH_URL_MAX		((size_t)8 * 1024)	/* of a location */
#define FETCH_MESSAGE_MAX	((size_t)192 * 1024)	/* of either, encoded */
#define FETCH_SENTENCE_MAX	256
#define FETCH_NAMES_MAX		16	/* of a certificate's subjectAltName that are listed */
#define FETCH_ACME_MAX		64	/* bytes of an acmeIdentifier's value that are kept */

enum fetch_kind {
	FETCH_HTTP,		/* GET */
	FETCH_HTTPS,		/* GET over TLS; any certificate will do and is recorded */
	FETCH_TLS_ALPN,		/* only a handshake with acme-tls/1 (RFC 8737) */
};

/* Strings are borrowed. */
struct fetch_job {
	enum fetch_kind kind;
	struct address address;
	uint16_t port;
	const char *authority;		/* of the Host field: with a port if it is not the scheme's */
	const char *path;		/* request-target, with query; "" of FETCH_TLS_ALPN */
	const char *server_name;	/* SNI; NULL for an address */
	const char *user_agent;
	struct check_header headers[CHECK_HEADERS_MAX];
	size_t header_count;
	int64_t connect_ms;		/* for TCP and TLS each */
	int64_t total_ms;		/* for all of it */
};

enum fetch_name_kind { FETCH_DNS_NAME, FETCH_IP_ADDRESS, FETCH_OTHER_NAME };

/* What a leaf certificate says, as far as RFC 8737 and records need it. */
struct fetch_certificate {
	bool present;			/* one was sent */
	bool parsed;			/* false: its DER is not a certificate's */
	uint8_t sha256[32];		/* of its DER */
	const char *common_name;	/* UTF-8; NULL: none */
	size_t name_count;		/* of subjectAltName, all of them */
	struct {
		enum fetch_name_kind kind;
		const char *text;	/* a dNSName, or an address's text */
	} names[FETCH_NAMES_MAX];
	size_t acme_count;		/* extensions id-pe-acmeIdentifier */
	bool acme_critical;
	uint8_t acme[FETCH_ACME_MAX];	/* extnValue's content, which is DER itself */
	size_t acme_len;
};

/* Strings are the decoded message's. Times in microseconds from the start; -1: not reached. */
struct fetch_outcome {
	enum problem problem;		/* PROBLEM_NONE: it answered (or shook hands) */
	const char *sentence;		/* "sent nothing for 10 s after the TLS handshake" */
	int status;			/* 0: none */
	const char *location;		/* NULL: none; only one, or a problem */
	const uint8_t *body;
	size_t body_len;
	bool more;			/* the page goes on beyond FETCH_BODY_MAX */
	const char *tls_version;	/* "TLSv1.3"; NULL: no TLS */
	bool alpn;			/* acme-tls/1 was negotiated */
	struct fetch_certificate certificate;
	int64_t connect_us, tls_us, first_byte_us, total_us;
};

/* Each message begins with the id that pairs job and outcome. */
void fetch_job_encode(const struct fetch_job *job, uint64_t id, struct buf *out);
/* Strings point into `bytes`, which outlive the job. False if malformed. */
bool fetch_job_decode(struct fetch_job *job, uint64_t *id, const void *bytes, size_t len);
void fetch_outcome_encode(const struct fetch_outcome *o, uint64_t id, struct buf *out);
bool fetch_outcome_decode(struct fetch_outcome *o, uint64_t *id, const void *bytes, size_t len);

#endif
