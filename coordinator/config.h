/*
 * The configuration of mpic-coordinator: what the file says, and what follows
 * from it (the fleet, the secret). Read-only once it is in force; SIGHUP brings
 * another one (coordinator/generation.h).
 */
#ifndef MPIC_COORDINATOR_CONFIG_H
#define MPIC_COORDINATOR_CONFIG_H

#include "coordinator/audit_file.h"
#include "coordinator/caller.h"
#include "coordinator/enrolment.h"
#include "coordinator/fleet.h"
#include "coordinator/policy.h"
#include "coordinator/region.h"
#include "coordinator/suffix.h"
#include "daemon_options.h"

/* Of Debian's package publicsuffix, where libpsl's data is kept up to date. */
#define PUBLIC_SUFFIX_FILE	"/usr/share/publicsuffix/public_suffix_list.dafsa"
#define COHORT_SECRET_MIN	16	/* bytes */
#define COHORT_SECRET_MAX	4096
#define AUDIT_NAME_MAX		64	/* bytes */

struct coordinator_config {
	struct daemon_options daemon;

	int64_t max_waiting, max_waiting_each;
	struct option_maps caller_options;	/* of struct caller_option */
	struct enrolment_option enrolment_option;
	struct option_maps perspectives;	/* of struct perspective_option */
	char *regions_file;
	char *cohort_secret_file;
	char *audit_dir, *audit_name, *audit_sync;
	int64_t connections;
	int64_t eject_after, probe_ms;
	int64_t linger_ms;
	double verify_share;

	char *policy_name, *policy_file;
	char *retired_methods;
	struct option_strings caa_domains;
	struct endpoint resolver;	/* len 0: none */
	char *public_suffix_file;
	char *primary, *dispatch;
	int64_t default_perspective_count;	/* 0: all remotes, six at most */
	int64_t max_attempts;
	int64_t batch_max, batch_at_once;
	int64_t deadline_ms, max_deadline_ms;

	/* Worked out by the table's check, from what the options name. */
	char audit_label[AUDIT_NAME_MAX + 1];	/* audit_name, or the host's */
	enum audit_sync audit_sync_mode;
	struct policy policy;
	struct suffixes suffixes;
	bool refuse_retired;
	bool primary_first;
	char distance_rule[128];	/* who asks for the fleet's min_km */
	struct callers callers;
	struct enrolment enrolment;
	struct regions regions;
	struct fleet fleet;
	char secret[COHORT_SECRET_MAX];
	size_t secret_len;
};

extern const struct option_table coordinator_options;

/*
 * Reads the policy, the regions and the fleet that the options name, under the
 * rules of this time; option_command_line() does, for now. False, with the faults.
 */
bool coordinator_config_fleet(struct coordinator_config *cfg, int64_t at_s,
    struct buf *faults);

/* What it holds, not itself. */
void coordinator_config_free(struct coordinator_config *cfg);

#endif
