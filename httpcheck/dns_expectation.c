#include "httpcheck/dns_expectation.h"

#include <string.h>

bool
dns_expectation_folds(const struct check_dcv_parameters *p)
{
	return p->method != DCV_DNS_PERSISTENT && !check_dcv_exact_case(p);
}

/* Codec and comparison let one dot at the end pass. */
static void
expect_name(struct dns_expectation *x, const char *text)
{
	size_t len = strlen(text);

	len -= len > 0 && text[len - 1] == '.';
	if (!name_from_utf8(&x->peer, text, len, NULL))
		x->peer.len = 0;
}

void
dns_expect(struct dns_expectation *x, const struct check_dcv_parameters *p)
{
	size_t len = 0;

	x->method = p->method;
	x->text = (dcv_method_row(p->method)->takes & DCV_P_KEY_AUTHORIZATION_HASH) != 0 ?
	    p->key_authorization_hash : p->challenge_value;
	x->substring = p->method == DCV_DNS_CHANGE && !p->require_exact_match.value;
	x->name = p->dns_record_type == DCV_CNAME && !x->substring;
	if (p->method == DCV_IP_ADDRESS && !address_parse(&x->address, p->challenge_value))
		x->address.family = AF_UNSPEC;	/* equals nothing */
	if (p->method == DCV_REVERSE_ADDRESS_LOOKUP)
		expect_name(x, p->challenge_value);
	if (!dns_expectation_folds(p) || x->text == NULL)
		return;
	for (; len < CHECK_VALUE_MAX && x->text[len] != '\0'; len++)
		x->folded[len] = x->text[len] >= 'A' && x->text[len] <= 'Z' ?
		    (char)(x->text[len] + ('a' - 'A')) : x->text[len];
	x->folded[len] = '\0';
	x->text = x->folded;
}

static bool
address_matches(const struct dns_expectation *x, const char *value)
{
	struct address a;

	return address_parse(&a, value) && address_equal(&a, &x->address);
}

bool
dns_expected(const struct dns_expectation *x, const char *value, size_t len)
{
	size_t expected = x->text != NULL ? strlen(x->text) : 0;

	if (x->method == DCV_IP_ADDRESS)
		return address_matches(x, value);
	if (x->method == DCV_REVERSE_ADDRESS_LOOKUP)
		return name_equal_n(value, len, x->peer.text, x->peer.len);
	if (expected == 0)
		return false;
	if (x->name)
		return name_equal_n(value, len, x->text, expected);
	if (x->substring)
		return memmem(value, len, x->text, expected) != NULL;
	return len == expected && memcmp(value, x->text, len) == 0;
}
