/* What first-boot makes of a document: texts, modes, all or none. */
#include <dirent.h>
#include <errno.h>
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

#include "appliance/document/outcome.h"
#include "appliance/place.h"
#include "document_fixture.h"
#include "failing_malloc.h"

#define TEXT_MAX	((size_t)256 * 1024)
#define ENROLS	"enrolment: {url: 'https://ca.example:8443', token: secret-token}\n"
#define ROOT	"private_root: {hints: [a.root.example 192.0.2.1], trust_anchor: " \
	"['. DS 1 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D']}\n"

static const struct outcome_machine machine = { .source = "cidata",
	.image_id = "parallax-perspective", .image_version = "2026.11.22-1", .cpus = 2,
	.name_servers = "192.0.2.53 2001:db8::53" };
static struct document_fixture made;

static int
setup(void **state)
{
	document_fixture_make(&made);
	return 0;
}

static int
teardown(void **state)
{
	document_fixture_free(&made);
	return 0;
}

/* Of a document that is good. */
static void
make(struct outcome *o, const char *without, const char *more, const struct outcome_machine *m)
{
	static const struct document_moment unknown = { .now_s = 0 };
	struct buf text = BUF_INIT(TEXT_MAX), faults = BUF_INIT(TEXT_MAX);
	struct document d = { .tls_ca = NULL };

	document_fixture_write(&made, without, more, &text);
	assert_true(document_read(&d, text.data, text.len, &unknown, &faults));
	assert_true(outcome_make(o, &d, m, &faults));
	assert_int_equal(faults.len, 0);
	document_free(&d);
	buf_free(&text);
	buf_free(&faults);
}

static const char *
text_of(const struct outcome *o, const char *name)
{
	const struct outcome_file *file = outcome_find(o, name);

	assert_non_null(file);
	return file->text.data;
}

static bool
has(const struct outcome *o, const char *name, const char *part)
{
	return strstr(text_of(o, name), part) != NULL;
}

/* It is mpic-httpcheck's own, and says what the document and the appliance say. */
static void
test_httpcheck(void **state)
{
	struct httpcheck_config cfg = { .code = NULL };
	struct buf faults = BUF_INIT(TEXT_MAX);
	const struct outcome_file *file;
	struct outcome o;

	make(&o, "", "callers: [urn:mpic:a, urn:mpic:b]\nuser_agent: 'say: \"x\"'\nworkers: 5\n",
	    &machine);
	file = outcome_find(&o, "httpcheck.yaml");
	assert_non_null(file);
	assert_true(option_defaults(&httpcheck_options, &cfg, &faults));
	assert_true(option_parse(&httpcheck_options, &cfg, "f", file->text.data, file->text.len,
	    &faults));
	assert_true(option_complete(&httpcheck_options, &cfg, &faults));
	assert_true(httpcheck_check_values(&cfg, &faults));
	assert_string_equal(cfg.code, FIXTURE_CODE);
	assert_int_equal(cfg.callers.count, 2);
	assert_string_equal(cfg.user_agent, "say: \"x\"");
	assert_int_equal(cfg.daemon.workers, 5);
	assert_string_equal(cfg.daemon.tls_key, "credential:tls_key");
	assert_string_equal(cfg.signing_key, "credential:signing_key");
	assert_string_equal(cfg.image_version, "parallax-perspective 2026.11.22-1");
	assert_true(endpoint_loopback(&cfg.resolver));
	assert_true(endpoint_loopback(&cfg.ready_listen));
	assert_false(cfg.daemon.plain);
	option_free(&httpcheck_options, &cfg);
	buf_free(&faults);
	outcome_free(&o);
}

static void
test_workers_are_cpus(void **state)
{
	struct outcome_machine many = machine;
	struct outcome o;

	make(&o, "", "", &machine);
	assert_true(has(&o, "httpcheck.yaml", "\nworkers: 2\n"));
	assert_true(has(&o, "unbound/perspective.conf", "\tnum-threads: 2\n"));
	outcome_free(&o);
	many.cpus = 1000;
	make(&o, "", "unbound: {threads: 7}\n", &many);
	assert_true(has(&o, "httpcheck.yaml", "\nworkers: 64\n"));
	assert_true(has(&o, "unbound/perspective.conf", "\tnum-threads: 7\n"));
	outcome_free(&o);
}

