/*
 * Installing an update, with the machine stopped before each step that changes the
 * disk, and with each of these failing: what ran before can always start again.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "appliance/update/update_install.h"

#define ROOT_BYTES	20480
#define EFI_BYTES	9000
#define SLOT_BYTES	32768

/* ---- what changes the disk, in the order of this program's calls ---- */

static struct {
	int stop_at;	/* the machine stops before this call, 0: never */
	int fail_at;	/* this call fails, 0: none */
	int calls;
	bool unsynced;	/* something was written that no call has brought to the disk */
	bool hasty;	/* a kernel image came into its place meanwhile */
} disk;

/* Whether the call is to be made. */
static bool
step(void)
{
	disk.calls++;
	if (disk.calls == disk.stop_at)
		kill(getpid(), SIGKILL);
	errno = ENOSPC;
	return disk.calls != disk.fail_at;
}

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_syncfs(int fd);
int __wrap_syncfs(int fd);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);

ssize_t
__wrap_write(int fd, const void *bytes, size_t len)
{
	if (!step())
		return -1;
	disk.unsynced = true;
	return __real_write(fd, bytes, len);
}

int
__wrap_fsync(int fd)
{
	if (!step())
		return -1;
	disk.unsynced = false;
	return __real_fsync(fd);
}

int
__wrap_fdatasync(int fd)
{
	return step() ? __real_fdatasync(fd) : -1;
}

int
__wrap_syncfs(int fd)
{
	return step() ? __real_syncfs(fd) : -1;
}

int
__wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	if (!step())
		return -1;
	disk.hasty = disk.hasty || disk.unsynced;
	return __real_renameat(from_fd, from, to_fd, to);
}

int
__wrap_rename(const char *from, const char *to)
{
	return step() ? __real_rename(from, to) : -1;
}

int
__wrap_unlinkat(int fd, const char *name, int flags)
{
	return step() ? __real_unlinkat(fd, name, flags) : -1;
}

/* ---- a machine ---- */

static char top[] = "/tmp/test_update_install.XXXXXX";
static char root_bytes[ROOT_BYTES], efi_bytes[EFI_BYTES], old_bytes[SLOT_BYTES];

static const char *
at(const char *below)
{
	static char path[4][4096];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[0]), "%s/%s", top, below);
	return path[turn];
}

