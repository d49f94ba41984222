/*
 * Log lines on stderr: one write(2) a line, as text or as a JSON object. Or
 * entries of systemd's journal, which have the fields of a line as fields of
 * their own: trace_id is MPIC_TRACE_ID.
 *
 *   2026-07-01T12:00:00.123456Z notice mpic-httpcheck[71]: listening address="[::1]:8443"
 *
 * Times are RFC 3339 in UTC and never go backwards within a process. Values
 * are escaped, so bytes of a peer cannot forge a line. A value that does not
 * fit into LOG_LINE_MAX is cut to LOG_CUT_MAX bytes and "...", or its field left
 * out, and the line ends with truncated=true. stderr that takes no more bytes
 * loses lines rather than stop the process; the next line says how many were lost.
 * So does a journal that takes none.
 *
 * The only process-wide state is what log_init() sets, plus that count and
 * the last time written. Safe to go on using after fork().
 */
#ifndef MPIC_LOG_H
#define MPIC_LOG_H

#include <limits.h>
#include <stdbool.h>

#define LOG_LINE_MAX	PIPE_BUF	/* so much is written whole by pipe(7): workers share stderr */
#define LOG_CUT_MAX	256
#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `program` must stay valid. Before this: text, notice, program "mpic". */
void log_init(const char *program, enum log_level level, bool json);
/* False when `name` is none of error, warning, notice, info, debug. */
bool log_level_parse(const char *name, enum log_level *level);
/*
 * Lines go to the journal from now on; `path` is its socket, LOG_JOURNAL_SOCKET
 * but in tests, and NULL goes back to stderr. False, with errno, if nothing can
 * be sent there: then lines go to stderr.
 */
bool log_to_journal(const char *path);
bool log_enabled(enum log_level level);
/*
 * `message` is fixed text of ours; then pairs of key and value strings, then
 * NULL. A NULL value cannot be told from the end: pass "" instead.
 */
void log_write(enum log_level level, const char *message, ...)
    __attribute__((sentinel));

#define log_error(...)		log_write(LOG_LEVEL_ERROR, __VA_ARGS__, NULL)
#define log_warning(...)	log_write(LOG_LEVEL_WARNING, __VA_ARGS__, NULL)
#define log_notice(...)		log_write(LOG_LEVEL_NOTICE, __VA_ARGS__, NULL)
#define log_info(...)		log_write(LOG_LEVEL_INFO, __VA_ARGS__, NULL)
#define log_debug(...)		log_write(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL)

#endif
