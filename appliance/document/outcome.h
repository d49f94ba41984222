/*
 * What first-boot makes of a good document: the files in /run/mpic that the other
 * units read.
 *
 *   httpcheck.yaml   mpic-httpcheck's configuration; no secret
 *   tls.pem tls.key ca.pem crl.pem   certificates; with enrolment all but ca.pem are
 *                    links to where mpic-enrol puts them
 *   given.pem given.key   what an enrolment without a token begins with
 *   given-crl.pem    the document's lists, which mpic-enrol begins with
 *   signing.key given.key   empty where there is none: systemd hands keys on as credentials
 *   unbound/perspective.conf unbound/root.hints   what conf/unbound.conf includes
 *   ntp.conf         drop-in for systemd-timesyncd
 *   clock.yaml       for mpic-appliance clock
 *   status           what httpcheck says of it in /readyz: see its status_files
 *   resolv.conf      name servers for what is done before Unbound runs
 *   enrolment.yaml enrolment-ca.pem update.yaml log_forward.conf log-ca.pem
 *                    only where the document has these parts
 *   source           where the document came from; written last
 *
 * Keys and the token are for their owner alone.
 */
#ifndef MPIC_APPLIANCE_OUTCOME_H
#define MPIC_APPLIANCE_OUTCOME_H

#include <stdbool.h>
#include <sys/types.h>

#include "appliance/document/document.h"

#define OUTCOME_FOLDER	"/run/mpic"
#define OUTCOME_FILES_MAX	25

struct outcome_file {
	const char *name;	/* below OUTCOME_FOLDER */
	mode_t mode;
	bool link;		/* the text is where it points */
	struct buf text;
};

struct outcome {
	struct outcome_file files[OUTCOME_FILES_MAX];
	size_t count;
};

/* The machine that the document is for. */
struct outcome_machine {
	const char *source;		/* source.h */
	const char *image_id, *image_version;	/* os-release(5); "" unknown */
	unsigned cpus;
	const char *name_servers;	/* addresses with blanks between; "" none are known */
};

/*
 * Completes httpcheck's configuration in `d` and writes all texts. False, with
 * faults, when what the document says cannot be had of this image: a bug, or no memory.
 */
bool outcome_make(struct outcome *o, struct document *d, const struct outcome_machine *m,
    struct buf *faults);
/* NULL if there is no such file. */
const struct outcome_file *outcome_find(const struct outcome *o, const char *name);
/* All or none: the folder has been made by the unit. False, with a sentence. */
bool outcome_write(const struct outcome *o, const char *root, struct buf *why);
void outcome_free(struct outcome *o);

#endif
