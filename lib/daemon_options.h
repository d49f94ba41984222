/*
 * The options that every daemon has, once: where and to whom it serves, with
 * which certificate, in how many processes, and how it logs.
 *
 * A daemon's configuration holds a struct daemon_options, its table holds the
 * block of rows, and its check calls daemon_options_check():
 *
 *	struct x_config { struct daemon_options daemon; ... };
 *	static const struct option rows[] = {
 *		DAEMON_OPTIONS(struct x_config, daemon, "127.0.0.1:1", "who it is", "1024", "are refused"),
 *		...
 *		DAEMON_LOG_OPTIONS(struct x_config, daemon, "info has a line for each check"),
 *	};
 */
#ifndef MPIC_DAEMON_OPTIONS_H
#define MPIC_DAEMON_OPTIONS_H

#include "log.h"
#include "option.h"
#include "tls.h"

struct daemon_options {
	struct endpoint listen;
	bool plain;
	char *tls_certificate, *tls_key, *tls_ca, *tls_crl;
	int64_t workers;
	int64_t max_in_flight;
	char *log_level;
	bool log_json;
	char *log_target;
	enum log_level level;	/* log_level, once checked */
};

#define DAEMON_OPTION(container, block, name_, type_, ...) \
	{ .name = #name_, .type = OPTION_##type_, .offset = offsetof(container, block) + \
	    offsetof(struct daemon_options, name_), __VA_ARGS__ }

/*
 * `identity` says whose its certificate must be; `address` and `at_once` are the
 * defaults of listen and max_in_flight; `beyond` is what becomes of more. Whom it
 * serves is the daemon's own row.
 */
#define DAEMON_OPTIONS(container, block, address, identity, at_once, beyond) \
	DAEMON_OPTION(container, block, listen, ENDPOINT, .def = address, \
	    .flags = OPTION_FIXED, \
	    .sentence = "Address and port to serve callers on."), \
	DAEMON_OPTION(container, block, plain, BOOL, .def = "false", \
	    .flags = OPTION_FIXED, \
	    .sentence = "Serve plain HTTP without authentication; on loopback only."), \
	DAEMON_OPTION(container, block, tls_certificate, PATH, \
	    .sentence = "PEM certificate chain; its identity is " identity "."), \
	DAEMON_OPTION(container, block, tls_key, PATH, \
	    .sentence = "PEM key of the certificate."), \
	DAEMON_OPTION(container, block, tls_ca, PATH, \
	    .sentence = "PEM certificates that the other side's must chain to."), \
	DAEMON_OPTION(container, block, tls_crl, PATH, \
	    .sentence = "PEM file with the CRLs of all CAs that vouch for the other side. Who is on " \
	    "one is refused, and everybody once one is overdue. Without it nothing is looked up."), \
	DAEMON_OPTION(container, block, workers, INTEGER, .min = 0, .max = 256, .def = "1", \
	    .flags = OPTION_FIXED, .sentence = "Processes; 0 serves in the one that was started."), \
	DAEMON_OPTION(container, block, max_in_flight, INTEGER, .min = 1, .max = 100000, \
	    .def = at_once, .sentence = "Requests a worker works on at once; more " beyond ".")

#define DAEMON_LOG_OPTIONS(container, block, details) \
	DAEMON_OPTION(container, block, log_level, STRING, .def = "notice", \
	    .sentence = "error, warning, notice, info or debug; " details "."), \
	DAEMON_OPTION(container, block, log_json, BOOL, .def = "false", \
	    .sentence = "Log lines on stderr as JSON objects."), \
	DAEMON_OPTION(container, block, log_target, STRING, .def = "stderr", \
	    .flags = OPTION_FIXED, .sentence = "Where log lines go: stderr, or journal, systemd's, " \
	    "with what is in a line as fields: trace_id is MPIC_TRACE_ID.")

/* The time a request may take, in members deadline_ms and max_deadline_ms of the container. */
#define DAEMON_DEADLINE_OPTIONS(container, most) \
	{ .name = "deadline_ms", .type = OPTION_INTEGER, \
	    .offset = offsetof(container, deadline_ms), .min = 100, .max = most, \
	    .def = "20000", .unit = "ms", .sentence = "Time for a request that does not say, " \
	    "whatever is done for it." }, \
	{ .name = "max_deadline_ms", .type = OPTION_INTEGER, \
	    .offset = offsetof(container, max_deadline_ms), .min = 100, .max = most, \
	    .def = "60000", .unit = "ms", .sentence = "Most time a request may ask for; more " \
	    "is cut to this." }

/*
 * Parses the level and adds one line a fault: what rows cannot say, and files
 * that workers would die of. `needs_tls`: certificates are needed though it
 * serves plain HTTP.
 */
bool daemon_options_check(struct daemon_options *d, bool needs_tls, struct buf *faults);
/* That part of it which needs no file: how it logs. */
bool daemon_options_check_log(struct daemon_options *d, struct buf *faults);
/*
 * Begins the log of `program` by these options. Where the journal cannot be
 * reached the lines go to stderr, the first of them saying so.
 */
void daemon_options_log(const struct daemon_options *d, const char *program);
struct tls_files daemon_options_tls(const struct daemon_options *d);

#endif
