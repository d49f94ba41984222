/*
 * A perspective in a container: the document that an appliance has, and what of
 * its outcome (outcome.h) is different where there is no image around it.
 *
 * Everything is written below /tmp, the one place that has to be writable: the
 * image has /run/mpic and /state as links to there. Unbound has a port that
 * needs no privilege, the host keeps the clock, the orchestrator brings new images
 * and takes the log from stderr.
 */
#ifndef MPIC_APPLIANCE_CONTAINER_H
#define MPIC_APPLIANCE_CONTAINER_H

#include <stdbool.h>

#include "appliance/document/document.h"

#define CONTAINER_FILE		"/run/secrets/mpic.document"
#define CONTAINER_RESOLVER	"127.0.0.1:5300"
#define CONTAINER_PROBES	8444	/* plain: /healthz, /readyz, /metrics */
#define CONTAINER_PLAIN		"127.0.0.1:8443"	/* where a Lambda's httpcheck serves */

/* How both are started; the resolver in its folder. */
extern const char *const container_unbound[], *const container_httpcheck[];
#define CONTAINER_UNBOUND_FOLDER	"/run/mpic/unbound"

struct container {
	const char *file;	/* of the document; NULL: it came in the environment */
	struct buf text;	/* that one */
	bool resolver_alone;	/* nothing but Unbound runs here: no document is needed */
	bool lambda;		/* httpcheck serves this process alone, without TLS */
};

/*
 * Where the document is: `file` if given, $MPIC_DOCUMENT_FILE, $MPIC_DOCUMENT itself
 * (which is then wiped), or CONTAINER_FILE.
 */
void container_find(struct container *c, const char *file);
/* Reads it and writes what the programs read. False, with a line a fault. */
bool container_configure(const struct container *c, struct buf *faults);
void container_free(struct container *c);

/* The parts of a document that a container cannot honour, a line a part. Pure. */
bool container_suits(const struct document *d, struct buf *faults);
/* CPUs that a cgroup's cpu.max lets have of `online`, rounded up. Pure. */
unsigned container_cpus(const char *cpu_max, unsigned online);

#endif
