#include "appliance/document/document.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appliance/document/papers.h"
#include "appliance/document/private_root.h"
#include "appliance/document/web_address.h"
#include "appliance/update/update_settings.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ROWS_MAX	64
#define PEM_MAX		32768
#define HOST_MAX	253

/* ---- rows ---- */

#define ROW(container, name_, type_, ...) \
	{ .name = #name_, .type = OPTION_##type_, .offset = offsetof(struct container, name_), \
	    __VA_ARGS__ }
#define MAPPING(name_, rows_, container) \
	.rows = (rows_), .row_count = COUNT(rows_), .size = sizeof(struct container)

static const struct option enrolment_rows[] = {
	ROW(document_enrolment, url, STRING, .min = 1, .max = 1024, .flags = OPTION_REQUIRED,
	    .sentence = "Where a coordinator enrols perspectives: https, port 443 or 8443."),
	ROW(document_enrolment, token, STRING, .min = 8, .max = 256, .flags = OPTION_SECRET,
	    .sentence = "The one-time token that mpic pki token made for it. Without one a "
	    "certificate of the document is renewed there."),
	ROW(document_enrolment, ca, STRING, .min = 1, .max = PEM_MAX,
	    .sentence = "PEM certificates that the coordinator's there must chain to, if not "
	    "tls_ca's."),
};

static const struct option log_forward_rows[] = {
	ROW(document_log_forward, url, STRING, .min = 1, .max = 1024, .flags = OPTION_REQUIRED,
	    .sentence = "Where systemd-journal-remote(8) takes journals: https, port 19532 if it "
	    "says none, or 443. The perspective's certificate is shown to it."),
	ROW(document_log_forward, ca, STRING, .min = 1, .max = PEM_MAX,
	    .sentence = "PEM certificates that its server's must chain to, if not tls_ca's."),
};

static const struct option update_rows[] = {
	ROW(document_update, url, STRING, .min = 1, .max = 1024, .flags = OPTION_REQUIRED,
	    .sentence = "Folder of a web server in which updates are published, or one manifest "
	    "in it, NAME.update."),
	ROW(document_update, window, STRING, .min = 11, .max = 11,
	    .sentence = "When it may reboot into one, UTC: 02:00-04:00. Any time if absent."),
	ROW(document_update, spread_minutes, INTEGER, .min = 0, .max = 1440, .def = "60",
	    .unit = "minutes", .sentence = "Over how long the appliances of a fleet spread, so "
	    "that they do not reboot at once."),
};

static const struct option unbound_rows[] = {
	ROW(document_unbound, threads, INTEGER, .min = 1, .max = 64, .flags = OPTION_REQUIRED,
	    .sentence = "Threads of Unbound; without this member as many as CPUs."),
};

static const struct option root_rows[] = {
	ROW(document_root, hints, STRINGS, .max = 64,
	    .sentence = "Its name servers, each as a name, a blank and an address; IANA's if "
	    "absent."),
	ROW(document_root, trust_anchor, STRINGS, .min = 1, .max = 16, .flags = OPTION_REQUIRED,
	    .sentence = "DS or DNSKEY records of its zone, as in a zone file: \". DS 20326 8 2 "
	    "...\"."),
};

