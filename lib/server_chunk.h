/*
 * The chunked transfer coding (RFC 9112 7.1) of a request's body, decoded in
 * place as it arrives. Extensions and trailer fields are skipped.
 */
#ifndef MPIC_SERVER_CHUNK_H
#define MPIC_SERVER_CHUNK_H

#include <stddef.h>
#include <stdint.h>

enum chunk_state { CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER, CHUNK_DONE };

struct chunk_decoder {
	enum chunk_state state;
	uint64_t left;		/* bytes of the current chunk still to come */
	size_t decoded;		/* bytes of the body so far */
	size_t trailer;		/* bytes of trailer skipped */
};

enum chunk_result { CHUNK_MORE, CHUNK_COMPLETE, CHUNK_TOO_LARGE, CHUNK_MALFORMED };

/*
 * `bytes` holds the decoded body so far and after it raw bytes, *len in all.
 * Decodes what it can and takes the framing out: *len shrinks. When complete,
 * what follows the decoded body belongs to the next request.
 */
enum chunk_result chunk_decode(struct chunk_decoder *d, char *bytes, size_t *len,
    size_t max);

#endif
