#include "coordinator/sheet.h"

#include <string.h>

#include <openssl/rand.h>

#include "coordinator/open_mpic.h"

/* What the perspective has less than we do, so that its own account of a slow
 * target arrives before we stop listening. */
#define MARGIN_MAX_MS	500

static bool
nonce_draw(char nonce[2 * SHEET_NONCE_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[SHEET_NONCE_BYTES];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	for (size_t i = 0; i < SHEET_NONCE_BYTES; i++) {
		nonce[2 * i] = digits[bytes[i] >> 4];
		nonce[2 * i + 1] = digits[bytes[i] & 15];
	}
	nonce[2 * (size_t)SHEET_NONCE_BYTES] = '\0';
	return true;
}

void
sheet_free(struct sheet *sheet)
{
	fanout_body_free(sheet->body);
	fanout_body_free(sheet->open_mpic);
	sheet->body = sheet->open_mpic = NULL;
}

bool
sheet_write(struct sheet *sheet, const struct question *question, size_t check, int64_t left_ms)
{
	int64_t margin = left_ms / 10 < MARGIN_MAX_MS ? left_ms / 10 : MARGIN_MAX_MS;

	sheet_free(sheet);
	sheet->request_sha256[0] = '\0';
	sheet->body = fanout_body_new(CHECK_REQUEST_MAX);
	if (sheet->body == NULL || (sheet->nonce[0] == '\0' && !nonce_draw(sheet->nonce)))
		return false;
	question_encode(question, check, sheet->nonce, left_ms - margin, &sheet->body->text);
	if (sheet->body->text.failed)
		return false;
	sheet->body->trace = question->trace_context;
	return question->tracestate == NULL ||
	    (sheet->body->tracestate = strdup(question->tracestate)) != NULL;
}

struct fanout_body *
sheet_body(struct sheet *sheet, const struct perspective *p, enum check_type type,
    const char **why)
{
	struct fanout_body *body;

	if (p->protocol == PROTOCOL_PARALLAX)
		return sheet->body;
	if (sheet->open_mpic != NULL)
		return sheet->open_mpic;
	*why = "out of memory";
	body = fanout_body_new(CHECK_REQUEST_MAX);
	if (body == NULL || !open_mpic_request(type, &sheet->body->text, &body->text, why)) {
		fanout_body_free(body);
		return NULL;
	}
	return sheet->open_mpic = body;
}

const char *
sheet_digest(struct sheet *sheet, const struct jws_key *key)
{
	const struct buf *text = &sheet->body->text;

	if (sheet->request_sha256[0] == '\0' && !signature_digest(key, text->data, text->len,
	    sheet->request_sha256))
		sheet->request_sha256[0] = '\0';
	return sheet->request_sha256;
}
