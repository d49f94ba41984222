#include "audit_reader.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
audit_log_init(struct audit_log *log)
{
	snprintf(log->dir, sizeof(log->dir), "/tmp/test-audit-XXXXXX");
	assert_non_null(mkdtemp(log->dir));
	snprintf(log->path, sizeof(log->path), "%s/audit-c-0.jsonl", log->dir);
}

void
audit_log_remove(struct audit_log *log)
{
	DIR *dir = opendir(log->dir);
	const struct dirent *entry;
	char path[512];

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", log->dir, entry->d_name);
		unlink(path);
	}
	closedir(dir);
	assert_int_equal(rmdir(log->dir), 0);
}

void
audit_log_read(const char *path, struct buf *text)
{
	FILE *file = fopen(path, "re");
	char bytes[4096];
	size_t n;

	assert_non_null(file);
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buf_add(text, bytes, n);
	fclose(file);
	assert_false(text->failed);
}

void
audit_log_write(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static enum audit_blame
verify_text(struct audit_verifier *v, const struct buf *text, struct buf *why)
{
	enum audit_blame blame = AUDIT_GOOD;
	const char *at = text->data, *end = at + text->len;

	while (at < end && blame == AUDIT_GOOD) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));

		blame = audit_verify_line(v, at, (size_t)((nl ? nl : end) - at), why);
		at = nl != NULL ? nl + 1 : end;
	}
	return blame;
}

enum audit_blame
audit_log_verify(const struct buf *texts, size_t count, const char *from,
    struct audit_verifier *v, struct buf *why)
{
	struct buf ignored = BUF_INIT(1024);
	enum audit_blame blame = AUDIT_GOOD;

	*v = (struct audit_verifier){ .digest = audit_digest_new(), .from = from,
		.pending_digest = audit_digest_new(), .last = AUDIT_LINK_NONE };
	if (why == NULL)
		why = &ignored;
	for (size_t i = 0; i < count && blame == AUDIT_GOOD; i++)
		blame = verify_text(v, &texts[i], why);
	if (blame == AUDIT_GOOD)
		blame = audit_verify_end(v, why);
	audit_digest_free(v->digest);
	audit_digest_free(v->pending_digest);
	v->digest = v->pending_digest = NULL;
	buf_free(&ignored);
	return blame;
}
