/*
 * What a web check saw on its way, for the details and the evidence of its
 * result: redirects followed, addresses tried, lookups made, the last page.
 *
 * It keeps copies. The error is sticky: once memory runs out `failed` is set
 * and later additions are ignored, so that whoever fills it checks once.
 * Everything is capped; evidence that would be over EVIDENCE_MAX loses its
 * largest document and says so.
 */
#ifndef MPIC_WEB_RECORD_H
#define MPIC_WEB_RECORD_H

#include "address.h"
#include "check.h"
#include "httpcheck/fetch.h"
#include "httpcheck/url.h"

#define WEB_DOCUMENTS_MAX	32	/* two of each URL of a check */

struct web_string;

/* The evidence of one lookup. */
struct web_document {
	const char *text;
	size_t len;
};

/* All zero is an empty one. Strings in it are its own unless said. */
struct web_record {
	struct web_string *strings;
	struct check_hop *hops;
	size_t hop_count;
	struct check_dial *dials;
	size_t dial_count;
	struct web_document *documents;
	size_t document_count, document_bytes;
	bool truncated;			/* documents are missing */
	enum check_dnssec dnssec;	/* weakest of all lookups */
	const char *answered_url, *answered_address, *common_name;
	int status;			/* of the last answer; 0: none */
	uint8_t page[CHECK_PAGE_MAX];	/* its first bytes */
	size_t page_len;
	bool failed;
};

/* A lookup's evidence as the resolver sent it, well-formed JSON. */
void web_record_evidence(struct web_record *r, const char *json, size_t len,
    enum check_dnssec status);
/* A lookup that ended without any: its status counts as INDETERMINATE. */
void web_record_no_evidence(struct web_record *r, const char *name, const char *type,
    enum problem problem, const char *message);
/* An address that may not be dialled, and was not. CHECK_DIALS_MAX is for these and those below. */
void web_record_refused(struct web_record *r, const struct url *url, const struct address *a,
    const char *why);
/* An address that was. What answered becomes the last answer. */
void web_record_dial(struct web_record *r, const struct url *url, const struct address *a,
    const struct fetch_outcome *o);
/* A redirect that is followed. */
void web_record_hop(struct web_record *r, int status, const struct url *url,
    const char *location);
/* Fills the details of a result, borrowed from the record. */
void web_record_details(const struct web_record *r, struct check_dcv_details *d);
/* Adds all documents as one object. */
void web_record_evidence_encode(const struct web_record *r, struct buf *out);
void web_record_free(struct web_record *r);

#endif
