/*
 * What one CNAME lookup says of the way from an applied-for name to the target.
 * Pure.
 */
#ifndef MPIC_ADN_EVIDENCE_H
#define MPIC_ADN_EVIDENCE_H

#include "coordinator/adn.h"
#include "evidence.h"

/*
 * Takes the evidence of a lookup at the end of the chain of an ADN_UNKNOWN,
 * which it then judges again. `why` gets the reason if it is refused: also for
 * a lookup that says nothing, and then its problem is returned, too.
 */
enum problem adn_evidence_take(struct adn *adn, const struct adn_question *q,
    struct adn_chain *chain, const struct evidence *e, struct buf *why);

#endif
