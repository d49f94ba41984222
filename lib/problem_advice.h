/*
 * What a support engineer tells a customer of a problem: why it comes about, as
 * a whole sentence, and what to change. Beside lib/problem.h, one row for
 * each of its codes; tests/unit/test_problem.c walks them all.
 */
#ifndef MPIC_PROBLEM_ADVICE_H
#define MPIC_PROBLEM_ADVICE_H

#include "problem.h"

/* "" for PROBLEM_NONE. */
const char *problem_cause(enum problem p);
const char *problem_advice(enum problem p);

#endif
