/*
 * The client: dials, talks, and with --retry does so again.
 *
 *	dial --> (TLS) --> talk --> over --> (clock) --> dial ...
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/dgram.h"
#include "talk/run.h"

#define RETRY_FIRST_MS 250

static void dial(struct run *);

static void
on_retry(uv_timer_t *t)
{
	dial(t->data);
}

/* Longer each time, and never at the same moment as everybody else. */
static uint64_t
backoff_ms(struct run *run)
{
	uint64_t ms = RETRY_FIRST_MS, i;
	unsigned char random[2] = {0};

	for (i = 1; i < run->tries && ms < run->plan->retry_max_ms; i++)
		ms *= 2;
	if (ms > run->plan->retry_max_ms)
		ms = run->plan->retry_max_ms;
	uv_random(NULL, NULL, random, sizeof(random), 0, NULL);
	return ms - ms / 4 * (random[0] + 256u * random[1]) / 65536;
}

/* What may be gone another time. */
static bool
is_passing(enum status s)
{
	switch (s) {
	case STATUS_RESOLVE:
	case STATUS_CONNECT:
	case STATUS_TIMEOUT:
	case STATUS_CLOSED:
	case STATUS_RESET:
		return true;
	default:
		return false;
	}
}

/* What the connection that was lost leaves open. */
static void
tell_untaken(struct run *run)
{
	struct fail f;

	run->lost += run->left.untaken + run->talk.waiting_reply;
	if (run->left.untaken == 0)
		return;
	fail_set(&f, STATUS_CLOSED,
	    "%" PRIu64 " message%s may not have arrived: not acknowledged when "
	    "the connection was lost, and not sent again",
	    run->left.untaken, run->left.untaken == 1 ? "" : "s");
	run->plan->complain(&f);
	run->left.untaken = 0;
}

/* It did not work. True: it will be tried again. */
static bool
retry(struct run *run)
{
	struct fail f;
	uint64_t ms;

	if (run->tries >= run->plan->retry || !is_passing(run->fail->status))
		return false;
	run->tries++;
	ms = backoff_ms(run);
	run->plan->complain(run->fail);
	tell_untaken(run);
	fail_set(&f, STATUS_DONE,
	    "attempt %" PRIu64 " of %" PRIu64 " in %.1f s", run->tries,
	    run->plan->retry, (double)ms / 1000);
	run->plan->complain(&f);
	snprintf(run->dial.doing, sizeof(run->dial.doing),
	    "until it is time to try again");
	uv_timer_start(&run->clock, on_retry, ms, 0);
	return true;
}

static void
drop_handshake(struct run *run)
{
	if (run->handshake != NULL)
		tls_cancel(run->handshake);
	run->handshake = NULL;
}

static void
on_connect_timeout(uv_timer_t *t)
{
	struct run *run = t->data;

	dial_cancel(&run->dial);
	drop_handshake(run);
	fail_set(run->fail, STATUS_TIMEOUT,
	    "timeout: --connect-timeout of %g s has run out, waiting %s",
	    (double)run->plan->connect_ms / 1000, run->dial.doing);
	if (!retry(run))
		run_end(run, STATUS_TIMEOUT);
}

static bool
is_passed(const struct run *run)
{
	return run->plan->dial.to.kind == ADDR_FD;
}

/* No connection came of it. */
static void
not_connected(struct run *run, const struct fail *f)
{
	uv_timer_stop(&run->clock);
	*run->fail = *f;
	/* What was passed to us is there once. */
	if (is_passed(run) || !retry(run))
		run_end(run, run->fail->status);
}

/* -z */
static void
end_connected(struct run *run, struct stream *s)
{
	char name[ADDR_TEXT_MAX];

	addr_print(&run->plan->dial.to, name);
	log_say(&run->plan->log, LOG_VERBOSE, "%s: connected", name);
	secure_say(&run->plan->log, 0, name, s);
	if (s != NULL)
		stream_close(s, false);
	else if (!is_passed(run))
		close(run->fd);
	run_end(run, STATUS_DONE);
}

static void
on_secured(void *owner, struct stream *s, const struct fail *f)
{
	struct run *run = owner;
	char name[ADDR_TEXT_MAX];

	run->handshake = NULL;
	uv_timer_stop(&run->clock);
	addr_print(&run->plan->dial.to, name);
	if (s == NULL)
		not_connected(run, f);
	else if (run->plan->only_connect)
		end_connected(run, s);
	else
		run_talk(run, run->fd, is_passed(run), s, name);
}

