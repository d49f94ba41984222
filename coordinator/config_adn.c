#include "coordinator/config.h"

#include <string.h>
#include <unistd.h>

#include "coordinator/config_parts.h"

/* The list to read; NULL: libpsl's own, for want of the system's. */
static const char *
suffix_file(const struct coordinator_config *cfg)
{
	const char *file = cfg->public_suffix_file;

	return file != NULL && strcmp(file, PUBLIC_SUFFIX_FILE) == 0 && access(file, F_OK) != 0 ? NULL : file;
}

bool
coordinator_config_adn(struct coordinator_config *cfg, struct buf *faults)
{
	size_t before = faults->len;
	struct buf why = BUF_INIT(512);

	if (!suffixes_load(&cfg->suffixes, suffix_file(cfg), &why))
		buf_addf(faults, "public_suffix_file: %s: %s\n", cfg->public_suffix_file,
		    why.data != NULL ? why.data : "");
	if (cfg->resolver.len > 0 && !endpoint_loopback(&cfg->resolver))
		buf_adds(faults, "resolver: answers are not authenticated, so it must be a "
		    "loopback address\n");
	buf_free(&why);
	return faults->len == before;
}
