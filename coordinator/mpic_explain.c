#include "coordinator/mpic.h"

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
	if (!mpic_read_file("explain", argv[1], &text))
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