/* Secrets are in the files that are for them, for their owner alone, and in no other. */
static void
test_secrets(void **state)
{
	struct outcome o;

	make(&o, "", "", &machine);
	for (size_t i = 0; i < o.count; i++) {
		bool secret = strstr(o.files[i].text.data, "PRIVATE KEY") != NULL ||
		    strstr(o.files[i].name, ".key") != NULL;

		assert_int_equal(o.files[i].mode, secret ? 0600 : 0644);
	}
	assert_string_equal(text_of(&o, "tls.key"), made.key.data);
	assert_string_equal(text_of(&o, "signing.key"), made.signing_key.data);
	outcome_free(&o);
	make(&o, "tls_certificate tls_key signing_key", ENROLS, &machine);
	for (size_t i = 0; i < o.count; i++)
		if (strstr(o.files[i].text.data, "secret-token") != NULL)
			assert_int_equal(o.files[i].mode, 0600);
	assert_true(has(&o, "enrolment.yaml", "token: \"secret-token\"\n"));
	assert_true(has(&o, "enrolment.yaml", "ca: \"/run/mpic/ca.pem\"\n"));
	assert_true(has(&o, "enrolment.yaml", "code: \"" FIXTURE_CODE "\"\n"));
	outcome_free(&o);
}

static void
test_without_a_signing_key(void **state)
{
	struct outcome o;

	make(&o, "signing_key", "", &machine);
	assert_string_equal(text_of(&o, "signing.key"), "");
	assert_string_equal(text_of(&o, "given.key"), "");
	assert_false(has(&o, "httpcheck.yaml", "signing_key"));
	outcome_free(&o);
}

static void
test_enrolment(void **state)
{
	static const char *const names[] = { "tls.pem", "tls.key", "signing.key" };
	char target[64];
	struct outcome o;

	make(&o, "tls_certificate tls_key signing_key", ENROLS, &machine);
	for (size_t i = 0; i < 3; i++) {
		snprintf(target, sizeof(target), "/run/mpic-enrol/%s", names[i]);
		assert_true(outcome_find(&o, names[i])->link);
		assert_string_equal(text_of(&o, names[i]), target);
	}
	assert_true(has(&o, "httpcheck.yaml", "signing_key: \"credential:signing_key\"\n"));
	outcome_free(&o);
	/* renewal alone: its own papers to begin with */
	make(&o, "", "enrolment: {url: 'https://ca.example'}\n", &machine);
	assert_true(outcome_find(&o, "tls.pem")->link);
	assert_true(outcome_find(&o, "tls.key")->link);
	assert_string_equal(text_of(&o, "given.key"), made.key.data);
	assert_string_equal(text_of(&o, "given.pem"), made.certificate.data);
	assert_int_equal(outcome_find(&o, "given.key")->mode, 0600);
	assert_string_equal(text_of(&o, "signing.key"), made.signing_key.data);
	assert_false(has(&o, "enrolment.yaml", "token"));
	outcome_free(&o);
}

/* The document's lists are what mpic-enrol begins with, or all that there are. */
static void
test_revocation_lists(void **state)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	struct outcome o;

	document_fixture_block(&text, "tls_crl", &made.crl);
	make(&o, "", text.data, &machine);
	assert_false(outcome_find(&o, "crl.pem")->link);
	assert_string_equal(text_of(&o, "crl.pem"), made.crl.data);
	assert_null(outcome_find(&o, "given-crl.pem"));
	assert_true(has(&o, "httpcheck.yaml", "tls_crl: \"/run/mpic/crl.pem\"\n"));
	outcome_free(&o);
	buf_adds(&text, "enrolment: {url: 'https://ca.example'}\n");
	make(&o, "", text.data, &machine);
	assert_true(outcome_find(&o, "crl.pem")->link);
	assert_string_equal(text_of(&o, "crl.pem"), "/run/mpic-enrol/crl.pem");
	assert_string_equal(text_of(&o, "given-crl.pem"), made.crl.data);
	assert_true(has(&o, "httpcheck.yaml", "tls_crl: \"/run/mpic/crl.pem\"\n"));
	outcome_free(&o);
	buf_free(&text);
}

static void
test_private_root(void **state)
{
	struct outcome o;

	make(&o, "", "", &machine);
	assert_true(has(&o, "unbound/perspective.conf", "\"/usr/lib/parallax/appliance.conf\""));
	assert_true(has(&o, "httpcheck.yaml", "private_root: false\n"));
	assert_string_equal(text_of(&o, "status"), "");
	outcome_free(&o);
	make(&o, "", ROOT, &machine);
	assert_true(has(&o, "unbound/perspective.conf",
	    "\"/usr/lib/parallax/appliance-private.conf\""));
	assert_true(has(&o, "unbound/perspective.conf", "\ttrust-anchor: \". DS 1 8 2 E06D"));
	assert_true(has(&o, "unbound/perspective.conf",
	    "\troot-hints: \"/run/mpic/unbound/root.hints\"\n"));
	assert_true(has(&o, "unbound/root.hints", "a.root.example. 518400 IN A 192.0.2.1\n"));
	assert_true(has(&o, "status", "# notice the root of the DNS is private_root's, not IANA's"));
	assert_true(has(&o, "httpcheck.yaml", "\"/run/mpic/status\""));
	assert_true(has(&o, "httpcheck.yaml",
	    "image_version: \"parallax-perspective 2026.11.22-1\"\n"));
	assert_true(has(&o, "httpcheck.yaml", "private_root: true\n"));
	outcome_free(&o);
}

