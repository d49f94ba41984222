#include "coordinator/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/balance.h"
#include "coordinator/call_headers.h"
#include "coordinator/cohort.h"
#include "coordinator/config_parts.h"

#define DEFAULT_PERSPECTIVES	6
#define COUNT(array)		(sizeof(array) / sizeof((array)[0]))

#define ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct coordinator_config, member), __VA_ARGS__ }

static const struct option rows[] = {
	DAEMON_OPTIONS(struct coordinator_config, daemon, "127.0.0.1:8400",
	    "urn:mpic:coordinator, towards callers and perspectives both", "1024",
	    "wait for their turn"),
	ROW("max_waiting", INTEGER, max_waiting, .min = 0, .max = 100000, .def = "1024",
	    .sentence = "Requests a worker has wait for their turn, callers taking turns; more are "
	    "answered with 503."),
	ROW("max_waiting_each", INTEGER, max_waiting_each, .min = 0, .max = 100000, .def = "256",
	    .sentence = "How many of those that wait may be one caller's."),
	ROW("callers", MAPS, caller_options, .max = CALLERS_MAX, .rows = caller_option_rows,
	    .row_count = CALLER_OPTION_ROWS, .size = sizeof(struct caller_option),
	    .sentence = "Who may ask for checks. Without any, everybody who can connect, and "
	    "listen must be a loopback address."),
	ROW("enrolment", MAP, enrolment_option, .rows = enrolment_option_rows,
	    .row_count = ENROLMENT_OPTION_ROWS, .size = sizeof(struct enrolment_option),
	    .sentence = "With what perspectives are issued certificates for keys of their own, over "
	    "EST (RFC 7030). Without it nobody can enrol."),

	ROW("perspectives", MAPS, perspectives, .min = COHORT_MIN,
	    .max = FLEET_MAX, .flags = OPTION_REQUIRED, .rows = perspective_option_rows,
	    .row_count = PERSPECTIVE_OPTION_ROWS, .size = sizeof(struct perspective_option),
	    .sentence = "The perspectives that can be asked."),
	ROW("primary", STRING, primary, .min = 1, .max = CHECK_CODE_MAX, .sentence = "The code of "
	    "the perspective that determines: a check is valid only if it passes there, and the "
	    "others, its remotes, corroborate what it saw. Without one all are remotes."),
	ROW("dispatch", STRING, dispatch, .def = "parallel",
	    .sentence = "When remotes are asked: parallel, together with the primary, or "
	    "primary-first, once it passed every check, with the time that is left."),
	ROW("regions_file", PATH, regions_file,
	    .def = PKGDATADIR "/regions.yaml", .sentence = "The region catalogue."),
	ROW("cohort_secret_file", PATH, cohort_secret_file,
	    .flags = OPTION_REQUIRED, .sentence = "A secret of at least 16 bytes, the same on "
	    "every replica, that decides which perspectives look at a target."),
	ROW("connections", INTEGER, connections, .min = 1, .max = 4096,
	    .def = "64", .sentence = "Connections a worker may have to a perspective that "
	    "speaks HTTP/1.1 only, which is how many checks it has it do at once; more wait. "
	    "Over HTTP/2 4,000 checks share four."),
	ROW("eject_after", INTEGER, eject_after, .min = 1, .max = 1000, .def = "3",
	    .sentence = "Failures in a row after which an endpoint of a perspective gets no calls "
	    "while it has others that work."),
	ROW("probe_ms", INTEGER, probe_ms, .min = 100, .max = BALANCE_PROBE_MAX_MS, .def = "2000",
	    .unit = "ms", .sentence = "How long after that GET /readyz is tried there; then after "
	    "twice as long each time, up to a minute. The first success ends it."),
	ROW("linger_ms", INTEGER, linger_ms, .min = 0, .max = 60000,
	    .def = "500", .unit = "ms", .sentence = "How long to wait for the other "
	    "perspectives once the verdict is certain; what has not come by then is cancelled, "
	    "neither pass nor fail."),

	ROW("audit_dir", PATH, audit_dir, .flags = OPTION_FIXED, .sentence = "The directory of the "
	    "audit log, one file a worker; a request whose records cannot be written there is "
	    "answered with 503. Without it attempts leave lines on stderr only."),
	ROW("audit_name", STRING, audit_name, .min = 1, .max = AUDIT_NAME_MAX, .flags = OPTION_FIXED,
	    .sentence = "What replicas are told apart by in the names of audit files: letters, "
	    "digits, '.', '_', '-'; default: the name of the host."),
	ROW("audit_sync", STRING, audit_sync, .def = "interval", .flags = OPTION_FIXED,
	    .sentence = "What of the audit log survives the machine: none (what the kernel has "
	    "written), interval (all but the last second), each (all; every attempt waits for "
	    "the disk). All of it survives the process, whichever."),

	ROW("verify_share", REAL, verify_share, .min = 0, .max = 1,
	    .def = "0.05", .sentence = "Share of results, chosen at random, whose signature is "
	    "verified; of the others it only has to be there and to name verify_key."),

	ROW("policy", STRING, policy_name, .min = 1, .max = 64,
	    .def = "cabf-tls", .sentence = "The rules in force, by the name of an installed "
	    "file: cabf-tls, cabf-smime or open-mpic."),
	ROW("policy_file", PATH, policy_file,
	    .sentence = "A file of rules in the place of the installed one."),
	ROW("retired_methods", STRING, retired_methods, .def = "warn",
	    .sentence = "What becomes of a request whose method the rules have retired: warn, "
	    "the answer says so, or refuse."),
	ROW("caa_domains", STRINGS, caa_domains, .max = JSON_LIST_MAX,
	    .sentence = "The CA's own issuer domain names, for requests that "
	    "name none; without any, such a request is refused."),
	ROW("resolver", ENDPOINT, resolver,
	    .sentence = "Where an Unbound with mpic.so of this coordinator's own listens, on "
	    "loopback: it is asked for the CNAME records of applied_for. Without it a request "
	    "that needs one is refused."),
	ROW("public_suffix_file", PATH, public_suffix_file, .def = PUBLIC_SUFFIX_FILE,
	    .sentence = "The public suffix list by which labels are pruned, as text or compiled; "
	    "where the default, of the package publicsuffix, is not there, the list that libpsl "
	    "was built with."),
	ROW("default_perspective_count", INTEGER,
	    default_perspective_count, .min = 0, .max = FLEET_MAX, .def = "0", .sentence =
	    "Perspectives, but for the primary, for a request that does not say, never fewer than the policy demands; "
	    "0 is all, six at most."),
	ROW("max_attempts", INTEGER, max_attempts, .min = 1, .max = 16,
	    .def = "3", .sentence = "Most attempts a request may have."),
	ROW("batch_max", INTEGER, batch_max, .min = 1, .max = 10000, .def = "1000",
	    .sentence = "Most requests in one batch (POST /mpic/batch)."),
	ROW("batch_at_once", INTEGER, batch_at_once, .min = 1, .max = 1000, .def = "16",
	    .sentence = "Requests of one batch that run at once; the others wait."),
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

/* ---- the policy ---- */

bool
coordinator_config_policy(struct coordinator_config *cfg, struct buf *faults)
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

/* ---- the rest ---- */

static bool
called_over_tls(const struct perspective *p)
{
	for (size_t i = 0; i < perspective_endpoints(p); i++)
		if (strncmp(perspective_url(p, i), "https:", 6) == 0)
			return true;
	return false;
}

/* And shown our certificate. */
static bool
calls_over_tls(const struct coordinator_config *cfg)
{
	const struct perspective *p = cfg->fleet.members;

	for (size_t i = 0; i < cfg->fleet.count; i++)
		if ((p[i].ca == NULL || p[i].show_certificate) && called_over_tls(&p[i]))
			return true;
	return false;
}

static void
check_dispatch(struct coordinator_config *cfg, struct buf *faults)
{
	const char *dispatch = cfg->dispatch != NULL ? cfg->dispatch : "";

	cfg->primary_first = strcmp(dispatch, "primary-first") == 0;
	if (!cfg->primary_first && strcmp(dispatch, "parallel") != 0)
		buf_addf(faults, "dispatch: expected parallel or primary-first, found \"%s\"\n",
		    dispatch);
	if (cfg->primary_first && cfg->primary == NULL)
		buf_adds(faults, "dispatch: primary-first needs a primary\n");
}

static bool
check_rest(struct coordinator_config *cfg, struct buf *faults)
{
	const char *retired = cfg->retired_methods != NULL ? cfg->retired_methods : "";
	bool ok = daemon_options_check(&cfg->daemon, calls_over_tls(cfg), faults);
	size_t before = faults->len, remotes = fleet_remotes(&cfg->fleet);

	cfg->refuse_retired = strcmp(retired, "refuse") == 0;
	if (!cfg->refuse_retired && strcmp(retired, "warn") != 0)
		buf_addf(faults, "retired_methods: expected warn or refuse, found \"%s\"\n",
		    retired);
	if (cfg->deadline_ms > cfg->max_deadline_ms)
		buf_adds(faults, "deadline_ms: expected at most max_deadline_ms\n");
	check_dispatch(cfg, faults);
	if (cfg->default_perspective_count == 1 ||
	    cfg->default_perspective_count > (int64_t)remotes)
		buf_addf(faults, "default_perspective_count: expected 0 or 2 to %zu, the "
		    "number of %s\n", remotes, cfg->primary != NULL ? "remotes" : "perspectives");
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
	ok = coordinator_config_audit(cfg, faults) && ok;
	ok = coordinator_config_adn(cfg, faults) && ok;
	ok = coordinator_config_callers(cfg, faults) && ok;
	ok = check_rest(cfg, faults) && ok;
	ok = ok && coordinator_config_enrolment(cfg, faults);
	if (ok && cfg->default_perspective_count == 0)
		cfg->default_perspective_count = fleet_remotes(&cfg->fleet) < DEFAULT_PERSPECTIVES ?
		    (int64_t)fleet_remotes(&cfg->fleet) : DEFAULT_PERSPECTIVES;
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
	for (size_t i = 0; i < cfg->fleet.count; i++) {
		jws_key_free(cfg->fleet.members[i].verify_key);
		call_headers_free(cfg->fleet.members[i].headers);
	}
	callers_free(&cfg->callers);
	enrolment_free(&cfg->enrolment);
	regions_free(&cfg->regions);
	policy_free(&cfg->policy);
	suffixes_free(&cfg->suffixes);
	option_free(&coordinator_options, cfg);
	explicit_bzero(cfg->secret, sizeof(cfg->secret));
}
