#include "log_journal.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#define NAME_MAX_LEN	64	/* of a field's, as the journal takes it */

/* By address and not connected: journald may be started again meanwhile. */
static struct {
	int fd;
	struct sockaddr_un addr;
} journal = { .fd = -1 };

void
log_journal_close(void)
{
	if (journal.fd >= 0)
		close(journal.fd);
	journal.fd = -1;
}

static socklen_t
address_len(void)
{
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(journal.addr.sun_path) + 1);
}

/* Asked on a socket that is not used after: a connected one would not survive journald. */
static bool
somebody_listens(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;
	bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&journal.addr, address_len()) == 0;

	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return ok;
}

bool
log_journal_open(const char *path)
{
	size_t len = strlen(path);
	int error;

	log_journal_close();
	journal.addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(journal.addr.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(journal.addr.sun_path, path, len);
	journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal.fd < 0)
		return false;
	if (somebody_listens())
		return true;
	error = errno;
	log_journal_close();
	errno = error;
	return false;
}

/* A value with a line end is preceded by its length, in 64 bits, little-endian. */
static void
add_value(struct buf *entry, const char *value)
{
	size_t len = strlen(value);

	if (strchr(value, '\n') == NULL) {
		buf_addc(entry, '=');
	} else {
		buf_addc(entry, '\n');
		for (unsigned shift = 0; shift < 64; shift += 8)
			buf_addc(entry, (char)((uint64_t)len >> shift & 0xff));
	}
	buf_add(entry, value, len);
	buf_addc(entry, '\n');
}

void
log_journal_own(struct buf *entry, const char *name, const char *value)
{
	size_t whole = entry->len;

	buf_adds(entry, name);
	add_value(entry, value);
	if (!entry->failed)
		return;
	entry->failed = false;
	entry->len = whole;
}

void
log_journal_field(struct buf *entry, const char *key, const char *value)
{
	char name[NAME_MAX_LEN + 1];

	snprintf(name, sizeof(name), "MPIC_%s", key);
	for (char *c = name; *c != '\0'; c++)
		*c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
	log_journal_own(entry, name, value);
}

bool
log_journal_send(const struct buf *entry)
{
	return journal.fd >= 0 && entry->data != NULL && sendto(journal.fd, entry->data, entry->len,
	    MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&journal.addr, address_len()) >= 0;
}
