/* mpic-appliance first-boot: from the operator's document to the files of every unit. */
#include "appliance/boot/first_boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include "appliance/appliance.h"
#include "appliance/boot/source.h"
#include "appliance/clock/clock.h"
#include "appliance/document/outcome.h"
#include "appliance/document/papers.h"
#include "appliance/document/private_root.h"
#include "appliance/place.h"
#include "appliance/step.h"
#include "monotonic.h"

/* networkd's: what DHCP and router advertisements said. */
#define NETWORK_STATE	"/run/systemd/netif/state"

static const char usage[] =
    "usage: mpic-appliance first-boot [--root DIR] [--retry SECONDS]\n"
    "Finds the document of this appliance, checks all of it, and writes what the other\n"
    "units read. With faults it says all of them, and tries again.\n\n"
    "  --root DIR       the files of the image are below it, for tests\n"
    "  --retry SECONDS  until it tries again; default: 30\n";

/*
 * While the network and disks come up there may be no document yet: it is looked
 * for often, and at first nothing is said of it.
 */
#define SOON_MS		500
#define SOON_TRIES	60
#define SILENT_NS	(UINT64_C(1500) * 1000000)

static void
name_servers(const char *root, char *list, size_t size)
{
	struct buf state = BUF_INIT(65536);
	const char *line;

	list[0] = '\0';
	if (place_read(root, NETWORK_STATE, &state) && state.data != NULL) {
		line = strncmp(state.data, "DNS=", 4) == 0 ? state.data : strstr(state.data, "\nDNS=");
		if (line != NULL) {
			line = strchr(line, '=') + 1;
			snprintf(list, size, "%.*s", (int)strcspn(line, "\n"), line);
		}
	}
	buf_free(&state);
}

/* What may be said of certificates' dates before the clock step. */
static struct document_moment
moment_of(const char *root)
{
	struct document_moment moment = { .earliest_s = place_image_date_s(root) };
	struct clock_seen seen = { .synchronized = place_exists(root, CLOCK_SYNCHRONIZED),
		.now_s = time(NULL), .image_date_s = moment.earliest_s };
	struct buf why = BUF_INIT(1024);

	if (clock_reliable(&seen, &why))
		moment.now_s = seen.now_s;
	buf_free(&why);
	return moment;
}

/* ---- writing ---- */

/* Its folder is read when Unbound begins, which is before the time is known. */
static bool
resolver_unchanged(const char *root, const struct outcome *outcome, struct buf *faults)
{
	static const char *const names[] = { "unbound/perspective.conf", "unbound/root.hints" };
	bool same = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct outcome_file *file = outcome_find(outcome, names[i]);
		struct buf text = BUF_INIT(DOCUMENT_MAX);
		char path[128];

		snprintf(path, sizeof(path), OUTCOME_FOLDER "/%s", names[i]);
		(void)place_read(root, path, &text);	/* there may be none */
		same = same && text.len == (file != NULL ? file->text.len : 0) &&
		    (text.len == 0 || memcmp(text.data, file->text.data, text.len) == 0);
		buf_free(&text);
	}
	if (!same)
		buf_adds(faults, "unbound, private_root: the resolver runs already, by the document "
		    "that was found first: restart this appliance for another\n");
	return same;
}

static bool
configure(const char *root, struct document *d, const char *source, bool again,
    struct buf *faults)
{
	char id[64], version[64], servers[1024];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct outcome_machine machine = { .source = source, .image_id = id,
		.image_version = version, .cpus = cpus > 0 ? (unsigned)cpus : 1,
		.name_servers = servers };
	struct buf why = BUF_INIT(512);
	struct outcome outcome;
	bool ok;

	place_image(root, "IMAGE_ID", id, sizeof(id));
	place_image(root, "IMAGE_VERSION", version, sizeof(version));
	name_servers(root, servers, sizeof(servers));
	ok = outcome_make(&outcome, d, &machine, faults) &&
	    (!again || resolver_unchanged(root, &outcome, faults));
	if (ok && !outcome_write(&outcome, root, &why)) {
		buf_addf(faults, "%s\n", why.data != NULL ? why.data : "out of memory");
		ok = false;
	}
	outcome_free(&outcome);
	buf_free(&why);
	return ok;
}

