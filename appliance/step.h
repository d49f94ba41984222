/*
 * A step of the boot that may have to wait: what it waits for goes on the
 * console when it changes, and to whoever calls the API's port meanwhile.
 *
 *	struct step step = { .name = "clock", .root = root };
 *	while (!good(&why))
 *		step_wait(&step, why.data, 1000);
 *	step_end(&step, "the time is right");
 */
#ifndef MPIC_APPLIANCE_STEP_H
#define MPIC_APPLIANCE_STEP_H

#include "appliance/notice.h"

struct step {
	const char *name;	/* the subcommand */
	const char *root;	/* see place.h; "" but in tests */
	unsigned retry_ms;	/* as --retry says, else APPLIANCE_RETRY_S */
	struct notice *notice;	/* NULL until it has waited */
	char *said;		/* the lines that stand on the console; NULL: none */
	uint64_t said_ns;	/* monotonic */
};

/* Says `lines`, each with its newline, and waits. They hold no secret. */
void step_wait(struct step *s, const char *lines, unsigned ms);
/* Waits without a word. */
void step_pause(unsigned ms);
/* Says lines on the console, too; the API's port is free when this returns. */
void step_end(struct step *s, const char *lines);

/*
 * The arguments each step has: [--root DIR] [--retry SECONDS]. Returns -1 when it should go on,
 * else its exit status: after --help, which prints `usage`, or a wrong one.
 */
int step_arguments(struct step *s, int argc, char **argv, const char *usage);

#endif
