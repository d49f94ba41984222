/*
 * mpic-enrol: a perspective's certificate from its coordinator, for a key that was
 * born here, and the next one in time (docs/enrolment.md).
 *
 * A program by itself for libcurl, which no step of the boot needs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/stat.h>

#include <curl/curl.h>

#include "appliance/appliance.h"
#include "appliance/enrol/enrol_call.h"
#include "appliance/enrol/enrol_crl.h"
#include "appliance/enrol/enrol_keys.h"
#include "appliance/place.h"
#include "appliance/step.h"
#include "option.h"

#define SETTINGS	"/run/mpic/enrolment.yaml"
#define GIVEN		"/run/mpic/given"
#define SIGNING_KEY	"/run/mpic/signing.key"
#define DOCUMENT_CA	"/run/mpic/ca.pem"
#define PEM_MAX		((size_t)64 * 1024)
#define TRIES		3	/* of a renewal, before the timer's next turn */
#define BOOT_MS		5000	/* that a boot waits for what is only newer */

static const char usage[] =
    "usage: mpic-enrol [--root DIR] [--retry SECONDS] [--now]\n"
    "Enrols with the coordinator for a certificate, of a key that it makes, and renews the\n"
    "certificate when less than a third of its time is left. Where the document has tls_crl,\n"
    "newer revocation lists are had from the coordinator, too.\n\n"
    "  --root DIR       the files of the image are below it, for tests\n"
    "  --retry SECONDS  how long to wait before another try; default: 30\n"
    "  --now            renew, however much time is left\n";

#define ROW(name_, type_, ...) \
	{ .name = #name_, .type = OPTION_##type_, .offset = offsetof(struct enrol_server, name_), \
	    __VA_ARGS__ }
static const struct option rows[] = {
	ROW(url, STRING, .max = 1024, .flags = OPTION_REQUIRED, .sentence = "The coordinator."),
	ROW(code, STRING, .max = 64, .flags = OPTION_REQUIRED, .sentence = "Of this perspective."),
	ROW(token, STRING, .max = 256, .flags = OPTION_SECRET, .sentence = "To enrol with."),
	ROW(ca, PATH, .flags = OPTION_REQUIRED, .sentence = "Roots of the coordinator."),
};
static const struct option_table table = { .program = "mpic-enrol", .rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]) };

struct enrolment {
	struct step step;
	struct enrol_server server;
	struct enrol_keys keys;
	struct enrol_crl crl;
	struct buf fault;		/* of the last try to renew the certificate; empty: none */
	bool signs;			/* the document has no signing key: one is made */
	char ca[PLACE_MAX];		/* of the document */
	char certificate[PLACE_MAX], key[PLACE_MAX];
};

/* ---- settings ---- */

/* Where systemd puts what LoadCredential= names, else the file itself. */
static void
credential_path(const char *root, const char *name, const char *file, char path[static PLACE_MAX])
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (folder != NULL && *folder != '\0')
		snprintf(path, PLACE_MAX, "%s/%s", folder, name);
	else
		place_path(root, file, path);
}

static bool
settings_read(struct enrolment *e)
{
	struct buf faults = BUF_INIT(4096);
	char path[PLACE_MAX], *ca;
	struct stat st;
	bool ok;

	credential_path(e->step.root, "enrolment", SETTINGS, path);
	ok = option_defaults(&table, &e->server, &faults) &&
	    option_load(&table, &e->server, path, &faults) &&
	    option_complete(&table, &e->server, &faults);
	if (ok && strncmp(e->server.url, "https://", 8) != 0) {
		buf_adds(&faults, "url: expected https://HOST:PORT\n");
		ok = false;
	}
	if (!ok)
		fprintf(stderr, "mpic-enrol: %s", faults.data != NULL ? faults.data : "out of memory\n");
	buf_free(&faults);
	if (!ok)
		return false;
	e->server.own_ca = strcmp(e->server.ca, DOCUMENT_CA) == 0;
	place_path(e->step.root, e->server.ca, path);
	ca = strdup(path);
	place_path(e->step.root, DOCUMENT_CA, e->ca);
	/* first-boot makes it a link to ours unless the document has one. */
	place_path(e->step.root, SIGNING_KEY, path);
	e->signs = lstat(path, &st) != 0 || S_ISLNK(st.st_mode);
	place_path(e->step.root, ENROL_FOLDER "/tls.pem", e->certificate);
	place_path(e->step.root, ENROL_FOLDER "/tls.key", e->key);
	free(e->server.ca);
	e->server.ca = ca;
	return ca != NULL;
}

