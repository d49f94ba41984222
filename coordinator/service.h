/*
 * mpic-coordinator as a library: what one worker serves, and the whole daemon.
 *
 *   POST /mpic     the check (coordinator/request.h, response.h)
 *   GET  /healthz  {"status":"healthy"}: the process serves requests
 *   GET  /readyz   whether enough perspectives could be reached lately, and the
 *                  audit log can be written
 *   GET  /metrics  Prometheus text, all workers together
 */
#ifndef MPIC_COORDINATOR_SERVICE_H
#define MPIC_COORDINATOR_SERVICE_H

#include <event2/event.h>

#include "coordinator/config.h"
#include "metric.h"

struct service;

/* `cfg` must be prepared and outlive it; `listen_fd` stays the caller's. */
struct service *service_new(struct event_base *base, const struct coordinator_config *cfg,
    struct metrics *metrics, int listen_fd, unsigned worker, struct buf *why);
/* Every exchange must have been replied to, as after a drain. */
void service_free(struct service *s);
/* Takes no more requests; breaks the loop once those under way are answered. */
void service_stop(struct service *s);
/* SIGHUP: opens the audit log and reads the TLS files again. */
void service_reload(struct service *s);

/* Runs until stopped; the exit status of the program. */
int service_daemon(const struct coordinator_config *cfg);

#endif
