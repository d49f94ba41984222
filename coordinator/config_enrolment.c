#include "coordinator/config.h"

#include "coordinator/config_parts.h"

#define ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct enrolment_option, member), __VA_ARGS__ }

const struct option enrolment_option_rows[ENROLMENT_OPTION_ROWS] = {
	ROW("ca", PATH, ca, .flags = OPTION_REQUIRED, .sentence = "PEM certificate of the CA that "
	    "issues them: below one of tls_ca, as mpic pki intermediate makes it."),
	ROW("key", PATH, key, .flags = OPTION_REQUIRED, .sentence = "PEM key of that CA."),
	ROW("folder", PATH, folder, .flags = OPTION_REQUIRED, .sentence = "The CA's folder, with the "
	    "tokens that mpic pki token makes; what is issued is noted there. Replicas share it."),
	ROW("days", INTEGER, days, .min = 1, .max = 3650, .def = "45", .unit = "days",
	    .sentence = "How long a certificate lasts. It is renewed when a third is left."),
};

bool
coordinator_config_enrolment(struct coordinator_config *cfg, struct buf *faults)
{
	const struct tls_files tls = daemon_options_tls(&cfg->daemon);
	struct buf why = BUF_INIT(8192);
	bool ok;

	if (cfg->enrolment_option.set && (cfg->daemon.plain || tls.ca == NULL)) {
		buf_adds(faults, "enrolment: not with plain: tokens would go in the clear, and nobody "
		    "could show a certificate\n");
		return false;
	}
	ok = enrolment_init(&cfg->enrolment, &cfg->enrolment_option, &tls, &why);
	if (!ok)
		buf_addf(faults, "enrolment: %s\n", why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
	return ok;
}
