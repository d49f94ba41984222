#include "appliance/update/update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "appliance/place.h"
#include "appliance/update/download.h"
#include "appliance/update/update_install.h"
#include "appliance/update/update_keys.h"
#include "appliance/update/update_report.h"
#include "appliance/update/update_settings.h"
#include "appliance/update/update_verdict.h"
#include "log.h"

#define KEYS_MAX	16384
#define EFI_BYTES_MAX	INT64_C(67108864)
#define SENTENCE_MAX	1024
#define AGENT_MAX	256

struct update {
	const char *root;
	bool check;
	struct update_settings settings;
	struct update_keys keys;
	char image[VERSION_MAX], version[VERSION_MAX];
	struct esp esp;
	struct slot slot;
	struct update_state state;
	struct manifest manifest;
	struct update_report report;
};

static void
conclude(struct update *u, enum update_result result)
{
	u->report.result = result;
}

/* ---- what there is ---- */

static bool
read_settings(struct update *u)
{
	const struct option_table *t = &update_settings_options;
	struct buf *why = &u->report.why;
	char path[PLACE_MAX];

	place_path(u->root, t->file, path);
	if (option_defaults(t, &u->settings, why) && option_load(t, &u->settings, path, why) &&
	    option_complete(t, &u->settings, why) && t->check(&u->settings, why))
		return true;
	conclude(u, UPDATE_RESULT_OFF);
	return false;
}

static bool
read_keys(struct update *u)
{
	struct buf text = BUF_INIT(KEYS_MAX), why = BUF_INIT(SENTENCE_MAX);
	bool ok = false;

	if (!place_read(u->root, UPDATE_KEYS, &text))
		buf_addf(&u->report.why, "this image was built without a key for updates (%s: %s)",
		    UPDATE_KEYS, strerror(errno));
	else if (!(ok = update_keys_parse(&u->keys, text.data != NULL ? text.data : "", text.len,
	    &why)))
		buf_addf(&u->report.why, "%s: %s", UPDATE_KEYS, why.data != NULL ? why.data : "");
	if (!ok)
		conclude(u, UPDATE_RESULT_OFF);
	buf_free(&text);
	buf_free(&why);
	return ok;
}

/* What runs, by its own word, is what the EFI system partition has as found good. */
static bool
look_around(struct update *u)
{
	struct buf *why = &u->report.why;
	const struct esp_entry *own;

	conclude(u, UPDATE_RESULT_FAILED);
	if (!place_image(u->root, "IMAGE_ID", u->image, sizeof(u->image)) ||
	    !place_image(u->root, "IMAGE_VERSION", u->version, sizeof(u->version)) ||
	    !version_valid(u->version)) {
		buf_adds(why, "os-release has no IMAGE_ID and IMAGE_VERSION of an appliance's");
		return false;
	}
	own = esp_version(&u->esp, u->version);
	if (own == NULL) {
		buf_addf(why, "the EFI system partition has no kernel image of version %s, which "
		    "runs: nothing there is touched", u->version);
		return false;
	}
	if (own->left >= 0) {
		conclude(u, UPDATE_RESULT_TRIAL);
		buf_addf(why, "version %s is on trial itself", u->version);
		return false;
	}
	return slot_find(&u->slot, u->root, why);
}

static bool
open_esp(struct update *u)
{
	char path[PLACE_MAX];

	place_path(u->root, UPDATE_ESP, path);
	conclude(u, UPDATE_RESULT_FAILED);
	return esp_open(&u->esp, path, &u->report.why);
}

static void
recall(struct update *u)
{
	struct buf why = BUF_INIT(SENTENCE_MAX);

	update_state_read(&u->state, u->root, &why);
	if (why.len > 0)
		log_warning("updates: the state cannot be read", "why", why.data);
	buf_free(&why);
}

/* ---- the manifest ---- */

static bool
fetch_manifest(struct update *u, const struct download *d)
{
	struct buf text = BUF_INIT(MANIFEST_MAX), *why = &u->report.why;
	size_t len = 0;
	bool ok = false;

	conclude(u, UPDATE_RESULT_FAILED);
	if (download_manifest(d, &text, why)) {
		conclude(u, UPDATE_RESULT_REFUSED);
		len = manifest_signed(text.data != NULL ? text.data : "", text.len, &u->keys, why);
		ok = len > 0 && manifest_parse(&u->manifest, text.data, len, why);
	}
	if (ok) {
		u->report.checked_s = time(NULL);
		u->report.expires_s = u->manifest.expires_s;
		snprintf(u->report.available, VERSION_MAX, "%s", u->manifest.version);
	}
	buf_free(&text);
	return ok;
}

static const char *
version_of(const struct esp_entry *entry)
{
	return entry != NULL ? entry->version : "";
}

static enum update_verdict
judge(struct update *u)
{
	const struct update_seen seen = {
		.image = u->image, .version = u->version,
		.failed = version_of(esp_failed(&u->esp, u->version)),
		.waiting = version_of(esp_waiting(&u->esp, u->version)),
		.now_s = time(NULL),
		.released_s = u->state.released_s,
		.minimum = u->state.minimum != NULL ? u->state.minimum : "",
		.slot_bytes = u->slot.bytes, .efi_bytes_max = EFI_BYTES_MAX,
	};

	return update_judge(&u->manifest, &seen, &u->report.why);
}

