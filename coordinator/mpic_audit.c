/* mpic audit verify: whether the lines of an audit log are a chain. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/audit_verify.h"
#include "coordinator/mpic.h"

/* Where a line stands. */
struct place {
	const char *file;
	uint64_t line;		/* from 1 */
};

struct verifying {
	struct audit_verifier verifier;
	struct place last, torn;	/* the line before; the first of the torn bytes */
};

static void
print_help(FILE *out)
{
	fputs("usage: mpic audit verify [--from-hash HASH] [--to-hash HASH] FILE...\n\n"
	    "Whether the lines of one worker's audit log are a chain: none edited, dropped,\n"
	    "added or moved. FILEs are those of one worker, the oldest first; - is standard input.\n\n"
	    "  --from-hash HASH  the first line must name HASH as the line before it\n"
	    "  --to-hash HASH    the last line's hash must be HASH\n\n"
	    "Exits with 0 if they are, 1 after naming the first line that is wrong, 2 for an\n"
	    "error. The hash it prints, kept elsewhere, is what the next --from-hash needs:\n"
	    "without one it cannot be told that lines are missing at the beginning or the end.\n",
	    out);
}

/* The exit status for a fault found at or before `here`. */
static int
report(const struct verifying *v, enum audit_blame blame, const struct place *here,
    const char *why)
{
	const struct place *at = blame == AUDIT_BEFORE ? &v->last :
	    blame == AUDIT_TORN ? &v->torn : here;

	if (blame == AUDIT_FAILED) {
		fputs("mpic audit: out of memory\n", stderr);
		return MPIC_ERROR;
	}
	printf("%s:%" PRIu64 ": %s\n", at->file, at->line, why);
	return MPIC_NO;
}

static int
verify_line(struct verifying *v, const struct place *here, const char *line, size_t len)
{
	struct buf why = BUF_INIT(1024);
	bool clean = v->verifier.pending == 0;
	enum audit_blame blame;
	int status = MPIC_YES;

	blame = audit_verify_line(&v->verifier, line, len, &why);
	if (clean && v->verifier.pending > 0)
		v->torn = *here;
	if (blame != AUDIT_GOOD)
		status = report(v, blame, here, why.data != NULL ? why.data : "");
	else if (v->verifier.pending == 0)
		v->last = *here;
	buf_free(&why);
	return status;
}

static int
verify_file(struct verifying *v, const char *name)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	struct place here = { .file = name };
	int status = MPIC_YES;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (file == NULL) {
		fprintf(stderr, "mpic audit: %s: %s\n", name, strerror(errno));
		return MPIC_ERROR;
	}
	while (status == MPIC_YES && (len = getline(&line, &cap, file)) > 0) {
		here.line++;
		status = verify_line(v, &here, line, (size_t)len - (line[len - 1] == '\n'));
	}
	if (status == MPIC_YES && (ferror(file) || !feof(file))) {
		fprintf(stderr, "mpic audit: %s: %s\n", name, strerror(errno));
		status = MPIC_ERROR;
	}
	free(line);
	if (file != stdin)
		fclose(file);
	return status;
}

static int
verify_end(struct verifying *v, const char *to)
{
	const struct audit_verifier *a = &v->verifier;
	struct buf why = BUF_INIT(256);
	enum audit_blame blame = audit_verify_end(&v->verifier, &why);
	int status = MPIC_YES;

	if (blame != AUDIT_GOOD) {
		status = report(v, blame, &v->torn, why.data != NULL ? why.data : "");
	} else if (to != NULL && strcmp(to, a->last.hash) != 0) {
		printf("%s:%" PRIu64 ": its hash is %s, not the one given: lines are missing "
		    "after it, or it was edited\n", v->last.file != NULL ? v->last.file : "",
		    v->last.line, a->last.hash);
		status = MPIC_NO;
	} else {
		printf("%" PRIu64 " lines, number %" PRIu64 " to %" PRIu64 ", are a chain; "
		    "%" PRIu64 " torn, %" PRIu64 " attempts unrecorded\nlast hash %s\n", a->lines,
		    a->first_seq, a->last.seq, a->torn, a->unrecorded, a->last.hash);
	}
	buf_free(&why);
	return status;
}

static int
verify(char **files, int count, const char *from, const char *to)
{
	struct verifying v = { .verifier = { .digest = audit_digest_new(),
		.pending_digest = audit_digest_new(), .from = from, .last = AUDIT_LINK_NONE } };
	int status = MPIC_YES;

	if (v.verifier.digest == NULL || v.verifier.pending_digest == NULL) {
		fputs("mpic audit: out of memory\n", stderr);
		status = MPIC_ERROR;
	}
	for (int i = 0; i < count && status == MPIC_YES; i++)
		status = verify_file(&v, files[i]);
	if (status == MPIC_YES)
		status = verify_end(&v, to);
	audit_digest_free(v.verifier.digest);
	audit_digest_free(v.verifier.pending_digest);
	return status;
}

static bool
is_hash(const char *text)
{
	return text == NULL || (strlen(text) == AUDIT_HASH_LEN &&
	    strspn(text, "0123456789abcdef") == AUDIT_HASH_LEN);
}

int
mpic_audit(int argc, char **argv)
{
	static const struct option options[] = {
		{ "from-hash", required_argument, NULL, 'f' },
		{ "to-hash", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *from = NULL, *to = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'f')
			from = optarg;
		else if (c == 't')
			to = optarg;
		else
			print_help(c == 'h' ? stdout : stderr);
		if (c != 'f' && c != 't')
			return c == 'h' ? MPIC_YES : MPIC_ERROR;
	}
	if (optind + 1 < argc && strcmp(argv[optind], "verify") == 0 && is_hash(from) && is_hash(to))
		return verify(argv + optind + 1, argc - optind - 1, from, to);
	fputs(!is_hash(from) || !is_hash(to) ? "mpic audit: a hash has 64 hex digits in lower case\n" :
	    "mpic audit: expected verify and one file or more\n", stderr);
	print_help(stderr);
	return MPIC_ERROR;
}
