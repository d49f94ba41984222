/*
 * An appliance's document: what its operator says about it, and all that it is
 * given. One YAML mapping; its options (lib/option.h) are the appliance's own and
 * those of mpic-httpcheck that mean something here, which are httpcheck's very
 * rows. What httpcheck's others have on an appliance is not the operator's to say.
 *
 * A document is good as a whole or not at all.
 */
#ifndef MPIC_APPLIANCE_DOCUMENT_H
#define MPIC_APPLIANCE_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "httpcheck/config.h"
#include "option.h"

#define DOCUMENT_MAX	((size_t)64 * 1024)	/* bytes; AWS takes 16 kB, Azure 64 kB */
#define DOCUMENT_FAULTS_MAX	((size_t)16 * 1024)	/* more are cut */

struct document_enrolment {
	bool set;
	char *url, *token, *ca;
};
struct document_log_forward {
	bool set;
	char *url, *ca;
};
struct document_update {
	bool set;
	char *url, *window;
	int64_t spread_minutes;
};
struct document_unbound {
	bool set;
	int64_t threads;
};
struct document_root {
	bool set;
	struct option_strings hints, trust_anchor;
};

struct document {
	struct httpcheck_config httpcheck;	/* the members that it passes on */
	char *tls_ca, *tls_certificate, *tls_key, *tls_crl, *signing_key;	/* PEM */
	struct document_enrolment enrolment;
	struct option_strings ntp;
	char *clock;			/* "ntp" or "hypervisor"; NULL: the cloud decides */
	struct document_log_forward log_forward;
	struct document_update update;
	struct document_unbound unbound;
	struct document_root private_root;
};

/* What is known of the time when a document is looked at; see papers.h. */
struct document_moment {
	int64_t earliest_s, now_s;
};

/* The options of a document. */
const struct option_table *document_options(void);
/* Whether a document may set httpcheck's option of this name, or the appliance does itself. */
bool document_passes(const char *httpcheck_option);
bool document_keeps(const char *httpcheck_option);

/*
 * Reads and checks all of it. False, with every fault, "document:LINE: MEMBER: ..."
 * or "MEMBER: ...", a line each; none has a byte of a secret. `d` is all zeroes
 * before, and to be freed either way.
 */
bool document_read(struct document *d, const char *text, size_t len,
    const struct document_moment *moment, struct buf *faults);
void document_free(struct document *d);

#endif
