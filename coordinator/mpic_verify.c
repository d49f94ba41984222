#include "coordinator/mpic.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "coordinator/archive.h"

#define OUTPUT_MAX	((size_t)4 * 1024 * 1024)
#define KEY_SUFFIX	".pub"

static void
print_help(FILE *out)
{
	fputs("usage: mpic verify FILE|- --keys KEY...\n\n"
	    "Verifies an archived answer of a coordinator with the public keys of its perspectives.\n"
	    "\n"
	    "  KEY  a file with a public Ed25519 key in PEM; CODE=FILE for the key of that one\n"
	    "       perspective; or a folder, of which all files NAME" KEY_SUFFIX " are read. A key\n"
	    "       without a CODE belongs to the first perspective it is seen to sign for.\n\n"
	    "  openssl genpkey -algorithm ed25519 -out KEY     makes the key of a perspective,\n"
	    "  openssl pkey -in KEY -pubout -out NAME" KEY_SUFFIX "     writes its public half.\n\n"
	    "Exit status: 0 genuine, 1 not, 2 error.\n", out);
}

/* ---- keys ---- */

static bool
add_key(struct archive_keys *keys, const char *file, const char *code, size_t code_len)
{
	struct archive_key *key = &keys->list[keys->count];
	struct buf why = BUF_INIT(4608);

	if (keys->count == ARCHIVE_KEYS_MAX || code_len >= sizeof(key->code)) {
		fprintf(stderr, "mpic verify: %s: %s\n", file, keys->count == ARCHIVE_KEYS_MAX ?
		    "there are too many keys" : "its perspective's code is too long");
		return false;
	}
	key->key = jws_key_read_public(file, &why);
	if (key->key == NULL) {
		fprintf(stderr, "mpic verify: %s\n", why.data != NULL ? why.data : "out of memory");
		buf_free(&why);
		return false;
	}
	snprintf(key->code, sizeof(key->code), "%.*s", (int)code_len, code);
	keys->count++;
	return true;
}

static bool
add_folder(struct archive_keys *keys, const char *folder)
{
	DIR *dir = opendir(folder);
	size_t before = keys->count, len;
	struct dirent *entry;
	char path[4096];
	bool ok = dir != NULL;

	while (ok && (entry = readdir(dir)) != NULL) {
		len = strlen(entry->d_name);
		if (len <= strlen(KEY_SUFFIX) ||
		    strcmp(entry->d_name + len - strlen(KEY_SUFFIX), KEY_SUFFIX) != 0)
			continue;
		ok = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
		    (int)sizeof(path) && add_key(keys, path, "", 0);
	}
	if (dir != NULL)
		closedir(dir);
	if (ok && keys->count == before) {
		fprintf(stderr, "mpic verify: %s: holds no file NAME" KEY_SUFFIX "\n", folder);
		ok = false;
	}
	return ok;
}

/* FILE, FOLDER or CODE=FILE; a file's name may hold '=' behind a slash. */
static bool
add_keys(struct archive_keys *keys, const char *word)
{
	size_t code_len = strcspn(word, "=/");
	struct stat st;

	if (word[code_len] == '=')
		return add_key(keys, word + code_len + 1, word, code_len);
	if (stat(word, &st) == 0 && S_ISDIR(st.st_mode))
		return add_folder(keys, word);
	return add_key(keys, word, "", 0);
}

/* ---- the command ---- */

static int
verify(const char *name, struct archive_keys *keys)
{
	struct buf text = BUF_INIT(ARCHIVE_TEXT_MAX), out = BUF_INIT(OUTPUT_MAX);
	enum archive_verdict verdict = ARCHIVE_UNREADABLE;
	int status = MPIC_ERROR;

	if (!mpic_read_file("verify", name, &text))
		goto out;
	verdict = archive_verify(text.data, text.len, keys, &out);
	if (out.data != NULL)
		fputs(out.data, stdout);
	if (verdict == ARCHIVE_UNREADABLE || out.failed)
		fprintf(stderr, "mpic verify: %s: is no answer of a coordinator\n", name);
	else
		status = verdict == ARCHIVE_GENUINE ? MPIC_YES : MPIC_NO;
out:
	buf_free(&text);
	buf_free(&out);
	return status;
}

int
mpic_verify(int argc, char **argv)
{
	struct archive_keys *keys = calloc(1, sizeof(*keys));
	int status = MPIC_ERROR;
	bool ok = keys != NULL;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help(stdout);
		status = MPIC_YES;
	} else if (argc < 4 || strcmp(argv[2], "--keys") != 0) {
		fputs("mpic verify: expected FILE --keys KEY...\n", stderr);
		print_help(stderr);
	} else {
		for (int i = 3; i < argc && ok; i++)
			ok = add_keys(keys, argv[i]);
		if (ok)
			status = verify(argv[1], keys);
	}
	if (keys != NULL)
		archive_keys_free(keys);
	free(keys);
	return status;
}