/* The peer is reached: now it has to show that it is the one. */
static void
secure(struct run *run)
{
	const struct secure_plan *p = &run->plan->secure;
	struct stream *lower =
	    stream_socket_new(&run->loop, run->fd, is_passed(run));
	char name[ADDR_TEXT_MAX];
	const struct tls_peer peer = {
	    .host = p->host,
	    .text = addr_print(&run->plan->dial.to, name),
	};
	struct fail f;

	snprintf(run->dial.doing, sizeof(run->dial.doing),
	    "for the TLS handshake with %s", name);
	if (lower == NULL) {
		fail_set(&f, STATUS_IO, "%s: %s", name, strerror(errno));
		not_connected(run, &f);
		return;
	}
	run->handshake = tls_begin(run->secure.tls, &run->loop, lower, &peer,
	    p->handshake_ms, on_secured, run, &f);
	if (run->handshake == NULL)
		not_connected(run, &f);
}

static void
on_dialled(struct dial *d, int fd)
{
	struct run *run = d->owner;
	char name[ADDR_TEXT_MAX];

	if (fd == -1) {
		not_connected(run, &d->fail);
		return;
	}
	run->fd = fd;
	if (run->plan->dial.to.tls) {
		secure(run); /* --connect-timeout runs on */
		return;
	}
	uv_timer_stop(&run->clock);
	if (run->plan->only_connect) {
		end_connected(run, NULL);
		return;
	}
	addr_print(&run->plan->dial.to, name);
	if (addr_is_datagrams(&run->plan->dial.to))
		run_talk_datagrams(
		    run, fd, false, d->group.len > 0 ? &d->group : NULL, name);
	else
		run_talk(run, fd, false, NULL, name);
}

/* A socket that somebody else has opened. */
static void
adopt(struct run *run, int fd)
{
	char name[ADDR_TEXT_MAX];

	run->fd = fd;
	addr_print(&run->plan->dial.to, name);
	if (run->plan->dial.to.tls)
		secure(run);
	else if (run->plan->only_connect)
		run_end(run, STATUS_DONE);
	else if (dgram_is(fd))
		run_talk_datagrams(run, fd, true, NULL, name);
	else
		run_talk(run, fd, true, NULL, name);
}

static void
dial(struct run *run)
{
	memset(run->fail, 0, sizeof(*run->fail));
	run->dial.owner = run;
	run->dial.on_done = on_dialled;
	if (dial_start(&run->dial, &run->plan->dial, &run->loop,
		&run->resolver) == -1) {
		*run->fail = run->dial.fail;
		run_end(run, run->dial.fail.status);
		return;
	}
	if (run->plan->connect_ms > 0)
		uv_timer_start(
		    &run->clock, on_connect_timeout, run->plan->connect_ms, 0);
}

/* What a connection has lost, the next one does not mend. */
static void
end(struct run *run)
{
	enum status s = run->talk.status;

	if (s == STATUS_DONE && run->lost > 0) {
		s = STATUS_CLOSED;
		fail_set(run->fail, s,
		    "%" PRIu64
		    " messages may not have arrived, or have no reply: their "
		    "connections were lost",
		    run->lost);
	}
	run_end(run, s);
}

/* A conversation is over. Its end is ours, unless it is to go on. */
static void
on_over(struct run *run)
{
	sock_file_remove(&run->dial.own);
	run_take_outcome(run);
	/* A connection over which something came was worth having. */
	if (run->talk.chan.counts.bytes_in > 0)
		run->tries = 0;
	/* A datagram that was lost is not said again: no success behind it. */
	if (addr_is_datagrams(&run->plan->dial.to) || !retry(run))
		end(run);
}

static void
on_stop(struct run *run)
{
	dial_cancel(&run->dial);
	drop_handshake(run);
	sock_file_remove(&run->dial.own);
}

int
run_client(const struct run_plan *plan, struct fail *f)
{
	struct run *run = malloc(sizeof(*run));
	int r = -1;

	if (run == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	if (run_init(run, plan, f) == 0) {
		run->on_over = on_over;
		run->on_stop = on_stop;
		if (plan->dial.to.kind == ADDR_FD)
			adopt(run, plan->dial.to.fd);
		else
			dial(run);
		r = run_loop(run);
		unsent_free(&run->left.unsent);
	}
	/* A thread that hangs may still look at its loop. */
	if (!f->leave_now)
		free(run);
	return r;
}
