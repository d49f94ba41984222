#include "signing_key.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct jws_key *signing_key;

int
signing_key_read(void **state)
{
	char path[] = "/tmp/test_signing_key.XXXXXX";
	struct buf why = BUF_INIT(512);
	size_t len = strlen(SIGNING_KEY_PRIVATE);
	int fd = mkstemp(path);

	if (fd == -1 || write(fd, SIGNING_KEY_PRIVATE, len) != (ssize_t)len)
		return -1;
	close(fd);
	signing_key = jws_key_read_private(path, &why);
	unlink(path);
	buf_free(&why);
	return signing_key != NULL ? 0 : -1;
}

int
signing_key_free(void **state)
{
	jws_key_free(signing_key);
	return 0;
}
