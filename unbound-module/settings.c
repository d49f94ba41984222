#include "config.h"
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/net_help.h"

#define LINE_OCTETS	256

static const struct {
	const char *key;
	size_t offset;
	size_t min, max, preset;
} numbers[] = {
	{ "max-names", offsetof(struct settings, max_names), 1, 127, 127 },
	{ "max-subs", offsetof(struct settings, max_subs), 1, 1000000, 50000 },
	{ "max-rrset", offsetof(struct settings, max_rrset), 512, 40000, 40000 },
	/* with header, question and OPT it must fit into the client's buffer of 65000 */
	{ "max-evidence", offsetof(struct settings, max_evidence), 4096, 64500, 64000 },
};

static size_t *
settings_number(struct settings *s, size_t row)
{
	return (size_t *)((char *)s + numbers[row].offset);
}

static bool
settings_client(struct settings *s, const char *value)
{
	struct netblock *n = &s->clients[s->client_count];

	if (s->client_count == SETTINGS_CLIENTS_MAX)
		return false;
	if (!netblockstrtoaddr(value, 0, &n->addr, &n->len, &n->bits))
		return false;
	s->client_count++;
	return true;
}

static bool
settings_pair(struct settings *s, const char *key, const char *value, const char *path,
    unsigned int line)
{
	unsigned long v;
	char *end;

	if (strcmp(key, "client") == 0) {
		if (settings_client(s, value))
			return true;
		log_err("mpic: %s:%u: client: expected an address or ADDRESS/BITS, at most %d of them, not \"%s\"",
		    path, line, SETTINGS_CLIENTS_MAX, value);
		return false;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].key) != 0)
			continue;
		errno = 0;
		v = strtoul(value, &end, 10);
		if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0 &&
		    v >= numbers[i].min && v <= numbers[i].max) {
			*settings_number(s, i) = v;
			return true;
		}
		log_err("mpic: %s:%u: %s: expected a number from %zu to %zu, not \"%s\"",
		    path, line, key, numbers[i].min, numbers[i].max, value);
		return false;
	}
	log_err("mpic: %s:%u: unknown setting \"%s\" (client, max-names, max-subs, max-rrset, max-evidence)",
	    path, line, key);
	return false;
}

/* One `key: value` line; empty ones and comments are fine. */
static bool
settings_line(struct settings *s, char *text, const char *path, unsigned int line)
{
	char *key, *value, *rest;

	text[strcspn(text, "#\r\n")] = '\0';
	key = strtok_r(text, " \t", &rest);
	if (key == NULL)
		return true;
	value = strtok_r(NULL, " \t", &rest);
	if (value == NULL || strtok_r(NULL, " \t", &rest) != NULL ||
	    key[strlen(key) - 1] != ':') {
		log_err("mpic: %s:%u: expected \"key: value\"", path, line);
		return false;
	}
	key[strlen(key) - 1] = '\0';
	return settings_pair(s, key, value, path, line);
}

static bool
settings_file(struct settings *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char text[LINE_OCTETS];
	unsigned int line = 0;
	bool good = true;

	if (f == NULL) {
		log_err("mpic: cannot open %s: %s", path, strerror(errno));
		return false;
	}
	while (fgets(text, sizeof(text), f) != NULL) {
		line++;
		if (strlen(text) == sizeof(text) - 1 && text[sizeof(text) - 2] != '\n') {
			log_err("mpic: %s:%u: line longer than %d octets", path, line, LINE_OCTETS - 2);
			good = false;
			break;
		}
		good &= settings_line(s, text, path, line);
	}
	if (ferror(f)) {
		log_err("mpic: cannot read %s", path);
		good = false;
	}
	fclose(f);
	return good;
}

bool
settings_read(struct settings *s, const char *path)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		*settings_number(s, i) = numbers[i].preset;
	if (path != NULL && !settings_file(s, path))
		return false;
	if (s->client_count == 0)
		return settings_client(s, "127.0.0.0/8") && settings_client(s, "::1");
	return true;
}

bool
settings_allow(const struct settings *s, struct sockaddr_storage *addr, socklen_t len)
{
	for (size_t i = 0; i < s->client_count; i++) {
		struct netblock n = s->clients[i];

		if (n.addr.ss_family == addr->ss_family &&
		    addr_in_common(&n.addr, n.bits, addr, addr_is_ip6(addr, len) ? 128 : 32,
		    n.len) >= n.bits)
			return true;
	}
	return false;
}
