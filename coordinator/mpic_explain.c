#include "coordinator/mpic.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/explain.h"

static void
print_help(FILE *out)
{
	fputs("usage: mpic explain FILE|-\n\n"
	    "Tells what a coordinator answered as one tells it to a customer: which perspective\n"
	    "saw what, why it failed, what to change. FILE holds an answer or a refusal, a list\n"
	    "of them, or one a line; - is standard input.\n\n"
	    "Exit status: 0 all are valid, 1 one is not, 2 error, or one was refused.\n", out);
}

static bool
read_all(const char *name, struct buf *text)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	char bytes[16384];
	size_t n;
	bool ok;

	if (file == NULL) {
		fprintf(stderr, "mpic explain: %s: %s\n", name, strerror(errno));
		return false;
	}
	while (!text->failed && (n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buf_add(text, bytes, n);
	ok = !ferror(file) && !text->failed && text->len > 0;
	if (!ok)
		fprintf(stderr, "mpic explain: %s: is empty, too large or cannot be read\n", name);
	if (file != stdin)
		fclose(file);
	return ok;
}

int
mpic_explain(int argc, char **argv)
{
	struct buf text = BUF_INIT(EXPLAIN_TEXT_MAX), out = BUF_INIT(EXPLAIN_OUTPUT_MAX);
	int status = MPIC_ERROR;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help(stdout);
		return MPIC_YES;
	}
	if (argc != 2 || (argv[1][0] == '-' && argv[1][1] != '\0')) {
		fputs("mpic explain: expected FILE, or - for standard input\n", stderr);
		print_help(stderr);
		return MPIC_ERROR;
	}
	if (!read_all(argv[1], &text))
		goto out;
	status = (int)explain(text.data, text.len, &out);
	if (out.data != NULL)
		fputs(out.data, stdout);
	if (out.failed) {
		fputs("mpic explain: there is more than can be told\n", stderr);
		status = MPIC_ERROR;
	}
out:
	buf_free(&text);
	buf_free(&out);
	return status;
}
