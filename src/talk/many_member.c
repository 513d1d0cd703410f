/*
 * One member: how it comes, by the door or as a peer of datagrams, and how it
 * goes.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/dgram.h"
#include "talk/many_parts.h"

/* How soon a handler is tried again, and how often that is told. */
#define AGAIN_MS 100
#define TELL_MS 1000

static bool
has_handlers(const struct many *m)
{
	return m->run.plan->handler.command.argv != NULL && !m->plan->each;
}

/* Are there as many handlers as may be? */
static bool
has_all_handlers(const struct many *m)
{
	return m->plan->handlers_max > 0 && has_handlers(m) &&
	    m->handlers >= m->plan->handlers_max;
}

/* Those who wait for a handler may have one now. */
static void
let_in(struct many *m)
{
	if (!m->door_waits || has_all_handlers(m))
		return;
	m->door_waits = false;
	uv_timer_stop(&m->again);
	door_resume(&m->run.door);
}

static void
tell(struct many *m, const struct fail *f, const char *name)
{
	struct fail told = *f;

	fail_prefix(&told, "%s", name);
	m->run.plan->complain(&told);
}

static void
free_member(struct member *mem)
{
	struct charset *charset = talk_has(&mem->talk)->charset;

	if (charset != NULL)
		charset_release(charset);
	free(charset);
	if (mem->talk.handler != NULL) {
		handler_release(mem->talk.handler);
		mem->many->handlers--;
	}
	free(mem->talk.handler);
	free(mem->lag);
	talk_release(&mem->talk);
	free(mem);
}

/* One that has not begun. */
static void
drop_member(struct member *mem)
{
	crowd_remove(&mem->many->crowd, &mem->link);
	free_member(mem);
}

/* What comes is converted for each by itself. */
static int
open_charset(struct member *mem, struct fail *f)
{
	const struct talk_plan *p = mem->talk.plan;
	struct talk_extra *extra;

	if (p->charset.name == NULL)
		return 0;
	extra = talk_extra(&mem->talk);
	if (extra != NULL)
		extra->charset = calloc(1, sizeof(*extra->charset));
	if (extra == NULL || extra->charset == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	return charset_open(
	    extra->charset, &p->charset, CHARSET_RECEIVE, p->stream, f);
}

static struct member *
new_member(struct many *m, size_t which, struct fail *f)
{
	struct member *mem = calloc(1, sizeof(*mem));
	struct talk *t;

	if (mem == NULL) {
		fail_set(f, STATUS_IO, "out of memory");
		return NULL;
	}
	t = &mem->talk;
	mem->many = m;
	mem->which = (uint32_t)which;
	t->home = &m->run.home;
	t->plan = &m->plan->talks[which];
	t->outlet = m->outlet;
	t->shared = true;
	t->number = mem->link.number = ++m->begun;
	if (open_charset(mem, f) == -1) {
		free_member(mem);
		return NULL;
	}
	if (!crowd_add(&m->crowd, &mem->link)) {
		fail_set(f, STATUS_IO, "out of memory");
		free_member(mem);
		return NULL;
	}
	return mem;
}

/* The process whose conversation it is to be. */
static int
spawn(const struct member *mem, const struct door_client *c, const char *name,
    struct process *p, bool *again, struct fail *f)
{
	const struct many *m = mem->many;
	const struct talk *t = &mem->talk;
	char channel[ABOUT_CHAN_MAX];
	struct ucspi about = {
	    .fd = c->fd,
	    .forwarded = c->forwarded,
	    .connnum = c->guest == NULL ? 1 : c->guest->n,
	    .channel = channel,
	    .peer = name,
	    .in = &t->plan->in,
	    .out = &t->plan->out,
	};
	struct tls_facts facts;

	if (c->stream != NULL && stream_tls_facts(c->stream, &facts))
		about.tls = &facts;
	snprintf(channel, sizeof(channel), "c%" PRIu64, t->number);
	return handler_spawn(
	    &m->run.plan->handler, &m->run.origin, &about, p, again, f);
}

static int
take_handler(struct member *mem, const struct process *p, struct fail *f)
{
	struct many *m = mem->many;
	struct talk *t = &mem->talk;
	struct handler *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		process_undo(p);
		return fail_set(f, STATUS_IO, "out of memory");
	}
	t->handler = h;
	m->handlers++;
	if (handler_take(h, &m->run.plan->handler, &m->run.loop, p, f) == -1)
		return -1;
	t->feed = &h->feed;
	t->outlet = &h->outlet;
	t->shared = false;
	return 0;
}

