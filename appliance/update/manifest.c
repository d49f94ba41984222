#include "appliance/update/manifest.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "appliance/update/version.h"
#include "base64url.h"
#include "option.h"

#define SEPARATOR	"\nsignatures:\n"
#define ITEM		"  - "
#define FILE_NAME_MAX	200
#define ROOT_BYTES_MAX	INT64_C(4294967296)

/* ---- what is signed, and by whom ---- */

/* One line of the second part; the next is at `*at` after it. */
static bool
signature_next(const char *text, size_t len, size_t *at,
    unsigned char signature[static UPDATE_SIGNATURE_LEN])
{
	const char *line = text + *at, *end = memchr(line, '\n', len - *at);
	struct buf bytes = BUF_INIT(UPDATE_SIGNATURE_LEN);
	bool ok = end != NULL && (size_t)(end - line) > strlen(ITEM) &&
	    memcmp(line, ITEM, strlen(ITEM)) == 0 &&
	    base64url_decode(line + strlen(ITEM), (size_t)(end - line) - strlen(ITEM), &bytes) &&
	    bytes.len == UPDATE_SIGNATURE_LEN;

	if (ok) {
		memcpy(signature, bytes.data, UPDATE_SIGNATURE_LEN);
		*at = (size_t)(end + 1 - text);
	}
	buf_free(&bytes);
	return ok;
}

size_t
manifest_signed(const char *text, size_t len, const struct update_keys *keys, struct buf *why)
{
	unsigned char signature[UPDATE_SIGNATURE_LEN];
	const char *separator = len <= MANIFEST_MAX ?
	    memmem(text, len, SEPARATOR, strlen(SEPARATOR)) : NULL;
	size_t signed_len, at, count = 0;
	bool good = false;

	if (separator == NULL) {
		buf_adds(why, "it is no manifest of an update: no signatures follow");
		return 0;
	}
	signed_len = (size_t)(separator - text) + 1;
	at = (size_t)(separator - text) + strlen(SEPARATOR);
	while (at < len) {
		if (count++ == MANIFEST_SIGNATURES_MAX ||
		    !signature_next(text, len, &at, signature)) {
			buf_addf(why, "its signatures: expected one to %d lines of \"%s\" and 86 "
			    "characters of base64url", MANIFEST_SIGNATURES_MAX, ITEM);
			return 0;
		}
		good = good || update_keys_verify(keys, text, signed_len, signature);
	}
	if (!good)
		buf_adds(why, "its signature is by no key that this image knows");
	return good ? signed_len : 0;
}

/* ---- what it says ---- */

bool
manifest_time(const char *text, int64_t *at_s)
{
	struct tm tm = { .tm_sec = 0 };
	char again[MANIFEST_TIME_LEN + 1];
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (end == NULL || *end != '\0' || strlen(text) != MANIFEST_TIME_LEN)
		return false;
	*at_s = timegm(&tm);
	manifest_time_text(*at_s, again);
	return strcmp(again, text) == 0;	/* there is no 31st of February */
}

void
manifest_time_text(int64_t at_s, char text[static MANIFEST_TIME_LEN + 1])
{
	time_t at = (time_t)at_s;
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(text, MANIFEST_TIME_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = '\0';
}

#define FILE_ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, .flags = OPTION_REQUIRED, \
	    .offset = offsetof(struct manifest_file, member), __VA_ARGS__ }
static const struct option file_rows[] = {
	FILE_ROW("file", STRING, file, .min = 1, .max = FILE_NAME_MAX,
	    .sentence = "Its name."),
	FILE_ROW("bytes", INTEGER, bytes, .min = 4096, .max = ROOT_BYTES_MAX,
	    .sentence = "Its size."),
	FILE_ROW("sha256", STRING, sha256, .min = 64, .max = 64,
	    .sentence = "Its SHA-256."),
};

#define ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, .offset = offsetof(struct manifest, member), \
	    __VA_ARGS__ }
#define FILE_MAP .flags = OPTION_REQUIRED, .rows = file_rows, .row_count = 3, \
	.size = sizeof(struct manifest_file)
static const struct option rows[] = {
	ROW("format", STRING, format, .flags = OPTION_REQUIRED, .sentence = MANIFEST_FORMAT "."),
	ROW("image", STRING, image, .flags = OPTION_REQUIRED, .min = 1, .max = 64,
	    .sentence = "The IMAGE_ID of whom it is for."),
	ROW("version", STRING, version, .flags = OPTION_REQUIRED, .min = 1, .max = VERSION_MAX - 1,
	    .sentence = "The IMAGE_VERSION that it installs."),
	ROW("released", STRING, released, .flags = OPTION_REQUIRED,
	    .sentence = "When it was signed: the later of two counts."),
	ROW("expires", STRING, expires, .flags = OPTION_REQUIRED,
	    .sentence = "From when on it counts no more."),
	ROW("rollback", BOOL, rollback, .def = "false",
	    .sentence = "Whether it is for those who run a newer version."),
	ROW("minimum", STRING, minimum, .min = 1, .max = VERSION_MAX - 1,
	    .sentence = "No older version is to run any more."),
	ROW("root", MAP, root, FILE_MAP, .sentence = "The root file system with its hashes."),
	ROW("efi", MAP, efi, FILE_MAP, .sentence = "The kernel image."),
};
static const struct option_table table = { .program = "manifest", .rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]) };

static void
check_file(const struct manifest_file *f, const char *name, struct buf *faults)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789._+-";

	if (f->file[0] == '.' || f->file[strspn(f->file, letters)] != '\0')
		buf_addf(faults, "%s.file: expected a name of letters, digits and . _ + -\n", name);
	if (f->sha256[strspn(f->sha256, "0123456789abcdef")] != '\0')
		buf_addf(faults, "%s.sha256: expected 64 hexadecimal digits in lower case\n", name);
}

/* What the rows cannot say. */
static void
check_manifest(struct manifest *m, struct buf *faults)
{
	if (strcmp(m->format, MANIFEST_FORMAT) != 0)
		buf_adds(faults, "format: expected " MANIFEST_FORMAT ": this image is too old for it, "
		    "or it is of something else\n");
	if (!version_valid(m->version))
		buf_adds(faults, "version: expected numbers such as 2026.11.22-1\n");
	if (m->minimum != NULL && !version_valid(m->minimum))
		buf_adds(faults, "minimum: expected numbers such as 2026.11.22-1\n");
	if (!manifest_time(m->released, &m->released_s))
		buf_adds(faults, "released: expected a time such as 2026-11-22T10:00:00Z\n");
	if (!manifest_time(m->expires, &m->expires_s))
		buf_adds(faults, "expires: expected a time such as 2026-11-22T10:00:00Z\n");
	check_file(&m->root, "root", faults);
	check_file(&m->efi, "efi", faults);
	if (m->root.bytes % 4096 != 0)
		buf_adds(faults, "root.bytes: expected a multiple of 4096\n");
}

bool
manifest_parse(struct manifest *m, const char *text, size_t len, struct buf *faults)
{
	size_t before = faults->len;

	*m = (struct manifest){ .format = NULL };
	if (option_defaults(&table, m, faults) &&
	    option_parse(&table, m, "the manifest", text, len, faults) &&
	    option_complete(&table, m, faults))
		check_manifest(m, faults);
	if (faults->len == before && !faults->failed)
		return true;
	manifest_free(m);
	return false;
}

void
manifest_free(struct manifest *m)
{
	option_free(&table, m);
	*m = (struct manifest){ .format = NULL };
}
