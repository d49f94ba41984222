#include "coordinator/geo.h"

#include <math.h>

#define EARTH_KM	6371.0088
#define RADIANS(deg)	((deg) * (M_PI / 180.0))

double
geo_distance_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b)
{
	double north = sin(RADIANS(latitude_b - latitude_a) / 2);
	double east = sin(RADIANS(longitude_b - longitude_a) / 2);
	double h = north * north + cos(RADIANS(latitude_a)) * cos(RADIANS(latitude_b)) *
	    east * east;

	return 2 * EARTH_KM * asin(sqrt(fmin(h, 1.0)));
}
