#include "coordinator/config.h"

#include "coordinator/config_parts.h"

#define ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct caller_option, member), __VA_ARGS__ }

const struct option caller_option_rows[CALLER_OPTION_ROWS] = {
	ROW("name", STRING, name, .min = 1, .max = CALLER_NAME_MAX,
	    .flags = OPTION_REQUIRED, .sentence = "What it is called in audit and log lines, "
	    "metrics and refusals."),
	ROW("identity", STRINGS, identities, .max = 16, .flags = OPTION_OR_ONE,
	    .sentence = "Identities in its certificates: the URI of a subjectAltName that begins "
	    "with urn:mpic:."),
	ROW("token_sha256", STRINGS, token_sha256, .max = 16,
	    .flags = OPTION_OR_ONE | OPTION_SECRET, .sentence = "SHA-256, in hexadecimal, of the "
	    "random bearer tokens it may show instead of a certificate; mpic token makes one of "
	    "each. Two overlap while one is replaced."),
	ROW("check_types", STRINGS, check_types, .max = 3, .flags = OPTION_OR_ONE,
	    .sentence = "What it may ask for: caa, dcv, dcv_with_caa; default: everything."),
	ROW("rate", REAL, rate, .min = 0, .max = 1000000, .def = "0", .unit = "requests a second",
	    .sentence = "How often it may ask, over all workers; more is answered with 429. 0 is "
	    "no limit."),
	ROW("burst", INTEGER, burst, .min = 0, .max = 1000000, .def = "0",
	    .sentence = "How many requests may come at once within rate; 0 is those of a second."),
	ROW("concurrency", INTEGER, concurrency, .min = 0, .max = 1000000, .def = "0",
	    .sentence = "How many of its requests all workers hold at once, waiting ones among "
	    "them; more are answered with 429. 0 is no limit."),
};

/* Where nobody can be told from anybody else, only this machine may ask. */
static void
check_anonymous(const struct coordinator_config *cfg, struct buf *faults)
{
	if (!endpoint_loopback(&cfg->daemon.listen))
		buf_adds(faults, "callers: without one configured anybody may ask, so listen must be "
		    "a loopback address; name a caller, with its identity or token_sha256\n");
}

bool
coordinator_config_callers(struct coordinator_config *cfg, struct buf *faults)
{
	size_t before = faults->len;

	if (!callers_init(&cfg->callers, &cfg->caller_options, faults))
		return false;
	if (cfg->callers.count == 0)
		check_anonymous(cfg, faults);
	else if (cfg->daemon.plain && cfg->callers.token_count == 0)
		buf_adds(faults, "callers: plain HTTP has no certificates, so a caller needs a "
		    "token_sha256; without any caller everybody on this machine may ask\n");
	return faults->len == before;
}
