/*
 * The folder of a private CA: ca.pem and ca.key, and what became of the CA.
 *
 *   ca.pem         its certificate
 *   root.pem       of an enrolment CA: the root above it, which everybody trusts
 *   ca.key         its key, for nobody else to read
 *   issued.jsonl   what was issued, one line each (ledger.h)
 *   revoked.jsonl  what was revoked
 *   crl.pem        the list of that, signed
 *   tokens, used   of an enrolment CA: see token.h
 */
#ifndef MPIC_PKI_FOLDER_H
#define MPIC_PKI_FOLDER_H

#include "coordinator/pki/ca.h"

#define FOLDER_PATH_MAX	4096

/* "FOLDER/NAME". */
void folder_path(const char *folder, const char *name, char path[static FOLDER_PATH_MAX]);
/* A new file, which nobody else may read unless it is `open_to_all`. False, with a sentence. */
bool folder_write_new(const char *folder, const char *name, const struct buf *text,
    bool open_to_all, struct buf *why);
/* The same in the place of one that may be there: whoever reads finds one or the other. */
bool folder_replace(const char *folder, const char *name, const struct buf *text,
    bool open_to_all, struct buf *why);
/* One line at the end of a file, which is made if need be. It is on the disk after. */
bool folder_append(const char *folder, const char *name, const struct buf *line,
    struct buf *why);
/* The whole file; false, with a sentence, also when it is empty or longer than `text` may be. */
bool folder_read(const char *folder, const char *name, struct buf *text, struct buf *why);
/* It is there, with something in it. */
bool folder_has(const char *folder, const char *name);

/* As pki_ca_read(), from its folder; `key` is another file with the key, or NULL. */
bool folder_ca(const char *folder, const char *key, struct pki_ca *ca, struct buf *why);
/* The certificates that everybody trusts: the CA's, or the root's above it. */
bool folder_trusted(const char *folder, struct buf *text, struct buf *why);

#endif
