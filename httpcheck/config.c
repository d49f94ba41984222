#include "httpcheck/config.h"

#include <stddef.h>

#include "check.h"
#include "tls.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct httpcheck_config, member), __VA_ARGS__ }

static const struct option rows[] = {
	ROW("code", STRING, code, .min = 1, .max = CHECK_CODE_MAX, .flags = OPTION_REQUIRED,
	    .sentence = "The perspective's own code, as the coordinator knows it; its "
	    "certificate carries urn:mpic:perspective: and this code."),
	ROW("listen", ENDPOINT, listen, .def = "127.0.0.1:8443",
	    .sentence = "Address and port to serve coordinators on."),
	ROW("plain", BOOL, plain, .def = "false",
	    .sentence = "Serve plain HTTP without authentication; on loopback only."),
	ROW("tls_certificate", PATH, tls_certificate, .sentence = "PEM certificate chain."),
	ROW("tls_key", PATH, tls_key, .sentence = "PEM key of the certificate."),
	ROW("tls_ca", PATH, tls_ca,
	    .sentence = "PEM certificates that a coordinator's must chain to."),
	ROW("callers", STRINGS, callers, .min = 1, .max = 256,
	    .def = "[\"urn:mpic:coordinator\"]",
	    .sentence = "Identities in certificates that may ask for checks."),
	ROW("workers", INTEGER, workers, .min = 0, .max = 256, .def = "1",
	    .sentence = "Processes; 0 serves in the one that was started."),
	ROW("max_in_flight", INTEGER, max_in_flight, .min = 1, .max = 100000, .def = "2048",
	    .sentence = "Checks a worker does at once; more are answered with 503."),

	ROW("resolver", ENDPOINT, resolver, .def = "127.0.0.1:53",
	    .sentence = "Where this perspective's Unbound with mpic.so listens."),
	ROW("resolver_connections", INTEGER, resolver_connections, .min = 1, .max = 64, .def = "8",
	    .sentence = "Most TCP connections a worker keeps to it."),

	ROW("deadline_ms", INTEGER, deadline_ms, .min = 100, .max = CHECK_DEADLINE_MAX_MS,
	    .def = "20000", .unit = "ms", .sentence = "Time for a check that does not say."),
	ROW("max_deadline_ms", INTEGER, max_deadline_ms, .min = 100, .max = CHECK_DEADLINE_MAX_MS,
	    .def = "60000", .unit = "ms",
	    .sentence = "Most time a check may ask for; more is cut to this."),
	ROW("caa_domains", STRINGS, caa_domains, .max = JSON_LIST_MAX,
	    .sentence = "The CA's own issuer domain names, for checks that name none."),

	ROW("log_level", STRING, log_level, .def = "notice",
	    .sentence = "error, warning, notice, info (a line for each check) or debug."),
	ROW("log_json", BOOL, log_json, .def = "false", .sentence = "Log lines as JSON objects."),
};

/* Found out now, not by workers that die of it one after another. */
static void
check_tls(const struct httpcheck_config *cfg, struct buf *faults)
{
	const struct tls_files files = { cfg->tls_certificate, cfg->tls_key, cfg->tls_ca };
	struct buf why = BUF_INIT(512);

	if (files.certificate == NULL || files.key == NULL || files.ca == NULL)
		buf_adds(faults,
		    "tls_certificate, tls_key and tls_ca: all three are needed unless plain is set\n");
	else if (!tls_files_usable(&files, &why))
		buf_addf(faults, "tls_certificate, tls_key and tls_ca: %s\n",
		    why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
}

/* What the rows cannot say by themselves. */
static bool
check_config(void *config, struct buf *faults)
{
	struct httpcheck_config *cfg = config;
	size_t before = faults->len;

	if (!log_level_parse(cfg->log_level, &cfg->level))
		buf_addf(faults, "log_level: expected error, warning, notice, info or debug, not \"%s\"\n",
		    cfg->log_level);
	if (cfg->deadline_ms > cfg->max_deadline_ms)
		buf_addf(faults, "deadline_ms: %lld is more than max_deadline_ms, %lld\n",
		    (long long)cfg->deadline_ms, (long long)cfg->max_deadline_ms);
	if (cfg->plain && !endpoint_loopback(&cfg->listen))
		buf_adds(faults, "plain: serves without authentication, so listen must be a loopback address\n");
	if (!cfg->plain)
		check_tls(cfg, faults);
	if (!endpoint_loopback(&cfg->resolver))
		buf_adds(faults, "resolver: answers are not authenticated, so it must be a loopback address\n");
	return faults->len == before;
}

const struct option_table httpcheck_options = {
	.program = "mpic-httpcheck",
	.file = SYSCONFDIR "/httpcheck.yaml",
	.sentence = "Checks domains as one perspective of Multi-Perspective Issuance Corroboration.",
	.rows = rows,
	.count = COUNT(rows),
	.check = check_config,
};
