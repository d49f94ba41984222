#include "check_dcv.h"

#include <openssl/evp.h>

#include "buf.h"
#include "check.h"
#include "json_writer.h"

static void
add_dns_details(struct buf *out, const struct check_dcv_details *d)
{
	json_add_strings(out, ",\"records_seen\":", d->records_seen.items, d->records_seen.count);
	json_add_opt_int(out, ",\"response_code\":", d->response_code);
	if (d->ad_flag.set)
		json_add_bool(out, ",\"ad_flag\":", d->ad_flag.value);
	else
		buf_adds(out, ",\"ad_flag\":null");
	json_add_string(out, ",\"found_at\":", d->found_at);
	json_add_strings(out, ",\"cname_chain\":", d->cname_chain.items, d->cname_chain.count);
}

/* Both spellings: what the reference implementation sends, and its specification's. */
static void
add_history(struct buf *out, const struct check_dcv_details *d)
{
	buf_adds(out, ",\"response_history\":");
	if (d->hop_count == 0) {
		buf_adds(out, "null");
		return;
	}
	for (size_t i = 0; i < d->hop_count; i++) {
		const struct check_hop *hop = &d->hops[i];

		json_add_int(out, i == 0 ? "[{\"status_code\":" : ",{\"status_code\":",
		    hop->status);
		json_add_string(out, ",\"url\":", hop->location);
		json_add_int(out, ",\"response_status_code\":", hop->status);
		json_add_string(out, ",\"response_url\":", hop->url);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void
add_page(struct buf *out, const struct check_dcv_details *d)
{
	size_t len = d->page_len < CHECK_PAGE_MAX ? d->page_len : CHECK_PAGE_MAX;
	char base64[4 * (CHECK_PAGE_MAX / 3 + 1) + 1];

	if (d->page != NULL)
		EVP_EncodeBlock((unsigned char *)base64, d->page, (int)len);
	json_add_string(out, ",\"response_page\":", d->page != NULL ? base64 : NULL);
}

static void
add_http_details(struct buf *out, const struct check_dcv_details *d)
{
	add_history(out, d);
	json_add_string(out, ",\"response_url\":", d->response_url);
	json_add_opt_int(out, ",\"response_status_code\":", d->response_status_code);
	add_page(out, d);
}

static void
add_us(struct buf *out, const char *lead, int64_t us)
{
	json_add_opt_int(out, lead, (struct json_int){ us >= 0, us });
}

static void
add_dials(struct buf *out, const struct check_dcv_details *d)
{
	json_add_string(out, ",\"resolved_ip\":", d->resolved_ip);
	buf_adds(out, ",\"addresses_tried\":[");
	for (size_t i = 0; i < d->dial_count; i++) {
		const struct check_dial *dial = &d->dials[i];

		json_add_string(out, i == 0 ? "{\"host\":" : ",{\"host\":", dial->host);
		json_add_string(out, ",\"address\":", dial->address);
		json_add_int(out, ",\"port\":", dial->port);
		json_add_string(out, ",\"outcome\":", dial->outcome);
		json_add_string(out, ",\"detail\":", dial->detail);
		json_add_string(out, ",\"tls_version\":", dial->tls_version);
		json_add_string(out, ",\"certificate_sha256\":", dial->certificate_sha256);
		add_us(out, ",\"connect_us\":", dial->connect_us);
		add_us(out, ",\"tls_us\":", dial->tls_us);
		add_us(out, ",\"first_byte_us\":", dial->first_byte_us);
		add_us(out, ",\"total_us\":", dial->total_us);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

void
check_dcv_details_encode(const struct check_dcv_details *d, struct buf *out)
{
	enum dcv_kind kind = dcv_method_row(d->method)->kind;

	json_add_string(out, "{\"validation_method\":", dcv_method_names[d->method]);
	if (kind == DCV_DNS)
		add_dns_details(out, d);
	if (kind == DCV_HTTP)
		add_http_details(out, d);
	if (kind == DCV_TLS_ALPN)
		json_add_string(out, ",\"common_name\":", d->common_name);
	json_add_string(out, ",\"matched\":", d->matched);
	json_add_string(out, ",\"relied_on\":", d->relied_on);
	json_add_string(out, ",\"dnssec_status\":", check_dnssec_name(d->dnssec_status));
	if (kind != DCV_DNS)
		add_dials(out, d);
	buf_addc(out, '}');
}

/* ---- reading ---- */

struct wire_details {
	int method;
	const char *dnssec_status, *matched, *relied_on, *found_at, *response_url;
	struct json_object *records;
};

static const struct json_field details_fields[] = {
	JSON_ROW("validation_method", ENUM, wire_details, method, .names = dcv_method_names),
	JSON_ROW("dnssec_status", STRING, wire_details, dnssec_status, .max = 32),
	JSON_ROW("matched", STRING, wire_details, matched, .max = CHECK_RESULT_MAX),
	JSON_ROW("relied_on", STRING, wire_details, relied_on, .max = CHECK_VALUE_MAX),
	JSON_ROW("records_seen", RAW, wire_details, records),
	JSON_ROW("found_at", STRING, wire_details, found_at, .max = 1100),
	JSON_ROW("response_url", STRING, wire_details, response_url, .max = CHECK_RESULT_MAX),
	{ .key = NULL }
};

bool
check_dcv_details_read(struct check_dcv_details *d, struct json_object *object,
    const char *path, struct json_faults *faults)
{
	struct wire_details w = { .method = DCV_METHOD_COUNT };

	*d = (struct check_dcv_details){ .method = DCV_METHOD_COUNT };
	if (object != NULL && !json_read(object, details_fields, &w, path, faults))
		return false;
	d->method = w.method;
	d->dnssec_status = check_dnssec_from_name(w.dnssec_status);
	d->matched = w.matched;
	d->relied_on = w.relied_on;
	d->records_read = w.records;
	d->found_at = w.found_at;
	d->response_url = w.response_url;
	return true;
}
