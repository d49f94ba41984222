/*
 * The module's own settings.
 *
 * Unbound hands a dynamic module nothing but a file name, and loads only as
 * many `dynlib-file:` entries as there are "dynlib" modules in the stack. So
 * a second entry is ours: it names a file of `key: value` lines, read here.
 * Without one the defaults hold.
 */
#ifndef MPIC_SETTINGS_H
#define MPIC_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define SETTINGS_CLIENTS_MAX	16

struct netblock {
	struct sockaddr_storage addr;
	socklen_t len;
	int bits;
};

struct settings {
	/* Only these may use the option; default 127.0.0.0/8 and ::1. */
	struct netblock clients[SETTINGS_CLIENTS_MAX];
	size_t client_count;
	size_t max_names;	/* most names one climb asks */
	size_t max_subs;	/* most sub-queries in flight, over all threads */
	size_t max_rrset;	/* octets of RDATA of one RRset */
	size_t max_evidence;	/* octets of JSON in one reply */
};

/* Defaults, then the file at `path` if it is not NULL; logs every fault and returns false on any. */
bool settings_read(struct settings *s, const char *path);
bool settings_allow(const struct settings *s, struct sockaddr_storage *addr, socklen_t len);

#endif
