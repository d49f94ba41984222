/*
 * Where on the Earth the RIRs serve: pure.
 *
 * Rectangles of whole countries, rounded outwards, so that areas overlap along
 * borders. It tells a slip of the pen (a sign, a copied line) from a place, and
 * not on which side of a border something stands.
 */
#ifndef MPIC_RIR_AREA_H
#define MPIC_RIR_AREA_H

#include "coordinator/fleet.h"

/* Whether a place in degrees may lie in the service region of this RIR. */
bool rir_area_has(enum rir rir, double latitude, double longitude);

#endif
