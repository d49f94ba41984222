/*
 * mpic-coordinator as a library: what one worker serves, and the whole daemon.
 *
 *   POST /mpic     the check (coordinator/request.h, response.h), for callers
 *   GET  /healthz  {"status":"healthy"}: the process serves requests
 *   GET  /readyz   whether enough perspectives could be reached lately, and the
 *                  audit log can be written
 *   GET  /status   what of the fleet needs care (coordinator/status.h)
 *   GET  /metrics  Prometheus text, all workers together; see reception_insider()
 */
#ifndef MPIC_COORDINATOR_SERVICE_H
#define MPIC_COORDINATOR_SERVICE_H

#include <event2/event.h>

#include "coordinator/config.h"
#include "coordinator/metrics.h"

struct service;

/* `cfg` must be prepared, and it and `metrics` outlive it; `listen_fd` stays the caller's. */
struct service *service_new(struct event_base *base, const struct coordinator_config *cfg,
    const struct coordinator_metrics *metrics, int listen_fd, unsigned worker, struct buf *why);
/* Every exchange must have been replied to, as after a drain. */
void service_free(struct service *s);
/* Takes no more requests; breaks the loop once those under way are answered. */
void service_stop(struct service *s);
/* Opens the audit log again, which may have been moved away. */
void service_reopen(struct service *s);
/*
 * Requests that come from now on are answered by `cfg`, which must be prepared
 * and is the service's from now on. Those under way keep what they began with, and
 * connections of callers, what they were made with. False, with a sentence: nothing
 * has changed and `cfg` stays the caller's.
 */
bool service_renew(struct service *s, struct coordinator_config *cfg, struct buf *why);

/*
 * Runs until stopped; the exit status of the program. SIGHUP reads the
 * configuration again that `argc` and `argv` name; a faulty one changes nothing,
 * and one log line says what is wrong with it.
 */
int service_daemon(const struct coordinator_config *cfg, int argc, char **argv);

#endif
