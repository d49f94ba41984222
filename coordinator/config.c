#include "coordinator/config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include "coordinator/cohort.h"
#include "coordinator/rules.h"

#define DEFAULT_PERSPECTIVES	6
#define COUNT(array)		(sizeof(array) / sizeof((array)[0]))

/* A perspective as configured. What is missing comes from the region catalogue. */
struct perspective_option {
	char *code, *url, *rir, *verify_key;
	double latitude, longitude;	/* NaN: not given */
	struct option_strings too_close_codes;
};

#define ROW(name_, type_, container, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct container, member), __VA_ARGS__ }

static const struct option perspective_rows[] = {
	ROW("code", STRING, perspective_option, code, .min = 1, .max = CHECK_CODE_MAX,
	    .flags = OPTION_REQUIRED, .sentence = "Its name in results; its certificate "
	    "carries urn:mpic:perspective: and this code."),
	ROW("url", STRING, perspective_option, url, .min = 1, .max = 512,
	    .flags = OPTION_REQUIRED, .sentence = "Where it is called, without /caa; "
	    "http: only on loopback, whatever plain says."),
	ROW("rir", STRING, perspective_option, rir, .max = 16, .sentence = "The RIR in whose "
	    "service region it is; default: from the region catalogue by code."),
	ROW("latitude", REAL, perspective_option, latitude, .min = -90, .max = 90,
	    .unit = "degrees", .sentence = "Where it is, north positive; default: from the "
	    "region catalogue."),
	ROW("longitude", REAL, perspective_option, longitude, .min = -180, .max = 180,
	    .unit = "degrees", .sentence = "Where it is, east positive; with latitude or not "
	    "at all."),
	ROW("too_close_codes", STRINGS, perspective_option, too_close_codes, .max = FLEET_MAX,
	    .sentence = "Perspectives that never share a cohort with it."),
	ROW("verify_key", STRING, perspective_option, verify_key, .min = 1, .max = 4096,
	    .sentence = "Its public Ed25519 key: PEM, the base64 within, or a file with PEM. "
	    "Results that it did not sign are then discarded."),
};