/* It is there. */
static void
begin(struct member *mem, struct stream *s, const char *name)
{
	struct many *m = mem->many;

	log_say(&m->run.plan->log, LOG_VERBOSE, "c%" PRIu64 " %s: open",
	    mem->link.number, name);
	secure_say(&m->run.plan->log, mem->link.number, name, s);
	talk_begin(&mem->talk, s, name);
	if (mem->talk.feed == NULL && !mem->talk.plan->echo &&
	    mem->talk.chan.stream != NULL)
		many_join(m, mem);
	if (!m->met_anybody) {
		m->met_anybody = true;
		many_pump(m);
	}
	many_go_on(m); /* it is not behind, whoever was waited for */
	if (has_all_handlers(m)) {
		m->door_waits = true;
		door_pause(&m->run.door);
	}
}

static void
on_again(uv_timer_t *t)
{
	let_in(t->data);
}

/*
 * Descriptors, processes or memory are short: whoever has come waits, and the
 * others in the backlog, until a channel has ended, or a moment.
 */
static void
wait_for_handler(
    struct many *m, const struct door_client *c, const struct fail *why)
{
	const uint64_t now = uv_now(&m->run.loop);
	struct fail f;

	m->door_waits = true;
	uv_timer_start(&m->again, on_again, AGAIN_MS, 0);
	door_wait(&m->run.door, c);
	if (m->told_short_ms != 0 && now - m->told_short_ms < TELL_MS)
		return;
	m->told_short_ms = now > 0 ? now : 1;
	fail_set(
	    &f, STATUS_IO, "%s; clients wait until that is over", why->what);
	fail_hint(&f,
	    "try: a larger limit (ulimit -n, ulimit -u), or --max-handlers");
	m->run.plan->complain(&f);
}

void
many_on_client(struct door *d, const struct door_client *c)
{
	struct many *m = many_at_door(d);
	char name[ADDR_TEXT_MAX];
	struct member *mem;
	struct process p;
	struct stream *s;
	struct fail f;
	bool again;

	door_client_name(d, c, name);
	mem = new_member(m, c->which, &f);
	if (mem == NULL) {
		tell(m, &f, name);
		door_deny(d, c, "there is no memory for it");
		return;
	}
	if (has_handlers(m) && spawn(mem, c, name, &p, &again, &f) == -1) {
		drop_member(mem);
		if (again) {
			m->begun--; /* nobody has heard of it */
			wait_for_handler(m, c, &f);
			return;
		}
		tell(m, &f, name);
		door_deny(d, c, "its handler cannot be started");
		return;
	}
	s = c->stream != NULL ? c->stream
	    : c->borrowed     ? stream_socket_new(&m->run.loop, c->fd, true)
			  : stream_socket_of_kind(m->poller, c->fd, c->kind);
	if (s == NULL) {
		fail_set(&f, STATUS_IO, "%s", strerror(errno));
		tell(m, &f, name);
		if (has_handlers(m))
			process_undo(&p);
		drop_member(mem);
		door_left(d, c->guest);
		return;
	}
	if (has_handlers(m) && take_handler(mem, &p, &f) == -1) {
		tell(m, &f, name);
		stream_close(s, false); /* nobody has it yet */
		drop_member(mem);
		door_left(d, c->guest);
		return;
	}
	mem->guest = c->guest;
	begin(mem, s, name);
}

/* Datagrams: whoever speaks is there. */

static bool
on_peer(struct peers *p, struct stream *s)
{
	struct many_peers *at = p->owner;
	struct many *m = at->many;
	const struct stream_peer *who = stream_datagrams(s)->peer;
	char name[ADDR_TEXT_MAX];
	struct guest *guest;
	struct member *mem;
	const char *why;
	struct fail f;

	if (m->stopping)
		return false;
	addr_name(&who->at.sa, who->len, name);
	if (strcmp(name, "unix:") == 0)
		snprintf(name, sizeof(name), "%s",
		    door_name(&m->run.door, at->which));
	why = door_admit(&m->run.door, &who->at.sa, &guest);
	if (why != NULL) {
		log_say(&m->run.plan->log, LOG_VERBOSE, "%s: denied, %s", name,
		    why);
		return false;
	}
	mem = new_member(m, at->which, &f);
	if (mem == NULL) {
		tell(m, &f, name);
		door_left(&m->run.door, guest);
		return false;
	}
	mem->guest = guest;
	begin(mem, s, name);
	return true;
}

