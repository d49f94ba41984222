/*
 * The configuration of mpic-httpcheck, read-only once the workers run.
 */
#ifndef MPIC_HTTPCHECK_CONFIG_H
#define MPIC_HTTPCHECK_CONFIG_H

#include "log.h"
#include "option.h"

struct httpcheck_config {
	char *code;
	struct endpoint listen;
	bool plain;
	char *tls_certificate, *tls_key, *tls_ca;
	struct option_strings callers;
	int64_t workers;
	int64_t max_in_flight;

	struct endpoint resolver;
	int64_t resolver_connections;

	int64_t deadline_ms, max_deadline_ms;
	struct option_strings caa_domains;

	char *log_level;
	bool log_json;
	enum log_level level;	/* log_level, parsed */
};

extern const struct option_table httpcheck_options;

#endif