static const struct option rows[] = {
	DAEMON_OPTIONS(struct coordinator_config, daemon, "127.0.0.1:8400",
	    "urn:mpic:coordinator, towards callers and perspectives both", NULL, "1024"),

	ROW("perspectives", MAPS, coordinator_config, perspectives, .min = COHORT_MIN,
	    .max = FLEET_MAX, .flags = OPTION_REQUIRED, .rows = perspective_rows,
	    .row_count = COUNT(perspective_rows), .size = sizeof(struct perspective_option),
	    .sentence = "The perspectives that can be asked."),
	ROW("regions_file", PATH, coordinator_config, regions_file,
	    .def = PKGDATADIR "/regions.yaml", .sentence = "The region catalogue."),
	ROW("cohort_secret_file", PATH, coordinator_config, cohort_secret_file,
	    .flags = OPTION_REQUIRED, .sentence = "A secret of at least 16 bytes, the same on "
	    "every replica, that decides which perspectives look at a target."),
	ROW("connections", INTEGER, coordinator_config, connections, .min = 1, .max = 4096,
	    .def = "64", .sentence = "Connections a worker may have to a perspective that "
	    "speaks HTTP/1.1 only, which is how many checks it has it do at once; more wait. "
	    "Over HTTP/2 4,000 checks share four."),
	ROW("linger_ms", INTEGER, coordinator_config, linger_ms, .min = 0, .max = 60000,
	    .def = "500", .unit = "ms", .sentence = "How long to wait for the other "
	    "perspectives once the verdict is certain."),

	ROW("audit_dir", PATH, coordinator_config, audit_dir, .sentence = "The directory of the "
	    "audit log, one file a worker; a request whose records cannot be written there is "
	    "answered with 503. Without it attempts leave lines on stderr only."),
	ROW("audit_name", STRING, coordinator_config, audit_name, .min = 1, .max = 64,
	    .sentence = "What replicas are told apart by in the names of audit files: letters, "
	    "digits, '.', '_', '-'; default: the name of the host."),
	ROW("audit_sync", STRING, coordinator_config, audit_sync, .def = "interval",
	    .sentence = "What of the audit log survives the machine: none (what the kernel has "
	    "written), interval (all but the last second), each (all; every attempt waits for "
	    "the disk). All of it survives the process, whichever."),

	ROW("verify_share", REAL, coordinator_config, verify_share, .min = 0, .max = 1,
	    .def = "0.05", .sentence = "Share of results, chosen at random, whose signature is "
	    "verified; of the others it only has to be there and to name verify_key."),

	ROW("policy", STRING, coordinator_config, policy_name, .min = 1, .max = 64,
	    .def = "cabf-tls", .sentence = "The rules in force, by the name of an installed "
	    "file: cabf-tls, cabf-smime or open-mpic."),
	ROW("policy_file", PATH, coordinator_config, policy_file,
	    .sentence = "A file of rules in the place of the installed one."),
	ROW("retired_methods", STRING, coordinator_config, retired_methods, .def = "warn",
	    .sentence = "What becomes of a request whose method the rules have retired: warn, "
	    "the answer says so, or refuse."),
	ROW("caa_domains", STRINGS, coordinator_config, caa_domains, .max = JSON_LIST_MAX,
	    .sentence = "The CA's own issuer domain names, for requests that "
	    "name none; without any, such a request is refused."),
	ROW("default_perspective_count", INTEGER, coordinator_config,
	    default_perspective_count, .min = 0, .max = FLEET_MAX, .def = "0", .sentence =
	    "Perspectives for a request that does not say, never fewer than the policy demands; "
	    "0 is all, six at most."),
	ROW("max_attempts", INTEGER, coordinator_config, max_attempts, .min = 1, .max = 16,
	    .def = "3", .sentence = "Most attempts a request may have."),
	DAEMON_DEADLINE_OPTIONS(struct coordinator_config, CHECK_DEADLINE_MAX_MS),

	DAEMON_LOG_OPTIONS(struct coordinator_config, daemon,
	    "notice has the records of attempts"),
};

/* ---- the secret ---- */

static bool
read_secret(struct coordinator_config *cfg, struct buf *faults)
{
	const char *path = cfg->cohort_secret_file;
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		buf_addf(faults, "cohort_secret_file: %s: %s\n", path, strerror(errno));
		return false;
	}
	cfg->secret_len = fread(cfg->secret, 1, sizeof(cfg->secret), file);
	fclose(file);
	/* An editor's line end is no part of it. */
	while (cfg->secret_len > 0 && isspace((unsigned char)cfg->secret[cfg->secret_len - 1]))
		cfg->secret_len--;
	if (cfg->secret_len >= COHORT_SECRET_MIN)
		return true;
	buf_addf(faults, "cohort_secret_file: %s holds %zu bytes, expected at least %d\n", path,
	    cfg->secret_len, COHORT_SECRET_MIN);
	return false;
}

/* ---- the fleet ---- */

