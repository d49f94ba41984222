/* Distance on the Earth: pure. */
#ifndef MPIC_GEO_H
#define MPIC_GEO_H

/*
 * Great-circle distance in km between two places in degrees, on a sphere of
 * 6371.0088 km. Off by at most 0.6 %, so a limit should not be approached.
 */
double geo_distance_km(double latitude_a, double longitude_a, double latitude_b,
    double longitude_b);

#endif
