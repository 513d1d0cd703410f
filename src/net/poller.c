/*
 * Many sockets and one descriptor; see poller.h.
 *
 *	poll (of the loop) --> epoll_wait --> on_ready of each
 *
 * What is no longer wanted is not told to the kernel at once, since most often
 * it is wanted again before there is any of it: only when it comes. What is
 * wanted anew is. A socket for which nothing is wanted stays where it is,
 * edge-triggered, so that its error or end comes once and not without end.
 */

#include <errno.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif
#include <unistd.h>

#include "net/poller.h"
#include "net/stream.h"

#define POLLER_FEW 8
#define POLLER_EVENTS 1024

struct poller {
	uv_loop_t *loop;
	size_t users;	/* sockets, however they are polled, and the owner */
	size_t wanting; /* of those that are polled here */
	int fd;		/* -1: there are few */
	struct ready *closing;
	void (*closed)(struct ready *);
	uv_poll_t poll;
	uv_idle_t reaper; /* closed as often as something of ours is */
};

struct poller *
poller_new(uv_loop_t *loop)
{
	struct poller *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->loop = loop;
	p->fd = -1;
	p->users = 1;
	return p;
}

uv_loop_t *
poller_loop(const struct poller *p)
{
	return p->loop;
}

void
poller_enter(struct poller *p)
{
	p->users++;
}

void
poller_leave(struct poller *p)
{
	if (--p->users == 0)
		free(p);
}

static void
on_poll_closed(uv_handle_t *h)
{
	struct poller *p = h->data;

	close(p->fd);
	p->fd = -1;
	poller_leave(p);
}

void
poller_free(struct poller *p)
{
	if (p != NULL && p->fd == -1)
		poller_leave(p);
	else if (p != NULL)
		uv_close((uv_handle_t *)&p->poll, on_poll_closed);
}

#ifdef __linux__

static int
control(const struct ready *r, int op, int what)
{
	struct epoll_event ev = {.data.ptr = (void *)(uintptr_t)r};

	if (what & STREAM_READABLE)
		ev.events |= EPOLLIN;
	if (what & STREAM_WRITABLE)
		ev.events |= EPOLLOUT;
	if (what == 0)
		ev.events = EPOLLET;
	return epoll_ctl(r->by.poller->fd, op, r->fd, &ev);
}

/* Of one that has been added this cannot fail. */
static void
tell(struct ready *r)
{
	r->told = r->want;
	control(r, EPOLL_CTL_MOD, r->told);
}

/* The loop lives as long as somebody waits. */
void
poller_want(struct ready *r, int want)
{
	struct poller *p = r->by.poller;

	if (want != 0 && r->want == 0 && p->wanting++ == 0)
		uv_ref((uv_handle_t *)&p->poll);
	if (want == 0 && r->want != 0 && --p->wanting == 0)
		uv_unref((uv_handle_t *)&p->poll);
	r->want = (uint8_t)want;
	if ((want & ~r->told) != 0)
		tell(r);
}

static void
dispatch(struct ready *r, uint32_t events)
{
	int what = 0;

	if (r->closing)
		return; /* by one that was told before it */
	if (events & EPOLLIN)
		what |= STREAM_READABLE;
	if (events & EPOLLOUT)
		what |= STREAM_WRITABLE;
	if (r->told != r->want && (r->want == 0 || (what & ~r->want) != 0))
		tell(r);
	what &= r->want;
	/* Only what recv says tells which it was. */
	if (events & (EPOLLERR | EPOLLHUP))
		what = r->want;
	if (what != 0)
		r->on->on_ready(r, what, (events & EPOLLERR) != 0);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct poller *p = poll->data;
	struct epoll_event v[POLLER_EVENTS];
	int i, n;

	(void)status;
	(void)events;
	n = epoll_wait(p->fd, v, POLLER_EVENTS, 0);
	for (i = 0; i < n; i++)
		dispatch(v[i].data.ptr, v[i].events);
}

static bool
begin(struct poller *p)
{
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd == -1)
		return false;
	if (uv_poll_init(p->loop, &p->poll, p->fd) != 0) {
		close(p->fd);
		p->fd = -1;
		return false;
	}
	p->poll.data = p;
	uv_poll_start(&p->poll, UV_READABLE, on_poll);
	uv_unref((uv_handle_t *)&p->poll);
	return true;
}

/* Most want to read first, so that is what it says at once. */
bool
poller_add(struct poller *p, struct ready *r)
{
	if (p->users <= POLLER_FEW || (p->fd == -1 && !begin(p)))
		return false;
	r->told = STREAM_READABLE;
	return control(r, EPOLL_CTL_ADD, r->told) == 0;
}

static void
on_reaped(uv_handle_t *h)
{
	struct poller *p = h->data;
	struct ready *r = p->closing, *next;

	p->closing = NULL;
	for (; r != NULL; r = next) {
		next = r->next;
		p->closed(r);
	}
}

void
poller_remove(struct ready *r, void (*closed)(struct ready *))
{
	struct poller *p = r->by.poller;

	/* A process that is about to be another program may still have it. */
	control(r, EPOLL_CTL_DEL, 0);
	r->next = p->closing;
	p->closing = r;
	if (r->next != NULL)
		return;
	p->closed = closed;
	uv_idle_init(p->loop, &p->reaper);
	p->reaper.data = p;
	uv_close((uv_handle_t *)&p->reaper, on_reaped);
}

#else

bool
poller_add(struct poller *p, struct ready *r)
{
	(void)p;
	(void)r;
	return false;
}

void
poller_want(struct ready *r, int want)
{
	(void)r;
	(void)want;
}

void
poller_remove(struct ready *r, void (*closed)(struct ready *))
{
	(void)r;
	(void)closed;
}
#endif
