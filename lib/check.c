#include "check.h"

#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "json_writer.h"

static const struct {
	const char *name, *path;
} check_types[CHECK_TYPE_COUNT] = {
	[CHECK_CAA] = { "caa", "/caa" },
	[CHECK_DCV] = { "dcv", "/dcv" },
};

static const char *const certificate_names[] = { "tls-server", "s-mime", NULL };

const struct json_field check_caa_fields[] = {
	JSON_ROW("certificate_type", ENUM, check_caa_parameters, certificate_type,
	    .names = certificate_names),
	JSON_ROW("caa_domains", STRINGS, check_caa_parameters, caa_domains, .max = JSON_LIST_MAX),
	JSON_ROW("allow_lookup_failure", BOOL, check_caa_parameters, allow_lookup_failure),
	JSON_ROW("account_uris", STRINGS, check_caa_parameters, account_uris, .max = JSON_LIST_MAX),
	JSON_ROW("validation_methods", STRINGS, check_caa_parameters, validation_methods,
	    .max = JSON_LIST_MAX),
	{ .key = NULL }
};

/* The body may name its type, which is then no other than the resource's. */
static const char *const caa_names[] = { "caa", NULL };
static const char *const dcv_names[] = { "dcv", NULL };

/* What every check has, then what its type has. */
#define COMMON_ROWS \
	JSON_ROW("domain_or_ip_target", STRING, check_request, domain_or_ip_target, \
	    .required = true, .min = 1, .max = CHECK_TARGET_MAX), \
	JSON_ROW("trace_identifier", STRING, check_request, trace_identifier, \
	    .max = CHECK_TRACE_MAX), \
	JSON_ROW("nonce", STRING, check_request, nonce, .min = 1, .max = CHECK_NONCE_MAX), \
	JSON_ROW("deadline_ms", INT, check_request, deadline_ms, \
	    .min = 1, .max = CHECK_DEADLINE_MAX_MS)

static const struct json_field caa_request_fields[] = {
	COMMON_ROWS,
	JSON_ROW("check_type", ENUM, check_request, named_type, .names = caa_names),
	JSON_ROW("caa_check_parameters", OBJECT, check_request, caa, .fields = check_caa_fields),
	JSON_ROW("ignore_rfc8657", BOOL, check_request, ignore_rfc8657),
	{ .key = NULL }
};

static const struct json_field dcv_request_fields[] = {
	COMMON_ROWS,
	JSON_ROW("check_type", ENUM, check_request, named_type, .names = dcv_names),
	JSON_ROW("dcv_check_parameters", RAW, check_request, dcv_as_sent, .required = true),
	{ .key = NULL }
};

static const struct json_field *const request_fields[CHECK_TYPE_COUNT] = {
	[CHECK_CAA] = caa_request_fields,
	[CHECK_DCV] = dcv_request_fields,
};

const char *
check_type_name(enum check_type type)
{
	return check_types[type].name;
}

const char *
check_type_path(enum check_type type)
{
	return check_types[type].path;
}

bool
check_request_decode(struct check_request *request, enum check_type type,
    const char *text, size_t len, struct json_faults *faults)
{
	bool ok;

	*request = (struct check_request){ .type = type };
	request->document = json_document_parse(text, len, faults);
	if (request->document == NULL)
		return false;
	ok = json_read(request->document, request_fields[type], request, "", faults);
	if (type != CHECK_DCV || request->dcv_as_sent == NULL)
		return ok;
	return check_dcv_parameters_read(&request->dcv, request->dcv_as_sent,
	    "dcv_check_parameters", faults) && ok;
}

void
check_request_free(struct check_request *request)
{
	json_object_put(request->document);
	*request = (struct check_request){ 0 };
}

