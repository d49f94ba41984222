/*
 * The keeper of fetchers: a service that starts one for each connection of a
 * worker's to a socket which the service manager made (docs/privilege.md).
 *
 * Each is this program executed anew, with memory that is laid out anew: who
 * breaks one learns nothing about the next. The keeper reads no byte of
 * anybody's but the beats of its fetchers, and loads nothing that could. One that
 * is silent for the time of the keeper's own watchdog is killed. A worker sees
 * its connection end and connects again.
 */
#ifndef MPIC_FETCHER_KEEPER_H
#define MPIC_FETCHER_KEEPER_H

#define FETCHER_KEEPER_MAX	64	/* fetchers; further connections are closed */

/* Until SIGTERM, which ends all of its fetchers too. Returns the exit status. */
int fetcher_keeper_main(void);

#endif
