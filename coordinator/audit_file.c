#include <config.h>

#include "coordinator/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>

#include "coordinator/audit_end.h"
#include "json_writer.h"
#include "log.h"

#define LINES_MAX	((size_t)8 * 1024 * 1024)	/* of one attempt */
#define LINES_KEPT	((size_t)64 * 1024)		/* memory kept between attempts */
#define LINES_LEAST	((size_t)8 * 1024)		/* and had from the beginning */

struct audit_file {
	char *dir, *name, *path;
	unsigned worker;
	enum audit_sync sync;
	int fd;			/* -1: not open */
	bool ready, dirty;
	char fault[512];
	struct audit_digest *digest;
	struct audit_link last;	/* in the file */
	struct audit_link making;	/* in `lines` */
	struct buf lines;
	size_t line_at;		/* where the line begun begins */
	bool making_failed;
	char time[40];
	uint64_t made, line_count;
	uint64_t unrecorded, untold;	/* all; and those that no line tells of */
};

const char *const audit_sync_names[] = { "none", "interval", "each", NULL };

/* ---- faults ---- */

static bool
fault(struct audit_file *f, const char *what, const char *reason)
{
	char text[sizeof(f->fault)];

	snprintf(text, sizeof(text), "%s: %s: %s", what, f->path, reason);
	if (f->ready || strcmp(text, f->fault) != 0)
		log_error("the audit log cannot be written: no request is served",
		    "why", text);
	memcpy(f->fault, text, sizeof(text));
	f->ready = false;
	return false;
}

/* ---- lines ---- */

