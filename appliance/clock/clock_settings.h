/* What first-boot made of the document's clock and ntp (outcome.h). */
#ifndef MPIC_APPLIANCE_CLOCK_SETTINGS_H
#define MPIC_APPLIANCE_CLOCK_SETTINGS_H

#include "option.h"

struct clock_settings {
	bool hypervisor;		/* keeps the time: nobody is asked */
	struct option_strings ntp;	/* who is asked; empty: whom timesyncd finds */
};

/* All zeroes before. False, having said why on standard error in the command's name. */
bool clock_settings_read(struct clock_settings *settings, const char *root, const char *command);
void clock_settings_free(struct clock_settings *settings);

#endif
