/*
 * The configuration of mpic-httpcheck, read-only once the workers run.
 */
#ifndef MPIC_HTTPCHECK_CONFIG_H
#define MPIC_HTTPCHECK_CONFIG_H

#include "daemon_options.h"

struct httpcheck_config {
	char *code;
	struct daemon_options daemon;
	struct option_strings callers;
	struct endpoint ready_listen;
	struct option_strings status_files;

	struct endpoint resolver;
	int64_t resolver_connections;

	int64_t deadline_ms, max_deadline_ms;
	struct option_strings caa_domains;
	char *user_agent;
	char *fetcher_user;	/* NULL: none was named */
	char *fetcher_socket;	/* NULL: each worker starts its fetcher itself */
	char *signing_key;	/* NULL: results are not signed */
	char *image_version;
	bool private_root;
};

extern const struct option_table httpcheck_options;

/*
 * Of the checks of a whole configuration those that need no file, for a program
 * that writes one: a line a fault. True without any.
 */
bool httpcheck_check_values(const struct httpcheck_config *cfg, struct buf *faults);

#endif
