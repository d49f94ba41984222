/*
 * What a validation method expects of a record's value (dns_record.h), and
 * whether a value is that. Not of persistent records: persist.h. Pure.
 */
#ifndef MPIC_DNS_EXPECTATION_H
#define MPIC_DNS_EXPECTATION_H

#include "address.h"
#include "check_dcv.h"
#include "name.h"

/* `text` may point to `folded`: not to be copied. */
struct dns_expectation {
	enum dcv_method method;
	const char *text;
	char folded[CHECK_VALUE_MAX + 1];	/* what `text` is if case does not matter */
	bool substring, name;
	struct name peer;			/* DCV_REVERSE_ADDRESS_LOOKUP */
	struct address address;			/* DCV_IP_ADDRESS */
};

/* Whether values are compared without the case of ASCII letters: they come folded then. */
bool dns_expectation_folds(const struct check_dcv_parameters *p);
/* The parameters must have passed check_dcv_parameters_read(), and outlive `x`. */
void dns_expect(struct dns_expectation *x, const struct check_dcv_parameters *p);
/* Addresses are compared as addresses, names as names. A NUL must follow the value. */
bool dns_expected(const struct dns_expectation *x, const char *value, size_t len);

#endif
