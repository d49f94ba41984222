#include "httpcheck/web_record.h"

#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "json_writer.h"

struct web_string {
	struct web_string *next;
	char text[];
};

/* A copy, or NULL. */
static const char *
keep_bytes(struct web_record *r, const char *bytes, size_t len)
{
	struct web_string *s = r->failed ? NULL : malloc(sizeof(*s) + len + 1);

	if (s == NULL) {
		r->failed = true;
		return NULL;
	}
	memcpy(s->text, bytes, len);
	s->text[len] = '\0';
	s->next = r->strings;
	r->strings = s;
	return s->text;
}

static const char *
keep(struct web_record *r, const char *text)
{
	return text != NULL ? keep_bytes(r, text, strlen(text)) : NULL;
}

/* A list with room for so many, or NULL. */
static void *
grow(struct web_record *r, void *list, size_t count, size_t size)
{
	void *more = r->failed ? NULL : realloc(list, count * size);

	r->failed = more == NULL;
	return more;
}

/* Frees what keep_bytes() gave. A walk, but only over a check that had evidence in excess. */
static void
forget(struct web_record *r, const char *text)
{
	for (struct web_string **at = &r->strings; *at != NULL; at = &(*at)->next)
		if ((*at)->text == text) {
			struct web_string *s = *at;

			*at = s->next;
			free(s);
			return;
		}
}

/* ---- lookups ---- */

static void
documents_shorten(struct web_record *r)
{
	size_t largest = 0;

	for (size_t i = 1; i < r->document_count; i++)
		if (r->documents[i].len > r->documents[largest].len)
			largest = i;
	r->document_bytes -= r->documents[largest].len;
	forget(r, r->documents[largest].text);
	for (size_t i = largest + 1; i < r->document_count; i++)
		r->documents[i - 1] = r->documents[i];
	r->document_count--;
	r->truncated = true;
}

void
web_record_evidence(struct web_record *r, const char *json, size_t len, enum check_dnssec status)
{
	struct web_document *more;
	const char *text;

	if (r->dnssec == CHECK_DNSSEC_UNKNOWN || status < r->dnssec)
		r->dnssec = status;
	if (r->document_count == WEB_DOCUMENTS_MAX)
		documents_shorten(r);
	text = keep_bytes(r, json, len);
	more = grow(r, r->documents, r->document_count + 1, sizeof(*more));
	if (more == NULL)
		return;
	r->documents = more;
	more[r->document_count++] = (struct web_document){ text, len };
	r->document_bytes += len;
	while (r->document_bytes > EVIDENCE_MAX)
		documents_shorten(r);
}

void
web_record_no_evidence(struct web_record *r, const char *name, const char *type,
    enum problem problem, const char *message)
{
	struct buf json = BUF_INIT(8192);

	json_add_string(&json, "{\"name\":", name);
	json_add_string(&json, ",\"type\":", type);
	json_add_string(&json, ",\"problem\":", problem_code(problem));
	json_add_string(&json, ",\"message\":", message);
	buf_addc(&json, '}');
	if (json.failed)
		r->failed = true;
	else
		web_record_evidence(r, json.data, json.len, CHECK_DNSSEC_INDETERMINATE);
	buf_free(&json);
}

/* ---- addresses ---- */

static struct check_dial *
dial_add(struct web_record *r, const struct url *url, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];
	struct check_dial *more;

	if (r->dial_count == CHECK_DIALS_MAX)
		return NULL;
	more = grow(r, r->dials, r->dial_count + 1, sizeof(*more));
	if (more == NULL)
		return NULL;
	r->dials = more;
	more += r->dial_count++;
	*more = (struct check_dial){
		.host = keep(r, target_text(&url->host)),
		.address = keep(r, address_text(a, text)),
		.port = url->port,
		.connect_us = -1, .tls_us = -1, .first_byte_us = -1, .total_us = -1,
	};
	return more;
}

