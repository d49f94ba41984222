/*
 * mpic-appliance: the steps of an appliance's boot that are ours, one subcommand
 * each, in the units of appliance/tree. argv[0] is what follows "mpic-appliance".
 *
 * A step that cannot go on yet says why on standard output, which the unit shows
 * on the console, and to whoever calls the API's port (notice.h), and tries
 * again: it ends when it is done.
 */
#ifndef MPIC_APPLIANCE_H
#define MPIC_APPLIANCE_H

/* Exit statuses of every subcommand, as subcommand.h has them. */
enum { APPLIANCE_DONE = 0, APPLIANCE_FAILED = 1, APPLIANCE_USAGE = 2 };

#define APPLIANCE_PORT		8443	/* of the API, and of notices before it is there */
#define APPLIANCE_RETRY_S	30

/* Makes the operator's document this appliance's configuration. */
int appliance_first_boot(int argc, char **argv);
/* Waits until the time can be relied on. */
int appliance_clock(int argc, char **argv);
/* Waits until this machine serves; a version on trial may fail at that. */
int appliance_ready(int argc, char **argv);
/* Keeps /run/mpic-clock/status. */
int appliance_clock_watch(int argc, char **argv);
/* For operators: checks a document, and prints what one may have. */
int appliance_document(int argc, char **argv);
/* Tells /metrics what the packet filter counts. */
int appliance_firewall_watch(int argc, char **argv);
/* Becomes Unbound. */
int appliance_resolver(int argc, char **argv);
/* Runs all of a perspective in a container, as its PID 1. */
int appliance_container(int argc, char **argv);
/* Runs all of a perspective as a custom runtime of AWS Lambda. */
int appliance_lambda(int argc, char **argv);

#endif
