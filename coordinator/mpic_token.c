#include "coordinator/mpic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base64url.h"
#include "coordinator/caller.h"

#define TOKEN_BYTES	32
#define DEFAULT_NAME	"ca"

/* What the arguments say. */
struct asked {
	const char *name;
	const char *file;	/* NULL: the token is printed */
};

static void
print_help(FILE *out)
{
	fputs("usage: mpic token [--name CALLER] [--file FILE]\n\n"
	    "Makes a random bearer token for a caller of a coordinator, and prints the lines of\n"
	    "the coordinator's configuration that let it in: they hold the token's hash alone.\n\n"
	    "  --name CALLER  what the caller is called; default: " DEFAULT_NAME "\n"
	    "  --file FILE    write the token to this file, which must not exist, for nobody else\n"
	    "                 to read; default: print it, too\n\n"
	    "Exit status: 0, or 2 for an error.\n", out);
}

static bool
read_arguments(struct asked *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char **into = strcmp(argv[i], "--name") == 0 ? &a->name :
		    strcmp(argv[i], "--file") == 0 ? &a->file : NULL;

		if (into == NULL || i + 1 == argc || argv[i + 1][0] == '\0') {
			fprintf(stderr, "mpic token: %s: no such argument, or nothing after it (try "
			    "--help)\n", argv[i]);
			return false;
		}
		*into = argv[++i];
	}
	return true;
}

static bool
write_token(const char *path, const struct buf *token)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd != -1 && write(fd, token->data, token->len) == (ssize_t)token->len &&
	    write(fd, "\n", 1) == 1;

	if (!ok)
		fprintf(stderr, "mpic token: %s: %s\n", path, strerror(errno));
	if (fd != -1)
		close(fd);
	return ok;
}

static bool
make_token(struct buf *token, char hash[static CALLER_HASH_HEX + 1])
{
	unsigned char bytes[TOKEN_BYTES];
	bool ok = RAND_bytes(bytes, sizeof(bytes)) == 1;

	if (ok)
		base64url_add(token, bytes, sizeof(bytes));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (ok && !token->failed && caller_token_hash(token->data, token->len, hash))
		return true;
	fputs("mpic token: there is no randomness\n", stderr);
	return false;
}

int
mpic_token(int argc, char **argv)
{
	struct asked asked = { .name = DEFAULT_NAME };
	struct buf token = BUF_INIT(64);
	char hash[CALLER_HASH_HEX + 1];
	int status = MPIC_ERROR;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help(stdout);
		return MPIC_YES;
	}
	if (!read_arguments(&asked, argc, argv) || !make_token(&token, hash))
		goto out;
	if (asked.file == NULL)
		printf("# the token, for the caller alone\n%s\n", token.data);
	else if (!write_token(asked.file, &token))
		goto out;
	printf("# for the coordinator's configuration\ncallers:\n  - name: \"%s\"\n"
	    "    token_sha256: \"%s\"\n", asked.name, hash);
	status = MPIC_YES;
out:
	if (token.data != NULL)
		OPENSSL_cleanse(token.data, token.len);
	buf_free(&token);
	return status;
}
