/*
 * One descriptor that waits for many sockets, and is polled by the loop in
 * their place: less memory for each, and one call tells of many. But it costs
 * that call, so the first few are polled by the loop, each for itself, as all
 * are on a system without epoll.
 *
 * Whoever has many sockets makes one and hands it to their streams; the rest
 * is between it and ready.c.
 */
#ifndef NET_POLLER_H
#define NET_POLLER_H

#include <stdbool.h>

#include "net/ready.h"

/* NULL: out of memory. */
struct poller *poller_new(uv_loop_t *);

/*
 * Nothing is waited for any more: all of its sockets are closed, or about to
 * be. It goes with the last of them, from the loop.
 */
void poller_free(struct poller *);

uv_loop_t *poller_loop(const struct poller *);

/* There is one socket more, however it is polled; or less. */
void poller_enter(struct poller *);
void poller_leave(struct poller *);

/*
 * Waits for r->fd, of which nothing is wanted yet. False: it is to be polled
 * alone.
 */
bool poller_add(struct poller *, struct ready *);

/* It waits for what is wanted now. */
void poller_want(struct ready *, int want);

/* It is told of nothing more; `closed` is called from the loop. */
void poller_remove(struct ready *, void (*closed)(struct ready *));

#endif
