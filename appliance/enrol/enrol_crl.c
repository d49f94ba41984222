#include "appliance/enrol/enrol_crl.h"

#include <string.h>
#include <time.h>

#include "appliance/enrol/enrol_keys.h"
#include "appliance/place.h"

#define GIVEN		"/run/mpic/given-crl.pem"
#define OWN		ENROL_FOLDER "/crl.pem"
#define LISTS_MAX	((size_t)2 * 1024 * 1024)

static STACK_OF(X509_CRL) *
read_set(const char *root, const char *path)
{
	struct buf text = BUF_INIT(LISTS_MAX);
	STACK_OF(X509_CRL) *set = NULL;

	if (place_read(root, path, &text) && text.data != NULL)
		set = crl_set_read(text.data);
	buf_free(&text);
	return set;
}

/* Nothing that is past: see the head of enrol_crl.h. */
static void
write_set(struct enrol_crl *c, const char *root)
{
	struct buf text = BUF_INIT(LISTS_MAX);

	if (crl_set_next_s(c->set) <= (int64_t)time(NULL))
		return;
	if (crl_set_write(c->set, &text))
		enrol_write(root, "crl.pem", &text, 0644, &c->fault);
	else
		buf_adds(&c->fault, "the lists are too long");
	buf_free(&text);
}

void
enrol_crl_begin(struct enrol_crl *c, const char *root)
{
	*c = (struct enrol_crl){ .wanted = place_exists(root, GIVEN), .fault = BUF_INIT(4096) };
	if (!c->wanted)
		return;
	c->set = read_set(root, OWN);
	c->boot = c->set == NULL;
	if (!c->boot)
		return;
	c->set = read_set(root, GIVEN);
	if (c->set != NULL)
		write_set(c, root);
	else
		c->set = sk_X509_CRL_new_null();
}

static bool
take(struct enrol_crl *c, STACK_OF(X509_CRL) *came, const char *ca, bool *changed)
{
	struct buf text = BUF_INIT(LISTS_MAX);
	STACK_OF(X509) *issuers = place_read("", ca, &text) && text.data != NULL ?
	    crl_set_issuers(text.data) : NULL;
	bool ok = issuers != NULL && c->set != NULL;

	if (!ok)
		buf_addf(&c->fault, "%s cannot be read", ca);
	ok = ok && crl_set_take(c->set, came, issuers, (int64_t)time(NULL), changed, &c->fault);
	sk_X509_pop_free(issuers, X509_free);
	buf_free(&text);
	return ok;
}

bool
enrol_crl_refresh(struct enrol_crl *c, const char *root, const struct enrol_server *server,
    const char *ca)
{
	STACK_OF(X509_CRL) *came;
	bool changed = false;

	buf_reset(&c->fault);
	came = enrol_call_crls(server, &c->fault);
	if (came != NULL)
		take(c, came, ca, &changed);
	if (changed)
		write_set(c, root);
	sk_X509_CRL_pop_free(came, X509_CRL_free);
	return c->fault.len == 0;
}

static void
time_text(int64_t at_s, char text[static 32])
{
	time_t at = (time_t)at_s;
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strcpy(text, "an unknown day");
}

bool
enrol_crl_overdue(const struct enrol_crl *c, struct buf *line)
{
	int64_t next_s = crl_set_next_s(c->set);
	char text[32];

	if (!c->wanted || next_s > (int64_t)time(NULL))
		return false;
	time_text(next_s, text);
	buf_addf(line, "tls_crl: is out of date, so nobody can be trusted: the next was due %s; newer "
	    "ones cannot be had: %s\n", text, c->fault.len > 0 ? c->fault.data : "there are none");
	return true;
}

void
enrol_crl_status(const struct enrol_crl *c, struct buf *text)
{
	int64_t next_s = crl_set_next_s(c->set);
	char until[32];

	if (!c->wanted)
		return;
	time_text(next_s, until);
	if (c->fault.len > 0)
		buf_addf(text, "# notice the revocation lists cannot be refreshed, and after %s nobody "
		    "is trusted by those that are here: %s\n", until, c->fault.data);
	buf_addf(text, "# HELP mpic_crl_refresh_failed 1 while the last try to have newer revocation "
	    "lists has failed.\n# TYPE mpic_crl_refresh_failed gauge\nmpic_crl_refresh_failed %d\n"
	    "# HELP mpic_crl_next_update_seconds Unix time after which the first of the revocation "
	    "lists is overdue.\n# TYPE mpic_crl_next_update_seconds gauge\n"
	    "mpic_crl_next_update_seconds %lld\n", c->fault.len > 0, (long long)next_s);
}

void
enrol_crl_free(struct enrol_crl *c)
{
	sk_X509_CRL_pop_free(c->set, X509_CRL_free);
	buf_free(&c->fault);
}
