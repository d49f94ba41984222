#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "coordinator/mpic.h"

bool
mpic_read_file(const char *command, const char *name, struct buf *text)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	char bytes[16384];
	size_t n;
	bool ok;

	if (file == NULL) {
		fprintf(stderr, "mpic %s: %s: %s\n", command, name, strerror(errno));
		return false;
	}
	while (!text->failed && (n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buf_add(text, bytes, n);
	ok = !ferror(file) && !text->failed && text->len > 0;
	if (text->failed)
		fprintf(stderr, "mpic %s: %s: more than %zu bytes\n", command, name, text->max);
	else if (!ok)
		fprintf(stderr, "mpic %s: %s: is empty or cannot be read\n", command, name);
	if (file != stdin)
		fclose(file);
	return ok;
}