/* One whole attempt. `found`: there was a document, if one with faults. */
static bool
attempt(const char *root, bool again, bool *found, struct buf *faults, struct buf *done)
{
	struct document_moment moment = moment_of(root);
	struct buf text = BUF_INIT(DOCUMENT_MAX);
	struct document d = { .tls_ca = NULL };
	const char *source;
	bool ok;

	if (again)
		moment.now_s = time(NULL);
	*found = source_read(root, &text, &source, faults);
	ok = *found && document_read(&d, text.data, text.len, &moment, faults) &&
	    configure(root, &d, source, again, faults);
	if (ok) {
		buf_addf(done, "this is perspective %s; its document came from: %s\n",
		    d.httpcheck.code, source);
		if (d.private_root.set)
			buf_adds(done, PRIVATE_ROOT_NOTICE "\n");
	}
	document_free(&d);
	if (text.data != NULL)
		explicit_bzero(text.data, text.cap);
	buf_free(&text);
	return ok;
}

static void
wait_for_document(struct step *step, bool again)
{
	struct buf faults = BUF_INIT(DOCUMENT_FAULTS_MAX), done = BUF_INIT(1024);
	const uint64_t start_ns = monotonic_ns();
	unsigned tries = 0;
	bool found;

	while (!attempt(step->root, again, &found, &faults, &done)) {
		bool soon = !again && !found && ++tries <= SOON_TRIES;

		if (soon && monotonic_ns() - start_ns < SILENT_NS)
			step_pause(SOON_MS);
		else
			step_wait(step, faults.data != NULL ? faults.data : "out of memory\n",
			    soon ? SOON_MS : step->retry_ms);
		buf_reset(&faults);
		buf_reset(&done);
	}
	step_end(step, done.data != NULL ? done.data : "done\n");
	buf_free(&faults);
	buf_free(&done);
}

/* ---- another look ---- */

/* NULL: it is none that first-boot wrote, but a link to where mpic-enrol will put its own. */
static const char *
read_written(const char *root, const char *name, struct buf *text)
{
	char within[128], path[PLACE_MAX];
	struct stat st;

	*text = BUF_INIT(DOCUMENT_MAX);
	snprintf(within, sizeof(within), OUTCOME_FOLDER "/%s", name);
	place_path(root, within, path);
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && place_read(root, within, text) ?
	    text->data : NULL;
}

/* Whether all that was written can be used at this time; else what cannot, a line each. */
static bool
in_force(const char *root, struct buf *faults)
{
	struct papers papers = { .now_s = time(NULL) };
	struct buf ca, own, given, crl;

	papers.ca = read_written(root, "ca.pem", &ca);
	papers.certificate = read_written(root, "tls.pem", &own);
	papers.crl = read_written(root, "crl.pem", &crl);
	/* What is to be renewed must not have ended either. */
	if (papers.certificate == NULL)
		papers.certificate = read_written(root, "given.pem", &given);
	else
		given = BUF_INIT(1);
	papers_check(&papers, faults);
	buf_free(&ca);
	buf_free(&own);
	buf_free(&given);
	buf_free(&crl);
	return faults->len == 0;
}

void
first_boot_look_again(const char *root, unsigned retry_ms)
{
	struct step step = { .name = "first-boot", .root = root, .retry_ms = retry_ms };
	struct buf faults = BUF_INIT(DOCUMENT_FAULTS_MAX);

	/* what it writes has its own modes, and none of it is for a group */
	umask(0022);
	if (!in_force(root, &faults)) {
		step_wait(&step, faults.data != NULL ? faults.data : "out of memory\n", retry_ms);
		wait_for_document(&step, true);
	}
	buf_free(&faults);
}

int
appliance_first_boot(int argc, char **argv)
{
	struct step step = { .name = "first-boot" };
	int status = step_arguments(&step, argc, argv, usage);

	if (status != -1)
		return status;
	/* what it writes has its own modes, and none of it is for a group */
	umask(0022);
	wait_for_document(&step, false);
	return APPLIANCE_DONE;
}
