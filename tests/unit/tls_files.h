/* Certificates for tests, made afresh in a temporary folder: a private CA and a stranger's. */
#ifndef MPIC_TLS_FILES_H
#define MPIC_TLS_FILES_H

#include <stdbool.h>

#include "tls.h"

#define TLS_FILES_BRIEF_S	3

struct tls_files_made {
	char folder[64];
	struct tls_files server;	/* urn:mpic:perspective:test, serverAuth */
	struct tls_files brief;		/* the same, for TLS_FILES_BRIEF_S from when it is made */
	struct tls_files client;	/* urn:mpic:coordinator, clientAuth */
	struct tls_files brief_client;	/* the same, for as short a time */
	struct tls_files other;		/* urn:mpic:other, clientAuth */
	struct tls_files nobody;	/* two urn:mpic: URIs: no identity */
	struct tls_files stranger;	/* trusts and is signed by another CA */
};

bool tls_files_make(struct tls_files_made *made);
/* Removes the folder and frees the names. */
void tls_files_remove(struct tls_files_made *made);

#endif
