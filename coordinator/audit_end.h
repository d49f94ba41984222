/* Where a chain of the audit log left off: the end of its file, or of the file before. */
#ifndef MPIC_AUDIT_END_H
#define MPIC_AUDIT_END_H

#include "coordinator/audit_chain.h"

/* How the file behind `fd` ends. False, with the reason, if that cannot be told. */
bool audit_end_read(struct audit_tail *t, int fd, struct audit_digest *d, const char **reason);

/*
 * For a file without a whole line, which may have been moved away before the
 * process that wrote it ended: puts the end of the youngest file that is called
 * as `path` and something more into `t`. One that is no audit log, as when it
 * is compressed, leaves `t` as it is.
 */
void audit_end_rotated(struct audit_tail *t, const char *path, struct audit_digest *d);

#endif
