/* The documents that parts begin with, as mpic pki prints them. */
#include <stdio.h>
#include <string.h>

#include "coordinator/pki/command.h"

void
document_block(struct buf *out, const char *name, const struct buf *text)
{
	const char *line = text->data, *end;

	buf_addf(out, "%s: |\n", name);
	for (; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1)
		buf_addf(out, "  %.*s\n", (int)(end - line), line);
}

void
document_begin(struct buf *out, const struct asked *a)
{
	buf_addf(out, "code: \"%s\"\ncallers: [\"" PKI_COORDINATOR "\"]\n", a->perspective);
}

void
document_row(const struct asked *a, const char *verify_key)
{
	fprintf(stderr, "for coordinator.yaml, under perspectives:\n"
	    "  - { code: \"%s\", url: \"https://%s\"", a->perspective,
	    a->address != NULL ? a->address : "ADDR:PORT");
	if (verify_key != NULL)
		fprintf(stderr, ", verify_key: \"%s\"", verify_key);
	fputs(" }\n", stderr);
}

bool
document_print(struct buf *out)
{
	bool ok = !out->failed && out->data != NULL && fputs(out->data, stdout) >= 0 &&
	    fflush(stdout) == 0;

	if (out->data != NULL)
		explicit_bzero(out->data, out->len);
	buf_free(out);
	return ok;
}
