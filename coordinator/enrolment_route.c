#include "coordinator/enrolment_route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base64.h"
#include "certs_only.h"
#include "coordinator/audit_enrolment.h"
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

/* ---- a POST ---- */

/* What is known of it so far: the record fills as it goes. */
struct visit {
	struct enrolment_desk *d;
	const struct coordinator_config *cfg;
	struct exchange *x;
	struct pki_request request;
	struct audit_enrolment record;
	char shown[CERTIFICATE_SERIAL_MAX];
};

static struct visit
visit_of(struct enrolment_desk *d, const struct coordinator_config *cfg, struct exchange *x)
{
	return (struct visit){ .d = d, .cfg = cfg, .x = x, .request = { .key = NULL },
		.record = { .peer = exchange_peer(x), .perspective = "" } };
}

/* ---- refusals ---- */

#define STRANGERS_EACH_S	1
#define KNOWN_EACH_S		10

static void
record_refusal(struct visit *v, int status, const char *why)
{
	bool known = v->record.perspective[0] != '\0';
	struct refusal_lines *lines = known ? &v->d->of_known : &v->d->of_strangers;
	time_t now = time(NULL);

	if (v->d->audit == NULL || !audit_file_ready(v->d->audit))
		return;
	if (lines->second != now)
		*lines = (struct refusal_lines){ .second = now, .others = lines->others };
	if (lines->lines >= (known ? KNOWN_EACH_S : STRANGERS_EACH_S)) {
		lines->others++;
		return;
	}
	v->record.outcome = "refused";
	v->record.status = status;
	v->record.why = why;
	v->record.others = lines->others;
	lines->lines++;
	if (audit_enrolment(v->d->audit, &v->record))
		lines->others = 0;
}

static void
note_refusal(struct visit *v, int status, const char *why)
{
	struct enrolment_desk *d = v->d;
	time_t now = time(NULL);

	metric_add(d->metrics, METRIC_ENROLMENTS, ENROLMENT_REFUSED, 1);
	log_write(now != d->complained_s ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG, "enrolment refused",
	    "perspective", v->record.perspective, "peer", exchange_peer(v->x), "why", why, NULL);
	d->complained_s = now;
	record_refusal(v, status, why);
}

static void
refuse(struct visit *v, int status, const char *why, int64_t retry_s)
{
	note_refusal(v, status, why);
	reception_refuse(v->x, status, why, retry_s);
}

/* RFC 7030 3.2.3. Which half is wrong is nobody's to know. */
static void
refuse_stranger(struct visit *v, const char *why)
{
	const struct header challenge = { "WWW-Authenticate",
		"Basic realm=\"mpic enrolment\", charset=\"UTF-8\"" };
	char body[256];

	note_refusal(v, 401, why);
	snprintf(body, sizeof(body), "{\"detail\":\"%s\"}", why);
	exchange_reply(v->x, 401, NULL, body, strlen(body), &challenge, 1);
}