/* ---- what is said ---- */

/* For GET /metrics and /readyz of the perspective. */
static void
status_write(const struct enrolment *e)
{
	struct buf text = BUF_INIT(16384), why = BUF_INIT(1024);

	if (e->fault.len > 0)
		buf_addf(&text, "# notice the certificate cannot be renewed: %s\n", e->fault.data);
	buf_addf(&text, "# HELP mpic_enrolment_failed 1 while the last try to renew the certificate "
	    "has failed.\n# TYPE mpic_enrolment_failed gauge\nmpic_enrolment_failed %d\n"
	    "# HELP mpic_enrolment_expires_seconds Unix time at which the enrolled certificate "
	    "expires.\n# TYPE mpic_enrolment_expires_seconds gauge\n"
	    "mpic_enrolment_expires_seconds %lld\n", e->fault.len > 0,
	    (long long)e->keys.lifetime.ends_s);
	enrol_crl_status(&e->crl, &text);
	if (!enrol_write(e->step.root, "status", &text, 0644, &why))
		fprintf(stderr, "mpic-enrol: %s\n", why.data != NULL ? why.data : "out of memory");
	buf_free(&text);
	buf_free(&why);
}

/* ---- one try ---- */

static bool
obtain(struct enrolment *e, const struct enrol_by *by, struct buf *why)
{
	struct buf request = BUF_INIT(PEM_MAX);
	STACK_OF(X509) *cas = NULL, *leaf = NULL;
	bool ok = enrol_request(&e->keys, &request);

	if (!ok)
		buf_adds(why, "no request can be made: out of memory");
	/* First, for its answer costs no token. */
	ok = ok && (cas = enrol_call_cas(&e->server, why)) != NULL &&
	    (leaf = enrol_call(&e->server, by, &request, why)) != NULL &&
	    enrol_keys_take(&e->keys, e->step.root, e->server.code, e->ca, leaf, cas, why);
	sk_X509_pop_free(cas, X509_free);
	sk_X509_pop_free(leaf, X509_free);
	buf_free(&request);
	return ok;
}

/* ---- the first certificate ---- */

static bool
copy_given(const char *root, const char *from, const char *to, unsigned mode, struct buf *why)
{
	struct buf text = BUF_INIT(PEM_MAX);
	bool ok = place_read("", from, &text) && text.len > 0;

	if (!ok)
		buf_addf(why, "%s cannot be read", from);
	ok = ok && enrol_write(root, to, &text, mode, why);
	if (text.data != NULL)
		explicit_bzero(text.data, text.cap);
	buf_free(&text);
	return ok;
}

