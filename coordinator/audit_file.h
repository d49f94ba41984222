/*
 * One file of the audit log, written by one process: appended to, recovered,
 * rotated.
 *
 * What was written is there for whoever reads the file at once, and survives
 * the process; whether it survives the machine is up to `sync`:
 *   none      the kernel writes it when it likes, some 30 s later
 *   interval  audit_file_tick() has it on the disk: at most what came since is lost
 *   each      every write is on the disk before it counts; the worker waits for it
 *
 * A write that fails leaves the file unwritable until audit_file_tick() could
 * write an "open" line, which says what was torn and how many attempts went
 * unrecorded meanwhile. Nothing written is ever taken back.
 *
 * The file is locked: a second process that would write it finds it unwritable.
 */
#ifndef MPIC_AUDIT_FILE_H
#define MPIC_AUDIT_FILE_H

#include "coordinator/audit_chain.h"

enum audit_sync { AUDIT_SYNC_NONE, AUDIT_SYNC_INTERVAL, AUDIT_SYNC_EACH, AUDIT_SYNC_COUNT };

/* Values of the option audit_sync; ends with NULL. */
extern const char *const audit_sync_names[];

struct audit_file;

/*
 * DIR/audit-NAME-WORKER.jsonl, created if it is not there; SIGXFSZ is ignored
 * from now on. NULL without memory; a file that cannot be written yet is one
 * that audit_file_ready() is false for.
 */
struct audit_file *audit_file_new(const char *dir, const char *name, unsigned worker,
    enum audit_sync sync);
void audit_file_free(struct audit_file *f);

bool audit_file_ready(const struct audit_file *f);
/* Why it is not ready: a sentence without full stop; "" if it is. */
const char *audit_file_fault(const struct audit_file *f);
/* Attempts without their records, since it was made. */
uint64_t audit_file_unrecorded(const struct audit_file *f);
uint64_t audit_file_lines(const struct audit_file *f);

/*
 * Begins the lines of one attempt: more are made with audit_file_line_*().
 * The buffer is for members of the line begun.
 */
struct buf *audit_file_begin(struct audit_file *f);
void audit_file_line_begin(struct audit_file *f, const char *event);
void audit_file_line_end(struct audit_file *f);
/* Writes all lines begun and ended, or counts the attempt as unrecorded: false. */
bool audit_file_commit(struct audit_file *f);

/* Once a second: syncs what is due, and tries an unwritable file again. */
void audit_file_tick(struct audit_file *f);
/* The file may have been moved away: then goes on in a new one. */
void audit_file_reopen(struct audit_file *f);

#endif