static const struct option own_rows[] = {
	ROW(document, tls_ca, STRING, .min = 1, .max = PEM_MAX, .flags = OPTION_REQUIRED,
	    .sentence = "PEM certificates that callers' must chain to."),
	ROW(document, tls_certificate, STRING, .min = 1, .max = PEM_MAX,
	    .sentence = "PEM certificate, and intermediates if any; its identity is "
	    "urn:mpic:perspective: and the code."),
	ROW(document, tls_key, STRING, .min = 1, .max = PEM_MAX, .flags = OPTION_SECRET,
	    .sentence = "PEM key of the certificate."),
	ROW(document, tls_crl, STRING, .min = 1, .max = PEM_MAX,
	    .sentence = "PEM certificate revocation lists of tls_ca. With enrolment newer ones are had "
	    "from the coordinator every hour."),
	ROW(document, signing_key, STRING, .min = 1, .max = PEM_MAX, .flags = OPTION_SECRET,
	    .sentence = "PEM Ed25519 key that signs results."),
	ROW(document, enrolment, MAP, MAPPING(enrolment, enrolment_rows, document_enrolment),
	    .sentence = "In place of tls_certificate, tls_key and signing_key: have them made "
	    "here and certified there."),
	ROW(document, ntp, STRINGS, .max = 8,
	    .sentence = "Hosts to have the time from; the cloud's own, or those that DHCP names, "
	    "if absent."),
	ROW(document, clock, STRING, .min = 1, .max = 16,
	    .sentence = "ntp, or hypervisor where that keeps the clock right by itself; on Azure "
	    "hypervisor, elsewhere ntp if absent."),
	ROW(document, log_forward, MAP, MAPPING(log_forward, log_forward_rows, document_log_forward),
	    .sentence = "Also send the log elsewhere."),
	ROW(document, update, MAP, MAPPING(update, update_rows, document_update),
	    .sentence = "Where new images come from; none do if absent."),
	ROW(document, unbound, MAP, MAPPING(unbound, unbound_rows, document_unbound),
	    .sentence = "The resolver."),
	ROW(document, private_root, MAP, MAPPING(private_root, root_rows, document_root),
	    .sentence = "Another root of the DNS than IANA's, for test networks. Results are "
	    "marked, and are none to issue on."),
};

/* httpcheck's options that a document may have ... */
static const char *const passed[] = {
	"code", "callers", "workers", "max_in_flight", "resolver_connections", "deadline_ms",
	"max_deadline_ms", "caa_domains", "user_agent", "log_level",
};
/* ... and those that are the appliance's own affair (outcome.c). A test sees that none is forgotten. */
static const char *const kept[] = {
	"listen", "plain", "tls_certificate", "tls_key", "tls_ca", "tls_crl", "ready_listen",
	"status_files", "notices", "resolver", "fetcher_user", "fetcher_socket", "signing_key",
	"image_version", "private_root", "log_json", "log_target",
};

static bool
among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool
document_passes(const char *httpcheck_option)
{
	return among(passed, COUNT(passed), httpcheck_option);
}

bool
document_keeps(const char *httpcheck_option)
{
	return among(kept, COUNT(kept), httpcheck_option);
}

static bool
check_now(void *config, struct buf *faults);

/* httpcheck's rows, at where its configuration lies in ours, and our own. */
const struct option_table *
document_options(void)
{
	static struct option rows[ROWS_MAX];
	static struct option_table table = { .program = "document", .rows = rows,
		.sentence = "What an operator gives to an appliance.", .check = check_now };

	if (table.count > 0)
		return &table;
	for (size_t i = 0; i < httpcheck_options.count; i++) {
		if (!document_passes(httpcheck_options.rows[i].name))
			continue;
		rows[table.count] = httpcheck_options.rows[i];
		rows[table.count].offset += offsetof(struct document, httpcheck);
		/* as many as CPUs: see outcome.c */
		if (strcmp(rows[table.count].name, "workers") == 0) {
			rows[table.count].def = NULL;
			rows[table.count].min = 1;
			rows[table.count].sentence = "Processes that serve; as many as CPUs if "
			    "absent.";
		}
		table.count++;
	}
	for (size_t i = 0; i < COUNT(own_rows); i++)
		rows[table.count++] = own_rows[i];
	return &table;
}

/* ---- checks ---- */

static void
check_url(const char *member, const char *text, enum web_use use, struct buf *faults)
{
	const char *why = text != NULL ? web_address_refused(text, use) : NULL;

	if (why != NULL)
		buf_addf(faults, "%s: %s\n", member, why);
}

/*
 * Which of the ways to a certificate it has: its own, with a renewal or not, or
 * enrolment. `whole`: what is not there was not written either.
 */
