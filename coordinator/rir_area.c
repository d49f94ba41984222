#include "coordinator/rir_area.h"

/* From the lists of countries that the RIRs publish. */
static const struct {
	enum rir rir;
	double south, north, west, east;
} areas[] = {
	/* Canada and the United States; many islands of the Caribbean and the North Atlantic */
	{ RIR_ARIN, 48, 84, -142, -50 },
	{ RIR_ARIN, 51, 72, -180, -129 },
	{ RIR_ARIN, 51, 54, 172, 180 },
	{ RIR_ARIN, 41, 50, -125, -52 },
	{ RIR_ARIN, 32, 42, -125, -64 },
	{ RIR_ARIN, 24, 33, -107, -64 },
	{ RIR_ARIN, 18, 23, -161, -154 },
	{ RIR_ARIN, 11, 28, -82, -59 },
	{ RIR_ARIN, -90, -60, -180, 180 },
	/* Mexico, Central and South America, the rest of the Caribbean */
	{ RIR_LACNIC, 22, 33, -119, -97 },
	{ RIR_LACNIC, 7, 24, -119, -59 },
	{ RIR_LACNIC, -57, 14, -93, -34 },
	{ RIR_LACNIC, -28, -26, -110, -105 },
	/* Europe, Greenland, the Middle East, Central Asia, Russia */
	{ RIR_RIPE_NCC, 34, 82, -32, 70 },
	{ RIR_RIPE_NCC, 27, 30, -19, -13 },
	{ RIR_RIPE_NCC, 59, 84, -74, -10 },
	{ RIR_RIPE_NCC, 29, 38, 34, 64 },
	{ RIR_RIPE_NCC, 12, 30, 42, 61 },
	{ RIR_RIPE_NCC, 18, 33, 35, 43 },
	{ RIR_RIPE_NCC, 36, 56, 60, 88 },
	{ RIR_RIPE_NCC, 50, 82, 60, 180 },
	{ RIR_RIPE_NCC, 42, 51, 130, 150 },
	{ RIR_RIPE_NCC, 60, 72, -180, -169 },
	/* Africa and the islands of the western Indian Ocean */
	{ RIR_AFRINIC, 31, 38, -14, 12 },
	{ RIR_AFRINIC, 22, 33, -19, 35 },
	{ RIR_AFRINIC, 18, 23, -26, 39 },
	{ RIR_AFRINIC, 12, 18, -26, 44 },
	{ RIR_AFRINIC, -38, 13, -26, 64 },
	/* The rest of Asia, Oceania */
	{ RIR_APNIC, 5, 39, 60, 98 },
	{ RIR_APNIC, 18, 54, 73, 147 },
	{ RIR_APNIC, -61, 21, 70, 180 },
	{ RIR_APNIC, -61, 12, -180, -124 },
};

bool
rir_area_has(enum rir rir, double latitude, double longitude)
{
	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		if (areas[i].rir == rir && latitude >= areas[i].south &&
		    latitude <= areas[i].north && longitude >= areas[i].west &&
		    longitude <= areas[i].east)
			return true;
	return false;
}
