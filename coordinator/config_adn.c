#include "coordinator/config.h"

#include <string.h>
#include <unistd.h>

#include "coordinator/config_parts.h"

/* What the system keeps up to date, for whoever names no file. */
static bool
suffix_default_file(struct coordinator_config *cfg)
{
	const char *file = psl_dist_filename();

	if (file == NULL || access(file, R_OK) != 0)
		return true;
	cfg->public_suffix_file = strdup(file);
	return cfg->public_suffix_file != NULL;
}

bool
coordinator_config_adn(struct coordinator_config *cfg, struct buf *faults)
{
	size_t before = faults->len;
	struct buf why = BUF_INIT(512);

	if (cfg->public_suffix_file == NULL && !suffix_default_file(cfg))
		buf_adds(faults, "public_suffix_file: out of memory\n");
	else if (!suffixes_load(&cfg->suffixes, cfg->public_suffix_file, &why))
		buf_addf(faults, "public_suffix_file: %s: %s\n", cfg->public_suffix_file != NULL ?
		    cfg->public_suffix_file : "libpsl's own", why.data != NULL ? why.data : "");
	if (cfg->resolver.len > 0 && !endpoint_loopback(&cfg->resolver))
		buf_adds(faults, "resolver: answers are not authenticated, so it must be a "
		    "loopback address\n");
	buf_free(&why);
	return faults->len == before;
}
