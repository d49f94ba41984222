/* Test helper: the key that results are signed with, as a group's set-up and tear-down. */
#ifndef MPIC_TEST_SIGNING_KEY_H
#define MPIC_TEST_SIGNING_KEY_H

#include "jws_key.h"

/* RFC 8037 appendix A.1. */
#define SIGNING_KEY_PRIVATE "-----BEGIN PRIVATE KEY-----\n" \
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n" \
	"-----END PRIVATE KEY-----\n"

extern struct jws_key *signing_key;

int signing_key_read(void **state);
int signing_key_free(void **state);

#endif
