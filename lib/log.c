#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "log_journal.h"

static struct {
	const char *program;
	enum log_level level;
	bool json;
	bool journal;
	int64_t last_us;	/* time of the line before */
	unsigned long lost;	/* lines were not taken */
} state = { .program = "mpic", .level = LOG_LEVEL_NOTICE };

static const char *const level_names[] = {
	"error", "warning", "notice", "info", "debug",
};

void
log_init(const char *program, enum log_level level, bool json)
{
	state.program = program;
	state.level = level;
	state.json = json;
}

bool
log_level_parse(const char *name, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool
log_to_journal(const char *path)
{
	state.journal = path != NULL && log_journal_open(path);
	if (path == NULL)
		log_journal_close();
	return state.journal || path == NULL;
}

bool
log_enabled(enum log_level level)
{
	return level <= state.level;
}

/* The wall clock, held at the last time given when it was set back. */
static void
log_time(char *text, size_t size)
{
	struct timespec now;
	struct tm tm;
	int64_t us;
	time_t s;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (us < state.last_us)
		us = state.last_us;
	state.last_us = us;
	s = (time_t)(us / 1000000);
	gmtime_r(&s, &tm);
	n = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, size - n, ".%06dZ", (int)(us % 1000000));
}

/* Values that need no quotes in a text line: nothing that ends or forges a field. */
static bool
plain_value(const char *value)
{
	if (*value == '\0')
		return false;
	for (; *value != '\0'; value++)
		if (*value <= ' ' || *value >= 0x7f || *value == '"' ||
		    *value == '\\' || *value == '=')
			return false;
	return true;
}

static void
line_start(struct buf *line, enum log_level level, const char *message)
{
	char when[64];

	log_time(when, sizeof(when));
	if (!state.json) {
		buf_addf(line, "%s %s %s[%ld]: ", when, level_names[level],
		    state.program, (long)getpid());
		buf_adds(line, message);
		return;
	}
	buf_addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\","
	    "\"pid\":%ld,\"message\":", when, level_names[level], state.program,
	    (long)getpid());
	buf_add_json(line, message, strlen(message));
}

static void
line_field(struct buf *line, const char *key, const char *value)
{
	if (state.json && !state.journal) {
		buf_addc(line, ',');
		buf_add_json(line, key, strlen(key));
		buf_addc(line, ':');
		buf_add_json(line, value, strlen(value));
		return;
	}
	buf_addc(line, ' ');
	buf_adds(line, key);
	buf_addc(line, '=');
	if (plain_value(value))
		buf_adds(line, value);
	else
		buf_add_json(line, value, strlen(value));
}

/* False, with the line as it was, if the field does not fit. */
static bool
line_field_fits(struct buf *line, const char *key, const char *value)
{
	size_t whole = line->len;

	line_field(line, key, value);
	if (!line->failed)
		return true;
	line->failed = false;
	line->len = whole;
	return false;
}

static void
line_field_cut(struct buf *line, const char *key, const char *value)
{
	char cut[LOG_CUT_MAX + sizeof("...")];

	snprintf(cut, sizeof(cut), "%.*s...", LOG_CUT_MAX, value);
	(void)line_field_fits(line, key, cut);
}

/*
 * One write, so that lines of several workers do not mix. A partial one counts
 * as taken: what a reader missed is visible as a broken line.
 */
static void
line_write(struct buf *line)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	buf_addc(line, '\n');
	if (!line->failed && poll(&ready, 1, 0) == 1 && write(STDERR_FILENO,
	    line->data, line->len) > 0)
		return;
	state.lost++;
}

/* ---- the journal ---- */

/* syslog(3)'s numbers. */
static const char *const priorities[] = { "3", "4", "5", "6", "7" };

/* A line as a person reads it is the message; what it consists of stands beside it. */
static void
journal_write(enum log_level level, const char *message, va_list ap)
{
	struct buf text = BUF_INIT(LOG_LINE_MAX), entry = BUF_INIT(LOG_ENTRY_MAX);
	const char *key, *value;

	log_journal_own(&entry, "PRIORITY", priorities[level]);
	log_journal_own(&entry, "SYSLOG_IDENTIFIER", state.program);
	buf_adds(&text, message);
	while ((key = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (!line_field_fits(&text, key, value != NULL ? value : ""))
			line_field_cut(&text, key, value != NULL ? value : "");
		log_journal_field(&entry, key, value != NULL ? value : "");
		if (value == NULL)
			break;
	}
	log_journal_own(&entry, "MESSAGE", text.data != NULL ? text.data : message);
	if (!log_journal_send(&entry))
		state.lost++;
	buf_free(&text);
	buf_free(&entry);
}

static void
journal_log(enum log_level level, const char *message, ...)
{
	va_list ap;

	va_start(ap, message);
	journal_write(level, message, ap);
	va_end(ap);
}

static void
journal_report_lost(void)
{
	unsigned long lost = state.lost;
	char count[32];

	state.lost = 0;
	snprintf(count, sizeof(count), "%lu", lost);
	journal_log(LOG_LEVEL_WARNING, "log lines lost", "count", count, NULL);
	if (state.lost > 0)
		state.lost = lost;
}

/* ---- stderr ---- */

static void
report_lost(void)
{
	struct buf line = BUF_INIT(LOG_LINE_MAX);
	unsigned long lost = state.lost;
	char count[32];

	snprintf(count, sizeof(count), "%lu", lost);
	line_start(&line, LOG_LEVEL_WARNING, "log lines lost");
	line_field(&line, "count", count);
	if (state.json)
		buf_addc(&line, '}');
	line_write(&line);
	if (state.lost == lost)
		state.lost = 0;
	else
		state.lost = lost;
	buf_free(&line);
}

void
log_write(enum log_level level, const char *message, ...)
{
	/* Room is left for the mark of a cut line and its end. */
	struct buf line = BUF_INIT(LOG_LINE_MAX - 64);
	const char *key, *value;
	bool cut = false;
	va_list ap;

	if (!log_enabled(level))
		return;
	if (state.journal) {
		if (state.lost > 0)
			journal_report_lost();
		va_start(ap, message);
		journal_write(level, message, ap);
		va_end(ap);
		return;
	}
	if (state.lost > 0)
		report_lost();
	line_start(&line, level, message);
	va_start(ap, message);
	while ((key = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (!line_field_fits(&line, key, value != NULL ? value : "")) {
			line_field_cut(&line, key, value != NULL ? value : "");
			cut = true;
		}
		if (value == NULL)
			break;
	}
	va_end(ap);
	line.max = LOG_LINE_MAX;
	if (cut)
		line_field(&line, "truncated", "true");
	if (state.json)
		buf_addc(&line, '}');
	line_write(&line);
	buf_free(&line);
}
