#include "appliance/container/container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/stat.h>

#include "appliance/document/outcome.h"
#include "appliance/place.h"
#include "appliance/resolver/anchor.h"

#define CPU_MAX		"/sys/fs/cgroup/cpu.max"

const char *const container_unbound[] = { "/usr/lib/parallax/unbound/sbin/unbound", "-d", "-c",
	"/usr/share/parallax/unbound.conf", NULL };
const char *const container_httpcheck[] = { "/usr/sbin/mpic-httpcheck", "-c",
	OUTCOME_FOLDER "/httpcheck.yaml", NULL };

/* ---- the document ---- */

void
container_find(struct container *c, const char *file)
{
	char *text = getenv("MPIC_DOCUMENT");

	c->text = BUF_INIT(DOCUMENT_MAX);
	c->file = file != NULL ? file : getenv("MPIC_DOCUMENT_FILE");
	if (c->file == NULL && text == NULL && !c->resolver_alone)
		c->file = CONTAINER_FILE;
	if (c->file == NULL && text != NULL)
		buf_adds(&c->text, text);
	/* whoever may look at this process's environment would have the keys */
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	unsetenv("MPIC_DOCUMENT");
}

void
container_free(struct container *c)
{
	if (c->text.data != NULL)
		explicit_bzero(c->text.data, c->text.cap);
	buf_free(&c->text);
}

bool
container_suits(const struct document *d, struct buf *faults)
{
	size_t before = faults->len;

	if (d->enrolment.set && d->enrolment.token != NULL)
		buf_adds(faults, "enrolment: keys born in a container are gone with it; expected "
		    "tls_certificate, tls_key and signing_key (mpic pki issue)\n");
	if (d->update.set)
		buf_adds(faults, "update: a container is replaced, not updated; leave it out\n");
	if (d->log_forward.set)
		buf_adds(faults, "log_forward: the log is on stderr, for whoever runs the "
		    "container; leave it out\n");
	return faults->len == before;
}

unsigned
container_cpus(const char *cpu_max, unsigned online)
{
	char *end;
	unsigned long long quota = strtoull(cpu_max, &end, 10), period, cpus;

	period = end != cpu_max ? strtoull(end, NULL, 10) : 0;
	if (period == 0)	/* "max 100000": as many as there are */
		return online;
	cpus = quota / period + (quota % period > 0);
	return cpus == 0 ? 1 : cpus < online ? (unsigned)cpus : online;
}

/* ---- what is different ---- */

static bool
set(struct document *d, const char *assignment, struct buf *faults)
{
	return option_set(&httpcheck_options, &d->httpcheck, assignment, faults);
}

static bool
has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

/* httpcheck's configuration once outcome_make() is through with it. */
static bool
adapt_httpcheck(const struct container *c, struct document *d, struct buf *faults)
{
	const char *everywhere = has_ipv6() ? "[::]" : "0.0.0.0";
	char probes[64], serves[64];
	bool ok = true;

	snprintf(probes, sizeof(probes), "ready_listen=%s:%d", everywhere, CONTAINER_PROBES);
	snprintf(serves, sizeof(serves), "listen=%s:8443", everywhere);
	free(d->httpcheck.fetcher_socket);
	d->httpcheck.fetcher_socket = NULL;
	d->httpcheck.ready_listen.len = 0;
	ok = set(d, "resolver=" CONTAINER_RESOLVER, faults) &&
	    set(d, "status_files=[" OUTCOME_FOLDER "/status]", faults) &&
	    set(d, "log_target=stderr", faults) && set(d, "log_json=true", faults) &&
	    set(d, "tls_key=" OUTCOME_FOLDER "/tls.key", faults);
	if (d->signing_key != NULL)
		ok = set(d, "signing_key=" OUTCOME_FOLDER "/signing.key", faults) && ok;
	if (c->lambda)
		return set(d, "listen=" CONTAINER_PLAIN, faults) && set(d, "plain=true", faults) &&
		    set(d, "workers=0", faults) && ok;
	return set(d, probes, faults) && set(d, serves, faults) && ok;
}