static void
on_lost(struct peers *p, enum peers_loss why, const struct stream_peer *from,
    uint64_t n)
{
	struct many_peers *at = p->owner;
	char name[ADDR_TEXT_MAX];
	struct fail f;

	addr_name(&from->at.sa, from->len, name);
	fail_set(&f, STATUS_DONE,
	    "%s: %" PRIu64 " datagrams were dropped, the last one from %s: %s",
	    door_name(&at->many->run.door, at->which), n, name,
	    why == PEERS_MANY ? "there are as many peers as may be"
			      : "what had come before is not taken yet");
	at->many->run.plan->complain(&f);
}

static void
on_peers_failed(struct peers *p)
{
	struct many_peers *at = p->owner;
	struct many *m = at->many;

	fail_set(m->run.fail, STATUS_IO, "%s: %s",
	    door_name(&m->run.door, at->which), strerror(p->err));
	run_end(&m->run, STATUS_IO);
}

static void
on_peers_closed(struct peers *p)
{
	struct many_peers *at = p->owner;

	at->open = false;
	many_stop_if_done(at->many);
}

static const struct peers_events peers_events = {
    .on_peer = on_peer,
    .on_lost = on_lost,
    .on_failed = on_peers_failed,
    .on_closed = on_peers_closed,
};

void
many_on_datagrams(struct door *d, size_t which, int fd, bool borrowed)
{
	struct many *m = many_at_door(d);
	struct many_peers *at = &m->peers[which];
	struct stream *s =
	    stream_dgram_new(&m->run.loop, fd, borrowed, NULL, false);

	if (s == NULL) {
		fail_set(m->run.fail, STATUS_IO, "%s: %s", door_name(d, which),
		    strerror(errno));
		run_end(&m->run, STATUS_IO);
		return;
	}
	at->many = m;
	at->which = which;
	at->open = true;
	peers_open(
	    &at->peers, &m->run.loop, s, m->plan->peers_max, &peers_events, at);
}

/* Whoever ended in a way that a user has to know of is told. */
static bool
is_told(const struct talk *t)
{
	switch (t->status) {
	case STATUS_DONE:
	case STATUS_CLOSED:
		return false;
	default:
		return talk_fail(t)->what[0] != '\0';
	}
}

void
many_on_over(struct talk *t)
{
	struct member *mem = many_of(t);
	struct many *m = mem->many;

	if (is_told(t))
		m->run.plan->complain(talk_fail(t));
	many_tell_dropped(mem);
	log_say(&m->run.plan->log, LOG_VERBOSE, "%s", talk_last(t));
	many_part(mem);
	many_not_late(mem);
	crowd_remove(&m->crowd, &mem->link);
	if (mem->waits)
		TAILQ_REMOVE(&m->waiting, mem, waiting);
	door_left(&m->run.door, mem->guest);
	free_member(mem);
	let_in(m);
	/* Perhaps it was the one that was waited for. */
	many_go_on(m);
	many_stop_if_done(m);
}

/* It has something for stdout, which takes nothing; or nobody is read now. */
void
many_on_wait(struct talk *t)
{
	struct member *mem = many_of(t);
	struct many *m = mem->many;

	if (!mem->waits) {
		mem->waits = true;
		TAILQ_INSERT_TAIL(&m->waiting, mem, waiting);
	}
	if (outlet_owes(m->outlet))
		many_hold(m, MANY_HOLD_OUTPUT, true);
}

void
many_close(
    struct member *mem, enum status s, const char *why, const struct fail *f)
{
	if (f == NULL)
		talk_end(&mem->talk, s, why);
	else
		talk_end_with(&mem->talk, f, why);
}

void
many_release_members(struct many *m)
{
	struct member *mem;

	while (m->crowd.n > 0) {
		mem = many_at(m, m->crowd.n - 1);
		many_part(mem);
		crowd_remove(&m->crowd, &mem->link);
		free_member(mem);
	}
	crowd_release(&m->crowd);
}
