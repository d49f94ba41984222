#include "signature.h"

#include <string.h>

#include <json-c/json.h>

#include "base64url.h"
#include "check.h"
#include "json_writer.h"

#define MEMBER		",\"signature\":\""
#define PAYLOAD_MAX	(BASE64URL_BYTES(SIGNATURE_MAX) - 256)

const char *
signature_fault_text(enum signature_fault fault)
{
	static const char *const sentences[] = {
#define X(symbol, sentence) [SIGNATURE_##symbol] = sentence,
		SIGNATURE_FAULTS(X)
#undef X
	};

	return sentences[fault];
}

/* ---- digests ---- */

/* Of `text` and then `more`. */
static bool
digest_of(const struct jws_key *key, const char *text, size_t len, const char *more,
    char digest[static SIGNATURE_DIGEST_LEN + 1])
{
	struct buf out = BUF_INIT(SIGNATURE_DIGEST_LEN);
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int bytes_len = 0;
	bool ok = EVP_DigestInit_ex(key->digest, key->sha256, NULL) == 1 &&
	    EVP_DigestUpdate(key->digest, text, len) == 1 &&
	    EVP_DigestUpdate(key->digest, more, strlen(more)) == 1 &&
	    EVP_DigestFinal_ex(key->digest, bytes, &bytes_len) == 1;

	if (ok)
		base64url_add(&out, bytes, bytes_len);
	ok = ok && !out.failed && out.len == SIGNATURE_DIGEST_LEN;
	if (ok)
		memcpy(digest, out.data, SIGNATURE_DIGEST_LEN + 1);
	buf_free(&out);
	return ok;
}

bool
signature_digest(const struct jws_key *key, const char *text, size_t len,
    char digest[static SIGNATURE_DIGEST_LEN + 1])
{
	return digest_of(key, text, len, "", digest);
}

/* ---- signing ---- */

static void
claims_encode(const struct signature_claims *claims, const char *result_sha256, struct buf *out)
{
	buf_reserve(out, 512);
	json_add_string(out, "{\"perspective_code\":", claims->perspective_code);
	json_add_string(out, ",\"check_type\":", claims->check_type);
	json_add_string(out, ",\"domain_or_ip_target\":", claims->target);
	json_add_string(out, ",\"nonce\":", claims->nonce);
	json_add_opt_int(out, ",\"timestamp_ns\":", claims->timestamp_ns);
	json_add_string(out, ",\"request_sha256\":", claims->request_sha256);
	json_add_string(out, ",\"result_sha256\":", result_sha256);
	json_add_string(out, ",\"software_version\":", claims->software_version);
	json_add_string(out, ",\"resolver_version\":", claims->resolver_version);
	json_add_string(out, ",\"image_version\":", claims->image_version);
	buf_addc(out, '}');
}

bool
signature_add(const struct jws_key *key, const struct signature_claims *claims,
    struct buf *result)
{
	struct buf payload = BUF_INIT(PAYLOAD_MAX);
	char digest[SIGNATURE_DIGEST_LEN + 1];
	bool ok = !result->failed && result->len > 2 && result->data[result->len - 1] == '}' &&
	    signature_digest(key, result->data, result->len, digest);

	if (ok) {
		claims_encode(claims, digest, &payload);
		result->len--;		/* the brace comes again */
		buf_adds(result, MEMBER);
		ok = !payload.failed && jws_sign(key, payload.data, payload.len, result);
		buf_adds(result, "\"}");
	}
	buf_free(&payload);
	return ok && !result->failed;
}

/* ---- verifying ---- */

/*
 * A well-formed object can be read backwards from its last brace: a string's
 * closing quote, its opening one, for the colon before it escapes nothing, and
 * a name that no string can contain, since its quotes would have to be escaped.
 */
bool
signature_find(const char *result, size_t len, struct signature_place *place)
{
	size_t name_len = sizeof(MEMBER) - 1, start;
	const char *quote;

	if (len < name_len + 3 || memcmp(result + len - 2, "\"}", 2) != 0)
		return false;
	quote = memrchr(result, '"', len - 2);
	start = quote != NULL ? (size_t)(quote + 1 - result) : 0;
	if (start <= name_len || memcmp(result + start - name_len, MEMBER, name_len) != 0)
		return false;
	*place = (struct signature_place){ .jws = result + start, .jws_len = len - 2 - start,
		.signed_len = start - name_len };
	return true;
}

enum signature_fault
signature_glance(const struct jws_key *key, const char *result, size_t len)
{
	struct signature_place place;

	if (!signature_find(result, len, &place))
		return SIGNATURE_MISSING;
	return jws_names(key, place.jws, place.jws_len) ? SIGNATURE_OK : SIGNATURE_OTHER_KEY;
}

