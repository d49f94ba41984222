#include "coordinator/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/call_headers.h"
#include "coordinator/cohort.h"
#include "coordinator/config_parts.h"
#include "coordinator/rules.h"
#include "tls.h"

#define ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct perspective_option, member), __VA_ARGS__ }

const struct option perspective_option_rows[PERSPECTIVE_OPTION_ROWS] = {
	ROW("code", STRING, code, .min = 1, .max = CHECK_CODE_MAX,
	    .flags = OPTION_REQUIRED, .sentence = "Its name in results; its certificate "
	    "carries urn:mpic:perspective: and this code."),
	ROW("url", STRING, url, .min = 1, .max = 512,
	    .sentence = "Where it is called, without /caa; "
	    "http: only on loopback, whatever plain says."),
	ROW("urls", STRINGS, urls, .max = ENDPOINTS_MAX, .sentence = "Its endpoints, in the place "
	    "of url, when there are several: alike, with certificates of the one code. Calls are "
	    "spread over those that work."),
	ROW("rir", STRING, rir, .max = 16, .sentence = "The RIR in whose "
	    "service region it is; default: from the region catalogue by code."),
	ROW("latitude", REAL, latitude, .min = -90, .max = 90,
	    .unit = "degrees", .sentence = "Where it is, north positive; default: from the "
	    "region catalogue."),
	ROW("longitude", REAL, longitude, .min = -180, .max = 180,
	    .unit = "degrees", .sentence = "Where it is, east positive; with latitude or not "
	    "at all."),
	ROW("too_close_codes", STRINGS, too_close_codes, .max = FLEET_MAX,
	    .sentence = "Perspectives that never share a cohort with it."),
	ROW("verify_key", STRING, verify_key, .min = 1, .max = 4096,
	    .sentence = "Its public Ed25519 key: PEM, the base64 within, or a file with PEM; or "
	    "enrolled, for the key that its certificate names. Results that it did not sign are "
	    "then discarded. Required of one of ours with ca or headers, where it is no enrolled "
	    "and each result is verified."),
	ROW("protocol", STRING, protocol, .max = 16, .sentence = "What it speaks: parallax, the "
	    "default, or open-mpic for a checker of that project, whose results are unsigned "
	    "and not bound to their request."),
	ROW("headers", STRINGS, headers, .max = CALL_HEADERS_MAX, .sentence = "Header fields of "
	    "each call to it, as \"Name: value\", for a gateway in front of it; not for secrets."),
	ROW("headers_file", PATH, headers_file, .sentence = "A file with more of them, one a line, "
	    "such as \"X-API-Key: ...\"; it is read at start and on SIGHUP, and never "
	    "printed."),
	ROW("ca", PATH, ca, .sentence = "The roots that its server's certificate must chain to, "
	    "in the place of tls_ca: of a gateway, or of another make. It is then known by its host "
	    "name instead of its code, and this coordinator shows it no certificate."),
	ROW("host", STRING, host, .max = 253, .sentence = "The host name or address that its "
	    "server's certificate must be for, with ca; default: that of url."),
	ROW("private_root", BOOL, private_root, .def = "false", .sentence = "Take results of it "
	    "that say that its DNS has another root than IANA's: for test networks alone."),
	ROW("show_certificate", BOOL, show_certificate, .def = "false", .sentence = "With ca: this "
	    "coordinator shows its own certificate none the less, to a gateway that wants one."),
};

/* "http://127.0.0.1:8000": plain only where nobody can listen in. */
static bool
url_allowed(const char *code, const char *url, struct buf *faults)
{
	char authority[ENDPOINT_TEXT_MAX];
	struct endpoint e;
	size_t len;

	if (strncmp(url, "https://", 8) == 0)
		return true;
	if (strncmp(url, "http://", 7) == 0) {
		len = strcspn(url + 7, "/");
		snprintf(authority, sizeof(authority), "%.*s", (int)len, url + 7);
		if (len < sizeof(authority) && endpoint_parse(&e, authority) &&
		    endpoint_loopback(&e))
			return true;
	}
	buf_addf(faults, "perspectives: %s: url: expected https://HOST:PORT, or "
	    "http://ADDRESS:PORT with a loopback address, found %s\n", code, url);
	return false;
}

static bool
urls_allowed(const struct perspective *p, struct buf *faults)
{
	bool ok = true;

	for (size_t i = 0; i < perspective_endpoints(p); i++)
		ok = url_allowed(p->code, perspective_url(p, i), faults) && ok;
	return ok;
}

static bool
take_urls(struct perspective *p, const struct perspective_option *o, struct buf *faults)
{
	if ((o->url != NULL) == (o->urls.count > 0)) {
		buf_addf(faults, "perspectives: %s: expected either url or urls\n", o->code);
		return false;
	}
	p->private_root = o->private_root;
	p->url = o->url;
	p->urls = o->urls.items;
	p->url_count = o->urls.count;
	return urls_allowed(p, faults);
}

