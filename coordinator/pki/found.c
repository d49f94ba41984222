#include "coordinator/pki/found.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "coordinator/pki/command.h"

#define MEMBER	"tls_certificate:"

/* Without the white space that lines of a document begin with. */
static void
add_unindented(const struct buf *text, struct buf *out)
{
	const char *line = text->data, *end;

	for (; line != NULL && *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		line += strspn(line, " \t");
		end = strchrnul(line, '\n');
		buf_add(out, line, (size_t)(end - line));
		buf_addc(out, '\n');
	}
}

X509 *
found_certificate(const char *name, const struct buf *text, struct buf *why)
{
	struct buf plain = BUF_INIT(2 * DOCUMENT_MAX);
	X509 *x = NULL;
	BIO *bio;

	add_unindented(text, &plain);
	bio = plain.data != NULL && !plain.failed ? BIO_new_mem_buf(plain.data, (int)plain.len) : NULL;
	while (bio != NULL && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_check_ca(x) == 0)
			break;
		X509_free(x);
	}
	ERR_clear_error();
	BIO_free(bio);
	if (plain.data != NULL)
		explicit_bzero(plain.data, plain.len);
	buf_free(&plain);
	if (x == NULL)
		buf_addf(why, "%s: expected a certificate in PEM, or a document with tls_certificate",
		    name);
	return x;
}

bool
found_replace(const struct buf *document, const struct buf *certificate, struct buf *out)
{
	const char *line = document->data, *end;
	bool found = false, within = false;

	for (; line != NULL && *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		end = strchrnul(line, '\n');
		within = within && (*line == ' ' || *line == '\n');
		if (strncmp(line, MEMBER, strlen(MEMBER)) == 0) {
			document_block(out, "tls_certificate", certificate);
			found = within = true;
		}
		if (within)
			continue;
		buf_add(out, line, (size_t)(end - line));
		buf_addc(out, '\n');
	}
	return found && !out->failed;
}
