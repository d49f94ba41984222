/*
 * The verdict over a page that was fetched (BR 3.2.2.4.18 and 3.2.2.4.19, RFC
 * 8555 8.3): parameters and octets in, result out. Pure, but for the time
 * that lib/pattern.h allows a regular expression.
 */
#ifndef MPIC_HTTP_CHECK_H
#define MPIC_HTTP_CHECK_H

#include "check.h"

struct http_page {
	const char *url;	/* that it came from */
	int status;		/* not 3xx */
	const uint8_t *body;	/* NULL if empty; any octets */
	size_t len;
	bool more;		/* goes on beyond what was read */
};

/*
 * Fills the result's verdict, problem and what matched, which is borrowed from
 * `p`. ACME's page is the key authorization and nothing else but white space
 * after it; a website's holds the value somewhere in what was read.
 */
void http_check_judge(const struct check_dcv_parameters *p, const struct http_page *page,
    struct check_result *result);

#endif
