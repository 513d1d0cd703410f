/*
 * Sockets between a virtual machine and its host. Where the system has none,
 * each of these says so in plain words.
 */
#ifndef NET_VSOCK_H
#define NET_VSOCK_H

#include "net/sock.h"

/*
 * Where a client goes; without a machine in the address it is this one. The
 * length, or 0 and errno.
 */
socklen_t vsock_address(const struct addr *, struct sockaddr_storage *);

/*
 * Listens for all machines that may come, or at one of our own numbers; port 0
 * is one that is free. The descriptor, or -1 and a fail with STATUS_LISTEN.
 */
int vsock_listen(
    const struct addr *, int backlog, const struct sock_opts *, struct fail *);

/* What errno of a vsock may be told as to try; NULL: nothing. Static. */
const char *vsock_hint(int err);

#endif
