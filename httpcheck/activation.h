/*
 * The socket that a service manager made and hands over: the protocol of
 * sd_listen_fds(3), which is two variables of the environment and a descriptor.
 */
#ifndef MPIC_ACTIVATION_H
#define MPIC_ACTIVATION_H

#include "buf.h"

/*
 * The one listening stream socket of the Unix domain that this process was given, closed
 * on exec from now on. -1, with a sentence in `why`: none was, or it is something else.
 */
int activation_unix_socket(struct buf *why);

#endif
