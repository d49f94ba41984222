#include "problem.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *code;
	enum fault fault;
	bool retryable, completed;
	const char *error_type;
} rows[PROBLEM_COUNT] = {
#define X(symbol, code, fault, retryable, completed, error_type) \
	[PROBLEM_##symbol] = { code, FAULT_##fault, retryable, completed, error_type },
	PROBLEMS(X)
#undef X
};

const char *
problem_code(enum problem p)
{
	return rows[p].code;
}

enum problem
problem_from_code(const char *code)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++)
		if (strcmp(rows[p].code, code) == 0)
			return (enum problem)p;
	return PROBLEM_NONE;
}

enum fault
problem_fault(enum problem p)
{
	return rows[p].fault;
}

const char *
fault_name(enum fault f)
{
	static const char *const names[] = {
		[FAULT_TARGET] = "target",
		[FAULT_PERSPECTIVE] = "perspective",
		[FAULT_COORDINATOR] = "coordinator",
	};

	return names[f];
}

bool
problem_retryable(enum problem p)
{
	return rows[p].retryable;
}

bool
problem_completed(enum problem p)
{
	return rows[p].completed;
}

const char *
problem_error_type(enum problem p, bool dcv)
{
	const char *type = rows[p].error_type;

	if (dcv && type != NULL && strcmp(type, PROBLEM_LOOKUP_ERROR) == 0)
		return "mpic_error:dcv_checker:lookup";
	return type;
}