/* Results, /readyz and /identity say what nobody may take it for. */
static void
test_debug_variant(void **state)
{
	struct outcome_machine debug = machine;
	struct outcome o;

	debug.image_id = "parallax-perspective-debug";
	make(&o, "", ROOT, &debug);
	assert_true(has(&o, "httpcheck.yaml",
	    "image_version: \"parallax-perspective-debug 2026.11.22-1\"\n"));
	assert_true(has(&o, "status", "# notice this is the debug variant of the image: whoever "
	    "reaches its console is root\n# notice the root of the DNS is"));
	outcome_free(&o);
}

/* `source`, the document's lines, and what follows. */
static const struct {
	const char *source, *more, *drop_in, *settings;
} clocks[] = {
	{ "cidata", "", "[Time]\n\n", "hypervisor: false\nntp: []\n" },
	{ "aws", "", "[Time]\nNTP=169.254.169.123\n",
	    "hypervisor: false\nntp: [\"169.254.169.123\"]\n" },
	{ "google", "", "[Time]\nNTP=169.254.169.254\n",
	    "hypervisor: false\nntp: [\"169.254.169.254\"]\n" },
	{ "azure", "", "[Time]\nNTP=\nFallbackNTP=\n\n", "hypervisor: true\nntp: []\n" },
	{ "azure", "clock: ntp\n", "[Time]\n\n", "hypervisor: false\nntp: []\n" },
	{ "azure", "ntp: [a.example]\n", "[Time]\nNTP=a.example\n",
	    "hypervisor: false\nntp: [\"a.example\"]\n" },
	{ "aws", "ntp: [a.example, 192.0.2.1]\n", "[Time]\nNTP=a.example 192.0.2.1\n",
	    "hypervisor: false\nntp: [\"a.example\", \"192.0.2.1\"]\n" },
	{ "aws", "clock: hypervisor\n", "[Time]\nNTP=\nFallbackNTP=\n\n",
	    "hypervisor: true\nntp: []\n" },
};

static void
test_clocks(void **state)
{
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct outcome_machine m = machine;
		struct outcome o;

		m.source = clocks[i].source;
		make(&o, "", clocks[i].more, &m);
		assert_string_equal(text_of(&o, "ntp.conf"), clocks[i].drop_in);
		assert_string_equal(text_of(&o, "clock.yaml"), clocks[i].settings);
		outcome_free(&o);
	}
}

static void
test_name_servers(void **state)
{
	static const struct {
		const char *known, *file;
	} cases[] = {
		{ "192.0.2.53 2001:db8::53",
		    "nameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver 127.0.0.1\n" },
		{ "", "nameserver 127.0.0.1\n" },
		{ "rubbish 192.0.2.53%eth0", "nameserver 127.0.0.1\n" },
		{ "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4",
		    "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 127.0.0.1\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome_machine m = machine;
		struct outcome o;

		m.name_servers = cases[i].known;
		make(&o, "", "", &m);
		assert_string_equal(text_of(&o, "resolv.conf"), cases[i].file);
		outcome_free(&o);
	}
}

static void
test_parts(void **state)
{
	struct outcome o;

	make(&o, "", "update: {url: 'https://images.example/p', window: '02:00-04:00'}\n"
	    "log_forward: {url: 'https://log.example:19532'}\n", &machine);
	assert_string_equal(text_of(&o, "update.yaml"), "url: \"https://images.example/p\"\n"
	    "window: \"02:00-04:00\"\nspread_minutes: 60\ncode: \"" FIXTURE_CODE "\"\n");
	assert_true(has(&o, "log_forward.conf", "\nURL=https://log.example:19532\n"));
	assert_null(outcome_find(&o, "enrolment.yaml"));
	assert_string_equal(text_of(&o, "source"), "cidata\n");
	assert_string_equal(o.files[o.count - 1].name, "source");
	outcome_free(&o);
}

/* Wherever memory runs out, what comes of a document is all of it or nothing. */
static void
test_without_memory(void **state)
{
	static const struct document_moment unknown = { .now_s = 0 };
	static const char more[] = ROOT "ntp: [a.example]\nupdate: {url: 'https://x/y'}\n";
	struct buf text = BUF_INIT(TEXT_MAX);
	struct outcome whole;
	bool ok = false;

	make(&whole, "", more, &machine);
	document_fixture_write(&made, "", more, &text);
	for (long n = 0; !ok; n++) {
		struct buf faults = BUF_INIT(TEXT_MAX);
		struct document d = { .tls_ca = NULL };
		struct outcome o = { .count = 0 };

		failing_malloc_after(n);
		ok = document_read(&d, text.data, text.len, &unknown, &faults) &&
		    outcome_make(&o, &d, &machine, &faults);
		failing_malloc_after(-1);
		if (ok) {
			assert_true(n > 20);
			assert_int_equal(o.count, whole.count);
			for (size_t i = 0; i < o.count; i++)
				assert_string_equal(o.files[i].text.data, whole.files[i].text.data);
		}
		outcome_free(&o);
		document_free(&d);
		buf_free(&faults);
	}
	outcome_free(&whole);
	buf_free(&text);
}

/* ---- on disk ---- */

static char root[] = "/tmp/test_outcome.XXXXXX";

static int
folder_setup(void **state)
{
	char path[PLACE_MAX];

	strcpy(root, "/tmp/test_outcome.XXXXXX");
	assert_non_null(mkdtemp(root));
	place_path(root, "/run", path);
	assert_int_equal(mkdir(path, 0755), 0);
	place_path(root, "/run/mpic", path);
	return mkdir(path, 0755);
}

static int
folder_teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "chmod -R u+w %s && rm -r %s", root, root);
	return system(command);
}

