/* Test helper: audit logs in a directory of their own, read back and verified. */
#ifndef MPIC_TEST_AUDIT_READER_H
#define MPIC_TEST_AUDIT_READER_H

#include "coordinator/audit_verify.h"

struct audit_log {
	char dir[64], path[96];	/* the file of coordinator "c", worker 0 */
};

void audit_log_init(struct audit_log *log);
void audit_log_remove(struct audit_log *log);
/* Adds the file's bytes. */
void audit_log_read(const char *path, struct buf *text);
void audit_log_write(const char *path, const char *text, size_t len);
/*
 * Verifies texts one after another, as files; `why` may be NULL. AUDIT_GOOD
 * fills `v`, of which only facts may be read.
 */
enum audit_blame audit_log_verify(const struct buf *texts, size_t count, const char *from,
    struct audit_verifier *v, struct buf *why);

#endif
