/*
 * What an update consists of, signed: the file IMAGE.update beside the files that
 * it names. appliance/sign-update makes it. Text, in two parts:
 *
 *	format: parallax-update-1
 *	image: parallax-perspective
 *	version: 2026.11.22-1
 *	released: 2026-11-22T10:00:00Z
 *	expires: 2027-02-20T10:00:00Z
 *	rollback: false
 *	minimum: 2026.10.1-1
 *	root: {file: parallax-perspective_2026.11.22-1.root, bytes: 50331648, sha256: 3a6e…}
 *	efi: {file: parallax-perspective_2026.11.22-1.efi, bytes: 17825792, sha256: 99b0…}
 *	signatures:
 *	  - 4u_NRnHz…
 *
 * Above the line "signatures:" is what is signed, to the last newline: a YAML
 * mapping (option.h). Below it is, a line each, Ed25519 signatures (RFC 8032, of
 * the bytes themselves) in base64url without padding (RFC 4648 section 5);
 * one of them has to be by a key that is known. Nothing of the first part is
 * looked at, but to find where it ends, before that is established. `minimum` may be absent.
 *
 * Times are of RFC 3339, in UTC, to the second.
 */
#ifndef MPIC_APPLIANCE_MANIFEST_H
#define MPIC_APPLIANCE_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "appliance/update/update_keys.h"
#include "buf.h"

#define MANIFEST_MAX		16384	/* bytes */
#define MANIFEST_SIGNATURES_MAX	4
#define MANIFEST_FORMAT		"parallax-update-1"
#define MANIFEST_SHA256_LEN	32

struct manifest_file {
	bool set;
	char *file;		/* a name, no path */
	int64_t bytes;
	char *sha256;		/* 64 hexadecimal digits, lower case */
};

struct manifest {
	char *format, *image, *version;
	char *released, *expires;
	bool rollback;		/* may be installed where a newer version runs */
	char *minimum;		/* NULL, or no older version may run from now on */
	struct manifest_file root, efi;
	int64_t released_s, expires_s;	/* Unix time of the texts */
};

/*
 * How many bytes at the beginning of `text` are what is signed, if one of the
 * signatures after them is by one of the keys; else 0, with a sentence.
 */
size_t manifest_signed(const char *text, size_t len, const struct update_keys *keys,
    struct buf *why);
/* Reads what is signed. False, with one line a fault, and then it holds nothing. */
bool manifest_parse(struct manifest *m, const char *text, size_t len, struct buf *faults);
void manifest_free(struct manifest *m);

/* "2026-11-22T10:00:00Z" to Unix time and back; false for anything else. */
bool manifest_time(const char *text, int64_t *at_s);
#define MANIFEST_TIME_LEN	20
void manifest_time_text(int64_t at_s, char text[static MANIFEST_TIME_LEN + 1]);

#endif
