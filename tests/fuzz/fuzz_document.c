/*
 * An appliance's document: whatever the text, it is good, and then every file that
 * first-boot makes of it is in order, or it has at least one fault; and no fault
 * has a line of a private key that stands in the text.
 */
#include <string.h>

#include "appliance/boot/source.h"
#include "appliance/document/outcome.h"
#include "fuzz.h"

#define TEXT_MAX	((size_t)1024 * 1024)
#define KEY_LINE	41	/* no key's first line is shorter, and nothing so long is shown */
#define BEGIN	"-----BEGIN PRIVATE KEY-----\n"

/* The first line of each PRIVATE KEY block, as far as it is of base64. */
static void
check_no_key(const char *text, const char *faults)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = text;
	char part[KEY_LINE + 1];

	while ((at = strstr(at, BEGIN)) != NULL) {
		at += strlen(BEGIN);
		at += strspn(at, " ");
		if (strspn(at, base64) < KEY_LINE)
			continue;
		memcpy(part, at, KEY_LINE);
		part[KEY_LINE] = '\0';
		REQUIRE(strstr(faults, part) == NULL);
	}
}

/* Faults are lines of text, whatever stood in the document. */
static void
check_faults(const struct buf *faults)
{
	REQUIRE(faults->len > 0);
	REQUIRE(strlen(faults->data) == faults->len);
	REQUIRE(faults->data[faults->len - 1] == '\n' || faults->failed);
}

static void
check_httpcheck(const struct outcome *o)
{
	const struct outcome_file *file = outcome_find(o, "httpcheck.yaml");
	struct httpcheck_config cfg = { .code = NULL };
	struct buf faults = BUF_INIT(TEXT_MAX);

	REQUIRE(file != NULL && option_defaults(&httpcheck_options, &cfg, &faults));
	REQUIRE(option_parse(&httpcheck_options, &cfg, "f", file->text.data, file->text.len,
	    &faults));
	REQUIRE(option_complete(&httpcheck_options, &cfg, &faults));
	REQUIRE(httpcheck_check_values(&cfg, &faults));
	option_free(&httpcheck_options, &cfg);
	buf_free(&faults);
}

/* One option a line, of those that we write: nothing of the document's adds another. */
static void
check_unbound(const struct outcome *o)
{
	static const char *const known[] = { "#", "include: \"/usr/lib/parallax/appliance", "server:",
		"\tnum-threads: ", "\troot-hints: \"", "\ttrust-anchor: \". " };
	const struct outcome_file *file = outcome_find(o, "unbound/perspective.conf");
	const char *line;

	REQUIRE(file != NULL);
	for (line = file->text.data; *line != '\0'; line = strchr(line, '\n') + 1) {
		bool ours = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			ours = ours || strncmp(line, known[i], strlen(known[i])) == 0;
		REQUIRE(ours && strchr(line, '\n') != NULL);
	}
}

/* "[Time]", what to ask, an empty line or none. */
static void
check_ntp(const struct outcome *o)
{
	const struct outcome_file *file = outcome_find(o, "ntp.conf");
	size_t lines = 0;

	REQUIRE(file != NULL && strncmp(file->text.data, "[Time]\n", 7) == 0);
	for (const char *at = file->text.data; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	REQUIRE(lines <= 4);
}

static void
check_good(struct document *d)
{
	const struct outcome_machine machine = { .source = "cidata", .image_id = "image",
		.image_version = "1", .cpus = 2, .name_servers = "192.0.2.1" };
	struct buf faults = BUF_INIT(TEXT_MAX);
	struct outcome o;

	REQUIRE(d->httpcheck.code != NULL && d->tls_ca != NULL);
	REQUIRE((d->tls_certificate != NULL && d->tls_key != NULL) || d->enrolment.token != NULL);
	REQUIRE(outcome_make(&o, d, &machine, &faults));
	check_httpcheck(&o);
	check_unbound(&o);
	check_ntp(&o);
	outcome_free(&o);
	buf_free(&faults);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct document_moment unknown = { .now_s = 0 };
	struct buf text = BUF_INIT(DOCUMENT_MAX), faults = BUF_INIT(TEXT_MAX);
	struct document d = { .tls_ca = NULL };

	buf_adds(&text, "");
	buf_add(&text, data, len);
	if (!text.failed) {
		source_foreign(text.data, text.len);
		if (document_read(&d, text.data, text.len, &unknown, &faults)) {
			check_good(&d);
		} else {
			check_faults(&faults);
			check_no_key(text.data, faults.data);
		}
		document_free(&d);
	}
	buf_free(&text);
	buf_free(&faults);
	return 0;
}
