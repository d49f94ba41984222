/*
 * Inside the log: entries for systemd's journal, in its native protocol, one
 * datagram an entry. (libsystemd would do it too: lib/notify.h says why not.)
 */
#ifndef MPIC_LOG_JOURNAL_H
#define MPIC_LOG_JOURNAL_H

#include <stdbool.h>

#include "buf.h"

/* Nobody has to read it in one piece, and the socket takes more at once. */
#define LOG_ENTRY_MAX	65536

/* Sends entries to this socket from now on. False, with errno, if nothing can be sent there. */
bool log_journal_open(const char *path);
void log_journal_close(void);
/*
 * A field of an entry: the journal's own name, or one of ours, which becomes
 * MPIC_ and capitals. One that has no room is left out.
 */
void log_journal_own(struct buf *entry, const char *name, const char *value);
void log_journal_field(struct buf *entry, const char *key, const char *value);
/* False: it was not taken. Never waits. */
bool log_journal_send(const struct buf *entry);

#endif
