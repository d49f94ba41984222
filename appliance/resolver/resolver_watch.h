/*
 * Whether a resolver with mpic.so answers: its counters, which need no name server,
 * asked over TCP as mpic-httpcheck asks. No loop, no thread: one question, then silence.
 */
#ifndef MPIC_APPLIANCE_RESOLVER_WATCH_H
#define MPIC_APPLIANCE_RESOLVER_WATCH_H

#include <stdbool.h>

#include "endpoint.h"

/* Waits at most about three times `patience_s`. */
bool resolver_watch_ask(const struct endpoint *address, unsigned patience_s);

/*
 * Tells the service manager READY=1 at its first answer and, while it goes on answering,
 * WATCHDOG=1 in time for `watchdog_ms` (0: never). Does not return.
 */
void resolver_watch(const struct endpoint *address, int64_t watchdog_ms)
    __attribute__((noreturn));

#endif
