#include "appliance/document/outcome.h"

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "appliance/document/private_root.h"

#define FILE_MAX	((size_t)256 * 1024)
#define WORKERS_MAX	64
#define ENROLLED	"/run/mpic-enrol/"

static struct buf *
file_add(struct outcome *o, const char *name, mode_t mode)
{
	struct outcome_file *file = &o->files[o->count++];

	*file = (struct outcome_file){ .name = name, .mode = mode, .text = BUF_INIT(FILE_MAX) };
	buf_adds(&file->text, "");
	return &file->text;
}

static void
file_add_text(struct outcome *o, const char *name, mode_t mode, const char *text)
{
	struct buf *file = file_add(o, name, mode);

	if (text != NULL)
		buf_adds(file, text);
}

static void
file_add_link(struct outcome *o, const char *name, const char *target)
{
	file_add_text(o, name, 0777, target);
	o->files[o->count - 1].link = true;
}

/* "name: value", as YAML; nothing for NULL. */
static void
add_line(struct buf *file, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(file, "%s: ", name);
	buf_add_json(file, value, strlen(value));
	buf_addc(file, '\n');
}

/* ---- httpcheck ---- */

/* "name=value" */
static bool
set(struct document *d, struct buf *faults, const char *assignment)
{
	return option_set(&httpcheck_options, &d->httpcheck, assignment, faults);
}

static bool
set_image(struct document *d, const struct outcome_machine *m,
    struct buf *faults)
{
	struct buf text = BUF_INIT(512);
	bool ok;

	buf_addf(&text, "image_version=%s %s", m->image_id, m->image_version);
	ok = !text.failed && (m->image_id[0] == '\0' || set(d, faults, text.data));
	buf_free(&text);
	return ok;
}

/* What the operator of an appliance has no say in; document.c keeps these names out of documents. */
static const char *const always[] = {
	"listen=[::]:8443", "plain=false",
	"tls_certificate=/run/mpic/tls.pem", "tls_key=credential:tls_key",
	"tls_ca=/run/mpic/ca.pem",
	"resolver=127.0.0.1:53", "ready_listen=127.0.0.1:8080",
	"fetcher_socket=/run/mpic-fetcher/socket",
	"status_files=[/run/mpic/status, /run/mpic-update/status, /run/mpic-ready/status, /run/mpic-state/status, "
	    "/run/mpic-firewall/status, /run/mpic-enrol/status, /run/mpic-clock/status]",
	"log_json=false", "log_target=journal",
};

static bool
add_httpcheck(struct outcome *o, struct document *d, const struct outcome_machine *m,
    struct buf *faults)
{
	struct daemon_options *daemon = &d->httpcheck.daemon;
	bool ok = true;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		ok = set(d, faults, always[i]) && ok;
	if (d->signing_key != NULL || d->enrolment.token != NULL)
		ok = set(d, faults, "signing_key=credential:signing_key") && ok;
	ok = set_image(d, m, faults) && ok;
	if (d->private_root.set)
		ok = set(d, faults, "private_root=true") && ok;
	if (d->tls_crl != NULL)
		ok = set(d, faults, "tls_crl=/run/mpic/crl.pem") && ok;
	if (daemon->workers == 0)
		daemon->workers = m->cpus < WORKERS_MAX ? m->cpus : WORKERS_MAX;
	option_dump(&httpcheck_options, &d->httpcheck, file_add(o, "httpcheck.yaml", 0644));
	return ok;
}

