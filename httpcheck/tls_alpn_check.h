/*
 * The verdict over a TLS-ALPN handshake (BR 3.2.2.4.20, RFC 8737 section 3,
 * RFC 8738 section 6): what the server negotiated and its certificate in,
 * result out. Pure.
 */
#ifndef MPIC_TLS_ALPN_CHECK_H
#define MPIC_TLS_ALPN_CHECK_H

#include "check.h"
#include "httpcheck/fetch.h"
#include "target.h"

/*
 * Fills the result's verdict, problem and what matched, which is borrowed from
 * `p`. `o` is a finished handshake: its problem is PROBLEM_NONE.
 */
void tls_alpn_check_judge(const struct check_dcv_parameters *p, const struct target *target,
    const struct fetch_outcome *o, struct check_result *result);

#endif
