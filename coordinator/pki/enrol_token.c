/* mpic pki token: what an appliance that makes its own keys begins with. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "coordinator/pki/command.h"
#include "coordinator/pki/token.h"

#define URL_CHARACTERS	PKI_IDENTITY_CHARACTERS "/[]~%"

static bool
may_make(const struct asked *a, struct buf *why)
{
	if (a->perspective == NULL)
		buf_adds(why, "expected --perspective CODE (try --help)");
	else if (a->url != NULL && (strncasecmp(a->url, "https://", 8) != 0 || strlen(a->url) > 512 ||
	    a->url[8] == '\0' || a->url[strspn(a->url, URL_CHARACTERS)] != '\0'))
		buf_addf(why, "--url: expected https://HOST:PORT, found %.64s", a->url);
	else if (!folder_has(a->folder, "ca.pem"))
		buf_addf(why, "%s: expected the folder of a CA, with ca.pem", a->folder);
	return why->len == 0;
}

static bool
add_document(const struct asked *a, const struct buf *token, struct buf *out, struct buf *why)
{
	struct buf trusted = BUF_INIT(PKI_PEM_MAX);
	bool ok = folder_trusted(a->folder, &trusted, why);

	buf_addf(out, "# %s. It holds a token that is good for a certificate.\n", a->identity);
	document_begin(out, a);
	document_block(out, "tls_ca", &trusted);
	buf_addf(out, "enrolment:\n  url: \"%s\"\n  token: \"%s\"\n", a->url, token->data);
	buf_free(&trusted);
	return ok;
}

int
pki_token(const struct asked *a)
{
	struct buf why = BUF_INIT(8192), token = BUF_INIT(TOKEN_TEXT_MAX), out = BUF_INIT(DOCUMENT_MAX);
	bool ok = may_make(a, &why) && token_make(a->folder, a->perspective, a->days > 0 ? a->days :
	    TOKEN_DAYS, a->uses, &token, &why);

	if (ok && a->url != NULL)
		ok = add_document(a, &token, &out, &why);
	else if (ok)
		buf_addf(&out, "%s\n", token.data);
	ok = ok && document_print(&out);
	if (!ok && why.len == 0)
		buf_addf(&why, "standard output: %s", strerror(errno));
	if (!ok)
		pki_error(&why);
	else
		document_row(a, "enrolled");
	if (token.data != NULL)
		explicit_bzero(token.data, token.len);
	buf_free(&token);
	buf_free(&out);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}
