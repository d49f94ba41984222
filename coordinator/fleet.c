#include "coordinator/fleet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "coordinator/geo.h"
#include "coordinator/rir_area.h"

static const char *const rir_names[RIR_COUNT] = {
	[RIR_AFRINIC] = "AFRINIC",
	[RIR_APNIC] = "APNIC",
	[RIR_ARIN] = "ARIN",
	[RIR_LACNIC] = "LACNIC",
	[RIR_RIPE_NCC] = "RIPE NCC",
};

const char *const perspective_protocol_names[] = {
	[PROTOCOL_PARALLAX] = "parallax", [PROTOCOL_OPEN_MPIC] = "open-mpic", NULL
};

const char *
rir_name(enum rir rir)
{
	return rir_names[rir];
}

enum rir
rir_parse(const char *name)
{
	for (int i = RIR_NONE + 1; i < RIR_COUNT; i++)
		if (strcasecmp(rir_names[i], name) == 0)
			return i;
	return RIR_NONE;
}

static int
by_code(const void *a, const void *b)
{
	return strcmp(((const struct perspective *)a)->code,
	    ((const struct perspective *)b)->code);
}

static bool
names_too_close(const struct perspective *p, const char *code)
{
	for (size_t i = 0; i < p->too_close_count; i++)
		if (strcmp(p->too_close_codes[i], code) == 0)
			return true;
	return false;
}

static bool
listed_too_close(const struct perspective *a, const struct perspective *b)
{
	return names_too_close(a, b->code) || names_too_close(b, a->code);
}

static double
distance_km(const struct perspective *a, const struct perspective *b)
{
	return geo_distance_km(a->latitude, a->longitude, b->latitude, b->longitude);
}

static bool
measured_too_close(const struct fleet *fleet, const struct perspective *a,
    const struct perspective *b)
{
	return a->placed && b->placed && distance_km(a, b) < fleet->min_km;
}

void
fleet_arrange(struct fleet *fleet)
{
	struct perspective *m = fleet->members;

	qsort(m, fleet->count, sizeof(*m), by_code);
	for (size_t i = 0; i < fleet->count; i++) {
		m[i].near = 0;
		for (size_t k = 0; k < fleet->count; k++)
			if (k != i && (listed_too_close(&m[i], &m[k]) ||
			    measured_too_close(fleet, &m[i], &m[k])))
				m[i].near |= UINT64_C(1) << k;
	}
}

const struct perspective *
fleet_primary(const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (fleet->members[i].primary)
			return &fleet->members[i];
	return NULL;
}

size_t
fleet_remotes(const struct fleet *fleet)
{
	return fleet->count - (fleet_primary(fleet) != NULL);
}

/* Length of "https://host:port" of a URL. */
static size_t
origin_len(const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	return (size_t)(host - url) + strcspn(host, "/");
}

static bool
same_origin(const char *a, const char *b)
{
	size_t len = origin_len(a);

	return len == origin_len(b) && strncasecmp(a, b, len) == 0;
}

static bool
share_origin(const struct perspective *a, const struct perspective *b)
{
	for (size_t i = 0; i < perspective_endpoints(a); i++)
		for (size_t k = 0; k < perspective_endpoints(b); k++)
			if (same_origin(perspective_url(a, i), perspective_url(b, k)))
				return true;
	return false;
}

static void
check_endpoints(const struct perspective *p, struct buf *faults)
{
	for (size_t i = 0; i < perspective_endpoints(p); i++)
		for (size_t k = i + 1; k < perspective_endpoints(p); k++)
			if (same_origin(perspective_url(p, i), perspective_url(p, k)))
				buf_addf(faults, "perspectives: %s: urls: %s and %s have the same "
				    "host and port, so they are one endpoint\n", p->code,
				    perspective_url(p, i), perspective_url(p, k));
}

static void
check_pair(const struct fleet *fleet, const struct perspective *a,
    const struct perspective *b, struct buf *faults)
{
	if (strcmp(a->code, b->code) == 0)
		buf_addf(faults, "perspectives: the code %s is given twice\n", a->code);
	else if (a->verify_key != NULL && b->verify_key != NULL &&
	    strcmp(a->verify_key->id, b->verify_key->id) == 0)
		buf_addf(faults, "perspectives: %s and %s have the same verify_key, so one could "
		    "answer for both\n", a->code, b->code);
	else if (share_origin(a, b))
		buf_addf(faults, "perspectives: %s and %s have the same host and port in "
		    "their url, so they would be one perspective\n", a->code, b->code);
	else if ((a->primary || b->primary) &&
	    (listed_too_close(a, b) || measured_too_close(fleet, a, b)))
		buf_addf(faults, "perspectives: %s is too close to %s, the primary, which is part of "
		    "every attempt, so it would never be asked; drop it\n",
		    a->primary ? b->code : a->code, a->primary ? a->code : b->code);
	else if (measured_too_close(fleet, a, b) && !listed_too_close(a, b))
		buf_addf(faults, "perspectives: %s and %s are %.0f km apart, less than the "
		    "%.0f km that %s asks for; drop one, or name it in the other's "
		    "too_close_codes so that no request uses both\n", a->code, b->code,
		    distance_km(a, b), fleet->min_km,
		    fleet->min_km_rule != NULL ? fleet->min_km_rule : "the policy");
}

static bool
has_code(const struct fleet *fleet, const char *code)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (strcmp(fleet->members[i].code, code) == 0)
			return true;
	return false;
}

bool
fleet_check(const struct fleet *fleet, struct buf *faults)
{
	size_t before = faults->len;

	for (size_t i = 0; i < fleet->count; i++) {
		const struct perspective *p = &fleet->members[i];

		if (p->rir == RIR_NONE)
			buf_addf(faults, "perspectives: %s has no RIR: give its rir, one "
			    "of ARIN, RIPE NCC, APNIC, LACNIC, AFRINIC, or a code that "
			    "the region catalogue holds\n", p->code);
		else if (p->placed && !isnan(p->latitude) &&
		    !rir_area_has(p->rir, p->latitude, p->longitude))
			buf_addf(faults, "perspectives: %s: what lies at latitude %g, longitude %g "
			    "is not in the service region of %s; mend one of them\n", p->code,
			    p->latitude, p->longitude, rir_name(p->rir));
		if (!p->placed)
			buf_addf(faults, "perspectives: %s has no place, so how far it is from "
			    "others is not known: give its latitude and longitude, or a code "
			    "that the region catalogue holds\n", p->code);
		for (size_t k = 0; k < p->too_close_count; k++)
			if (!has_code(fleet, p->too_close_codes[k]))
				buf_addf(faults, "perspectives: too_close_codes of %s names "
				    "%s, which is no perspective here\n", p->code,
				    p->too_close_codes[k]);
		check_endpoints(p, faults);
		for (size_t k = i + 1; k < fleet->count; k++)
			check_pair(fleet, p, &fleet->members[k], faults);
	}
	return faults->len == before && !faults->failed;
}
