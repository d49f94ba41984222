#include "appliance/update/receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK		((size_t)256 * 1024)
#define SYNC_EVERY	((int64_t)8 * 1024 * 1024)	/* so that memory is not full of it */

static bool
failed(struct receiver *r, const char *what)
{
	buf_addf(r->why, "%s: %s", r->file->file, what);
	return false;
}

bool
receiver_begin(struct receiver *r, int fd, const struct manifest_file *file, struct buf *why)
{
	*r = (struct receiver){ .fd = fd, .file = file, .why = why,
		.sha256 = EVP_MD_CTX_new() };
	return (r->sha256 != NULL && EVP_DigestInit_ex(r->sha256, EVP_sha256(), NULL) == 1) ||
	    failed(r, "out of memory");
}

static bool
write_all(struct receiver *r, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(r->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(r, n < 0 ? strerror(errno) : "cannot be written");
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

bool
receiver_take(struct receiver *r, const void *bytes, size_t len)
{
	int64_t before = r->got / SYNC_EVERY;

	if ((int64_t)len > r->file->bytes - r->got)
		return failed(r, "there is more of it than its manifest says");
	if (EVP_DigestUpdate(r->sha256, bytes, len) != 1)
		return failed(r, "out of memory");
	if (!write_all(r, bytes, len))
		return false;
	r->got += (int64_t)len;
	if (r->got / SYNC_EVERY != before && fdatasync(r->fd) != 0)
		return failed(r, strerror(errno));
	return true;
}

static bool
digest_is(struct receiver *r, const char *where)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[2 * MANIFEST_SHA256_LEN + 1];

	if (EVP_DigestFinal_ex(r->sha256, digest, NULL) != 1)
		return failed(r, "out of memory");
	for (size_t i = 0; i < MANIFEST_SHA256_LEN; i++) {
		text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	text[sizeof(text) - 1] = '\0';
	return strcmp(text, r->file->sha256) == 0 || failed(r, where);
}

static bool
read_back(struct receiver *r)
{
	char *block = malloc(BLOCK);
	int64_t at = 0;
	ssize_t n = 0;

	if (block == NULL || EVP_DigestInit_ex(r->sha256, EVP_sha256(), NULL) != 1) {
		free(block);
		return failed(r, "out of memory");
	}
	while (at < r->file->bytes) {
		int64_t left = r->file->bytes - at;

		n = pread(r->fd, block, left < (int64_t)BLOCK ? (size_t)left : BLOCK, at);
		if (n <= 0 || EVP_DigestUpdate(r->sha256, block, (size_t)n) != 1)
			break;
		at += n;
	}
	free(block);
	if (at < r->file->bytes)
		return failed(r, n < 0 ? strerror(errno) : "cannot be read back");
	return digest_is(r, "what the disk has of it is not what was written");
}

bool
receiver_complete(struct receiver *r)
{
	if (r->got != r->file->bytes)
		return failed(r, "it ends before the size its manifest says");
	if (!digest_is(r, "it has not the SHA-256 its manifest says"))
		return false;
	if (fsync(r->fd) != 0)
		return failed(r, strerror(errno));
	/* what is on the disk by now need not stay in memory, from which it would be read */
	(void)posix_fadvise(r->fd, 0, 0, POSIX_FADV_DONTNEED);
	return read_back(r);
}

void
receiver_end(struct receiver *r)
{
	EVP_MD_CTX_free(r->sha256);
	r->sha256 = NULL;
}