/* Without a token: what the document has is the first. */
static bool
take_given(struct enrolment *e)
{
	struct buf why = BUF_INIT(PLACE_MAX + 256);
	char certificate[PLACE_MAX], key[PLACE_MAX];
	bool ok;

	place_path(e->step.root, GIVEN ".pem", certificate);
	credential_path(e->step.root, "given.key", GIVEN ".key", key);
	ok = copy_given(e->step.root, key, "tls.key", 0600, &why) &&
	    copy_given(e->step.root, certificate, "tls.pem", 0644, &why);
	if (ok) {
		enrol_keys_free(&e->keys);
		enrol_keys_read(&e->keys, e->step.root);
		ok = e->keys.certificate != NULL;
		if (!ok)
			buf_adds(&why, "the document's certificate and key do not go together");
	}
	if (!ok)
		fprintf(stderr, "mpic-enrol: %s\n", why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
	return ok;
}

/* With the token, until there is one. */
static void
enrol(struct enrolment *e)
{
	struct buf why = BUF_INIT(2048), lines = BUF_INIT(4096);

	for (;;) {
		buf_reset(&why);
		buf_reset(&lines);
		if (enrol_keys_make(&e->keys, e->step.root, e->signs, &why) && obtain(e, NULL, &why))
			break;
		buf_addf(&lines, "enrolment: %s\n", why.data != NULL ? why.data : "out of memory");
		step_wait(&e->step, lines.data != NULL ? lines.data : "enrolment: out of memory\n",
		    e->step.retry_ms);
	}
	buf_free(&why);
	buf_free(&lines);
	step_end(&e->step, "there is a certificate from the coordinator");
}

/* ---- the next one ---- */

static void
pause_ms(unsigned ms)
{
	struct timespec left = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	nanosleep(&left, NULL);
}

/* A few tries, further and further apart; the timer brings more. */
static bool
renew(struct enrolment *e)
{
	const struct enrol_by by = { e->certificate, e->key };
	unsigned wait_ms = e->step.retry_ms;
	bool ok = false;

	for (int i = 0; i < TRIES && !ok; i++, wait_ms *= 3) {
		buf_reset(&e->fault);
		ok = obtain(e, &by, &e->fault);
		if (ok)
			break;
		fprintf(stderr, "mpic-enrol: the certificate cannot be renewed: %s\n", e->fault.data);
		status_write(e);
		if (i + 1 < TRIES)
			pause_ms(wait_ms);
	}
	if (ok) {
		buf_reset(&e->fault);
		puts("the certificate has been renewed");
		fflush(stdout);
	}
	return ok;
}

/* ---- revocation lists ---- */

/* Without one that is in force the port would open for nobody: the boot waits for it. */
static void
wait_for_lists(struct enrolment *e)
{
	struct buf line = BUF_INIT(8192);
	bool waited = false;

	while (buf_reset(&line), enrol_crl_overdue(&e->crl, &line)) {
		step_wait(&e->step, line.data != NULL ? line.data : "tls_crl: out of memory\n",
		    e->step.retry_ms);
		enrol_crl_refresh(&e->crl, e->step.root, &e->server, e->ca);
		waited = true;
	}
	if (waited)
		step_end(&e->step, "there are revocation lists from the coordinator");
	buf_free(&line);
}

/*
 * A boot does not wait for lists that are only newer: the timer brings more tries.
 * One that is overdue by then stops no renewal, which is the way out of it, too.
 */
static void
refresh_lists(struct enrolment *e)
{
	const int tries = e->crl.boot ? 1 : TRIES;
	unsigned wait_ms = e->step.retry_ms;

	e->server.timeout_ms = e->crl.boot ? BOOT_MS : 0;
	for (int i = 0; i < tries; i++, wait_ms *= 3) {
		if (enrol_crl_refresh(&e->crl, e->step.root, &e->server, e->ca))
			break;
		fprintf(stderr, "mpic-enrol: the revocation lists cannot be refreshed: %s\n",
		    e->crl.fault.data);
		status_write(e);
		if (i + 1 < tries)
			pause_ms(wait_ms);
	}
	e->server.timeout_ms = 0;
	if (e->crl.boot)
		wait_for_lists(e);
}

/* ---- what there is to do ---- */

static int
see_to_certificate(struct enrolment *e, bool now)
{
	const bool token = e->server.token != NULL;
	int64_t now_s;

	enrol_keys_read(&e->keys, e->step.root);
	if (e->keys.certificate == NULL && !token && !take_given(e))
		return APPLIANCE_FAILED;
	now_s = (int64_t)time(NULL);
	if (e->keys.certificate == NULL || (token && lifetime_over(&e->keys.lifetime, now_s))) {
		enrol(e);
		return APPLIANCE_DONE;
	}
	if (lifetime_over(&e->keys.lifetime, now_s)) {
		fputs("mpic-enrol: the certificate has expired, and there is no token to enrol with "
		    "again: give this appliance another document\n", stderr);
		buf_adds(&e->fault, "it has expired, and there is no token");
		return APPLIANCE_FAILED;
	}
	if (!now && !lifetime_due(&e->keys.lifetime, now_s))
		return APPLIANCE_DONE;
	/* With one that is still good the boot goes on. */
	return renew(e) || !now ? APPLIANCE_DONE : APPLIANCE_FAILED;
}

static int
run(struct enrolment *e, bool now)
{
	int status;

	enrol_crl_begin(&e->crl, e->step.root);
	status = see_to_certificate(e, now);
	if (e->crl.wanted && status == APPLIANCE_DONE)
		refresh_lists(e);
	status_write(e);
	return status;
}

/* Takes --now out of the arguments. */
static bool
take_now(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (strcmp(argv[i], "--now") == 0) {
			memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(argv[0]));
			(*argc)--;
			return true;
		}
	return false;
}

int
main(int argc, char **argv)
{
	struct enrolment e = { .step = { .name = "enrol" }, .fault = BUF_INIT(2048) };
	bool now = take_now(&argc, argv);
	int status = step_arguments(&e.step, argc, argv, usage);

	if (status != -1)
		return status;
	status = APPLIANCE_FAILED;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && settings_read(&e))
		status = run(&e, now);
	enrol_keys_free(&e.keys);
	enrol_crl_free(&e.crl);
	buf_free(&e.fault);
	if (e.server.token != NULL)
		explicit_bzero(e.server.token, strlen(e.server.token));
	option_free(&table, &e.server);
	curl_global_cleanup();
	return status;
}
