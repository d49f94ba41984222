#include "coordinator/enrolment_route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base64.h"
#include "certs_only.h"
#include "coordinator/metrics.h"
#include "coordinator/pki/ledger.h"
#include "coordinator/pki/token.h"
#include "coordinator/reception.h"
#include "log.h"
#include "monotonic.h"

#define REQUEST_TYPE	"application/pkcs10"
#define BASIC		"Basic "
#define CREDENTIALS_MAX	512
#define ANSWER_MAX	((size_t)64 * 1024)

/* ---- what everybody may have ---- */

static bool
served(const struct coordinator_config *cfg, struct exchange *x)
{
	if (!cfg->enrolment.set)
		exchange_refuse(x, 404, "Not Found");
	return cfg->enrolment.set;
}

void
enrolment_cacerts(const struct coordinator_config *cfg, struct exchange *x)
{
	const struct buf *text = &cfg->enrolment.cacerts;

	if (served(cfg, x))
		exchange_reply(x, 200, CERTS_ONLY_TYPE, text->data, text->len, NULL, 0);
}

void
enrolment_crls(const struct coordinator_config *cfg, struct exchange *x)
{
	const struct buf *text = &cfg->enrolment.crls;

	if (!served(cfg, x))
		return;
	if (text->len == 0)
		exchange_refuse(x, 404, "this coordinator has no CRLs (tls_crl)");
	else
		exchange_reply(x, 200, CRLS_ONLY_TYPE, text->data, text->len, NULL, 0);
}

/* ---- refusals ---- */

/* `code` "" unless it is a perspective's. */
static void
refuse(struct enrolment_desk *d, struct exchange *x, int status, const char *code,
    const char *why, int64_t retry_s)
{
	time_t now = time(NULL);

	metric_add(d->metrics, METRIC_ENROLMENTS, ENROLMENT_REFUSED, 1);
	log_write(now != d->complained_s ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG, "enrolment refused",
	    "perspective", code, "peer", exchange_peer(x), "why", why, NULL);
	d->complained_s = now;
	reception_refuse(x, status, why, retry_s);
}

/* RFC 7030 3.2.3. Which half is wrong is nobody's to know. */
static void
refuse_stranger(struct enrolment_desk *d, struct exchange *x, const char *why)
{
	const struct header challenge = { "WWW-Authenticate",
		"Basic realm=\"mpic enrolment\", charset=\"UTF-8\"" };
	char body[256];
	time_t now = time(NULL);

	metric_add(d->metrics, METRIC_ENROLMENTS, ENROLMENT_REFUSED, 1);
	log_write(now != d->complained_s ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG, "enrolment refused",
	    "perspective", "", "peer", exchange_peer(x), "why", why, NULL);
	d->complained_s = now;
	snprintf(body, sizeof(body), "{\"detail\":\"%s\"}", why);
	exchange_reply(x, 401, NULL, body, strlen(body), &challenge, 1);
}

/* ---- who ---- */

/* What an Authorization of HTTP Basic says (RFC 7617); codes have colons, tokens none. */
static bool
basic_parse(const char *header, struct buf *text, char **user, char **token)
{
	char *colon;

	if (header == NULL || strncasecmp(header, BASIC, strlen(BASIC)) != 0 ||
	    !base64_decode(header + strlen(BASIC), strlen(header + strlen(BASIC)), text) ||
	    text->data == NULL || strlen(text->data) != text->len ||
	    (colon = strrchr(text->data, ':')) == NULL)
		return false;
	*colon = '\0';
	*user = text->data;
	*token = colon + 1;
	return true;
}

/* A token that is good, so far. False: it has been replied to. */
static bool
token_brought(struct enrolment_desk *d, const struct coordinator_config *cfg, struct exchange *x,
    struct enrol_token *token)
{
	struct buf text = BUF_INIT(CREDENTIALS_MAX);
	enum token_fault fault = TOKEN_UNKNOWN;
	char *user, *word;
	bool given = basic_parse(exchange_header(x, "Authorization"), &text, &user, &word);

	if (given)
		fault = token_look(cfg->enrolment.folder, word, user, (int64_t)time(NULL), token);
	if (text.data != NULL)
		explicit_bzero(text.data, text.cap);
	buf_free(&text);
	if (given && fault == TOKEN_OK)
		return true;
	if (fault == TOKEN_BROKEN) {
		refuse(d, x, 503, "", token_fault_text(fault), 30);
		return false;
	}
	if (given)
		guesses_count(&d->guesses, exchange_peer(x), monotonic_ns());
	if (fault == TOKEN_EXPIRED)
		refuse(d, x, 403, token->perspective, "the token has expired", 0);
	else
		refuse_stranger(d, x, given ? "the token is not good for this perspective" :
		    "expected HTTP Basic: the code of a perspective and its enrolment token");
	return false;
}

/* ---- what ---- */

/* False: it has been replied to. */
static bool
request_brought(struct enrolment_desk *d, struct exchange *x, const char *code,
    struct pki_request *request)
{
	const char *type = exchange_header(x, "Content-Type");
	struct buf why = BUF_INIT(512);
	const char *body;
	size_t len;
	bool ok;

	if (type == NULL || strncasecmp(type, REQUEST_TYPE, strlen(REQUEST_TYPE)) != 0 ||
	    strchr("; \t", type[strlen(REQUEST_TYPE)]) == NULL) {
		refuse(d, x, 415, code, "expected Content-Type: application/pkcs10", 0);
		return false;
	}
	body = exchange_body(x, &len);
	ok = pki_request_read(request, body, len, &why);
	if (!ok)
		refuse(d, x, 400, code, why.data != NULL ? why.data : "out of memory", 0);
	buf_free(&why);
	return ok;
}