/* From the configuration, else from the catalogue; fleet_check() names who has none. */
static bool
place_find(struct perspective *p, const struct perspective_option *o,
    const struct region *region, struct buf *faults)
{
	bool latitude = !isnan(o->latitude), longitude = !isnan(o->longitude);

	if (latitude != longitude) {
		buf_addf(faults, "perspectives: %s: %s without %s: give both or neither\n",
		    o->code, latitude ? "latitude" : "longitude",
		    latitude ? "longitude" : "latitude");
		p->placed = true;	/* somewhere: said once is enough */
		p->latitude = p->longitude = NAN;
		return false;
	}
	if (!latitude && region == NULL)
		return true;
	p->placed = true;
	p->latitude = latitude ? o->latitude : region->latitude;
	p->longitude = latitude ? o->longitude : region->longitude;
	return true;
}

static bool
read_verify_key(struct perspective *p, const struct perspective_option *o, struct buf *faults)
{
	struct buf why = BUF_INIT(4608);

	if (o->verify_key == NULL)
		return true;
	p->verify_enrolled = strcmp(o->verify_key, "enrolled") == 0;
	if (p->verify_enrolled)
		return true;
	p->verify_key = jws_key_read_public(o->verify_key, &why);
	if (p->verify_key == NULL)
		buf_addf(faults, "perspectives: %s: verify_key: %s\n", o->code,
		    why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
	return p->verify_key != NULL;
}

/* ---- perspectives behind a gateway, or of another make ---- */

static bool
read_headers(struct perspective *p, const struct perspective_option *o, struct buf *faults)
{
	struct buf why = BUF_INIT(8192);
	const char *wrong;
	bool ok;

	if (o->headers.count == 0 && o->headers_file == NULL)
		return true;
	p->headers = call_headers_new();
	for (size_t i = 0; p->headers != NULL && i < o->headers.count && why.len == 0; i++) {
		wrong = call_headers_add(p->headers, o->headers.items[i],
		    strlen(o->headers.items[i]), true);
		if (wrong != NULL)
			buf_addf(&why, "headers: %zu: %s\n", i + 1, wrong);
	}
	if (p->headers != NULL && o->headers_file != NULL && why.len == 0)
		call_headers_read(p->headers, o->headers_file, &why);
	ok = p->headers != NULL && why.len == 0;
	if (!ok)
		buf_addf(faults, "perspectives: %s: %s", o->code,
		    why.data != NULL ? why.data : "out of memory\n");
	buf_free(&why);
	return ok;
}

/* What would mean nothing, or less than it seems to. */
static const char *
misplaced(const struct perspective *p, const struct perspective_option *o)
{
	if (p->protocol == PROTOCOL_OPEN_MPIC && o->verify_key != NULL)
		return "verify_key: a perspective of protocol open-mpic signs nothing";
	if (p->gateway && o->verify_key == NULL)
		return "verify_key: is required with ca, headers or headers_file: the connection ends "
		    "at a gateway, and only signatures tell what the perspective itself said";
	if (p->gateway && p->verify_enrolled)
		return "verify_key: expected the key itself, not enrolled: with ca, headers or "
		    "headers_file the certificate that is seen is a gateway's, not the perspective's";
	for (size_t i = 0; p->verify_enrolled && i < perspective_endpoints(p); i++)
		if (strncmp(perspective_url(p, i), "https://", 8) != 0)
			return "verify_key: enrolled is a key in a certificate: only with https://";
	if (o->host != NULL && o->ca == NULL)
		return "host: only together with ca";
	if (o->show_certificate && o->ca == NULL)
		return "show_certificate: only together with ca: all others are shown it";
	for (size_t i = 0; o->ca != NULL && i < perspective_endpoints(p); i++)
		if (strncmp(perspective_url(p, i), "https://", 8) != 0)
			return "ca: only with a url that begins with https://";
	return NULL;
}

/* Before it is in force: each worker reads it for itself. */
static bool
ca_usable(const struct perspective_option *o, struct buf *faults)
{
	struct buf why = BUF_INIT(4608);
	struct tls_client *client;

	if (o->ca == NULL)
		return true;
	client = tls_client_new_anonymous(o->ca, &why);
	if (client == NULL)
		buf_addf(faults, "perspectives: %s: ca: %s\n", o->code,
		    why.data != NULL ? why.data : "out of memory");
	tls_client_free(client);
	buf_free(&why);
	return client != NULL;
}

static bool
read_protocol(struct perspective *p, const struct perspective_option *o, struct buf *faults)
{
	const char *name = o->protocol != NULL ? o->protocol : perspective_protocol_names[0];
	const char *wrong;
	int i = 0;

	while (perspective_protocol_names[i] != NULL &&
	    strcmp(perspective_protocol_names[i], name) != 0)
		i++;
	if (perspective_protocol_names[i] == NULL) {
		buf_addf(faults, "perspectives: %s: protocol: expected parallax or open-mpic, "
		    "found \"%s\"\n", o->code, name);
		return false;
	}
	p->protocol = (enum perspective_protocol)i;
	p->ca = o->ca;
	p->host = o->host;
	p->show_certificate = o->show_certificate;
	p->gateway = p->protocol == PROTOCOL_PARALLAX &&
	    (o->ca != NULL || o->headers.count > 0 || o->headers_file != NULL);
	wrong = misplaced(p, o);
	if (wrong != NULL)
		buf_addf(faults, "perspectives: %s: %s\n", o->code, wrong);
	return wrong == NULL && ca_usable(o, faults) && read_headers(p, o, faults);
}

static bool
prepare_perspective(struct coordinator_config *cfg, const struct perspective_option *o,
    struct perspective *p, struct buf *faults)
{
	const struct region *region = regions_find(&cfg->regions, o->code);
	const char *rir = o->rir != NULL ? o->rir : region != NULL ? region->rir : NULL;
	bool ok;

	*p = (struct perspective){ .code = o->code,
		.too_close_codes = o->too_close_codes.items,
		.too_close_count = o->too_close_codes.count };
	ok = take_urls(p, o, faults);
	ok = place_find(p, o, region, faults) && ok;
	ok = read_verify_key(p, o, faults) && ok;
	ok = read_protocol(p, o, faults) && ok;
	if (rir != NULL && (p->rir = rir_parse(rir)) == RIR_NONE) {
		buf_addf(faults, "perspectives: %s: rir: expected ARIN, RIPE NCC, APNIC, LACNIC "
		    "or AFRINIC, found %s\n", o->code, rir);
		return false;
	}
	return ok;
}

/* From the policy; it stays the same until the start after. */
static void
prepare_distance(struct coordinator_config *cfg, int64_t at_s)
{
	const struct rules rules = policy_at(&cfg->policy, at_s);
	const struct policy_row *row = rules_row(&rules, RULE_DISTANCE_KM);
	struct buf source = BUF_INIT(sizeof(cfg->distance_rule));

	if (row == NULL)
		return;
	policy_row_source(&cfg->policy, row, &source);
	snprintf(cfg->distance_rule, sizeof(cfg->distance_rule), "%s",
	    source.data != NULL ? source.data : "");
	buf_free(&source);
	cfg->fleet.min_km = (double)row->value;
	cfg->fleet.min_km_rule = cfg->distance_rule;
}

static bool
prepare_primary(struct coordinator_config *cfg, struct buf *faults)
{
	struct perspective *m = cfg->fleet.members;
	size_t i = 0;

	if (cfg->primary == NULL)
		return true;
	while (i < cfg->fleet.count && strcmp(m[i].code, cfg->primary) != 0)
		i++;
	if (i == cfg->fleet.count) {
		buf_addf(faults, "primary: expected the code of one of perspectives, found \"%s\"\n",
		    cfg->primary);
		return false;
	}
	m[i].primary = true;
	/* BR 3.2.2.8: its lookups are validated, and its word is what others are held against. */
	if (m[i].protocol == PROTOCOL_OPEN_MPIC) {
		buf_addf(faults, "primary: %s speaks open-mpic, whose results tell nothing of DNSSEC "
		    "and are bound to no request; expected one of protocol parallax\n",
		    cfg->primary);
		return false;
	}
	if (fleet_remotes(&cfg->fleet) >= COHORT_MIN)
		return true;
	buf_addf(faults, "primary: beside %s there are %zu perspectives, and a cohort has at least "
	    "%d\n", cfg->primary, fleet_remotes(&cfg->fleet), COHORT_MIN);
	return false;
}

static bool
prepare_fleet(struct coordinator_config *cfg, struct buf *faults)
{
	const struct perspective_option *o = cfg->perspectives.items;
	bool ok = true;

	cfg->fleet.count = cfg->perspectives.count;
	for (size_t i = 0; i < cfg->perspectives.count; i++)
		ok = prepare_perspective(cfg, &o[i], &cfg->fleet.members[i], faults) && ok;
	ok = prepare_primary(cfg, faults) && ok;
	fleet_arrange(&cfg->fleet);
	return fleet_check(&cfg->fleet, faults) && ok;
}

bool
coordinator_config_fleet(struct coordinator_config *cfg, int64_t at_s, struct buf *faults)
{
	bool ok = regions_load(&cfg->regions, cfg->regions_file != NULL ?
	    cfg->regions_file : "", faults);

	ok = coordinator_config_policy(cfg, faults) && ok;
	if (!ok)
		return false;
	prepare_distance(cfg, at_s);
	return prepare_fleet(cfg, faults);
}
