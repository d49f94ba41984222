/*
 * Whether the unbound that loaded us is the one we were compiled for.
 *
 * The module reads Unbound's private structures; a binary of another version
 * or configured with other options lays them out differently and would be
 * corrupted silently. Its version and configure line stand as text in the
 * executable, so they are compared there.
 */
#ifndef MPIC_HOST_H
#define MPIC_HOST_H

#include <stdbool.h>

/* Logs what differs and returns false unless the running program is our host. */
bool host_matches(void);

#endif
