#include "appliance/boot/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appliance/boot/metadata.h"
#include "appliance/place.h"

/* ---- what else it may be ---- */

/* Forms of user-data that cloud-init(1) knows, by how they begin. */
static const struct {
	const char *begin, *what;
} foreign[] = {
	{ "#cloud-config", "is for cloud-init (#cloud-config): this image has none; give it the "
	    "document that mpic pki issue printed" },
	{ "#include", "is for cloud-init (#include): the document itself is needed" },
	{ "#cloud-boothook", "is for cloud-init (#cloud-boothook): the document itself is needed" },
	{ "## template:", "is a template for cloud-init: the document itself is needed" },
	{ "#part-handler", "is for cloud-init (#part-handler): the document itself is needed" },
	{ "#!", "is a script (#!): this image runs none" },
	{ "Content-Type:", "is a MIME archive: the document itself is needed" },
	{ "MIME-Version:", "is a MIME archive: the document itself is needed" },
	{ "{\"ignition\"", "is for Ignition: this image has none" },
	{ "<powershell>", "is a script: this image runs none" },
	{ "\x1f\x8b", "is compressed (gzip): the document itself is needed" },
	{ "BZh", "is compressed (bzip2): the document itself is needed" },
	{ "\xfd" "7zXZ", "is compressed (xz): the document itself is needed" },
	{ "(\xb5/\xfd", "is compressed (zstd): the document itself is needed" },
	{ "-----BEGIN ", "is PEM: a certificate or key alone is no document" },
};

/* No YAML of ours is without a colon: what has only letters of base64 is that, once too often. */
static bool
is_base64(const char *text, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/=\r\n";

	return len >= 64 && strspn(text, letters) >= len;
}

const char *
source_foreign(const char *text, size_t len)
{
	size_t blanks = 0;

	while (blanks < len && strchr(" \t\r\n", text[blanks]) != NULL && text[blanks] != '\0')
		blanks++;
	if (blanks == len)
		return "is empty";
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		size_t n = strlen(foreign[i].begin);

		if (len - blanks >= n && memcmp(text + blanks, foreign[i].begin, n) == 0)
			return foreign[i].what;
	}
	if (is_base64(text, len))
		return "is in base64 once too often: give the document as it was printed";
	return NULL;
}

/* ---- the places ---- */

enum found { FOUND, ABSENT, FAULTY };

static enum found
read_file(const char *root, const char *path, const char *called, struct buf *text,
    struct buf *faults)
{
	if (place_read(root, path, text))
		return FOUND;
	if (errno == ENOENT || errno == ENOTDIR)
		return ABSENT;
	if (errno == EINVAL)
		buf_addf(faults, "%s: is no regular file\n", called);
	else if (errno == EFBIG)
		buf_addf(faults, "%s: is of more than %zu bytes\n", called, text->max);
	else
		buf_addf(faults, "%s: %s\n", called, strerror(errno));
	return FAULTY;
}

static enum found
read_credential(struct buf *text, struct buf *faults)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (folder == NULL || *folder == '\0')
		return ABSENT;
	return read_file(folder, "/" SOURCE_CREDENTIAL, "credential " SOURCE_CREDENTIAL, text,
	    faults);
}

static enum found
read_metadata(enum cloud cloud, struct buf *text, struct buf *faults)
{
	struct buf why = BUF_INIT(512);
	enum metadata_result result = metadata_fetch(cloud, text, &why);

	if (result == METADATA_NONE)
		buf_addf(faults, "user-data: this machine was given none: put the document that mpic "
		    "pki issue prints into the user-data of %s\n", cloud_title(cloud));
	else if (result == METADATA_FAILED)
		buf_addf(faults, "user-data: the metadata service of %s (" METADATA_ADDRESS ") %s\n",
		    cloud_title(cloud), why.data != NULL ? why.data : "failed");
	buf_free(&why);
	return result == METADATA_FOUND ? FOUND : FAULTY;
}

static enum found
nowhere(const struct dmi *dmi, struct buf *faults)
{
	buf_adds(faults, "document: there is no systemd credential " SOURCE_CREDENTIAL ", no disk "
	    "labelled CIDATA with a file user-data, and this machine's maker, ");
	buf_add_json(faults, dmi->sys_vendor, strlen(dmi->sys_vendor));
	buf_adds(faults, ", is no cloud whose metadata service this image knows (AWS, Google Cloud, "
	    "Azure)\n");
	return FAULTY;
}

bool
source_read(const char *root, struct buf *text, const char **name, struct buf *faults)
{
	const char *what = NULL;
	enum found found;
	enum cloud cloud;
	struct dmi dmi;

	*name = "credential";
	found = read_credential(text, faults);
	if (found == ABSENT) {
		*name = "cidata";
		found = read_file(root, SOURCE_CIDATA "/user-data", "user-data of the disk CIDATA",
		    text, faults);
	}
	if (found == ABSENT) {
		dmi_read(root, &dmi);
		cloud = cloud_of(&dmi);
		*name = cloud_name(cloud);
		found = cloud != CLOUD_NONE ? read_metadata(cloud, text, faults) :
		    nowhere(&dmi, faults);
	}
	if (found == FOUND)
		what = source_foreign(text->data != NULL ? text->data : "", text->len);
	if (what != NULL)
		buf_addf(faults, "document: the text from %s %s\n", *name, what);
	return found == FOUND && what == NULL;
}
