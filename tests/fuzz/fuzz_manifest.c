/* A manifest of an update: refused with a sentence, or something that can be installed. */
#include <string.h>

#include "appliance/update/manifest.h"
#include "appliance/update/update_verdict.h"
#include "fuzz.h"

static void
check_file(const struct manifest_file *f)
{
	REQUIRE(f->set && f->bytes > 0 && strlen(f->sha256) == 64);
	REQUIRE(f->file[0] != '.' && strpbrk(f->file, "/%?#: ") == NULL);
}

static void
check_manifest(const struct manifest *m)
{
	const struct update_seen seen = { .image = m->image, .version = "1.2-3", .failed = "",
		.waiting = "", .minimum = "1.1", .slot_bytes = 1 << 27, .efi_bytes_max = 1 << 26 };
	struct buf why = BUF_INIT(4096);
	enum update_verdict verdict = update_judge(m, &seen, &why);

	check_file(&m->root);
	check_file(&m->efi);
	REQUIRE(version_valid(m->version));
	REQUIRE(version_compare(m->version, m->version) == 0);
	REQUIRE(verdict == UPDATE_CURRENT || why.len > 0);
	if (verdict == UPDATE_INSTALL) {
		REQUIRE(m->root.bytes <= seen.slot_bytes && m->efi.bytes <= seen.efi_bytes_max);
		REQUIRE(m->rollback || version_compare(m->version, seen.version) > 0);
		REQUIRE(version_compare(m->version, seen.minimum) >= 0);
	}
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct update_keys none = { .count = 0 };
	struct buf faults = BUF_INIT((size_t)256 * 1024), why = BUF_INIT(4096);
	struct manifest m;

	/* before a signature is known to be good; no key makes any good */
	REQUIRE(manifest_signed((const char *)data, len, &none, &why) == 0);
	REQUIRE(why.len > 0);
	/* and after it */
	if (manifest_parse(&m, (const char *)data, len, &faults)) {
		REQUIRE(faults.len == 0);
		check_manifest(&m);
		manifest_free(&m);
	} else {
		REQUIRE(faults.len > 0);
	}
	buf_free(&faults);
	buf_free(&why);
	return 0;
}