static void
install(struct update *u, struct download *d)
{
	const struct update_install in = {
		.root = u->root, .running = u->version, .manifest = &u->manifest, .esp = &u->esp,
		.slot = &u->slot, .state = &u->state, .fetch = download_file, .fetch_arg = d,
	};

	log_notice("updates: installing", "version", u->manifest.version, "slot", u->slot.device);
	buf_reset(&u->report.why);
	if (!update_install(&in, &u->report.why)) {
		conclude(u, UPDATE_RESULT_FAILED);
		return;
	}
	conclude(u, UPDATE_RESULT_WAITING);
	printf("mpic-update: version %s is installed beside %s\n", u->manifest.version, u->version);
}

static void
look(struct update *u, struct download *d)
{
	static const enum update_result results[] = {
		[UPDATE_INSTALL] = UPDATE_RESULT_WAITING, [UPDATE_CURRENT] = UPDATE_RESULT_CURRENT,
		[UPDATE_WAITING] = UPDATE_RESULT_WAITING, [UPDATE_REFUSED] = UPDATE_RESULT_REFUSED,
	};
	enum update_verdict verdict;

	if (!fetch_manifest(u, d))
		return;
	verdict = judge(u);
	conclude(u, results[verdict]);
	if (verdict == UPDATE_INSTALL && !u->check)
		install(u, d);
}

/* ---- the restart ---- */

static void
ask_for_restart(const struct update *u, const char *version)
{
	char path[PLACE_MAX];
	int fd;

	printf("mpic-update: restarting into version %s\n", version);
	fflush(stdout);
	place_path(u->root, UPDATE_RESTART, path);
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1)
		log_error("updates: cannot ask for a restart", "why", strerror(errno));
	else
		close(fd);
}

/* At its time, if that comes before this program is started again. */
static void
restart_when_due(const struct update *u)
{
	const struct esp_entry *waiting = esp_waiting(&u->esp, u->version);
	char text[MANIFEST_TIME_LEN + 1];
	int64_t at_s;

	if (waiting == NULL || u->check)
		return;
	at_s = window_restart_s(&u->settings.when, u->settings.code, waiting->since_s, time(NULL));
	manifest_time_text(at_s, text);
	log_notice("updates: a version waits for the restart", "version", waiting->version,
	    "at", text);
	if (at_s > time(NULL) + UPDATE_WAIT_S)
		return;
	while (time(NULL) < at_s)
		sleep(1);
	ask_for_restart(u, waiting->version);
}

/* ---- all of it ---- */

static void
report_write(const struct update *u)
{
	struct buf text = BUF_INIT(65536);
	char path[PLACE_MAX], fresh[PLACE_MAX];
	FILE *f;

	update_report_text(&u->report, &text);
	place_path(u->root, UPDATE_STATUS, path);
	place_path(u->root, UPDATE_STATUS ".new", fresh);
	f = text.failed ? NULL : fopen(fresh, "we");
	if (f == NULL || fputs(text.data, f) == EOF || fclose(f) == EOF || rename(fresh, path) != 0)
		log_warning("updates: the status cannot be written", "file", path);
	buf_free(&text);
}

static void
report_say(const struct update *u)
{
	const char *why = u->report.why.data != NULL ? u->report.why.data : "";
	bool bad = u->report.result == UPDATE_RESULT_FAILED ||
	    u->report.result == UPDATE_RESULT_REFUSED || u->report.result == UPDATE_RESULT_OFF;

	/* four times an hour nothing new is no news */
	log_write(bad ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "updates",
	    "result", update_result_name(u->report.result), "running", u->version,
	    "available", u->report.available, "why", why, NULL);
	if (u->check)
		printf("mpic-update: %s%s%s\n", update_result_name(u->report.result),
		    why[0] != '\0' ? ": " : "", why);
}

int
update_run(const char *root, bool check)
{
	struct update u = { .root = root, .check = check,
		.report = { .why = BUF_INIT(SENTENCE_MAX) } };
	struct download d = { .agent = NULL };
	char agent[AGENT_MAX];
	bool sound;
	int status;

	u.esp.root_fd = u.esp.linux_fd = -1;
	u.report.image = u.image;
	u.report.version = u.version;
	sound = read_settings(&u) && read_keys(&u) && open_esp(&u) && look_around(&u);
	if (sound) {
		recall(&u);
		snprintf(agent, sizeof(agent), "Parallax (%s %s)", u.image, u.version);
		if (download_begin(&d, u.settings.url, u.image, agent))
			look(&u, &d);
	}
	report_say(&u);
	if (!check)
		report_write(&u);
	if (sound)
		restart_when_due(&u);
	status = u.report.result == UPDATE_RESULT_CURRENT || u.report.result == UPDATE_RESULT_TRIAL ||
	    u.report.result == UPDATE_RESULT_WAITING ? 0 : 1;
	download_end(&d);
	manifest_free(&u.manifest);
	update_state_free(&u.state);
	esp_close(&u.esp);
	update_keys_free(&u.keys);
	option_free(&update_settings_options, &u.settings);
	buf_free(&u.report.why);
	return status;
}
