#include "appliance/update/update_settings.h"

#include <stddef.h>
#include <string.h>

#include "syntax.h"

#define ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct update_settings, member), __VA_ARGS__ }

static const struct option rows[] = {
	ROW("code", STRING, code, .min = 1, .max = 256, .flags = OPTION_REQUIRED,
	    .sentence = "The perspective's own code: it decides when in the window."),
	ROW("url", STRING, url, .min = 1, .max = 2048, .flags = OPTION_REQUIRED,
	    .sentence = "Where updates are: a folder, or one manifest in it, NAME.update."),
	ROW("window", STRING, window, .min = 1, .max = 32,
	    .sentence = "When it may restart, from and to in UTC, 02:00-04:00; any time without."),
	ROW("spread_minutes", INTEGER, spread_minutes, .min = 0, .max = WINDOW_SPREAD_MAX,
	    .def = "60", .unit = "minutes", .sentence = "Within which time from then on; each "
	    "perspective of a fleet at another moment, which its code gives."),
};

const char *
update_url_fault(const char *url)
{
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return "expected a URL that begins with https:// or http://";
	if (!syntax_uri(url) || strpbrk(url, "?#") != NULL)
		return "expected the URL of a folder or of a manifest, without a query";
	return NULL;
}

const char *
update_window_fault(const char *window)
{
	struct window w = { .set = false };

	return window_parse(&w, window) ? NULL :
	    "expected two times of the day in UTC, such as 02:00-04:00";
}

static bool
check_settings(void *config, struct buf *faults)
{
	struct update_settings *s = config;
	const char *url = update_url_fault(s->url);
	const char *window = s->window != NULL ? update_window_fault(s->window) : NULL;

	if (url != NULL)
		buf_addf(faults, "url: %s\n", url);
	if (window != NULL)
		buf_addf(faults, "window: %s\n", window);
	if (s->window != NULL && window == NULL)
		(void)window_parse(&s->when, s->window);
	s->when.spread_min = s->spread_minutes;
	return url == NULL && window == NULL;
}

const struct option_table update_settings_options = {
	.program = "mpic-update",
	.file = "/run/mpic/update.yaml",
	.sentence = "Updates an appliance: fetches, verifies and installs another version.",
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.check = check_settings,
};
