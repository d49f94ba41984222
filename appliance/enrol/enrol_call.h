/* Calls to the coordinator that enrols: EST (RFC 7030), over libcurl. */
#ifndef MPIC_APPLIANCE_ENROL_CALL_H
#define MPIC_APPLIANCE_ENROL_CALL_H

#include <openssl/x509.h>

#include "buf.h"

/* As in /run/mpic/enrolment.yaml. */
struct enrol_server {
	char *url;		/* https://HOST:PORT */
	char *code;		/* of this perspective */
	char *token;		/* NULL: there is none */
	/*
	 * Roots of the server's certificate. Those of the document are the deployment's
	 * own: it is urn:mpic:coordinator then, else the host of the URL.
	 */
	char *ca;
	bool own_ca;
	long timeout_ms;	/* for one call; 0: half a minute */
};

/* The certificate and key to renew by; NULL: with the token. */
struct enrol_by {
	const char *certificate, *key;
};

/*
 * Asks for a certificate by a request in base64: what came, to be freed. NULL, with
 * a sentence of what the coordinator, or the way to it, was wrong with.
 */
STACK_OF(X509) *enrol_call(const struct enrol_server *s, const struct enrol_by *by,
    const struct buf *request, struct buf *why);
/* The CAs that it knows. */
STACK_OF(X509) *enrol_call_cas(const struct enrol_server *s, struct buf *why);
/* The certificate revocation lists that it goes by itself; whether they are good is not looked at. */
STACK_OF(X509_CRL) *enrol_call_crls(const struct enrol_server *s, struct buf *why);

#endif