static const struct json_field claims_fields[] = {
	JSON_ROW("perspective_code", STRING, signature_claims, perspective_code, .required = true,
	    .min = 1, .max = CHECK_CODE_MAX),
	JSON_ROW("check_type", STRING, signature_claims, check_type, .required = true, .max = 16),
	JSON_ROW("domain_or_ip_target", STRING, signature_claims, target, .required = true,
	    .max = CHECK_TARGET_MAX),
	JSON_ROW("nonce", STRING, signature_claims, nonce, .max = CHECK_NONCE_MAX),
	JSON_ROW("timestamp_ns", INT, signature_claims, timestamp_ns, .required = true,
	    .max = INT64_MAX),
	JSON_ROW("request_sha256", STRING, signature_claims, request_sha256, .required = true,
	    .min = SIGNATURE_DIGEST_LEN, .max = SIGNATURE_DIGEST_LEN),
	JSON_ROW("result_sha256", STRING, signature_claims, result_sha256, .required = true,
	    .min = SIGNATURE_DIGEST_LEN, .max = SIGNATURE_DIGEST_LEN),
	JSON_ROW("software_version", STRING, signature_claims, software_version, .required = true,
	    .max = SIGNATURE_VERSION_MAX),
	JSON_ROW("resolver_version", STRING, signature_claims, resolver_version,
	    .max = SIGNATURE_RESOLVER_MAX),
	JSON_ROW("image_version", STRING, signature_claims, image_version,
	    .max = SIGNATURE_VERSION_MAX),
	{ .key = NULL }
};

bool
signature_claims_read(struct signature_claims *claims, const char *text, size_t len)
{
	struct json_faults faults;
	struct json_object *document;

	json_faults_init(&faults);
	*claims = (struct signature_claims){ .document = NULL };
	document = json_document_parse(text, len, &faults);
	if (document == NULL)
		return false;
	if (!json_read(document, claims_fields, claims, "", &faults)) {
		json_object_put(document);
		return false;
	}
	claims->document = document;
	return true;
}

void
signature_claims_free(struct signature_claims *claims)
{
	json_object_put(claims->document);
	*claims = (struct signature_claims){ .document = NULL };
}

static enum signature_fault
fault_of(enum jws_fault fault)
{
	switch (fault) {
	case JWS_OK:
		return SIGNATURE_OK;
	case JWS_OTHER_KEY:
		return SIGNATURE_OTHER_KEY;
	case JWS_FALSE:
		return SIGNATURE_FALSE;
	case JWS_NO_MEMORY:
		return SIGNATURE_NO_MEMORY;
	default:
		return SIGNATURE_MALFORMED;
	}
}

enum signature_fault
signature_verify(const struct jws_key *key, const char *result, size_t len,
    struct signature_claims *claims)
{
	struct buf payload = BUF_INIT(SIGNATURE_MAX);
	char digest[SIGNATURE_DIGEST_LEN + 1];
	struct signature_place place;
	enum signature_fault fault = SIGNATURE_MISSING;

	*claims = (struct signature_claims){ .document = NULL };
	if (!signature_find(result, len, &place))
		return SIGNATURE_MISSING;
	if (place.jws_len > SIGNATURE_MAX)
		return SIGNATURE_MALFORMED;
	fault = fault_of(jws_verify(key, place.jws, place.jws_len, &payload));
	if (fault == SIGNATURE_OK && (payload.len == 0 ||
	    !signature_claims_read(claims, payload.data, payload.len)))
		fault = SIGNATURE_CLAIMS;
	if (fault == SIGNATURE_OK && !digest_of(key, result, place.signed_len, "}", digest))
		fault = SIGNATURE_NO_MEMORY;
	if (fault == SIGNATURE_OK && strcmp(digest, claims->result_sha256) != 0)
		fault = SIGNATURE_RESULT;
	if (fault != SIGNATURE_OK)
		signature_claims_free(claims);
	buf_free(&payload);
	return fault;
}

static bool
differs(const char *asked, const char *claimed)
{
	return asked != NULL && (claimed == NULL || strcmp(asked, claimed) != 0);
}

enum signature_fault
signature_compare(const struct signature_claims *claims, const struct signature_claims *asked)
{
	if (differs(asked->perspective_code, claims->perspective_code))
		return SIGNATURE_CODE;
	if (differs(asked->check_type, claims->check_type))
		return SIGNATURE_CHECK;
	if (differs(asked->target, claims->target))
		return SIGNATURE_TARGET;
	if (differs(asked->nonce, claims->nonce))
		return SIGNATURE_NONCE;
	if (differs(asked->request_sha256, claims->request_sha256))
		return SIGNATURE_REQUEST;
	return SIGNATURE_OK;
}
