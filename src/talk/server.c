/*
 * The simplified server: one client at a time.
 *
 *	resolve --> listen --> accept --> talk --> over --> accept (-k) ...
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/dgram.h"
#include "talk/run.h"

static void
peer_name(int fd, char *name)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1)
		snprintf(name, ADDR_TEXT_MAX, "fd:%d", fd);
	else
		addr_name((const struct sockaddr *)&ss, len, name);
}

static void
on_accept(
    struct listener *l, int fd, const struct sockaddr *peer, socklen_t len)
{
	struct run *run = l->owner;
	char name[ADDR_TEXT_MAX];

	addr_name(peer, len, name);
	/* A client of a Unix socket is rarely bound: ours names it. */
	if (strcmp(name, "unix:") == 0)
		snprintf(name, sizeof(name), "%s", l->name);
	if (run->talking) {
		log_say(&run->plan->log, LOG_VERBOSE,
		    "%s: refused, another client is served", name);
		close(fd);
		return;
	}
	uv_timer_stop(&run->clock);
	if (!run->plan->refuse_others)
		listener_pause(l);
	/* The options of the listening socket are the client's too. */
	run_talk(run, fd, false, name);
}

/* The client that comes waits in the backlog, and so do we. */
static void
on_short(struct listener *l, int err)
{
	struct run *run = l->owner;
	struct fail f;

	fail_set(&f, STATUS_LISTEN,
	    "%s: cannot accept: %s; clients wait until that is over", l->name,
	    strerror(err));
	if (err == EMFILE)
		fail_hint(&f, "try: a larger limit of descriptors (ulimit -n)");
	run->plan->complain(&f);
}

static void
on_accept_failed(struct listener *l, int err)
{
	struct run *run = l->owner;

	fail_set(run->fail, STATUS_LISTEN, "%s: cannot accept: %s", l->name,
	    strerror(err));
	run_end(run, STATUS_LISTEN);
}

static void
on_accept_timeout(uv_timer_t *t)
{
	struct run *run = t->data;

	/* Nobody stops it for datagrams. */
	if (run->talking && run->talk.heard > 0)
		return;
	fail_set(run->fail, STATUS_TIMEOUT,
	    "%s: timeout: --accept-timeout of %g s has run out, waiting for a "
	    "client",
	    run->listener.name[0] != '\0' ? run->listener.name
					  : run->plan->listen.at.host,
	    (double)run->plan->accept_ms / 1000);
	run_end(run, STATUS_TIMEOUT);
}

void
run_await_clock(struct run *run)
{
	if (run->plan->accept_ms > 0)
		uv_timer_start(
		    &run->clock, on_accept_timeout, run->plan->accept_ms, 0);
}

static void
await_client(struct run *run)
{
	if (!uv_is_active((uv_handle_t *)&run->clock))
		run_await_clock(run);
	listener_resume(&run->listener);
}

/* Tells a service manager; a failure there is not ours. */
static void
notify_ready(void)
{
	const char *to = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len;
	int fd;

	if (to == NULL || (to[0] != '/' && to[0] != '@') ||
	    strlen(to) >= sizeof(un.sun_path))
		return;
	memcpy(un.sun_path, to, strlen(to));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(to));
	if (to[0] == '@')
		un.sun_path[0] = '\0';
	fd = sock_open(AF_UNIX, SOCK_DGRAM);
	if (fd == -1)
		return;
	while (sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&un,
		   len) == -1 &&
	    errno == EINTR)
		;
	close(fd);
}

void
run_announce(struct run *run)
{
	struct listener *l = &run->listener;
	char line[ADDR_TEXT_MAX + 1];
	struct iovec v = {.iov_base = line};

	if (run->plan->listen.at.kind == ADDR_UNIX)
		addr_print(&run->plan->listen.at, l->name);
	snprintf(run->dial.doing, sizeof(run->dial.doing), "for a client on %s",
	    l->name);
	log_say(&run->plan->log, LOG_VERBOSE, "listening on %s", l->name);
	if (run->plan->ready_fd != -1) {
		v.iov_len =
		    (size_t)snprintf(line, sizeof(line), "%s\n", l->name);
		if (fd_write_all(run->plan->ready_fd, &v, 1) == -1) {
			fail_set(run->fail, STATUS_IO, "--ready-fd %d: %s",
			    run->plan->ready_fd, strerror(errno));
			run_end(run, STATUS_IO);
		}
		/* 0, 1 and 2 stay taken: no client must get their place. */
		if (run->plan->ready_fd > STDERR_FILENO)
			close(run->plan->ready_fd);
	}
	notify_ready();
}

