/*
 * The perspectives a coordinator can call, and which of them may not stand
 * together in one cohort.
 *
 * Invariant after fleet_arrange(): members are sorted by code, so that the
 * order of the configuration has no influence; `near` is symmetric.
 *
 * At most one member is the primary: it stands in no cohort, and all others are
 * its remotes. Without one all are remotes.
 */
#ifndef MPIC_FLEET_H
#define MPIC_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "jws_key.h"

#define FLEET_MAX	64	/* perspectives; a set of them is a uint64_t */
#define ENDPOINTS_MAX	16	/* of a perspective */

/* Regional Internet Registries, by their service regions. */
enum rir { RIR_NONE, RIR_AFRINIC, RIR_APNIC, RIR_ARIN, RIR_LACNIC, RIR_RIPE_NCC, RIR_COUNT };

/* "RIPE NCC"; NULL for RIR_NONE. */
const char *rir_name(enum rir rir);
/* Whatever the case; RIR_NONE if unknown. */
enum rir rir_parse(const char *name);

/*
 * What a perspective speaks. Results of ours name what they answer, and may be
 * signed; those of Open MPIC's checkers say neither who made them nor for which
 * request: only the connection they came on speaks for them.
 */
enum perspective_protocol { PROTOCOL_PARALLAX, PROTOCOL_OPEN_MPIC };
/* "parallax", "open-mpic"; ends with NULL. */
extern const char *const perspective_protocol_names[];

/* Strings are borrowed from the configuration. */
struct perspective {
	const char *code;
	const char *url;	/* without the check's path; NULL: see `urls` */
	char *const *urls;	/* its endpoints, if there are several */
	size_t url_count;
	enum rir rir;
	bool primary;
	bool placed;		/* latitude and longitude are known */
	double latitude, longitude;	/* degrees */
	char *const *too_close_codes;	/* holds both ways, whichever side says it */
	size_t too_close_count;
	enum perspective_protocol protocol;
	const char *ca, *host;	/* known by this host under this CA; NULL: by its identity */
	bool show_certificate;	/* with `ca`: our own is shown to it all the same */
	/*
	 * One of ours whose connection ends at somebody else's gateway: only its signature
	 * says whose a result is, so that it has a verify_key and each result is verified.
	 */
	bool gateway;
	struct call_headers *headers;	/* of each call; NULL: none */
	struct jws_key *verify_key;	/* its results carry a signature of it; NULL: none known */
	bool private_root;	/* its results may say that its DNS root is another than IANA's */
	bool verify_enrolled;	/* they carry one of the key that its certificate names */
	uint64_t near;		/* members it may not share a cohort with */
};

/* Endpoints of one perspective are the same to all but who calls them. */
static inline size_t
perspective_endpoints(const struct perspective *p)
{
	return p->url_count > 0 ? p->url_count : p->url != NULL;
}

static inline const char *
perspective_url(const struct perspective *p, size_t i)
{
	return p->url_count > 0 ? p->urls[i] : p->url;
}

struct fleet {
	struct perspective members[FLEET_MAX];
	size_t count;
	double min_km;			/* between any two, as the crow flies; 0: none asked */
	const char *min_km_rule;	/* who asks, for sentences; borrowed */
};

/* Sorts the members and works out `near`. Call once, when all are there. */
void fleet_arrange(struct fleet *fleet);
/* NULL: there is none. */
const struct perspective *fleet_primary(const struct fleet *fleet);
/* How many members are none. */
size_t fleet_remotes(const struct fleet *fleet);
/*
 * Adds one sentence a defect to `faults`: duplicate codes, hosts or endpoints, no RIR, no
 * place or one where its RIR does not serve, two members nearer than min_km that do not name each other as
 * too close, too_close_codes that nobody has, a remote that may not be asked
 * beside the primary. True if there was none.
 */
bool fleet_check(const struct fleet *fleet, struct buf *faults);

#endif