/* "http://127.0.0.1:8000": plain only where nobody can listen in. */
static bool
url_allowed(const struct perspective_option *o, struct buf *faults)
{
	char authority[ENDPOINT_TEXT_MAX];
	struct endpoint e;
	size_t len;

	if (strncmp(o->url, "https://", 8) == 0)
		return true;
	if (strncmp(o->url, "http://", 7) == 0) {
		len = strcspn(o->url + 7, "/");
		snprintf(authority, sizeof(authority), "%.*s", (int)len, o->url + 7);
		if (len < sizeof(authority) && endpoint_parse(&e, authority) &&
		    endpoint_loopback(&e))
			return true;
	}
	buf_addf(faults, "perspectives: %s: url: expected https://HOST:PORT, or "
	    "http://ADDRESS:PORT with a loopback address, found %s\n", o->code, o->url);
	return false;
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
	p->verify_key = jws_key_read_public(o->verify_key, &why);
	if (p->verify_key == NULL)
		buf_addf(faults, "perspectives: %s: verify_key: %s\n", o->code,
		    why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
	return p->verify_key != NULL;
}

static bool
prepare_perspective(struct coordinator_config *cfg, const struct perspective_option *o,
    struct perspective *p, struct buf *faults)
{
	const struct region *region = regions_find(&cfg->regions, o->code);
	const char *rir = o->rir != NULL ? o->rir : region != NULL ? region->rir : NULL;
	bool ok;

	*p = (struct perspective){ .code = o->code, .url = o->url,
		.too_close_codes = o->too_close_codes.items,
		.too_close_count = o->too_close_codes.count };
	ok = place_find(p, o, region, faults);
	ok = read_verify_key(p, o, faults) && ok;
	if (rir != NULL && (p->rir = rir_parse(rir)) == RIR_NONE) {
		buf_addf(faults, "perspectives: %s: rir: expected ARIN, RIPE NCC, APNIC, LACNIC "
		    "or AFRINIC, found %s\n", o->code, rir);
		return false;
	}
	return url_allowed(o, faults) && ok;
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
prepare_fleet(struct coordinator_config *cfg, struct buf *faults)
{
	const struct perspective_option *o = cfg->perspectives.items;
	bool ok = true;

	cfg->fleet.count = cfg->perspectives.count;
	for (size_t i = 0; i < cfg->perspectives.count; i++)
		ok = prepare_perspective(cfg, &o[i], &cfg->fleet.members[i], faults) && ok;
	fleet_arrange(&cfg->fleet);
	return fleet_check(&cfg->fleet, faults) && ok;
}

/* ---- the audit log ---- */

#define AUDIT_NAME_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* The host's name, for whoever gives none. */
static bool
audit_default_name(struct coordinator_config *cfg)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
		strcpy(host, "coordinator");
	for (char *at = host; *(at += strspn(at, AUDIT_NAME_CHARACTERS)) != '\0';)
		*at = '-';
	cfg->audit_name = strdup(host);
	return cfg->audit_name != NULL;
}

static bool
check_audit(struct coordinator_config *cfg, struct buf *faults)
{
	size_t before = faults->len;
	struct stat st;
	int sync = 0;

	while (audit_sync_names[sync] != NULL && strcmp(audit_sync_names[sync],
	    cfg->audit_sync != NULL ? cfg->audit_sync : "") != 0)
		sync++;
	cfg->audit_sync_mode = (enum audit_sync)sync;
	if (sync == AUDIT_SYNC_COUNT)
		buf_addf(faults, "audit_sync: expected none, interval or each, found \"%s\"\n",
		    cfg->audit_sync != NULL ? cfg->audit_sync : "");
	if (cfg->audit_name == NULL && !audit_default_name(cfg))
		buf_adds(faults, "audit_name: out of memory\n");
	else if (cfg->audit_name[strspn(cfg->audit_name, AUDIT_NAME_CHARACTERS)] != '\0')
		buf_adds(faults, "audit_name: expected letters, digits, '.', '_' and '-'\n");
	if (cfg->audit_dir == NULL)
		return faults->len == before;
	if (stat(cfg->audit_dir, &st) != 0 || (S_ISDIR(st.st_mode) ?
	    access(cfg->audit_dir, R_OK | W_OK | X_OK) : (errno = ENOTDIR)) != 0)
		buf_addf(faults, "audit_dir: %s: %s\n", cfg->audit_dir, strerror(errno));
	return faults->len == before;
}

/* ---- the policy ---- */

static bool
read_policy(struct coordinator_config *cfg, struct buf *faults)
{
	const char *name = cfg->policy_name != NULL ? cfg->policy_name : "";
	char path[sizeof(PKGDATADIR) + 96];

	if (cfg->policy_file != NULL)
		return policy_load(&cfg->policy, cfg->policy_file, faults);
	if (name[0] == '\0' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name)) {
		buf_addf(faults, "policy: expected a name such as cabf-tls, found \"%s\"; "
		    "policy_file takes a path\n", name);
		return false;
	}
	snprintf(path, sizeof(path), "%s/policy/%s.yaml", PKGDATADIR, name);
	return policy_load(&cfg->policy, path, faults);
}

