/*
 * What the document says of updates, as first-boot writes it to
 * /run/mpic/update.yaml.
 */
#ifndef MPIC_APPLIANCE_UPDATE_SETTINGS_H
#define MPIC_APPLIANCE_UPDATE_SETTINGS_H

#include "appliance/update/window.h"
#include "option.h"

struct update_settings {
	char *code;		/* the perspective's: its place in the window */
	char *url;
	char *window;		/* NULL: any time */
	int64_t spread_minutes;
	struct window when;	/* the two above, once checked */
};

extern const struct option_table update_settings_options;

/* What is wrong with a url or a window, as a sentence; NULL: nothing. */
const char *update_url_fault(const char *url);
const char *update_window_fault(const char *window);

#endif
