/* Test helper: an audit file in a log's directory, written to and verified. */
#ifndef MPIC_TEST_AUDIT_WRITER_H
#define MPIC_TEST_AUDIT_WRITER_H

#include "audit_reader.h"
#include "coordinator/audit_file.h"

/* Of coordinator "c", worker 0; it is what log->path names. */
struct audit_file *audit_log_start(const struct audit_log *log);
/* Lines as long as those of an attempt, committed at once. */
bool audit_log_put(struct audit_file *f, size_t lines);
/* audit_log_verify() of these files, four at most, and of the log's own. */
enum audit_blame audit_log_verify_paths(const char *const *paths, size_t count,
    struct audit_verifier *v);
enum audit_blame audit_log_verify_file(const struct audit_log *log, struct audit_verifier *v);

#endif
