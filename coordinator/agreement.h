/*
 * Whether a remote saw what the primary saw (TLS BR 3.2.2.9): pure.
 *
 * Of a CAA check permission is enough: the records need not be the same. Of
 * domain control it is the token, key authorization, contact, address or
 * account that the result relied on (struct check_dcv_details). A perspective
 * that names none, as Open MPIC's do, is believed where the request leaves no
 * choice; else the records that it saw must hold all that the primary may have
 * relied on.
 */
#ifndef MPIC_AGREEMENT_H
#define MPIC_AGREEMENT_H

#include "coordinator/corroborator.h"

/* Both passed. `fixed`: the request alone says what they relied on, see check_dcv_fixed(). */
bool agreement_details(const struct check_dcv_details *primary,
    const struct check_dcv_details *remote, bool fixed);
/*
 * The same of two results of a poll that passed. False: the remote's problem and
 * sentence then say what each of them saw.
 */
bool agreement_judge(const struct corroborator *primary, struct corroborator *remote, bool fixed);

#endif
