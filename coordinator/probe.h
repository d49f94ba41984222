/*
 * Inside the fan-out: asks an ejected endpoint whether it is well again, by GET
 * /readyz on a connection of its own. Any status below 500 says so: a checker
 * of another make has no such path, and says that.
 */
#ifndef MPIC_PROBE_H
#define MPIC_PROBE_H

struct fanout_line;
struct probe;

/* line->probe until it ends; the line's balance has its outcome. */
void probe_start(struct fanout_line *line);
/* Breaks it off. NULL is fine. */
void probe_free(struct probe *probe);

#endif