/* False: it has been replied to. */
static bool
member_of_fleet(struct enrolment_desk *d, const struct coordinator_config *cfg,
    struct exchange *x, const char *code)
{
	if (enrolment_member(&cfg->fleet, code) != NULL)
		return true;
	refuse(d, x, 403, code, "this coordinator has no perspective of this code in its "
	    "configuration", 0);
	return false;
}

/* What anybody may read later of what was issued to whom. */
static void
log_issued(const struct exchange *x, const char *how, const char *code, const char *use,
    const struct pki_request *request, const struct pki_issued *issued)
{
	char ends[LEDGER_TIME_TEXT];

	ledger_time(issued->expires_s, ends);
	log_notice(how, "perspective", code, "serial", issued->serial, "not_after", ends,
	    "verify_key", request->signing_key, "token_use", use, "peer", exchange_peer(x));
}

/* Whether a certificate went out; it has been replied to. */
static bool
issue(struct enrolment_desk *d, const struct coordinator_config *cfg, struct exchange *x,
    const char *code, const char *use, const struct pki_request *request)
{
	bool first = use[0] != '\0';
	struct buf answer = BUF_INIT(ANSWER_MAX), why = BUF_INIT(4608);
	struct pki_issued issued = { .serial = "" };
	bool ok = enrolment_issue(&cfg->enrolment, enrolment_member(&cfg->fleet, code), request,
	    &issued, &answer, &why);

	if (ok) {
		metric_add(d->metrics, METRIC_ENROLMENTS, first ? ENROLMENT_ENROLLED :
		    ENROLMENT_RENEWED, 1);
		log_issued(x, first ? "a perspective enrolled" : "a perspective renewed its certificate",
		    code, use, request, &issued);
		exchange_reply(x, 200, CERTS_ONLY_TYPE, answer.data, answer.len, NULL, 0);
	} else {
		log_error("no certificate can be issued", "perspective", code, "why",
		    why.data != NULL ? why.data : "out of memory");
		refuse(d, x, 503, code, "no certificate can be issued: see the coordinator's log", 30);
	}
	pki_issued_free(&issued);
	buf_free(&answer);
	buf_free(&why);
	return ok;
}

/* ---- with a token ---- */

static void
note_of(const struct exchange *x, char *note, size_t size)
{
	char now[LEDGER_TIME_TEXT];

	ledger_time((int64_t)time(NULL), now);
	snprintf(note, size, "%s %s", now, exchange_peer(x));
}

static void
enrol_with(struct enrolment_desk *d, const struct coordinator_config *cfg, struct exchange *x,
    const struct enrol_token *token, const struct pki_request *request)
{
	const char *folder = cfg->enrolment.folder;
	char note[LEDGER_TIME_TEXT + ENDPOINT_TEXT_MAX], which[48] = "again, of the same key";
	unsigned use;
	enum token_fault fault;

	note_of(x, note, sizeof(note));
	fault = token_take(folder, token, request->key_hash, note, &use);
	if (fault == TOKEN_USED_UP) {
		refuse(d, x, 403, token->perspective, "the token has been used up", 0);
		return;
	}
	if (fault != TOKEN_OK) {
		refuse(d, x, 503, token->perspective, token_fault_text(fault), 30);
		return;
	}
	if (use != TOKEN_NO_USE)
		snprintf(which, sizeof(which), "%u of %" PRId64, use + 1, token->uses);
	if (!issue(d, cfg, x, token->perspective, which, request))
		token_give_back(folder, token, use);
}

void
enrolment_enrol(struct enrolment_desk *d, const struct coordinator_config *cfg,
    struct exchange *x)
{
	struct pki_request request = { .key = NULL };
	struct enrol_token token;
	int64_t wait_s;

	if (!served(cfg, x))
		return;
	if (!guesses_allowed(&d->guesses, exchange_peer(x), monotonic_ns(), &wait_s)) {
		refuse(d, x, 429, "", "too many wrong tokens from this address", wait_s);
		return;
	}
	if (token_brought(d, cfg, x, &token) && member_of_fleet(d, cfg, x, token.perspective) &&
	    request_brought(d, x, token.perspective, &request))
		enrol_with(d, cfg, x, &token, &request);
	pki_request_free(&request);
}

/* ---- with a certificate ---- */

void
enrolment_renew(struct enrolment_desk *d, const struct coordinator_config *cfg,
    struct exchange *x)
{
	const char *identity = exchange_identity(x), *code = identity + strlen(PKI_PERSPECTIVE);
	struct pki_request request = { .key = NULL };
	int64_t wait_s;

	if (!served(cfg, x))
		return;
	if (strncmp(identity, PKI_PERSPECTIVE, strlen(PKI_PERSPECTIVE)) != 0) {
		refuse(d, x, 403, "", "a certificate is renewed by whom it is of: expected the client "
		    "certificate of a perspective", 0);
		return;
	}
	/* Each leaves a line in the folder, which is not to be filled. */
	if (!guesses_allowed(&d->guesses, identity, monotonic_ns(), &wait_s)) {
		refuse(d, x, 429, code, "this perspective has renewed its certificate too often", wait_s);
		return;
	}
	guesses_count(&d->guesses, identity, monotonic_ns());
	if (member_of_fleet(d, cfg, x, code) && request_brought(d, x, code, &request))
		issue(d, cfg, x, code, "", &request);
	pki_request_free(&request);
}
