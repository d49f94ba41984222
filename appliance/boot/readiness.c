#include "appliance/boot/readiness.h"

enum readiness
readiness_look(struct readiness_account *a, int64_t now_ms, int status, bool notice)
{
	int64_t since_ms = a->looked_ms != 0 ? now_ms - a->looked_ms : 0;

	a->looked_ms = now_ms;
	if (status == 200)
		return READINESS_READY;
	if (notice)
		return READINESS_OPERATOR;
	a->spent_ms += since_ms;
	return a->spent_ms >= a->limit_ms ? READINESS_OVER : READINESS_OWN;
}
