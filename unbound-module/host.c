#include "config.h"
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"

#define EXECUTABLE	"/proc/self/exe"

/* Looks for `text` with its NUL, so that a longer line does not pass for it. */
static bool
host_holds(const char *image, size_t len, const char *text, const char *what)
{
	if (memmem(image, len, text, strlen(text) + 1) != NULL)
		return true;
	log_err("mpic: this unbound is not the one mpic.so was built for: no %s \"%s\" in it"
	    " (compare with unbound -V)", what, text);
	return false;
}

bool
host_matches(void)
{
	int fd = open(EXECUTABLE, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *image;
	bool same;

	if (fd == -1 || fstat(fd, &st) == -1 || st.st_size <= 0) {
		log_err("mpic: cannot read %s to see which unbound this is: %s",
		    EXECUTABLE, strerror(errno));
		if (fd != -1)
			close(fd);
		return false;
	}
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (image == MAP_FAILED) {
		log_err("mpic: cannot map %s: %s", EXECUTABLE, strerror(errno));
		return false;
	}
	same = host_holds(image, (size_t)st.st_size, PACKAGE_STRING, "version");
	same = host_holds(image, (size_t)st.st_size, CONFCMDLINE, "configure line") && same;
	munmap(image, (size_t)st.st_size);
	return same;
}
