/*
 * What keeps evidence, or one lookup in it, from being an answer to rely on,
 * were it only that there is nothing. The same for every check that asks the
 * resolver. Pure.
 */
#ifndef MPIC_LOOKUP_VERDICT_H
#define MPIC_LOOKUP_VERDICT_H

#include "check.h"
#include "evidence.h"
#include "name.h"

/*
 * Whether the evidence is whole and of lookups of `name` and, of a climb, each
 * of its parents. Else the result says why. `type` is a record type's name.
 */
bool evidence_usable(const struct evidence *e, const char *type, const struct name *name,
    bool climb, struct check_result *result);
/*
 * PROBLEM_NONE if the lookup says what is there, or that nothing is. The
 * module calls nothing but secure and insecure data an answer. Should it ever
 * call other data one, that is a problem all the same.
 */
enum problem lookup_problem(const struct evidence_lookup *l);
/* Fails the result by that problem, with type, name and reason; `but` ends the sentence. */
void lookup_fail(const struct evidence_lookup *l, const char *type, enum problem problem,
    const char *but, struct check_result *result);

#endif
