/* mpic-appliance document: an operator's look at a document, wherever there is this program. */
#include <stdio.h>
#include <time.h>

#include "appliance/appliance.h"
#include "appliance/document/document.h"

/*
 * The daemons' own command line, of which only --check and what prints makes
 * sense here: -c FILE --check, --dump, --sample, --man-options.
 */
int
appliance_document(int argc, char **argv)
{
	struct document d = { .tls_ca = NULL };
	int status = option_command_line(document_options(), argc, argv, &d);

	/* also of what the check has added to it */
	document_free(&d);
	if (status != -1)
		return status;
	fputs("mpic-appliance document: the document is good\n", stdout);
	return APPLIANCE_DONE;
}