bool
coordinator_config_fleet(struct coordinator_config *cfg, int64_t at_s, struct buf *faults)
{
	bool ok = regions_load(&cfg->regions, cfg->regions_file != NULL ?
	    cfg->regions_file : "", faults);

	ok = read_policy(cfg, faults) && ok;
	if (!ok)
		return false;
	prepare_distance(cfg, at_s);
	return prepare_fleet(cfg, faults);
}

/* ---- the rest ---- */

static bool
calls_over_tls(const struct coordinator_config *cfg)
{
	for (size_t i = 0; i < cfg->fleet.count; i++)
		if (strncmp(cfg->fleet.members[i].url, "https:", 6) == 0)
			return true;
	return false;
}

static bool
check_rest(struct coordinator_config *cfg, struct buf *faults)
{
	const char *retired = cfg->retired_methods != NULL ? cfg->retired_methods : "";
	bool ok = daemon_options_check(&cfg->daemon, calls_over_tls(cfg), faults);
	size_t before = faults->len;

	cfg->refuse_retired = strcmp(retired, "refuse") == 0;
	if (!cfg->refuse_retired && strcmp(retired, "warn") != 0)
		buf_addf(faults, "retired_methods: expected warn or refuse, found \"%s\"\n",
		    retired);
	if (cfg->deadline_ms > cfg->max_deadline_ms)
		buf_adds(faults, "deadline_ms: expected at most max_deadline_ms\n");
	if (cfg->default_perspective_count == 1 ||
	    cfg->default_perspective_count > (int64_t)cfg->perspectives.count)
		buf_addf(faults, "default_perspective_count: expected 0 or 2 to %zu, the "
		    "number of perspectives\n", cfg->perspectives.count);
	return faults->len == before && ok;
}

/* Whether a request that does not say how many can have its perspectives: no matter which. */
static bool
usual_cohort(const struct coordinator_config *cfg, struct buf *faults)
{
	static const char name[] = "example.com";
	size_t size = (size_t)cfg->default_perspective_count;
	struct cohorts cohorts;
	struct target target;
	enum cohort_fault fault = COHORT_OK;

	if (target_parse(&target, name, sizeof(name) - 1, NULL))
		fault = cohorts_build(&cohorts, &cfg->fleet, size, cfg->secret,
		    cfg->secret_len, &target);
	if (fault != COHORT_OK)
		buf_addf(faults, "default_perspective_count: no cohort of %zu can be had: %s\n",
		    size, cohort_fault_text(fault));
	return fault == COHORT_OK;
}

/* Reads what the options name, and checks what their rows cannot say by themselves. */
static bool
check_config(void *config, struct buf *faults)
{
	struct coordinator_config *cfg = config;
	bool ok = coordinator_config_fleet(cfg, time(NULL), faults);

	ok = read_secret(cfg, faults) && ok;
	ok = check_audit(cfg, faults) && ok;
	ok = check_rest(cfg, faults) && ok;
	if (ok && cfg->default_perspective_count == 0)
		cfg->default_perspective_count = cfg->fleet.count < DEFAULT_PERSPECTIVES ?
		    (int64_t)cfg->fleet.count : DEFAULT_PERSPECTIVES;
	return ok && usual_cohort(cfg, faults);
}

const struct option_table coordinator_options = {
	.program = "mpic-coordinator",
	.file = SYSCONFDIR "/coordinator.yaml",
	.sentence = "Asks perspectives to check a domain and says whether they corroborate.",
	.rows = rows,
	.count = COUNT(rows),
	.check = check_config,
};

void
coordinator_config_free(struct coordinator_config *cfg)
{
	for (size_t i = 0; i < cfg->fleet.count; i++)
		jws_key_free(cfg->fleet.members[i].verify_key);
	regions_free(&cfg->regions);
	policy_free(&cfg->policy);
	option_free(&coordinator_options, cfg);
	explicit_bzero(cfg->secret, sizeof(cfg->secret));
}