static void
assert_on_disk(const struct outcome *o)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct outcome_file *file = &o->files[i];
		struct buf text = BUF_INIT(TEXT_MAX);
		char within[128], path[PLACE_MAX], target[256] = "";
		struct stat st;

		snprintf(within, sizeof(within), OUTCOME_FOLDER "/%s", file->name);
		place_path(root, within, path);
		assert_int_equal(lstat(path, &st), 0);
		if (file->link) {
			assert_true(S_ISLNK(st.st_mode));
			assert_int_not_equal(readlink(path, target, sizeof(target) - 1), -1);
			assert_string_equal(target, file->text.data);
			continue;
		}
		assert_int_equal(st.st_mode & 07777, file->mode);
		assert_true(place_read(root, within, &text));
		assert_int_equal(text.len, file->text.len);
		if (text.len > 0)
			assert_memory_equal(text.data, file->text.data, text.len);
		buf_free(&text);
	}
}

static size_t
files_on_disk(void)
{
	static const char *const folders[] = { OUTCOME_FOLDER, OUTCOME_FOLDER "/unbound" };
	size_t count = 0;

	for (size_t i = 0; i < 2; i++) {
		char path[PLACE_MAX];
		struct dirent *entry;
		DIR *folder;

		place_path(root, folders[i], path);
		folder = opendir(path);
		while (folder != NULL && (entry = readdir(folder)) != NULL)
			count += entry->d_type != DT_DIR;
		if (folder != NULL)
			closedir(folder);
	}
	return count;
}

static void
write_good(const struct outcome *o)
{
	struct buf why = BUF_INIT(512);

	assert_true(outcome_write(o, root, &why));
	assert_on_disk(o);
	assert_int_equal(files_on_disk(), o->count);
	buf_free(&why);
}

/* Of one document after another: what the second has not is gone, keys among it. */
static void
test_write(void **state)
{
	struct outcome o;

	make(&o, "", ROOT "update: {url: 'https://images.example/p'}\n", &machine);
	write_good(&o);
	outcome_free(&o);
	make(&o, "tls_certificate tls_key signing_key", ENROLS, &machine);
	write_good(&o);
	outcome_free(&o);
	make(&o, "", "", &machine);
	write_good(&o);
	outcome_free(&o);
}

/* In the place of a file there is a folder: nothing of the rest is there either. */
static void
test_none_of_it(void **state)
{
	struct buf why = BUF_INIT(512);
	char path[PLACE_MAX];
	struct outcome o;

	make(&o, "", "", &machine);
	place_path(root, OUTCOME_FOLDER "/tls.key.new", path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_false(outcome_write(&o, root, &why));
	assert_string_equal(why.data, "/run/mpic/tls.key: Is a directory");
	assert_int_equal(files_on_disk(), 0);
	assert_int_equal(rmdir(path), 0);
	/* half of it moved in: what units wait for, the step's end and `source`, never comes */
	place_path(root, OUTCOME_FOLDER "/tls.key", path);
	assert_int_equal(mkdir(path, 0755), 0);
	buf_reset(&why);
	assert_false(outcome_write(&o, root, &why));
	assert_string_equal(why.data, "/run/mpic/tls.key: Is a directory");
	assert_false(place_exists(root, OUTCOME_FOLDER "/source"));
	outcome_free(&o);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_httpcheck),
		cmocka_unit_test(test_workers_are_cpus),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_without_a_signing_key),
		cmocka_unit_test(test_enrolment),
		cmocka_unit_test(test_revocation_lists),
		cmocka_unit_test(test_private_root),
		cmocka_unit_test(test_debug_variant),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_name_servers),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test_setup_teardown(test_write, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(test_none_of_it, folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
