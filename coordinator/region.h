/*
 * The region catalogue: where the regions of the large clouds are and which
 * RIR serves them, so that a configuration need only name the code.
 *
 * conf/regions.yaml holds it, one row a region; a code is "aws:eu-central-1".
 */
#ifndef MPIC_REGION_H
#define MPIC_REGION_H

#include <stdbool.h>

#include "option.h"

struct region {
	char *code;
	char *place;
	char *rir;
	double latitude, longitude;
};

struct regions {
	struct option_maps list;	/* of struct region */
};

/* `regions` must be all zeroes. False, with a sentence a fault, if the file cannot be used. */
/* Its file, as rows. */
extern const struct option_table regions_options;
bool regions_load(struct regions *regions, const char *path, struct buf *faults);
/* NULL if the catalogue has no such code. */
const struct region *regions_find(const struct regions *regions, const char *code);
void regions_free(struct regions *regions);

#endif
