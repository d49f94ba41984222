#include "daemon_options.h"

#include <errno.h>
#include <string.h>

struct tls_files
daemon_options_tls(const struct daemon_options *d)
{
	return (struct tls_files){ d->tls_certificate, d->tls_key, d->tls_ca, d->tls_crl };
}

/* Found out now, not by workers that die of it one after another. */
static void
check_tls(const struct daemon_options *d, struct buf *faults)
{
	const struct tls_files files = daemon_options_tls(d);
	struct buf why = BUF_INIT(512);

	if (files.certificate == NULL || files.key == NULL || files.ca == NULL)
		buf_adds(faults, "tls_certificate, tls_key and tls_ca: all three are needed to "
		    "know who calls and who is called\n");
	else if (!tls_files_usable(&files, &why))
		buf_addf(faults, "tls_certificate, tls_key, tls_ca and tls_crl: %s\n",
		    why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
}

void
daemon_options_log(const struct daemon_options *d, const char *program)
{
	log_init(program, d->level, d->log_json);
	if (strcmp(d->log_target, "journal") == 0 && !log_to_journal(LOG_JOURNAL_SOCKET))
		log_warning("the journal cannot be reached: log lines go to stderr",
		    "socket", LOG_JOURNAL_SOCKET, "reason", strerror(errno));
}

/* What was found instead, unless it is nothing of the kind: a key may have slipped here. */
static void
word_fault(struct buf *faults, const char *expected, const char *found)
{
	buf_addf(faults, "%s, found ", expected);
	if (found != NULL && strlen(found) > 16)
		buf_adds(faults, "something else");
	else
		buf_add_json(faults, found != NULL ? found : "", found != NULL ? strlen(found) : 0);
	buf_addc(faults, '\n');
}

bool
daemon_options_check_log(struct daemon_options *d, struct buf *faults)
{
	size_t before = faults->len;

	if (d->log_level == NULL || !log_level_parse(d->log_level, &d->level))
		word_fault(faults, "log_level: expected error, warning, notice, info or debug",
		    d->log_level);
	if (d->log_target == NULL || (strcmp(d->log_target, "stderr") != 0 &&
	    strcmp(d->log_target, "journal") != 0))
		word_fault(faults, "log_target: expected stderr or journal", d->log_target);
	return faults->len == before && !faults->failed;
}

bool
daemon_options_check(struct daemon_options *d, bool needs_tls, struct buf *faults)
{
	size_t before = faults->len;

	daemon_options_check_log(d, faults);
	if (d->plain && !endpoint_loopback(&d->listen))
		buf_adds(faults, "plain: serves without authentication, so listen must be a "
		    "loopback address\n");
	if (needs_tls || !d->plain)
		check_tls(d, faults);
	return faults->len == before && !faults->failed;
}