void
web_record_refused(struct web_record *r, const struct url *url, const struct address *a,
    const char *why)
{
	struct check_dial *dial = dial_add(r, url, a);

	if (dial == NULL)
		return;
	dial->outcome = problem_code(PROBLEM_ADDRESS_REFUSED);
	dial->detail = why;
}

static const char *
keep_digest(struct web_record *r, const uint8_t sha256[32])
{
	static const char digits[] = "0123456789abcdef";
	char hex[64];

	for (size_t i = 0; i < 32; i++) {
		hex[2 * i] = digits[sha256[i] >> 4];
		hex[2 * i + 1] = digits[sha256[i] & 15];
	}
	return keep_bytes(r, hex, sizeof(hex));
}

/* The page's first bytes, of an answer alone. */
static void
answer_keep(struct web_record *r, const struct url *url, const struct check_dial *dial,
    const struct fetch_outcome *o)
{
	r->answered_url = keep(r, url->text);
	r->answered_address = dial->address;
	r->common_name = keep(r, o->certificate.common_name);
	r->status = o->status;
	r->page_len = o->body_len < CHECK_PAGE_MAX ? o->body_len : CHECK_PAGE_MAX;
	if (r->page_len > 0)
		memcpy(r->page, o->body, r->page_len);
}

void
web_record_dial(struct web_record *r, const struct url *url, const struct address *a,
    const struct fetch_outcome *o)
{
	struct check_dial *dial = dial_add(r, url, a);

	if (dial == NULL)
		return;
	dial->outcome = o->problem == PROBLEM_NONE ? "answered" : problem_code(o->problem);
	if (o->problem != PROBLEM_NONE)
		dial->detail = keep(r, o->sentence != NULL ? o->sentence : "");
	dial->tls_version = keep(r, o->tls_version);
	if (o->certificate.present)
		dial->certificate_sha256 = keep_digest(r, o->certificate.sha256);
	dial->connect_us = o->connect_us;
	dial->tls_us = o->tls_us;
	dial->first_byte_us = o->first_byte_us;
	dial->total_us = o->total_us;
	if (o->problem == PROBLEM_NONE)
		answer_keep(r, url, dial, o);
}

/* ---- redirects ---- */

void
web_record_hop(struct web_record *r, int status, const struct url *url, const char *location)
{
	struct check_hop *more;

	if (r->hop_count == CHECK_HOPS_MAX)
		return;
	more = grow(r, r->hops, r->hop_count + 1, sizeof(*more));
	if (more == NULL)
		return;
	r->hops = more;
	more[r->hop_count++] = (struct check_hop){
		.status = status, .url = keep(r, url->text), .location = keep(r, location),
	};
}

/* ---- the result ---- */

void
web_record_details(const struct web_record *r, struct check_dcv_details *d)
{
	d->dnssec_status = (int)r->dnssec;
	d->hops = r->hops;
	d->hop_count = r->hop_count;
	d->response_url = r->answered_url;
	d->response_status_code = (struct json_int){ r->status != 0, r->status };
	d->page = r->answered_url != NULL ? r->page : NULL;
	d->page_len = r->page_len;
	d->resolved_ip = r->answered_address;
	d->dials = r->dials;
	d->dial_count = r->dial_count;
	d->common_name = r->common_name;
}

void
web_record_evidence_encode(const struct web_record *r, struct buf *out)
{
	buf_adds(out, "{\"v\":1,\"truncated\":");
	buf_adds(out, r->truncated ? "true" : "false");
	buf_adds(out, ",\"documents\":[");
	for (size_t i = 0; i < r->document_count; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_add(out, r->documents[i].text, r->documents[i].len);
	}
	buf_adds(out, "]}");
}

void
web_record_free(struct web_record *r)
{
	struct web_string *next;

	for (struct web_string *s = r->strings; s != NULL; s = next) {
		next = s->next;
		free(s);
	}
	free(r->documents);
	free(r->hops);
	free(r->dials);
	*r = (struct web_record){ 0 };
}
