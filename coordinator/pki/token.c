#include "coordinator/pki/token.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include <json-c/json.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base64url.h"
#include "coordinator/caller.h"
#include "coordinator/pki/folder.h"
#include "json_reader.h"
#include "json_writer.h"

#define TOKEN_BYTES	32
#define RECORD_MAX	((size_t)4096)
#define DAY_S		INT64_C(86400)

static const char *const fault_texts[] = {
	[TOKEN_OK] = "is good",
	[TOKEN_UNKNOWN] = "is nobody's",
	[TOKEN_ANOTHERS] = "is another perspective's",
	[TOKEN_EXPIRED] = "has expired",
	[TOKEN_USED_UP] = "has been used up",
	[TOKEN_BROKEN] = "cannot be looked up or used: the folder of enrolment is at fault",
};

const char *
token_fault_text(enum token_fault fault)
{
	return fault_texts[fault];
}

/* ---- making ---- */

bool
token_folders(const char *folder, struct buf *why)
{
	static const char *const names[] = { "tokens", "used" };
	char path[FOLDER_PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		folder_path(folder, names[i], path);
		if (mkdir(path, 0700) == 0 || errno == EEXIST)
			continue;
		buf_addf(why, "%s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static bool
write_record(const char *folder, const struct enrol_token *token, struct buf *why)
{
	struct buf record = BUF_INIT(RECORD_MAX);
	char name[TOKEN_HASH_HEX + 16];
	bool ok;

	snprintf(name, sizeof(name), "tokens/%s", token->hash);
	json_add_string(&record, "{\"perspective\":", token->perspective);
	json_add_int(&record, ",\"expires_s\":", token->expires_s);
	json_add_int(&record, ",\"uses\":", token->uses);
	buf_adds(&record, "}\n");
	/* Who tells tokens out may be another user than the coordinator, which reads them. */
	ok = !record.failed && folder_write_new(folder, name, &record, true, why);
	buf_free(&record);
	return ok;
}

bool
token_make(const char *folder, const char *perspective, int64_t days, int64_t uses,
    struct buf *text, struct buf *why)
{
	struct enrol_token token = { .expires_s = (int64_t)time(NULL) + days * DAY_S,
		.uses = uses };
	unsigned char bytes[TOKEN_BYTES];
	bool ok = RAND_bytes(bytes, sizeof(bytes)) == 1;
	size_t at = text->len;

	if (ok)
		base64url_add(text, bytes, sizeof(bytes));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	ok = ok && !text->failed && caller_token_hash(text->data + at, text->len - at, token.hash);
	if (!ok) {
		buf_adds(why, "there is no randomness");
		return false;
	}
	snprintf(token.perspective, sizeof(token.perspective), "%s", perspective);
	return token_folders(folder, why) && write_record(folder, &token, why);
}

/* ---- looking ---- */

struct record {
	const char *perspective;
	struct json_int expires_s, uses;
};

static const struct json_field record_fields[] = {
	JSON_ROW("perspective", STRING, record, perspective, .required = true,
	    .max = CHECK_CODE_MAX),
	JSON_ROW("expires_s", INT, record, expires_s, .required = true, .max = INT64_MAX),
	JSON_ROW("uses", INT, record, uses, .required = true, .min = 1, .max = TOKEN_USES_MAX),
	{ .key = NULL },
};

/* False also when it is not there. */
static bool
read_record(const char *folder, struct enrol_token *token)
{
	struct buf text = BUF_INIT(RECORD_MAX), why = BUF_INIT(RECORD_MAX);
	struct json_object *object = NULL;
	struct record record = { .perspective = "" };
	struct json_faults faults;
	char name[TOKEN_HASH_HEX + 16];
	bool ok;

	json_faults_init(&faults);
	snprintf(name, sizeof(name), "tokens/%s", token->hash);
	if (folder_read(folder, name, &text, &why))
		object = json_document_parse(text.data, text.len, &faults);
	ok = object != NULL && json_read(object, record_fields, &record, "", &faults);
	if (ok) {
		snprintf(token->perspective, sizeof(token->perspective), "%s", record.perspective);
		token->expires_s = record.expires_s.value;
		token->uses = record.uses.value;
	}
	json_object_put(object);
	buf_free(&text);
	buf_free(&why);
	return ok;
}

enum token_fault
token_look(const char *folder, const char *text, const char *perspective, int64_t now_s,
    struct enrol_token *token)
{
	size_t len = strlen(text);

	*token = (struct enrol_token){ .uses = 0 };
	if (len == 0 || len > TOKEN_TEXT_MAX)
		return TOKEN_UNKNOWN;
	if (!caller_token_hash(text, len, token->hash))
		return TOKEN_BROKEN;
	if (!read_record(folder, token)) {
		char path[FOLDER_PATH_MAX];

		folder_path(folder, "tokens", path);
		return access(path, R_OK | X_OK) == 0 ? TOKEN_UNKNOWN : TOKEN_BROKEN;
	}
	if (strcmp(token->perspective, perspective) != 0)
		return TOKEN_ANOTHERS;
	return now_s < token->expires_s ? TOKEN_OK : TOKEN_EXPIRED;
}

/* ---- using ---- */

static void
use_name(const struct enrol_token *token, unsigned use, char name[static TOKEN_HASH_HEX + 32])
{
	snprintf(name, TOKEN_HASH_HEX + 32, "used/%s.%u", token->hash, use);
}

/* Whether this use was for the same key. */
static bool
same_key(const char *folder, const char *name, const char *key_hash)
{
	struct buf text = BUF_INIT(RECORD_MAX), why = BUF_INIT(RECORD_MAX);
	bool ok = folder_read(folder, name, &text, &why) && text.len > TOKEN_HASH_HEX &&
	    memcmp(text.data, key_hash, TOKEN_HASH_HEX) == 0;

	buf_free(&text);
	buf_free(&why);
	return ok;
}

/* Under a name of its own: link(2) then gives it one that only one process can give. */
static bool
write_draft(const char *folder, const struct enrol_token *token, const char *key_hash,
    const char *note, char path[static FOLDER_PATH_MAX])
{
	struct buf text = BUF_INIT(RECORD_MAX), why = BUF_INIT(RECORD_MAX);
	char name[TOKEN_HASH_HEX + 64];
	uint64_t random;
	/* Replicas may have the same process number. */
	bool ok = RAND_bytes((unsigned char *)&random, sizeof(random)) == 1;

	snprintf(name, sizeof(name), "used/.%s.%016" PRIx64, token->hash, random);
	folder_path(folder, name, path);
	buf_addf(&text, "%s %s\n", key_hash, note);
	ok = ok && !text.failed && folder_write_new(folder, name, &text, false, &why);
	buf_free(&text);
	buf_free(&why);
	return ok;
}

static enum token_fault
take_use(const char *folder, const struct enrol_token *token, const char *draft,
    const char *key_hash, unsigned *use)
{
	char name[TOKEN_HASH_HEX + 32], path[FOLDER_PATH_MAX];

	for (*use = 0; *use < token->uses; (*use)++) {
		use_name(token, *use, name);
		folder_path(folder, name, path);
		if (link(draft, path) == 0)
			return TOKEN_OK;
		if (same_key(folder, name, key_hash)) {
			*use = TOKEN_NO_USE;
			return TOKEN_OK;
		}
		if (access(path, F_OK) != 0)
			return TOKEN_BROKEN;
	}
	return TOKEN_USED_UP;
}

enum token_fault
token_take(const char *folder, const struct enrol_token *token, const char *key_hash,
    const char *note, unsigned *use)
{
	enum token_fault fault = TOKEN_BROKEN;
	char draft[FOLDER_PATH_MAX];

	if (write_draft(folder, token, key_hash, note, draft))
		fault = take_use(folder, token, draft, key_hash, use);
	unlink(draft);
	return fault;
}

void
token_give_back(const char *folder, const struct enrol_token *token, unsigned use)
{
	char name[TOKEN_HASH_HEX + 32], path[FOLDER_PATH_MAX];

	if (use == TOKEN_NO_USE)
		return;
	use_name(token, use, name);
	folder_path(folder, name, path);
	unlink(path);
}

int
token_cancel(const char *folder, const char *perspective)
{
	struct enrol_token token;
	char path[FOLDER_PATH_MAX];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	folder_path(folder, "tokens", path);
	dir = opendir(path);
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((entry = readdir(dir)) != NULL) {
		if (strlen(entry->d_name) != TOKEN_HASH_HEX)
			continue;
		memcpy(token.hash, entry->d_name, TOKEN_HASH_HEX + 1);
		if (read_record(folder, &token) && strcmp(token.perspective, perspective) == 0)
			count += unlinkat(dirfd(dir), token.hash, 0) == 0;
	}
	closedir(dir);
	return count;
}