static void
add_papers(struct outcome *o, const struct document *d)
{
	bool enrols = d->enrolment.token != NULL, renews = d->enrolment.set && !enrols;

	file_add_text(o, "ca.pem", 0644, d->tls_ca);
	if (d->tls_crl != NULL)
		file_add_text(o, d->enrolment.set ? "given-crl.pem" : "crl.pem", 0644, d->tls_crl);
	if (d->tls_crl != NULL && d->enrolment.set)
		file_add_link(o, "crl.pem", ENROLLED "crl.pem");
	if (d->enrolment.set) {
		file_add_link(o, "tls.pem", ENROLLED "tls.pem");
		file_add_link(o, "tls.key", ENROLLED "tls.key");
	} else {
		file_add_text(o, "tls.pem", 0644, d->tls_certificate);
		file_add_text(o, "tls.key", 0600, d->tls_key);
	}
	if (renews)
		file_add_text(o, "given.pem", 0644, d->tls_certificate);
	file_add_text(o, "given.key", 0600, renews ? d->tls_key : NULL);
	if (enrols && d->signing_key == NULL)
		file_add_link(o, "signing.key", ENROLLED "signing.key");
	else
		file_add_text(o, "signing.key", 0600, d->signing_key);
}

/* ---- the others ---- */

static void
add_unbound(struct outcome *o, const struct document *d, const struct outcome_machine *m)
{
	const struct document_root *root = &d->private_root;
	struct buf *conf = file_add(o, "unbound/perspective.conf", 0644);

	buf_addf(conf, "# By mpic-appliance first-boot, from the document.\n"
	    "include: \"/usr/lib/parallax/appliance%s.conf\"\nserver:\n"
	    "\tnum-threads: %lld\n", root->set ? "-private" : "",
	    (long long)(d->unbound.set ? d->unbound.threads : m->cpus));
	if (!root->set)
		return;
	if (root->hints.count > 0)
		buf_adds(conf, "\troot-hints: \"" OUTCOME_FOLDER "/unbound/root.hints\"\n");
	private_root_anchors(root, conf);
	if (root->hints.count > 0)
		private_root_hints(root, file_add(o, "unbound/root.hints", 0644));
}

/* The clouds' own servers, which no firewall of theirs is in the way of. */
static const char *
cloud_ntp(const char *source)
{
	if (strcmp(source, "aws") == 0)
		return "169.254.169.123";
	return strcmp(source, "google") == 0 ? "169.254.169.254" : NULL;
}

static bool
hypervisor_keeps(const struct document *d, const char *source)
{
	if (d->clock != NULL)
		return strcmp(d->clock, "hypervisor") == 0;
	return d->ntp.count == 0 && strcmp(source, "azure") == 0;
}

static void
add_clock(struct outcome *o, const struct document *d, const char *source)
{
	bool hypervisor = hypervisor_keeps(d, source);
	const char *own = hypervisor || d->ntp.count > 0 ? NULL : cloud_ntp(source);
	struct buf *drop_in = file_add(o, "ntp.conf", 0644);
	struct buf *settings = file_add(o, "clock.yaml", 0644);

	buf_addf(settings, "hypervisor: %s\nntp: [", hypervisor ? "true" : "false");
	buf_adds(drop_in, "[Time]\n");
	if (hypervisor)
		buf_adds(drop_in, "NTP=\nFallbackNTP=\n");
	else if (own != NULL || d->ntp.count > 0)
		buf_addf(drop_in, "NTP=%s", own != NULL ? own : "");
	if (own != NULL)
		buf_addf(settings, "\"%s\"", own);
	for (size_t i = 0; i < d->ntp.count; i++) {
		buf_addf(drop_in, "%s%s", i > 0 ? " " : "", d->ntp.items[i]);
		buf_addf(settings, "%s\"%s\"", i > 0 ? ", " : "", d->ntp.items[i]);
	}
	buf_adds(drop_in, "\n");
	buf_adds(settings, "]\n");
}

/* Only addresses, whoever wrote the list; when none of those answers, this appliance's own does. */
static void
add_resolv_conf(struct outcome *o, const char *name_servers)
{
	struct buf *conf = file_add(o, "resolv.conf", 0644);
	char copy[1024], *rest = copy, *word;
	struct address address;
	int count = 0;

	snprintf(copy, sizeof(copy), "%s", name_servers);
	while ((word = strsep(&rest, " ")) != NULL && count < 2)	/* resolv.conf(5): MAXNS is 3 */
		if (address_parse(&address, word)) {
			buf_addf(conf, "nameserver %s\n", word);
			count++;
		}
	buf_adds(conf, "nameserver 127.0.0.1\n");
}

