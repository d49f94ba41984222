/* The trust anchor that Unbound keeps, and when the image's takes its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include <cmocka.h>

#include "appliance/place.h"
#include "appliance/resolver/anchor.h"

/* As in Debian's dns-root-data. */
#define IMAGE \
	". IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh== ; keytag 20326\n" \
	". IN DNSKEY 257 3 8 AwEAAa96jeuknZlaeSrv== ; keytag 38696\n"
/* As Unbound writes it. */
#define HEAD	"; autotrust trust anchor file\n;;id: . 1\n;;last_queried: 1790000000\n"
#define FIRST	".\t86400\tIN\tDNSKEY\t257 3 8 AwEAAaz/tAm8yTn4Mfeh== ;{id = 20326 (ksk)} ;;state=2\n"
#define SECOND	".\t86400\tIN\tDNSKEY\t257 3 8 AwEAAa96jeuknZlaeSrv== ;{id = 38696 (ksk)} ;;state=2\n"
#define REVOKED	".\t86400\tIN\tDNSKEY\t385 3 8 AwEAAaz/tAm8yTn4Mfeh== ;{id = 20454 (ksk)} ;;state=4\n"
#define LATER	".\t86400\tIN\tDNSKEY\t257 3 8 AwEAAbNewerNewerNewer== ;{id = 1 (ksk)} ;;state=2\n"

static void
test_complete(void **state)
{
	static const struct {
		const char *kept, *image;
		bool complete;
	} rows[] = {
		{ HEAD FIRST SECOND, IMAGE, true },
		{ HEAD FIRST SECOND LATER, IMAGE, true },
		/* revoked meanwhile: the image's older opinion does not bring it back */
		{ HEAD REVOKED SECOND, IMAGE, true },
		{ IMAGE, IMAGE, true },
		/* an older image's, or cut short when the power went */
		{ HEAD FIRST, IMAGE, false },
		{ HEAD FIRST ".\t86400\tIN\tDNSKEY\t257 3 8 AwEAAa96jeu", IMAGE, false },
		{ HEAD, IMAGE, false },
		{ "", IMAGE, false },
		/* no key to compare with is no proof of anything */
		{ HEAD FIRST SECOND, "", false },
		{ HEAD FIRST SECOND, "; nothing\n. IN DNSKEY\n. IN DNSKEY 257 3 8\n", false },
		{ HEAD FIRST SECOND, "; . IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh==\n", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (anchor_complete(rows[i].kept, rows[i].image) != rows[i].complete)
			fail_msg("row %zu", i);
}

/* A root with the folders of an appliance's. */
struct place {
	char root[64];
};

static void
write_file(const struct place *p, const char *path, const char *text)
{
	char at[PLACE_MAX];
	FILE *f;

	place_path(p->root, path, at);
	f = fopen(at, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
assert_kept(const struct place *p, const char *text)
{
	struct buf kept = BUF_INIT(ANCHOR_MAX);

	assert_true(place_read(p->root, ANCHOR_STATE, &kept));
	assert_string_equal(kept.data, text);
	buf_free(&kept);
}

static int
make_place(void **state)
{
	static const char *const folders[] = { "/state", "/state/unbound", "/usr", "/usr/share",
		"/usr/share/dns" };
	static struct place p;
	char at[PLACE_MAX];

	strcpy(p.root, "/tmp/test_anchor.XXXXXX");
	if (mkdtemp(p.root) == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		place_path(p.root, folders[i], at);
		if (mkdir(at, 0700) != 0)
			return -1;
	}
	*state = &p;
	return 0;
}

static int
remove_place(void **state)
{
	const struct place *p = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", p->root);
	return system(command);
}

static void
test_seed(void **state)
{
	static const struct {
		const char *kept, *image, *becomes, *said;	/* NULL: no such file */
		bool ok;
	} rows[] = {
		{ NULL, IMAGE, IMAGE, "none was kept", true },
		{ "", IMAGE, IMAGE, "none was kept", true },
		{ HEAD FIRST, IMAGE, IMAGE, "lacked one of its keys", true },
		{ HEAD FIRST SECOND, IMAGE, HEAD FIRST SECOND, NULL, true },
		{ HEAD FIRST, NULL, HEAD FIRST, "cannot be read", true },
		{ NULL, NULL, NULL, "cannot be read", false },
	};
	const struct place *p = *state;
	char at[PLACE_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf said = BUF_INIT(512);

		place_path(p->root, ANCHOR_STATE, at);
		unlink(at);
		place_path(p->root, ANCHOR_IMAGE, at);
		unlink(at);
		if (rows[i].kept != NULL)
			write_file(p, ANCHOR_STATE, rows[i].kept);
		if (rows[i].image != NULL)
			write_file(p, ANCHOR_IMAGE, rows[i].image);
		assert_int_equal(anchor_seed(p->root, &said), rows[i].ok);
		if (rows[i].said == NULL)
			assert_null(said.data);
		else
			assert_non_null(strstr(said.data, rows[i].said));
		if (rows[i].becomes != NULL)
			assert_kept(p, rows[i].becomes);
		assert_false(place_exists(p->root, ANCHOR_STATE ".new"));
		buf_free(&said);
	}
}

/* The folder is not there: as with a state that is mounted read-only. */
static void
test_seed_unwritable(void **state)
{
	const struct place *p = *state;
	struct buf said = BUF_INIT(512);
	char at[PLACE_MAX];

	write_file(p, ANCHOR_IMAGE, IMAGE);
	place_path(p->root, ANCHOR_STATE, at);
	unlink(at);
	place_path(p->root, "/state/unbound", at);
	assert_int_equal(rmdir(at), 0);
	assert_false(anchor_seed(p->root, &said));
	assert_non_null(strstr(said.data, "cannot be written: No such file"));
	buf_free(&said);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),
		cmocka_unit_test_setup_teardown(test_seed, make_place, remove_place),
		cmocka_unit_test_setup_teardown(test_seed_unwritable, make_place, remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