static void
listen_on(struct run *run, const union resolve_sockaddr *where)
{
	struct listener *l = &run->listener;

	if (addr_is_datagrams(&run->plan->listen.at)) {
		run_serve_datagrams(run, where);
		return;
	}
	l->owner = run;
	l->on_accept = on_accept;
	l->on_short = on_short;
	l->on_failed = on_accept_failed;
	if (listener_open(
		l, &run->loop, &run->plan->listen, where, run->fail) == -1) {
		run_end(run, run->fail->status);
		return;
	}
	run_announce(run);
	await_client(run);
}

/* A name listens on its first address, IPv4 before IPv6: it is what most
 * peers of a named host ask for. */
static void
on_answer(struct resolve *r)
{
	struct run *run = r->owner;

	/* IPv4 goes first, so whether there is IPv6 makes no difference then;
	 * and what AAAA says is waited for where there is no A. */
	if (r->n4 == 0 && (!r->done4 || !r->done6))
		return;
	resolve_cancel(r);
	if (r->n4 + r->n6 == 0) {
		fail_set(run->fail, STATUS_RESOLVE, "%s: cannot resolve: %s",
		    run->plan->listen.at.host, r->why);
		run_end(run, STATUS_RESOLVE);
		return;
	}
	listen_on(run, r->n4 > 0 ? &r->v4[0] : &r->v6[0]);
}

static void
adopt(struct run *run, int fd)
{
	struct listener *l = &run->listener;
	char name[ADDR_TEXT_MAX];

	if (dgram_is(fd)) {
		run_adopt_datagrams(run, fd);
		return;
	}
	l->owner = run;
	l->on_accept = on_accept;
	l->on_short = on_short;
	l->on_failed = on_accept_failed;
	switch (listener_adopt(l, &run->loop, fd, run->fail)) {
	case 0:
		run_announce(run);
		await_client(run);
		return;
	case 1:
		peer_name(fd, name);
		run_talk(run, fd, true, name);
		return;
	default:
		run_end(run, STATUS_LISTEN);
	}
}

static void
on_over(struct run *run)
{
	run_take_outcome(run);
	/* A connection that was handed over has no next one behind it. */
	if (!run->plan->keep || !run->listener.open || run->fail->signal != 0 ||
	    (run->talk.status == STATUS_IO && !run->may_come_back)) {
		run_end(run, run->talk.status);
		return;
	}
	if (run->talk.status != STATUS_DONE)
		run->plan->complain(run->fail);
	memset(run->fail, 0, sizeof(*run->fail));
	await_client(run);
}

static void
on_stop(struct run *run)
{
	resolve_cancel(&run->resolve);
	listener_close(&run->listener);
	sock_file_remove(&run->listener.file);
}

int
run_server(const struct run_plan *plan, struct fail *f)
{
	struct run *run = malloc(sizeof(*run));
	const struct addr *at = &plan->listen.at;
	int r = -1;

	if (run == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	if (run_init(run, plan, f) == 0) {
		run->on_over = on_over;
		run->on_stop = on_stop;
		if (at->kind == ADDR_FD) {
			adopt(run, at->fd);
		} else if (at->host[0] == '\0') {
			listen_on(run, NULL);
		} else {
			run->resolve.family = plan->listen.family;
			run->resolve.on_answer = on_answer;
			run->resolve.owner = run;
			snprintf(run->dial.doing, sizeof(run->dial.doing),
			    "for the address of %s", at->host);
			run_await_clock(run);
			resolve_start(&run->resolve, &run->resolver, &run->loop,
			    at->host, at->port);
		}
		r = run_loop(run);
	}
	/* A thread that hangs may still look at its loop. */
	if (!f->leave_now)
		free(run);
	return r;
}