static bool
adapt(const struct container *c, struct outcome *o, struct document *d, struct buf *faults)
{
	bool ok = adapt_httpcheck(c, d, faults);

	for (size_t i = 0; i < o->count; i++) {
		struct outcome_file *file = &o->files[i];

		if (strcmp(file->name, "httpcheck.yaml") == 0) {
			buf_reset(&file->text);
			option_dump(&httpcheck_options, &d->httpcheck, &file->text);
		} else if (strcmp(file->name, "unbound/perspective.conf") == 0) {
			buf_addf(&file->text, "server:\n\tport: %s\n",
			    strchr(CONTAINER_RESOLVER, ':') + 1);
		}
		ok = ok && !file->text.failed;
	}
	return ok;
}

/* ---- all of it ---- */

/* Links of the image lead here. False, with a line. */
static bool
make_folders(struct buf *faults)
{
	static const char *const folders[] = { "/tmp/run", "/tmp/run/unbound", "/tmp/state",
		"/tmp/state/unbound" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(folders[i], 0700) == -1 && errno != EEXIST) {
			buf_addf(faults, "%s: %s: /tmp has to be writable, a tmpfs of 64 MiB\n",
			    folders[i], strerror(errno));
			return false;
		}
	return true;
}

static unsigned
cpus(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	struct buf text = BUF_INIT(128);
	unsigned n = online > 0 ? (unsigned)online : 1;

	if (place_read("", CPU_MAX, &text) && text.data != NULL)
		n = container_cpus(text.data, n);
	buf_free(&text);
	return n;
}

static bool
write_files(const struct container *c, struct document *d, struct buf *faults)
{
	char id[64], version[64];
	struct outcome_machine machine = { .source = "container", .image_id = id,
		.image_version = version, .cpus = cpus(), .name_servers = "" };
	struct buf why = BUF_INIT(512);
	struct outcome outcome;
	bool ok;

	place_image("", "IMAGE_ID", id, sizeof(id));
	place_image("", "IMAGE_VERSION", version, sizeof(version));
	ok = outcome_make(&outcome, d, &machine, faults) && adapt(c, &outcome, d, faults);
	if (ok && !outcome_write(&outcome, "", &why)) {
		buf_addf(faults, "%s\n", why.data != NULL ? why.data : "out of memory");
		ok = false;
	}
	outcome_free(&outcome);
	buf_free(&why);
	return ok;
}

static bool
read_document(const struct container *c, struct document *d, struct buf *faults)
{
	struct document_moment moment = { .earliest_s = place_image_date_s(""),
		.now_s = time(NULL) };
	struct buf file = BUF_INIT(DOCUMENT_MAX);
	const struct buf *text = c->file != NULL ? &file : &c->text;
	bool ok = true;

	if (c->file != NULL && !place_read("", c->file, &file)) {
		buf_addf(faults, "%s: %s; the document is expected there, or in MPIC_DOCUMENT\n",
		    c->file, strerror(errno));
		ok = false;
	}
	ok = ok && document_read(d, text->data != NULL ? text->data : "", text->len, &moment,
	    faults) && container_suits(d, faults);
	if (file.data != NULL)
		explicit_bzero(file.data, file.cap);
	buf_free(&file);
	return ok;
}

bool
container_configure(const struct container *c, struct buf *faults)
{
	struct document d = { .tls_ca = NULL };
	struct buf said = BUF_INIT(512);
	bool ok = make_folders(faults);

	if (c->resolver_alone && c->file == NULL && c->text.len == 0)
		ok = ok && option_defaults(document_options(), &d, faults);
	else
		ok = ok && read_document(c, &d, faults);
	ok = ok && write_files(c, &d, faults);
	document_free(&d);
	if (ok && !anchor_seed("", &said)) {
		buf_addf(faults, "%s\n", said.data != NULL ? said.data : "out of memory");
		ok = false;
	}
	buf_free(&said);
	return ok;
}
