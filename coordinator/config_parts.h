/*
 * The parts of coordinator/config.c, which tells what each is for: the options
 * of a perspective, and what follows from the options of one matter.
 */
#ifndef MPIC_COORDINATOR_CONFIG_PARTS_H
#define MPIC_COORDINATOR_CONFIG_PARTS_H

#include "coordinator/config.h"

/* A perspective as configured. What is missing comes from the region catalogue. */
struct perspective_option {
	char *code, *url, *rir, *verify_key;
	char *protocol, *headers_file, *ca, *host;
	struct option_strings urls, headers;
	bool show_certificate;
	double latitude, longitude;	/* NaN: not given */
	bool private_root;
	struct option_strings too_close_codes;
};

/* A caller as configured: see coordinator/caller.h. */
struct caller_option {
	char *name;
	struct option_strings identities, token_sha256, check_types;
	double rate;
	int64_t burst, concurrency;
};

#define CALLER_OPTION_ROWS	7
extern const struct option caller_option_rows[CALLER_OPTION_ROWS];

#define ENROLMENT_OPTION_ROWS	4
extern const struct option enrolment_option_rows[ENROLMENT_OPTION_ROWS];

#define PERSPECTIVE_OPTION_ROWS	15
extern const struct option perspective_option_rows[PERSPECTIVE_OPTION_ROWS];

/* False, with a sentence a fault. */
bool coordinator_config_policy(struct coordinator_config *cfg, struct buf *faults);
bool coordinator_config_adn(struct coordinator_config *cfg, struct buf *faults);
bool coordinator_config_audit(struct coordinator_config *cfg, struct buf *faults);
bool coordinator_config_callers(struct coordinator_config *cfg, struct buf *faults);
/* After daemon_options_check(). */
bool coordinator_config_enrolment(struct coordinator_config *cfg, struct buf *faults);

#endif
