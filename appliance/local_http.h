/*
 * A GET to a port of this machine, plain HTTP, for what its own parts answer.
 * IPv4's loopback address alone, one request a connection.
 */
#ifndef MPIC_APPLIANCE_LOCAL_HTTP_H
#define MPIC_APPLIANCE_LOCAL_HTTP_H

#include <stdint.h>

#include "buf.h"

/*
 * The status, with the body in `body` up to its cap, or 0 when nobody is there,
 * what answers is no HTTP, or it takes longer than `timeout_ms`.
 */
int local_http_get(uint16_t port, const char *path, int timeout_ms, struct buf *body);

#endif