static void
check_ways(const struct document *d, bool whole, struct buf *faults)
{
	bool token = d->enrolment.set && d->enrolment.token != NULL;

	if (token && (d->tls_certificate != NULL || d->tls_key != NULL))
		buf_adds(faults, "enrolment.token: a certificate is enrolled for in place of "
		    "tls_certificate and tls_key: leave these out, or the token\n");
	else if (!token && whole && d->tls_certificate == NULL && d->tls_key == NULL)
		buf_adds(faults, "tls_certificate, tls_key: are required, or enrolment with a token\n");
	else if (!token && whole && d->tls_certificate == NULL)
		buf_adds(faults, "tls_certificate: is required with tls_key\n");
	else if (!token && whole && d->tls_key == NULL)
		buf_adds(faults, "tls_key: is required with tls_certificate\n");
	if (d->enrolment.set)
		check_url("enrolment.url", d->enrolment.url, WEB_ENROLMENT, faults);
}

static void
check_papers(const struct document *d, const struct document_moment *moment, struct buf *faults)
{
	const struct papers papers = { .code = d->httpcheck.code, .ca = d->tls_ca,
		.certificate = d->tls_certificate, .key = d->tls_key, .crl = d->tls_crl,
		.crl_renewed = d->enrolment.set, .signing_key = d->signing_key,
		.enrolment_ca = d->enrolment.ca,
		.log_forward_ca = d->log_forward.ca,
		.earliest_s = moment->earliest_s, .now_s = moment->now_s };

	papers_check(&papers, faults);
}

static void
check_clock(const struct document *d, struct buf *faults)
{
	if (d->clock != NULL && strcmp(d->clock, "ntp") != 0 && strcmp(d->clock, "hypervisor") != 0)
		buf_addf(faults, "clock: expected ntp or hypervisor, found \"%.16s\"\n",
		    isalpha((unsigned char)d->clock[0]) ? d->clock : "");
	else if (d->clock != NULL && strcmp(d->clock, "hypervisor") == 0 && d->ntp.count > 0)
		buf_adds(faults, "clock: the hypervisor keeps the time, so ntp is asked nothing: "
		    "leave one of them out\n");
	for (size_t i = 0; i < d->ntp.count; i++)
		if (!web_host_allowed(d->ntp.items[i]))
			buf_addf(faults, "ntp[%zu]: expected a host's name or address\n", i);
}

static void
check_update(const struct document_update *u, struct buf *faults)
{
	const char *url = u->url != NULL ? update_url_fault(u->url) : NULL;
	const char *window = u->window != NULL ? update_window_fault(u->window) : NULL;

	if (url != NULL)
		buf_addf(faults, "update.url: %s\n", url);
	else
		check_url("update.url", u->url, WEB_UPDATE, faults);
	if (window != NULL)
		buf_addf(faults, "update.window: %s\n", window);
}

static void
check_parts(const struct document *d, struct buf *faults)
{
	if (d->update.set)
		check_update(&d->update, faults);
	if (d->log_forward.set)
		check_url("log_forward.url", d->log_forward.url, WEB_LOG, faults);
	if (d->private_root.set)
		private_root_check(&d->private_root, faults);
}

static void
check_all(struct document *d, const struct document_moment *moment, bool whole,
    struct buf *faults)
{
	check_ways(d, whole, faults);
	check_papers(d, moment, faults);
	check_clock(d, faults);
	check_parts(d, faults);
	d->httpcheck.daemon.log_target = strdup("journal");
	daemon_options_check_log(&d->httpcheck.daemon, faults);
	if (endpoint_parse(&d->httpcheck.resolver, "127.0.0.1:53"))
		httpcheck_check_values(&d->httpcheck, faults);
}

/* For an operator, at a desk whose clock is right. */
static bool
check_now(void *config, struct buf *faults)
{
	const struct document_moment now = { .now_s = time(NULL) };
	size_t before = faults->len;

	check_all(config, &now, true, faults);
	return faults->len == before && !faults->failed;
}

bool
document_read(struct document *d, const char *text, size_t len,
    const struct document_moment *moment, struct buf *faults)
{
	const struct option_table *t = document_options();
	size_t before = faults->len;

	option_defaults(t, d, faults);
	option_parse(t, d, "document", text, len, faults);
	option_complete(t, d, faults);
	check_all(d, moment, faults->len == before, faults);
	return faults->len == before && !faults->failed;
}

static void
wipe(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
}

void
document_free(struct document *d)
{
	wipe(d->tls_key);
	wipe(d->signing_key);
	wipe(d->enrolment.token);
	option_free(document_options(), d);
	option_free(&httpcheck_options, &d->httpcheck);
}