static bool
is_debug_variant(const struct outcome_machine *m)
{
	static const char ending[] = "-debug";
	size_t len = strlen(m->image_id), end = sizeof(ending) - 1;

	return len >= end && strcmp(m->image_id + len - end, ending) == 0;
}

/* What nobody may overlook: httpcheck has it in /readyz and /identity. */
static void
add_status(struct outcome *o, const struct document *d, const struct outcome_machine *m)
{
	struct buf *file = file_add(o, "status", 0644);

	if (is_debug_variant(m))
		buf_adds(file, "# notice this is the debug variant of the image: whoever reaches its "
		    "console is root\n");
	if (d->private_root.set)
		buf_adds(file, "# notice " PRIVATE_ROOT_NOTICE "\n");
}

static void
add_parts(struct outcome *o, const struct document *d)
{
	struct buf *file;

	if (d->enrolment.set) {
		file = file_add(o, "enrolment.yaml", 0600);
		add_line(file, "url", d->enrolment.url);
		add_line(file, "token", d->enrolment.token);
		add_line(file, "code", d->httpcheck.code);
		add_line(file, "ca", d->enrolment.ca != NULL ? OUTCOME_FOLDER "/enrolment-ca.pem" :
		    OUTCOME_FOLDER "/ca.pem");
	}
	if (d->enrolment.ca != NULL)
		file_add_text(o, "enrolment-ca.pem", 0644, d->enrolment.ca);
	if (d->update.set) {
		file = file_add(o, "update.yaml", 0644);
		add_line(file, "url", d->update.url);
		add_line(file, "window", d->update.window);
		buf_addf(file, "spread_minutes: %lld\n", (long long)d->update.spread_minutes);
		add_line(file, "code", d->httpcheck.code);
	}
	if (d->log_forward.set) {
		file = file_add(o, "log_forward.conf", 0644);
		buf_addf(file, "[Upload]\nURL=%s\nServerCertificateFile=/run/mpic/tls.pem\nTrustedCertificateFile=%s\n",
		    d->log_forward.url, d->log_forward.ca != NULL ? OUTCOME_FOLDER "/log-ca.pem" :
		    OUTCOME_FOLDER "/ca.pem");
	}
	if (d->log_forward.ca != NULL)
		file_add_text(o, "log-ca.pem", 0644, d->log_forward.ca);
}

bool
outcome_make(struct outcome *o, struct document *d, const struct outcome_machine *m,
    struct buf *faults)
{
	bool ok;

	*o = (struct outcome){ .count = 0 };
	ok = add_httpcheck(o, d, m, faults);
	add_papers(o, d);
	add_unbound(o, d, m);
	add_clock(o, d, m->source);
	add_resolv_conf(o, m->name_servers);
	add_status(o, d, m);
	add_parts(o, d);
	buf_addf(file_add(o, "source", 0644), "%s\n", m->source);
	for (size_t i = 0; i < o->count; i++)
		if (o->files[i].text.failed) {
			buf_addf(faults, "%s: out of memory\n", o->files[i].name);
			ok = false;
		}
	return ok;
}

const struct outcome_file *
outcome_find(const struct outcome *o, const char *name)
{
	for (size_t i = 0; i < o->count; i++)
		if (strcmp(o->files[i].name, name) == 0)
			return &o->files[i];
	return NULL;
}

void
outcome_free(struct outcome *o)
{
	for (size_t i = 0; i < o->count; i++) {
		struct buf *text = &o->files[i].text;

		if (text->data != NULL)
			explicit_bzero(text->data, text->cap);
		buf_free(text);
	}
	o->count = 0;
}
