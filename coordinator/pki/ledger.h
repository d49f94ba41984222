/*
 * What a CA has issued and revoked: lines of JSON in its folder, that are only
 * ever added to.
 *
 *   issued.jsonl   {"identity","serial","not_after","issued","verify_key"?}
 *   revoked.jsonl  {"identity","serial","not_after","revoked","reason"}
 */
#ifndef MPIC_PKI_LEDGER_H
#define MPIC_PKI_LEDGER_H

#include "coordinator/pki/ca.h"
#include "coordinator/pki/crl.h"

struct ledger_entry {
	char identity[256];
	char serial[CERTIFICATE_SERIAL_MAX];
	char verify_key[64];	/* base64; "" when none is in the certificate */
	int64_t expires_s;
	int64_t revoked_s;	/* 0: it is not */
	char reason[32];
};

struct ledger {
	struct ledger_entry *entries;
	size_t count, cap;
};

/*
 * All of a folder's; empty where nothing was issued. False, with a sentence naming
 * the line, if it cannot be read: nothing is then known of anybody.
 */
bool ledger_read(struct ledger *l, const char *folder, struct buf *why);
void ledger_free(struct ledger *l);
/* NULL: no such serial number. */
struct ledger_entry *ledger_find(const struct ledger *l, const char *serial);

/* `verify_key` NULL: there is none in it. */
bool ledger_issued(const char *folder, const struct pki_issued *issued, const char *verify_key,
    struct buf *why);
/* The entry, which may be of no line of issued.jsonl, is revoked from now on. */
bool ledger_revoke(const char *folder, struct ledger_entry *entry, const char *reason,
    struct buf *why);
/* Writes crl.pem anew: those that are revoked and have not been past for a week. */
bool ledger_write_crl(const struct ledger *l, const char *folder, const struct pki_ca *ca,
    int64_t days, struct buf *why);

/* "2026-11-22T10:00:00Z" */
#define LEDGER_TIME_TEXT 24
void ledger_time(int64_t at_s, char text[static LEDGER_TIME_TEXT]);

#endif
