/*
 * The course of a check that only looks into DNS: one question to the resolver,
 * then the verdict (dns_check.h).
 */
#ifndef MPIC_DNS_RUN_H
#define MPIC_DNS_RUN_H

#include "httpcheck/run.h"

/* Of a run whose method is of kind DCV_DNS. It may end within, but is not called twice. */
void dns_run_start(struct run *run);

#endif