/* What cannot be recorded is not begun. False: it has been replied to. */
static bool
can_be_recorded(struct visit *v)
{
	char why[512];

	if (v->d->audit == NULL || audit_file_ready(v->d->audit))
		return true;
	snprintf(why, sizeof(why), "nobody enrols while that cannot be recorded: %s",
	    audit_file_fault(v->d->audit));
	refuse(v, 503, why, 1);	/* it is tried again every second */
	return false;
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
token_brought(struct visit *v, struct enrol_token *token)
{
	struct buf text = BUF_INIT(CREDENTIALS_MAX);
	enum token_fault fault = TOKEN_UNKNOWN;
	char *user, *word;
	bool given = basic_parse(exchange_header(v->x, "Authorization"), &text, &user, &word);

	if (given)
		fault = token_look(v->cfg->enrolment.folder, word, user, (int64_t)time(NULL), token);
	if (text.data != NULL)
		explicit_bzero(text.data, text.cap);
	buf_free(&text);
	/* Of one that is nobody's not even the hash is kept. */
	if (given && fault != TOKEN_UNKNOWN && fault != TOKEN_BROKEN)
		v->record.token = token->hash;
	if (given && (fault == TOKEN_OK || fault == TOKEN_EXPIRED))
		v->record.perspective = token->perspective;
	if (given && fault == TOKEN_OK)
		return true;
	if (fault == TOKEN_BROKEN) {
		refuse(v, 503, token_fault_text(fault), 30);
		return false;
	}
	if (given)
		guesses_count(&v->d->guesses, exchange_peer(v->x), monotonic_ns());
	if (fault == TOKEN_EXPIRED)
		refuse(v, 403, "the token has expired", 0);
	else
		refuse_stranger(v, given ? "the token is not good for this perspective" :
		    "expected HTTP Basic: the code of a perspective and its enrolment token");
	return false;
}

/* ---- what ---- */

/* False: it has been replied to. */
static bool
request_brought(struct visit *v)
{
	const char *type = exchange_header(v->x, "Content-Type");
	struct buf why = BUF_INIT(512);
	const char *body;
	size_t len;
	bool ok;

	if (type == NULL || strncasecmp(type, REQUEST_TYPE, strlen(REQUEST_TYPE)) != 0 ||
	    strchr("; \t", type[strlen(REQUEST_TYPE)]) == NULL) {
		refuse(v, 415, "expected Content-Type: application/pkcs10", 0);
		return false;
	}
	body = exchange_body(v->x, &len);
	ok = pki_request_read(&v->request, body, len, &why);
	if (ok)
		v->record.key_sha256 = v->request.key_hash;
	else
		refuse(v, 400, why.data != NULL ? why.data : "out of memory", 0);
	buf_free(&why);
	return ok;
}

/* False: it has been replied to. */
static bool
member_of_fleet(struct visit *v)
{
	if (enrolment_member(&v->cfg->fleet, v->record.perspective) != NULL)
		return true;
	refuse(v, 403, "this coordinator has no perspective of this code in its configuration", 0);
	return false;
}

/* ---- issuing ---- */

/* What anybody may read later of what was issued to whom. False: there is no record. */
static bool
note_issued(struct visit *v, bool first, const struct pki_issued *issued)
{
	const char *how = first ? "a perspective enrolled" : "a perspective renewed its certificate";
	struct audit_enrolment *r = &v->record;
	char ends[LEDGER_TIME_TEXT];

	ledger_time(issued->expires_s, ends);
	r->outcome = first ? "enrolled" : "renewed";
	r->serial = issued->serial;
	r->not_after = ends;
	r->verify_key = v->request.signing_key;
	if (v->d->audit != NULL && !audit_enrolment(v->d->audit, r))
		return false;
	log_notice(how, "perspective", r->perspective, "serial", issued->serial, "not_after", ends,
	    "verify_key", r->verify_key, "token_use", r->token_use != NULL ? r->token_use : "",
	    "peer", r->peer);
	metric_add(v->d->metrics, METRIC_ENROLMENTS, first ? ENROLMENT_ENROLLED : ENROLMENT_RENEWED, 1);
	return true;
}

/* Whether a certificate went out; it has been replied to. */
static bool
issue(struct visit *v, bool first)
{
	const char *code = v->record.perspective;
	struct buf answer = BUF_INIT(ANSWER_MAX), why = BUF_INIT(4608);
	struct pki_issued issued = { .serial = "" };
	bool ok = enrolment_issue(&v->cfg->enrolment, enrolment_member(&v->cfg->fleet, code),
	    &v->request, &issued, &answer, &why);

	if (ok && !note_issued(v, first, &issued)) {
		buf_addf(&why, "it cannot be recorded: %s", audit_file_fault(v->d->audit));
		ok = false;
	}
	if (ok) {
		exchange_reply(v->x, 200, CERTS_ONLY_TYPE, answer.data, answer.len, NULL, 0);
	} else {
		log_error("no certificate can be issued", "perspective", code, "why",
		    why.data != NULL ? why.data : "out of memory");
		refuse(v, 503, "no certificate can be issued: see the coordinator's log", 30);
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
enrol_with(struct visit *v, const struct enrol_token *token)
{
	const char *folder = v->cfg->enrolment.folder;
	char note[LEDGER_TIME_TEXT + ENDPOINT_TEXT_MAX], which[48] = "again, of the same key";
	unsigned use;
	enum token_fault fault;

	note_of(v->x, note, sizeof(note));
	fault = token_take(folder, token, v->request.key_hash, note, &use);
	if (fault == TOKEN_USED_UP) {
		refuse(v, 403, "the token has been used up", 0);
		return;
	}
	if (fault != TOKEN_OK) {
		refuse(v, 503, token_fault_text(fault), 30);
		return;
	}
	if (use != TOKEN_NO_USE)
		snprintf(which, sizeof(which), "%u of %" PRId64, use + 1, token->uses);
	v->record.token_use = which;
	if (!issue(v, true))
		token_give_back(folder, token, use);
}

void
enrolment_enrol(struct enrolment_desk *d, const struct coordinator_config *cfg,
    struct exchange *x)
{
	struct visit v = visit_of(d, cfg, x);
	struct enrol_token token;
	int64_t wait_s;

	if (!served(cfg, x) || !can_be_recorded(&v))
		return;
	if (!guesses_allowed(&d->guesses, exchange_peer(x), monotonic_ns(), &wait_s)) {
		refuse(&v, 429, "too many wrong tokens from this address", wait_s);
		return;
	}
	if (token_brought(&v, &token) && member_of_fleet(&v) && request_brought(&v))
		enrol_with(&v, &token);
	pki_request_free(&v.request);
}

/* ---- with a certificate ---- */

/* The certificate that it showed is on no list. False: it has been replied to. */
static bool
still_good(struct visit *v)
{
	X509 *shown = exchange_certificate(v->x);
	enum enrolment_standing standing = STANDING_UNKNOWN;
	struct buf why = BUF_INIT(8192);

	if (shown != NULL)
		standing = enrolment_standing(&v->cfg->enrolment, shown, &why);
	if (standing == STANDING_REVOKED) {
		refuse(v, 403, "the certificate has been revoked", 0);
	} else if (standing == STANDING_UNKNOWN) {
		log_error("whether a certificate was revoked is not known", "perspective",
		    v->record.perspective, "why", why.data != NULL ? why.data : "out of memory");
		refuse(v, 503, "whether the certificate was revoked is not known: see the "
		    "coordinator's log", 30);
	}
	buf_free(&why);
	return standing == STANDING_GOOD;
}

void
enrolment_renew(struct enrolment_desk *d, const struct coordinator_config *cfg,
    struct exchange *x)
{
	const char *identity = exchange_identity(x);
	struct visit v = visit_of(d, cfg, x);
	int64_t wait_s;

	if (!served(cfg, x) || !can_be_recorded(&v))
		return;
	if (strncmp(identity, PKI_PERSPECTIVE, strlen(PKI_PERSPECTIVE)) != 0) {
		refuse(&v, 403, "a certificate is renewed by whom it is of: expected the client "
		    "certificate of a perspective", 0);
		return;
	}
	v.record.perspective = identity + strlen(PKI_PERSPECTIVE);
	if (exchange_certificate(x) != NULL &&
	    certificate_serial(X509_get0_serialNumber(exchange_certificate(x)), v.shown))
		v.record.shown = v.shown;
	/* Each leaves a line in the folder, which is not to be filled. */
	if (!guesses_allowed(&d->guesses, identity, monotonic_ns(), &wait_s)) {
		refuse(&v, 429, "this perspective has renewed its certificate too often", wait_s);
		return;
	}
	guesses_count(&d->guesses, identity, monotonic_ns());
	if (member_of_fleet(&v) && still_good(&v) && request_brought(&v))
		issue(&v, false);
	pki_request_free(&v.request);
}
