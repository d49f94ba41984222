#include "coordinator/config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "coordinator/config_parts.h"

#define AUDIT_NAME_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* The host's name, for whoever gives none. */
static void
audit_default_label(char label[AUDIT_NAME_MAX + 1])
{
	char host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
		strcpy(host, "coordinator");
	for (char *at = host; *(at += strspn(at, AUDIT_NAME_CHARACTERS)) != '\0';)
		*at = '-';
	snprintf(label, AUDIT_NAME_MAX + 1, "%.*s", AUDIT_NAME_MAX, host);
}

bool
coordinator_config_audit(struct coordinator_config *cfg, struct buf *faults)
{
	size_t before = faults->len;
	struct stat st;
	int sync = 0;

	while (audit_sync_names[sync] != NULL && strcmp(audit_sync_names[sync],
	    cfg->audit_sync != NULL ? cfg->audit_sync : "") != 0)
		sync++;
	cfg->audit_sync_mode = (enum audit_sync)sync;
	if (sync == AUDIT_SYNC_COUNT)
		buf_addf(faults, "audit_sync: expected none, interval or each, found \"%s\"\n",
		    cfg->audit_sync != NULL ? cfg->audit_sync : "");
	if (cfg->audit_name == NULL)
		audit_default_label(cfg->audit_label);
	else
		snprintf(cfg->audit_label, sizeof(cfg->audit_label), "%s", cfg->audit_name);
	if (cfg->audit_name != NULL && cfg->audit_name[strspn(cfg->audit_name, AUDIT_NAME_CHARACTERS)] != '\0')
		buf_adds(faults, "audit_name: expected letters, digits, '.', '_' and '-'\n");
	if (cfg->audit_dir == NULL)
		return faults->len == before;
	if (stat(cfg->audit_dir, &st) != 0 || (S_ISDIR(st.st_mode) ?
	    access(cfg->audit_dir, R_OK | W_OK | X_OK) : (errno = ENOTDIR)) != 0)
		buf_addf(faults, "audit_dir: %s: %s\n", cfg->audit_dir, strerror(errno));
	return faults->len == before;
}
