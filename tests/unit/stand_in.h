/*
 * Test helper: a DNS server over TCP on loopback in the caller's own event
 * loop, standing in for Unbound. It does with each question what its script
 * says; replies are evidence only in form.
 */
#ifndef MPIC_TEST_STAND_IN_H
#define MPIC_TEST_STAND_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "endpoint.h"

#define STAND_IN_HELD_MAX	8192

enum stand_in_script {
	ANSWER,		/* at once */
	HOLD,		/* until stand_in_release(), but for signs of life */
	HUNG,		/* nothing at all */
	BREAK,		/* closes the connection on a question */
	BREAK_ONCE,	/* the same, and answers from the next connection on */
	GARBAGE,	/* octets that are no reply */
	GARBAGE_ONCE,
	STRANGER,	/* a well-formed reply with an ID nobody uses */
	BARE,		/* a reply without our option */
	DRIBBLE,	/* the answer octet by octet */
};

struct stand_in;

struct stand_in *stand_in_new(struct event_base *base, enum stand_in_script script);
/* As stand_in_new() at an address already known. */
struct stand_in *stand_in_new_at(struct event_base *base, enum stand_in_script script,
    const struct endpoint *address);
void stand_in_free(struct stand_in *s);

void stand_in_script(struct stand_in *s, enum stand_in_script script);
struct endpoint stand_in_address(const struct stand_in *s);
size_t stand_in_connections(const struct stand_in *s);	/* accepted so far */
size_t stand_in_questions(const struct stand_in *s);	/* read so far */
size_t stand_in_pulses(const struct stand_in *s);	/* signs of life asked for; not among those */
/* Answers the questions held, the last first, all in one segment. */
void stand_in_release(struct stand_in *s);

#endif
