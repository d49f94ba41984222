/* Addresses of servers in a document, which others call: whether they could. Pure. */
#ifndef MPIC_APPLIANCE_WEB_ADDRESS_H
#define MPIC_APPLIANCE_WEB_ADDRESS_H

#include <stdbool.h>

/* What is done there, and so which schemes and, as the packet filter lets out, ports it has. */
enum web_use {
	WEB_ENROLMENT,	/* https, 443 or 8443 */
	WEB_UPDATE,	/* http or https, their own ports: what comes from there is signed */
	WEB_LOG,	/* https, 443 or 19532, systemd-journal-remote's and what it means without one */
};

/* NULL if it is one, else a sentence that says what was expected. */
const char *web_address_refused(const char *url, enum web_use use);
/* A host name in ASCII (RFC 1123 2.1), or an address without brackets. */
bool web_host_allowed(const char *host);

#endif
