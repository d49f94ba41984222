#include "coordinator/mpic.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "coordinator/batch.h"
#include "coordinator/mpic_call.h"
#include "coordinator/verdict.h"
#include "json_reader.h"
#include "json_scan.h"

#define DEFAULT_COORDINATOR	"https://127.0.0.1:8400"

/* What the arguments say, and what has come. */
struct asked {
	struct mpic_call call;
	const char *file;
	bool json;
	size_t yes, no, errors;
};

static void
print_help(FILE *out)
{
	fputs("usage: mpic batch FILE|- [--coordinator URL] [--cert FILE --key FILE --ca FILE]\n"
	    "                  [--token-file FILE] [--json]\n\n"
	    "Asks a coordinator for all requests in FILE, a JSON array or one a line as POST /mpic\n"
	    "takes them, and prints what each is answered as it ends, after its number from 0.\n\n"
	    "  --coordinator URL  The coordinator; default $MPIC_COORDINATOR or "
	    DEFAULT_COORDINATOR ".\n"
	    "  --cert FILE        PEM certificate of the caller.\n"
	    "  --key FILE         PEM key of the certificate.\n"
	    "  --ca FILE          PEM certificates the coordinator's must chain to.\n"
	    "  --token-file FILE  File with the bearer token to ask with (mpic token).\n"
	    "  --json             Print the lines as they came.\n\n"
	    "Exit status: 0 yes to all, 1 no to some, 2 an error.\n", out);
}

static bool
read_arguments(struct asked *a, int argc, char **argv)
{
	const struct {
		const char *name, **into;
	} operands[] = {
		{ "--coordinator", &a->call.coordinator }, { "--cert", &a->call.certificate },
		{ "--key", &a->call.key }, { "--ca", &a->call.ca },
		{ "--token-file", &a->call.token_file },
	};
	size_t k;

	for (int i = 1; i < argc; i++) {
		for (k = 0; k < sizeof(operands) / sizeof(operands[0]); k++)
			if (strcmp(argv[i], operands[k].name) == 0)
				break;
		if (k < sizeof(operands) / sizeof(operands[0]) && i + 1 < argc) {
			*operands[k].into = argv[++i];
		} else if (strcmp(argv[i], "--json") == 0) {
			a->json = true;
		} else if (a->file == NULL && (argv[i][0] != '-' || argv[i][1] == '\0')) {
			a->file = argv[i];
		} else {
			fprintf(stderr, "mpic batch: %s cannot be used (try --help)\n", argv[i]);
			return false;
		}
	}
	if (a->file == NULL)
		fputs("mpic batch: a file is needed, or - for standard input\n", stderr);
	return a->file != NULL;
}

/* ---- what comes ---- */

struct line {
	struct json_int index, status;
};

static const struct json_field line_fields[] = {
	JSON_ROW("index", INT, line, index, .required = true, .min = 0, .max = INT32_MAX),
	JSON_ROW("status", INT, line, status, .required = true, .min = 100, .max = 599),
	{ .key = NULL }
};

static bool
read_line(struct line *line, const char *text, size_t len)
{
	struct json_faults faults;
	struct json_object *document;
	bool ok;

	json_faults_init(&faults);
	document = json_document_parse(text, len, &faults);
	ok = document != NULL && json_read(document, line_fields, line, "", &faults);
	json_object_put(document);
	return ok;
}

static void
on_line(void *arg, const char *text, size_t len)
{
	struct buf said = BUF_INIT((size_t)1024 * 1024);
	enum verdict verdict = VERDICT_ERROR;
	struct line line = { .index = { false, 0 } };
	struct json_scanned scanned;
	struct asked *a = arg;

	if (read_line(&line, text, len) && json_scan(text, len, "response", &scanned) &&
	    scanned.value.text != NULL)
		verdict = verdict_read((long)line.status.value, scanned.value.text,
		    scanned.value.len, &said);
	a->yes += verdict == VERDICT_YES;
	a->no += verdict == VERDICT_NO;
	a->errors += verdict == VERDICT_ERROR;
	if (a->json)
		printf("%.*s\n", (int)len, text);
	else
		printf("%lld: %s", (long long)line.index.value, said.data != NULL ? said.data :
		    "not understood\n");
	fflush(stdout);
	buf_free(&said);
}

static int
ask(struct asked *a, const struct buf *body)
{
	struct buf why = BUF_INIT(4096), text = BUF_INIT((size_t)1024 * 1024);
	bool came = mpic_call_post(&a->call, "/mpic/batch", body, &why);

	if (!came) {
		fprintf(stderr, "mpic batch: %s\n", why.data != NULL ? why.data : "failed");
	} else if (a->call.status != 200) {
		verdict_read(a->call.status, a->call.reply.data != NULL ? a->call.reply.data : "",
		    a->call.reply.len, &text);
		fputs(text.data != NULL ? text.data : "mpic batch: refused\n", stderr);
		came = false;
	} else {
		fprintf(stderr, "%zu yes, %zu no, %zu errors\n", a->yes, a->no, a->errors);
	}
	buf_free(&a->call.reply);
	buf_free(&why);
	buf_free(&text);
	return !came || a->errors > 0 ? MPIC_ERROR : a->no > 0 ? MPIC_NO : MPIC_YES;
}

int
mpic_batch(int argc, char **argv)
{
	const char *usual = getenv("MPIC_COORDINATOR");
	struct asked a = { .call = { .coordinator = usual != NULL ? usual : DEFAULT_COORDINATOR,
		.line = on_line } };
	struct buf body = BUF_INIT(BATCH_BODY_MAX);
	int status = MPIC_ERROR;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help(stdout);
		return MPIC_YES;
	}
	a.call.line_arg = &a;
	if (read_arguments(&a, argc, argv) && mpic_read_file("batch", a.file, &body))
		status = ask(&a, &body);
	buf_free(&body);
	return status;
}