static void
set_time(struct audit_file *f)
{
	struct timespec now;
	struct tm tm;
	time_t s;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	s = now.tv_sec;
	gmtime_r(&s, &tm);
	n = strftime(f->time, sizeof(f->time), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(f->time + n, sizeof(f->time) - n, ".%06ldZ", now.tv_nsec / 1000);
}

struct buf *
audit_file_begin(struct audit_file *f)
{
	buf_reset(&f->lines);
	set_time(f);
	f->making = f->last;
	f->making_failed = false;
	f->made = 0;
	return &f->lines;
}

void
audit_file_line_begin(struct audit_file *f, const char *event)
{
	f->line_at = f->lines.len;
	audit_line_begin(&f->lines, &f->making, f->time, event);
}

void
audit_file_line_end(struct audit_file *f)
{
	if (!audit_line_end(&f->lines, f->line_at, f->digest, &f->making))
		f->making_failed = true;
	f->made++;
}

/* An error leaves what was written so far: the next "open" line tells of it. */
static bool
write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* Puts the lines made into `fd`. */
static bool
put_lines(struct audit_file *f, int fd)
{
	if (f->making_failed || f->lines.failed)
		return fault(f, "cannot make lines for", "out of memory");
	if (!write_all(fd, f->lines.data, f->lines.len))
		return fault(f, "cannot write", strerror(errno));
	if (f->sync == AUDIT_SYNC_EACH && fdatasync(fd) != 0)
		return fault(f, "cannot write to the disk", strerror(errno));
	f->last = f->making;
	f->line_count += f->made;
	f->dirty = f->sync == AUDIT_SYNC_INTERVAL;
	return true;
}

bool
audit_file_commit(struct audit_file *f)
{
	bool done = f->ready && put_lines(f, f->fd);

	if (f->lines.cap > LINES_KEPT)
		buf_free(&f->lines);
	if (!done) {
		f->unrecorded++;
		f->untold++;
	}
	return done;
}

/* ---- opening ---- */

/* The line with which a file, a process or a recovery begins, after what was torn. */
static bool
put_open(struct audit_file *f, int fd, const struct audit_tail *t, const char *reason)
{
	struct buf *out = audit_file_begin(f);

	if (!t->line_end)
		buf_addc(out, '\n');
	audit_file_line_begin(f, "open");
	json_add_string(out, ",\"reason\":", reason);
	json_add_string(out, ",\"coordinator\":", f->name);
	json_add_int(out, ",\"worker\":", f->worker);
	json_add_int(out, ",\"pid\":", getpid());
	json_add_string(out, ",\"version\":", PACKAGE_VERSION);
	if (t->torn > 0) {
		json_add_int(out, ",\"torn_bytes\":", (int64_t)t->torn);
		json_add_string(out, ",\"torn_sha256\":", t->torn_hash);
	}
	if (f->untold > 0)
		json_add_int(out, ",\"unrecorded\":", (int64_t)f->untold);
	audit_file_line_end(f);
	if (!put_lines(f, fd))
		return false;
	if (t->torn > 0)
		log_warning("the audit log had a torn line, which stays and is told of",
		    "file", f->path);
	log_notice("the audit log goes on", "file", f->path, "reason", reason, "hash",
	    f->last.hash);
	f->untold = 0;
	return true;
}

/* A descriptor that only this process writes with; -1 with the reason. */
static int
open_locked(const struct audit_file *f, const char **reason)
{
	int fd = open(f->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0) {
		*reason = strerror(errno);
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		*reason = errno == EWOULDBLOCK ? "another process writes it" : strerror(errno);
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The entry of a new file in its directory. */
static void
sync_dir(const struct audit_file *f)
{
	int fd = f->sync != AUDIT_SYNC_NONE ? open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		if (fsync(fd) != 0)
			log_warning("cannot write a directory to the disk", "directory", f->dir);
		close(fd);
	}
}

/* Whether the path still leads to the file that is open. */
static bool
in_place(const struct audit_file *f)
{
	struct stat here, open_one;

	return stat(f->path, &here) == 0 && fstat(f->fd, &open_one) == 0 &&
	    here.st_dev == open_one.st_dev && here.st_ino == open_one.st_ino;
}

/* An empty file at the path; -1, having said why. */
static int
open_new(const struct audit_file *f)
{
	const char *reason = "it is not empty";
	int fd = open_locked(f, &reason);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0) {
		sync_dir(f);
		return fd;
	}
	log_error("the audit log goes on in the file it had: the new one cannot be used",
	    "file", f->path, "why", reason);
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * The file that is open, or opened now, and how it ends. One that was moved
 * away is left for a new one if that can be had.
 */
static bool
settle(struct audit_file *f, struct audit_tail *tail)
{
	const char *why_not;
	int fd;

	if (f->fd >= 0 && f->last.seq == 0 && !in_place(f)) {
		close(f->fd);		/* it has nothing of ours */
		f->fd = -1;
	}
	if (f->fd < 0) {
		f->fd = open_locked(f, &why_not);
		if (f->fd < 0)
			return fault(f, "cannot open", why_not);
		sync_dir(f);
	}
	if (!audit_end_read(tail, f->fd, f->digest, &why_not))
		return fault(f, "cannot go on", why_not);
	if (in_place(f) || (fd = open_new(f)) < 0)
		return true;
	close(f->fd);
	f->fd = fd;
	tail->line_end = true;
	return true;
}

/* Makes it ready, from whatever state. */
static bool
recover(struct audit_file *f, const char *reason)
{
	struct audit_tail tail;

	if (!settle(f, &tail))
		return false;
	if (!tail.found && f->last.seq == 0)
		audit_end_rotated(&tail, f->path, f->digest);
	/* A file that lost lines we wrote is not to look as if it never had them. */
	if (tail.found && tail.last.seq >= f->last.seq)
		f->last = tail.last;
	if (!put_open(f, f->fd, &tail, reason))
		return false;
	f->fault[0] = '\0';
	f->ready = true;
	return true;
}

void
audit_file_tick(struct audit_file *f)
{
	if (!f->ready) {
		recover(f, "recovery");
	} else if (f->dirty) {
		f->dirty = false;
		if (fdatasync(f->fd) != 0)
			fault(f, "cannot write to the disk", strerror(errno));
	}
}

void
audit_file_reopen(struct audit_file *f)
{
	struct audit_tail tail = { .line_end = true };
	int fd;

	if (!f->ready) {
		recover(f, "recovery");
		return;
	}
	if (in_place(f) || (fd = open_new(f)) < 0)
		return;
	if (f->sync != AUDIT_SYNC_NONE && fdatasync(f->fd) != 0)
		log_error("cannot write the audit log to the disk", "why", strerror(errno));
	close(f->fd);
	f->fd = fd;
	put_open(f, fd, &tail, "rotation");
}

/* ---- life ---- */

struct audit_file *
audit_file_new(const char *dir, const char *name, unsigned worker, enum audit_sync sync)
{
	struct audit_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->fd = -1;
	f->worker = worker;
	f->sync = sync;
	f->last = AUDIT_LINK_NONE;
	f->lines = BUF_INIT(LINES_MAX);
	f->dir = strdup(dir);
	f->name = strdup(name);
	f->digest = audit_digest_new();
	buf_reserve(&f->lines, LINES_LEAST);
	if (asprintf(&f->path, "%s/audit-%s-%u.jsonl", dir, name, worker) < 0)
		f->path = NULL;
	if (f->dir == NULL || f->name == NULL || f->path == NULL || f->digest == NULL) {
		audit_file_free(f);
		return NULL;
	}
	signal(SIGXFSZ, SIG_IGN);	/* a limit on the file's size is a full disk to us */
	recover(f, "start");
	return f;
}

void
audit_file_free(struct audit_file *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0) {
		if (f->dirty && fdatasync(f->fd) != 0)
			log_error("cannot write the audit log to the disk", "why", strerror(errno));
		if (f->ready)
			log_notice("the audit log ends", "file", f->path, "hash", f->last.hash);
		close(f->fd);
	}
	audit_digest_free(f->digest);
	buf_free(&f->lines);
	free(f->dir);
	free(f->name);
	free(f->path);
	free(f);
}

bool
audit_file_ready(const struct audit_file *f)
{
	return f->ready;
}

const char *
audit_file_fault(const struct audit_file *f)
{
	return f->fault;
}

uint64_t
audit_file_unrecorded(const struct audit_file *f)
{
	return f->unrecorded;
}

uint64_t
audit_file_lines(const struct audit_file *f)
{
	return f->line_count;
}
