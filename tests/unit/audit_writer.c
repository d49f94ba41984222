#include "audit_writer.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "json_writer.h"

struct audit_file *
audit_log_start(const struct audit_log *log)
{
	struct audit_file *f = audit_file_new(log->dir, "c", 0, AUDIT_SYNC_NONE);

	assert_non_null(f);
	return f;
}

bool
audit_log_put(struct audit_file *f, size_t lines)
{
	struct buf *out = audit_file_begin(f);

	for (size_t i = 0; i < lines; i++) {
		audit_file_line_begin(f, "result");
		json_add_string(out, ",\"target\":", "www.example.com");
		audit_file_line_end(f);
	}
	return audit_file_commit(f);
}

enum audit_blame
audit_log_verify_paths(const char *const *paths, size_t count, struct audit_verifier *v)
{
	enum audit_blame blame;
	struct buf texts[4] = { { .data = NULL } };

	for (size_t i = 0; i < count; i++) {
		texts[i] = BUF_INIT(1024 * 1024);
		audit_log_read(paths[i], &texts[i]);
	}
	blame = audit_log_verify(texts, count, NULL, v, NULL);
	for (size_t i = 0; i < count; i++)
		buf_free(&texts[i]);
	return blame;
}

enum audit_blame
audit_log_verify_file(const struct audit_log *log, struct audit_verifier *v)
{
	const char *path = log->path;

	return audit_log_verify_paths(&path, 1, v);
}