void
check_caa_parameters_encode(const struct check_caa_parameters *p, struct buf *out)
{
	if (!p->set) {
		buf_adds(out, "null");
		return;
	}
	json_add_string(out, "{\"certificate_type\":", certificate_names[p->certificate_type]);
	json_add_list(out, ",\"caa_domains\":", &p->caa_domains);
	json_add_bool(out, ",\"allow_lookup_failure\":", p->allow_lookup_failure.value);
	/* Ours: left out when not asked for, so that the echo is Open MPIC's. */
	if (p->account_uris.set)
		json_add_list(out, ",\"account_uris\":", &p->account_uris);
	if (p->validation_methods.set)
		json_add_list(out, ",\"validation_methods\":", &p->validation_methods);
	buf_addc(out, '}');
}

void
check_request_encode(const struct check_request *request, struct buf *out)
{
	json_add_string(out, "{\"domain_or_ip_target\":", request->domain_or_ip_target);
	json_add_string(out, ",\"check_type\":", check_type_name(request->type));
	if (request->type == CHECK_CAA) {
		buf_adds(out, ",\"caa_check_parameters\":");
		check_caa_parameters_encode(&request->caa, out);
		if (request->ignore_rfc8657.value)
			buf_adds(out, ",\"ignore_rfc8657\":true");
	} else {
		buf_adds(out, ",\"dcv_check_parameters\":");
		check_dcv_parameters_encode(&request->dcv, out);
	}
	json_add_string(out, ",\"trace_identifier\":", request->trace_identifier);
	if (request->nonce != NULL)
		json_add_string(out, ",\"nonce\":", request->nonce);
	if (request->deadline_ms.set)
		json_add_int(out, ",\"deadline_ms\":", request->deadline_ms.value);
	buf_addc(out, '}');
}

/* What its parameters have no words for. */
static const char *
beyond_open_mpic(const struct check_dcv_parameters *p)
{
	if (p->method == DCV_DNS_ACCOUNT_01)
		return "dns-account-01 has no parameters in the Open MPIC API";
	if (p->method == DCV_DNS_PERSISTENT && p->expected_account_uri == NULL &&
	    p->expected_account_uris.count != 1)
		return "the Open MPIC API takes a single expected_account_uri";
	if (p->method == DCV_DNS_PERSISTENT && p->expected_account_uri != NULL &&
	    p->expected_account_uris.count > 0)
		return "the Open MPIC API takes a single expected_account_uri";
	return NULL;
}

bool
check_request_encode_open_mpic(const struct check_request *request, struct buf *out,
    const char **why)
{
	struct check_caa_parameters caa;
	struct check_dcv_parameters dcv;

	json_add_string(out, "{\"domain_or_ip_target\":", request->domain_or_ip_target);
	if (request->type == CHECK_CAA) {
		caa = request->caa;
		caa.allow_lookup_failure.value = false;
		caa.account_uris.set = caa.validation_methods.set = false;
		buf_adds(out, ",\"caa_check_parameters\":");
		check_caa_parameters_encode(&caa, out);
	} else {
		dcv = request->dcv;
		if ((*why = beyond_open_mpic(&dcv)) != NULL)
			return false;
		if (dcv.expected_account_uri == NULL && dcv.expected_account_uris.count == 1)
			dcv.expected_account_uri = dcv.expected_account_uris.items[0];
		dcv.expected_account_uris.set = false;
		buf_adds(out, ",\"dcv_check_parameters\":");
		check_dcv_parameters_encode(&dcv, out);
	}
	json_add_string(out, ",\"trace_identifier\":", request->trace_identifier);
	buf_addc(out, '}');
	*why = "out of memory";
	return !out->failed;
}

void
check_request_encode_attempt(const char *request, size_t len, const char *nonce,
    int64_t deadline_ms, struct buf *out)
{
	buf_add(out, request, len - 1);	/* to the brace that ends it */
	json_add_string(out, ",\"nonce\":", nonce);
	json_add_int(out, ",\"deadline_ms\":", deadline_ms);
	buf_addc(out, '}');
}