static void
put(const char *below, const char *bytes, size_t len)
{
	FILE *f = fopen(at(below), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static bool
holds(const char *below, const char *bytes, size_t len)
{
	char *found = malloc(len + 1);
	FILE *f = fopen(at(below), "re");
	bool same = f != NULL && fread(found, 1, len + 1, f) >= len && memcmp(found, bytes, len) == 0;

	if (f != NULL)
		fclose(f);
	free(found);
	return same;
}

static bool
there(const char *below)
{
	return access(at(below), F_OK) == 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	return remove(path);
}

/* It runs 5, found good, from the other slot; 4 would be fallen back to, from this one. */
static void
machine_new(void)
{
	static const char *const folders[] = { "", "efi", "efi/EFI", "efi/EFI/Linux", "efi/loader",
		"dev", "state", "state/update" };

	memset(&disk, 0, sizeof(disk));
	(void)nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		assert_int_equal(mkdir(at(folders[i]), 0700), 0);
	put("efi/EFI/Linux/parallax_5.efi", "kernel 5", 8);
	put("efi/EFI/Linux/parallax_4.efi", "kernel 4", 8);
	put("efi/EFI/Linux/other.efi", "alien", 5);
	put("efi/loader/loader.conf", "timeout 0\ndefault parallax_5[.+][1-9e]*\neditor no\n", 51);
	put("dev/slot", old_bytes, SLOT_BYTES);
	memset(&disk, 0, sizeof(disk));
}

/* What can go wrong with what a server sends. */
enum served { SERVED_WELL, SERVED_WRONG, SERVED_SHORT, SERVED_LONG, SERVED_NOT };

static struct {
	enum served efi, root;
} server;

static bool
serve(void *arg, const char *name, struct receiver *r)
{
	bool root = strcmp(name, "x.root") == 0;
	enum served how = root ? server.root : server.efi;
	const char *bytes = root ? root_bytes : efi_bytes;
	size_t len = root ? ROOT_BYTES : EFI_BYTES, sent = 0;

	if (how == SERVED_NOT) {
		buf_adds(r->why, "connection refused");
		return false;
	}
	if (how == SERVED_SHORT)
		len -= 1;
	while (sent < len) {
		size_t piece = len - sent < 1000 ? len - sent : 1000;
		char copy[1000];

		memcpy(copy, bytes + sent, piece);
		if (how == SERVED_WRONG && sent + piece == len)
			copy[piece - 1] ^= 1;
		if (!receiver_take(r, copy, piece))
			return false;
		sent += piece;
	}
	return how != SERVED_LONG || receiver_take(r, "x", 1);
}

static void
sha256_text(const char *bytes, size_t len, char text[static 65])
{
	unsigned char digest[32];

	assert_int_equal(EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

/* Installs `version`; the sentence is left in `why`. */
static bool
install(const char *version, struct buf *why)
{
	static char root_sha[65], efi_sha[65], released[] = "2026-11-22T10:00:00Z";
	char copy[VERSION_MAX];
	struct manifest m = { .version = copy, .released = released, .released_s = 1795341600,
		.root = { true, "x.root", ROOT_BYTES, root_sha },
		.efi = { true, "x.efi", EFI_BYTES, efi_sha } };
	const struct slot slot = { .running = "other", .device = "slot", .bytes = SLOT_BYTES };
	struct update_state state;
	struct esp esp;
	struct update_install in = { .root = top, .running = "5", .manifest = &m, .esp = &esp,
		.slot = &slot, .state = &state, .fetch = serve };
	bool ok = false;

	snprintf(copy, sizeof(copy), "%s", version);
	sha256_text(root_bytes, ROOT_BYTES, root_sha);
	sha256_text(efi_bytes, EFI_BYTES, efi_sha);
	update_state_read(&state, top, why);
	if (esp_open(&esp, at("efi"), why)) {
		ok = update_install(&in, why);
		esp_close(&esp);
	}
	update_state_free(&state);
	return ok;
}

/* ---- what has to hold of a machine, whenever it stopped ---- */

static void
expect_sound(const char *version, int when)
{
	char placed[64];

	snprintf(placed, sizeof(placed), "efi/EFI/Linux/parallax_%s+3.efi", version);
	if (!holds("efi/EFI/Linux/parallax_5.efi", "kernel 5", 8))
		fail_msg("stopped before call %d: what ran cannot start", when);
	if (there("efi/EFI/Linux/parallax_4.efi") && !holds("dev/slot", old_bytes, SLOT_BYTES))
		fail_msg("stopped before call %d: 4 can be started and has no root", when);
	if (there(placed) && (!holds(placed, efi_bytes, EFI_BYTES) ||
	    !holds("dev/slot", root_bytes, ROOT_BYTES)))
		fail_msg("stopped before call %d: %s can be started and is not complete", when, version);
	if (!there("efi/loader/loader.conf") || !there("efi/EFI/Linux/other.efi"))
		fail_msg("stopped before call %d: others' files are gone", when);
	if (disk.hasty)
		fail_msg("call %d: a name was given to what is not on the disk yet", when);
}

static void
expect_installed(const char *version, const char *conf)
{
	char placed[64];

	snprintf(placed, sizeof(placed), "efi/EFI/Linux/parallax_%s+3.efi", version);
	expect_sound(version, 0);
	assert_true(there(placed));
	assert_false(there("efi/EFI/Linux/parallax_4.efi"));
	assert_false(there("efi/parallax.new"));
	assert_true(holds("efi/loader/loader.conf", conf, strlen(conf)));
	assert_true(holds("state/update/installed", "released: \"2026-11-22T10:00:00Z\"\n", 33));
}

static const struct {
	const char *version, *conf;
} ways[] = {
	{ "6", "timeout 0\neditor no\n" },
	{ "3", "timeout 0\neditor no\ndefault parallax_3[.+][1-9e]*\n" },	/* a rollback */
};

static void
test_all_goes_well(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct buf why = BUF_INIT(1024);

		machine_new();
		if (!install(ways[i].version, &why))
			fail_msg("%s", why.data);
		expect_installed(ways[i].version, ways[i].conf);
		assert_true(disk.calls > 40);
		buf_free(&why);
	}
}

/* A process of its own is killed there; what is on the disk stays. */
static bool
stopped_before(const char *version, int call)
{
	struct buf why = BUF_INIT(1024);
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		disk.stop_at = call;
		_exit(install(version, &why) && !disk.hasty ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return true;
	assert_int_equal(status, 0);
	return false;
}

static void
test_stopped_before_each_call(void **state)
{
	for (size_t i = 0; i < 2; i++)
		for (int call = 1;; call++) {
			struct buf why = BUF_INIT(1024);

			machine_new();
			if (!stopped_before(ways[i].version, call)) {
				assert_true(call > 40);
				break;
			}
			expect_sound(ways[i].version, call);
			/* and then it goes on by itself */
			if (!install(ways[i].version, &why))
				fail_msg("after a stop before call %d: %s", call, why.data);
			expect_installed(ways[i].version, ways[i].conf);
			buf_free(&why);
		}
}

static void
test_each_call_fails(void **state)
{
	for (int call = 1;; call++) {
		struct buf why = BUF_INIT(1024);
		bool ok;

		machine_new();
		disk.fail_at = call;
		ok = install("6", &why);
		expect_sound("6", call);
		/* what is only cleared away may be left */
		if (!ok && strstr(why.data, "No space") == NULL)
			fail_msg("call %d: %s", call, why.data);
		if (disk.calls < call)
			break;
		disk.fail_at = 0;
		buf_reset(&why);
		if (!install("6", &why))
			fail_msg("after call %d failed: %s", call, why.data);
		expect_installed("6", ways[0].conf);
		buf_free(&why);
	}
}

static void
test_bad_downloads(void **state)
{
	static const struct {
		enum served efi, root;
		const char *why;
		bool fallback_stays;
	} rows[] = {
		{ SERVED_NOT, SERVED_WELL, "connection refused", true },
		{ SERVED_WRONG, SERVED_WELL, "x.efi: it has not the SHA-256", true },
		{ SERVED_SHORT, SERVED_WELL, "x.efi: it ends before", true },
		{ SERVED_LONG, SERVED_WELL, "x.efi: there is more", true },
		{ SERVED_WELL, SERVED_NOT, "connection refused", false },
		{ SERVED_WELL, SERVED_WRONG, "x.root: it has not the SHA-256", false },
		{ SERVED_WELL, SERVED_SHORT, "x.root: it ends before", false },
		{ SERVED_WELL, SERVED_LONG, "x.root: there is more", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf why = BUF_INIT(1024);

		machine_new();
		server.efi = rows[i].efi;
		server.root = rows[i].root;
		assert_false(install("6", &why));
		if (strstr(why.data, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].why, why.data);
		expect_sound("6", 0);
		assert_false(there("efi/EFI/Linux/parallax_6+3.efi"));
		assert_false(there("efi/parallax.new"));
		assert_int_equal(there("efi/EFI/Linux/parallax_4.efi"), rows[i].fallback_stays);
		/* nothing is written past what the manifest says */
		if (rows[i].root == SERVED_LONG) {
			FILE *f = fopen(at("dev/slot"), "re");

			fseek(f, ROOT_BYTES, SEEK_SET);
			assert_int_equal(fgetc(f), old_bytes[ROOT_BYTES]);
			fclose(f);
		}
		buf_free(&why);
	}
	memset(&server, 0, sizeof(server));
}

/* ---- what is not what it should be ---- */

static void
test_links_are_not_followed(void **state)
{
	struct buf why = BUF_INIT(1024);
	struct esp esp;

	machine_new();
	assert_int_equal(rename(at("efi/EFI/Linux"), at("Linux")), 0);
	assert_int_equal(symlink(at("Linux"), at("efi/EFI/Linux")), 0);
	assert_false(esp_open(&esp, at("efi"), &why));
	buf_reset(&why);

	/* the slot is another file's name */
	machine_new();
	put("victim", old_bytes, SLOT_BYTES);
	unlink(at("dev/slot"));
	assert_int_equal(symlink(at("victim"), at("dev/slot")), 0);
	assert_false(install("6", &why));
	assert_true(holds("victim", old_bytes, SLOT_BYTES));
	assert_false(there("efi/EFI/Linux/parallax_6+3.efi"));
	buf_reset(&why);

	/* a link waits where the kernel image is to be written */
	machine_new();
	put("victim", "untouched", 9);
	assert_int_equal(symlink(at("victim"), at("efi/parallax.new")), 0);
	assert_true(install("6", &why));
	assert_true(holds("victim", "untouched", 9));
	expect_installed("6", ways[0].conf);
	buf_free(&why);
}

static void
test_what_the_esp_says(void **state)
{
	static const char *const names[] = { "parallax_6+0-3.efi", "parallax_7+2-1.efi",
		"PARALLAX_8.EFI", "parallax_9+3.efi.bak", "parallax_1.x.efi", "parallax_10+x.efi",
		"parallax_11+3-.efi", "parallax_.efi", "parallax_12+99999.efi", "parallax.efi" };
	struct buf why = BUF_INIT(1024);
	struct esp esp;

	machine_new();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char below[128];

		snprintf(below, sizeof(below), "efi/EFI/Linux/%s", names[i]);
		put(below, "x", 1);
	}
	assert_int_equal(symlink("parallax_5.efi", at("efi/EFI/Linux/parallax_13+0.efi")), 0);
	assert_true(esp_open(&esp, at("efi"), &why));
	assert_int_equal(esp.count, 5);
	assert_int_equal(esp_version(&esp, "5")->left, -1);
	assert_int_equal(esp_version(&esp, "8")->left, -1);
	assert_string_equal(esp_failed(&esp, "5")->version, "6");
	assert_string_equal(esp_waiting(&esp, "5")->version, "7");
	assert_null(esp_failed(&esp, "6"));
	assert_null(esp_waiting(&esp, "7"));
	assert_null(esp_version(&esp, "13"));
	esp_close(&esp);
	buf_free(&why);
}

/* A damaged file is no reason to stop for ever, nor to forget it silently. */
static void
test_what_is_remembered(void **state)
{
	static const char *const damaged[] = { "released: yesterday\n", "{", "x: 1\n",
		"minimum: 1.x\n" };
	struct buf why = BUF_INIT(1024);
	struct update_state s;
	char low[] = "4", high[] = "4.5", early[] = "2026-01-01T00:00:00Z";
	struct manifest m = { .released = early, .released_s = 1767225600, .minimum = high };

	machine_new();
	update_state_read(&s, top, &why);
	assert_int_equal(why.len, 0);
	assert_null(s.minimum);
	assert_true(update_state_advance(&s, &m, top, &why));
	m.minimum = low;
	assert_true(update_state_advance(&s, &m, top, &why));
	update_state_free(&s);
	update_state_read(&s, top, &why);
	assert_string_equal(s.minimum, "4.5");
	assert_int_equal(s.released_s, 1767225600);
	m.released_s = 1;
	assert_true(update_state_advance(&s, &m, top, &why));
	assert_int_equal(s.released_s, 1767225600);
	update_state_free(&s);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		put("state/update/installed", damaged[i], strlen(damaged[i]));
		buf_reset(&why);
		update_state_read(&s, top, &why);
		if (why.data == NULL || strstr(why.data, "damaged") == NULL)
			fail_msg("%s", damaged[i]);
		assert_int_equal(s.released_s, 0);
		assert_null(s.minimum);
	}
	buf_free(&why);
}

static int
setup(void **state)
{
	for (size_t i = 0; i < ROOT_BYTES; i++)
		root_bytes[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < EFI_BYTES; i++)
		efi_bytes[i] = (char)(i * 5 + i / 256);
	for (size_t i = 0; i < SLOT_BYTES; i++)
		old_bytes[i] = (char)(i * 3 + i / 256);
	return mkdtemp(top) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_goes_well),
		cmocka_unit_test(test_stopped_before_each_call),
		cmocka_unit_test(test_each_call_fails),
		cmocka_unit_test(test_bad_downloads),
		cmocka_unit_test(test_links_are_not_followed),
		cmocka_unit_test(test_what_the_esp_says),
		cmocka_unit_test(test_what_is_remembered),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
