#include "coordinator/pki/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <json-c/json.h>

#include "coordinator/pki/folder.h"
#include "json_reader.h"
#include "json_writer.h"

#define FILE_MAX	((size_t)256 * 1024 * 1024)
#define ENTRIES_MAX	((size_t)1 << 20)
#define CRL_MAX		((size_t)64 * 1024 * 1024)
#define KEPT_S		INT64_C(604800)	/* on the list after they have ended */

/* A line of either file; members are the document's. */
struct line {
	const char *identity, *serial, *not_after, *revoked, *reason, *verify_key;
};

static const struct json_field line_fields[] = {
	JSON_ROW("identity", STRING, line, identity, .required = true, .max = 255),
	JSON_ROW("serial", STRING, line, serial, .required = true, .min = 1,
	    .max = CERTIFICATE_SERIAL_MAX - 1),
	JSON_ROW("not_after", STRING, line, not_after, .required = true, .max = 20),
	JSON_ROW("revoked", STRING, line, revoked, .max = 20),
	JSON_ROW("reason", STRING, line, reason, .max = 31),
	JSON_ROW("verify_key", STRING, line, verify_key, .max = 63),
	{ .key = NULL },
};

/* ---- times ---- */

void
ledger_time(int64_t at_s, char text[static LEDGER_TIME_TEXT])
{
	time_t at = (time_t)at_s;
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, LEDGER_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static bool
time_parse(const char *text, int64_t *at_s)
{
	struct tm tm = { .tm_year = 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (end == NULL || *end != '\0')
		return false;
	*at_s = (int64_t)timegm(&tm);
	return true;
}

/* ---- reading ---- */

static struct ledger_entry *
entry_new(struct ledger *l)
{
	size_t cap = l->cap > 0 ? 2 * l->cap : 64;
	struct ledger_entry *longer;

	if (l->count == l->cap) {
		longer = cap <= ENTRIES_MAX ? realloc(l->entries, cap * sizeof(*longer)) : NULL;
		if (longer == NULL)
			return NULL;
		l->entries = longer;
		l->cap = cap;
	}
	l->entries[l->count] = (struct ledger_entry){ .expires_s = 0 };
	return &l->entries[l->count++];
}

struct ledger_entry *
ledger_find(const struct ledger *l, const char *serial)
{
	/* From the last: what was revoked is asked for soon after it was issued. */
	for (size_t i = l->count; i > 0; i--)
		if (strcasecmp(l->entries[i - 1].serial, serial) == 0)
			return &l->entries[i - 1];
	return NULL;
}

/* NULL, or what is wrong with the line. */
static const char *
take(struct ledger *l, const struct line *line)
{
	struct ledger_entry *entry = line->revoked != NULL ? ledger_find(l, line->serial) : NULL;
	int64_t revoked_s = 0, expires_s;

	if (!time_parse(line->not_after, &expires_s) ||
	    (line->revoked != NULL && !time_parse(line->revoked, &revoked_s)))
		return "expected times such as 2026-11-22T10:00:00Z";
	if (entry == NULL && (entry = entry_new(l)) == NULL)
		return "there are too many";
	snprintf(entry->identity, sizeof(entry->identity), "%s", line->identity);
	snprintf(entry->serial, sizeof(entry->serial), "%s", line->serial);
	if (line->verify_key != NULL)
		snprintf(entry->verify_key, sizeof(entry->verify_key), "%s", line->verify_key);
	snprintf(entry->reason, sizeof(entry->reason), "%s", line->reason != NULL ?
	    line->reason : "");
	entry->expires_s = expires_s;
	if (entry->revoked_s == 0)
		entry->revoked_s = revoked_s;
	return NULL;
}

static bool
read_line(struct ledger *l, const char *text, size_t len, struct buf *why)
{
	struct line line = { .identity = NULL };
	struct json_object *object;
	struct json_faults faults;
	const char *wrong = NULL;

	json_faults_init(&faults);
	object = json_document_parse(text, len, &faults);
	if (object != NULL && json_read(object, line_fields, &line, "", &faults))
		wrong = take(l, &line);
	if (faults.count > 0)
		buf_addf(why, "%s%s%s", faults.list[0].path, faults.list[0].path[0] != '\0' ? ": " : "",
		    faults.list[0].message);
	else if (wrong != NULL)
		buf_adds(why, wrong);
	json_object_put(object);
	return faults.count == 0 && wrong == NULL;
}

/* True where there is no such file. */
static bool
read_file(struct ledger *l, const char *folder, const char *name, struct buf *why)
{
	struct buf text = BUF_INIT(FILE_MAX), wrong = BUF_INIT(1024);
	const char *at, *end;
	bool ok = true;

	if (!folder_has(folder, name))
		return true;
	ok = folder_read(folder, name, &text, why);
	at = text.data;
	for (size_t number = 1; ok && at != NULL && *at != '\0'; number++, at = end + 1) {
		end = strchrnul(at, '\n');
		ok = read_line(l, at, (size_t)(end - at), &wrong);
		if (!ok)
			buf_addf(why, "%s/%s: line %zu: %s", folder, name, number,
			    wrong.data != NULL ? wrong.data : "out of memory");
		if (*end == '\0')
			break;
	}
	buf_free(&text);
	buf_free(&wrong);
	return ok;
}

bool
ledger_read(struct ledger *l, const char *folder, struct buf *why)
{
	*l = (struct ledger){ .entries = NULL };
	return read_file(l, folder, "issued.jsonl", why) &&
	    read_file(l, folder, "revoked.jsonl", why);
}

void
ledger_free(struct ledger *l)
{
	free(l->entries);
	*l = (struct ledger){ .entries = NULL };
}

/* ---- writing ---- */

static void
add_time(struct buf *line, const char *lead, int64_t at_s)
{
	char text[LEDGER_TIME_TEXT];

	ledger_time(at_s, text);
	json_add_string(line, lead, text);
}

static bool
append(const char *folder, const char *name, struct buf *line, struct buf *why)
{
	bool ok;

	buf_adds(line, "}\n");
	ok = !line->failed;
	if (!ok)
		buf_adds(why, "out of memory");
	ok = ok && folder_append(folder, name, line, why);
	buf_free(line);
	return ok;
}

bool
ledger_issued(const char *folder, const struct pki_issued *issued, const char *verify_key,
    struct buf *why)
{
	struct buf line = BUF_INIT(2048);

	json_add_string(&line, "{\"identity\":", issued->identity);
	json_add_string(&line, ",\"serial\":", issued->serial);
	add_time(&line, ",\"not_after\":", issued->expires_s);
	add_time(&line, ",\"issued\":", (int64_t)time(NULL));
	if (verify_key != NULL && verify_key[0] != '\0')
		json_add_string(&line, ",\"verify_key\":", verify_key);
	return append(folder, "issued.jsonl", &line, why);
}

bool
ledger_revoke(const char *folder, struct ledger_entry *entry, const char *reason,
    struct buf *why)
{
	struct buf line = BUF_INIT(2048);

	entry->revoked_s = (int64_t)time(NULL);
	snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
	json_add_string(&line, "{\"identity\":", entry->identity);
	json_add_string(&line, ",\"serial\":", entry->serial);
	add_time(&line, ",\"not_after\":", entry->expires_s);
	add_time(&line, ",\"revoked\":", entry->revoked_s);
	json_add_string(&line, ",\"reason\":", reason);
	return append(folder, "revoked.jsonl", &line, why);
}

bool
ledger_write_crl(const struct ledger *l, const char *folder, const struct pki_ca *ca,
    int64_t days, struct buf *why)
{
	struct buf text = BUF_INIT(CRL_MAX), before = BUF_INIT(CRL_MAX), ignored = BUF_INIT(1024);
	struct crl_row *rows = calloc(l->count + 1, sizeof(*rows));
	int64_t now_s = (int64_t)time(NULL);
	size_t count = 0;
	bool ok;

	for (size_t i = 0; rows != NULL && i < l->count; i++) {
		const struct ledger_entry *e = &l->entries[i];

		if (e->revoked_s != 0 && e->expires_s + KEPT_S > now_s)
			rows[count++] = (struct crl_row){ e->serial, e->revoked_s, e->reason };
	}
	if (folder_has(folder, "crl.pem"))
		folder_read(folder, "crl.pem", &before, &ignored);
	if (rows == NULL)
		buf_adds(why, "out of memory");
	ok = rows != NULL && crl_make(ca, rows, count, days, before.data, &text, why) &&
	    folder_replace(folder, "crl.pem", &text, true, why);
	free(rows);
	buf_free(&text);
	buf_free(&before);
	buf_free(&ignored);
	return ok;
}
