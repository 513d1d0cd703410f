/*
 * Those who stand at the door: they have to say whose they are (the PROXY
 * protocol), the conversation is to be secured (door_secure.c), a program is
 * asked about them, or nobody is let in right now.
 *
 *	HEADER --> LINE --> SHAKE --> ASK --> READY --> gone: on_client, or
 *	                                                turned away
 *
 * Of a header that is not yet whole every byte belongs to it, so it is taken;
 * of the bytes that complete it, only as many as it still has: what stands
 * behind it is the conversation's, and is never read here.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk/door_parts.h"

static void
free_if_done(struct visitor *v)
{
	if (!v->gone || v->handles > 0)
		return;
	free(v->facts);
	free(v->head);
	free(v);
}

static void
on_poll_closed(uv_handle_t *h)
{
	struct visitor *v = h->data;

	v->handles--;
	free_if_done(v);
}

/* Another may watch the descriptor from here on. */
static void
stop_poll(struct visitor *v)
{
	if (v->polls)
		uv_close((uv_handle_t *)&v->poll, on_poll_closed);
	v->polls = false;
}

/* It stands here no longer. */
static void
remove_visitor(struct visitor *v)
{
	TAILQ_REMOVE(&v->door->visitors[v->state], v, link);
	v->door->waiting--;
	v->gone = true;
	stop_poll(v);
}

void
door_visit_turn_away(struct visitor *v, const char *why)
{
	remove_visitor(v);
	door_turn_away(v->door, &v->client, why);
	free_if_done(v);
}

void
door_visit_move(struct visitor *v, enum door_visitor_state state)
{
	TAILQ_REMOVE(&v->door->visitors[v->state], v, link);
	v->state = state;
	TAILQ_INSERT_TAIL(&v->door->visitors[state], v, link);
}

static void
let_in(struct visitor *v)
{
	struct door *d = v->door;

	if (d->paused) {
		door_visit_move(v, DOOR_VISITOR_READY);
		return;
	}
	remove_visitor(v);
	d->on_client(d, &v->client);
	free_if_done(v);
}

void
door_visit_pass(struct visitor *v)
{
	struct door *d = v->door;

	if (d->plan->ask.command.argv != NULL) {
		door_visit_move(v, DOOR_VISITOR_ASK);
		v->handles++;
		ask_begin(&d->asks, &v->ask);
	} else
		let_in(v);
}

/* It is known who it is. */
static void
look(struct visitor *v)
{
	struct door *d = v->door;
	const char *why = door_objection(d, &v->client);

	if (why != NULL)
		door_visit_turn_away(v, why);
	else if (door_is_secured(d, v->client.which)) {
		door_visit_move(v, DOOR_VISITOR_LINE);
		door_secure(v);
	} else
		door_visit_pass(v);
}

/* Takes what was looked at. False: it is not there, for errno. */
static bool
take(int fd, uint8_t *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = recv(fd, buf, len, MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
keep(struct visitor *v, size_t n)
{
	uint8_t *head = realloc(v->head, v->head_len + n);

	if (head == NULL)
		return false;
	v->head = head;
	if (!take(v->client.fd, head + v->head_len, n))
		return false;
	v->head_len += n;
	return true;
}

/* What is there of the header. On FORWARDED_BAD the fail says why. */
static enum forwarded_step
read_header(struct visitor *v, struct fail *f)
{
	uint8_t buf[FORWARDED_MAX];
	enum forwarded_step step;
	size_t have = v->head_len, used;
	bool taken;
	ssize_t n;

	if (have > 0)
		memcpy(buf, v->head, have);
	do
		n = recv(v->client.fd, buf + have, sizeof(buf) - have,
		    MSG_PEEK | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return FORWARDED_MORE;
	if (n <= 0) {
		fail_set(f, STATUS_CLOSED,
		    "PROXY protocol: expected a header, saw %s",
		    n == 0 ? "the end" : strerror(errno));
		return FORWARDED_BAD;
	}
	step = forwarded_read(
	    slice_of(buf, have + (size_t)n), &v->forwarded, &used, f);
	if (step == FORWARDED_BAD)
		return step;
	taken = step == FORWARDED_MORE ? keep(v, (size_t)n)
				       : take(v->client.fd, buf, used - have);
	if (!taken) {
		fail_set(f, STATUS_IO, "PROXY protocol: %s", strerror(errno));
		return FORWARDED_BAD;
	}
	return step;
}

static void set_clock(struct door *);
static void on_poll(uv_poll_t *, int status, int events);

/* The rest of its header has still to come. */
static bool
wait_for_header(struct visitor *v)
{
	struct door *d = v->door;

	if (!v->polls) {
		if (uv_poll_init(d->loop, &v->poll, v->client.fd) != 0)
			return false;
		v->poll.data = v;
		v->polls = true;
		v->handles++;
		v->until_ms = uv_now(d->loop) + d->plan->header_ms;
		if (TAILQ_FIRST(&d->visitors[DOOR_VISITOR_HEADER]) == v)
			set_clock(d);
	}
	return uv_poll_start(&v->poll, UV_READABLE, on_poll) == 0;
}

static void
go_on_with_header(struct visitor *v)
{
	struct fail f;

	switch (read_header(v, &f)) {
	case FORWARDED_MORE:
		if (!wait_for_header(v))
			door_visit_turn_away(
			    v, "its header cannot be waited for");
		return;
	case FORWARDED_BAD:
		door_visit_turn_away(v, f.what);
		return;
	case FORWARDED_DONE:
		break;
	}
	stop_poll(v);
	if (v->forwarded.from_len > 0) {
		v->client.forwarded = &v->forwarded;
		v->client.peer = (struct sockaddr *)&v->forwarded.from;
		v->client.peer_len = v->forwarded.from_len;
	}
	look(v);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	go_on_with_header(poll->data);
}

static void
on_clock(uv_timer_t *t)
{
	struct door *d = t->data;
	struct visitor *v;
	char why[96];

	snprintf(why, sizeof(why),
	    "PROXY protocol: expected a header within %g s",
	    (double)d->plan->header_ms / 1000);
	while ((v = TAILQ_FIRST(&d->visitors[DOOR_VISITOR_HEADER])) != NULL &&
	    v->until_ms <= uv_now(d->loop))
		door_visit_turn_away(v, why);
	if (d->alive)
		set_clock(d);
}

/* All have the same time, so the oldest one's is over first. */
static void
set_clock(struct door *d)
{
	struct visitor *v = TAILQ_FIRST(&d->visitors[DOOR_VISITOR_HEADER]);
	uint64_t now = uv_now(d->loop);

	if (v == NULL)
		uv_timer_stop(&d->clock);
	else
		uv_timer_start(&d->clock, on_clock,
		    v->until_ms > now ? v->until_ms - now : 0, 0);
}

static struct visitor *
new_visitor(
    struct door *d, const struct door_client *c, enum door_visitor_state state)
{
	struct visitor *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		door_turn_away(d, c, "out of memory");
		return NULL;
	}
	v->door = d;
	v->client = *c;
	memcpy(&v->peer, c->peer,
	    c->peer_len < sizeof(v->peer) ? c->peer_len : sizeof(v->peer));
	v->client.peer = (struct sockaddr *)&v->peer;
	v->ask.owner = v;
	v->state = state;
	v->until_ms = UINT64_MAX;
	d->waiting++;
	return v;
}

void
door_wait(struct door *d, const struct door_client *c)
{
	struct visitor *v = new_visitor(d, c, DOOR_VISITOR_READY);

	if (v == NULL)
		return;
	if (c->forwarded != NULL) {
		v->forwarded = *c->forwarded;
		v->client.forwarded = &v->forwarded;
	}
	TAILQ_INSERT_HEAD(&d->visitors[DOOR_VISITOR_READY], v, link);
	door_pause(d);
}

void
door_visit(
    struct door *d, const struct door_client *c, enum door_visitor_state state)
{
	struct visitor *v = new_visitor(d, c, state);

	if (v == NULL)
		return;
	TAILQ_INSERT_TAIL(&d->visitors[state], v, link);
	if (state == DOOR_VISITOR_HEADER)
		go_on_with_header(v);
	else if (state == DOOR_VISITOR_LINE)
		door_secure(v);
	else
		door_visit_pass(v);
}

/* What a program is told of whom it is asked about. */
static void
describe(struct ask *a, struct ucspi *about)
{
	struct visitor *v = a->owner;
	struct door *d = v->door;
	const struct door_place *place = &d->plan->places[v->client.which];

	about->fd = v->client.fd;
	about->forwarded = v->client.forwarded;
	if (v->client.guest != NULL)
		about->connnum = v->client.guest->n;
	about->peer = door_client_name(d, &v->client, d->asked);
	about->in = &place->in;
	about->out = &place->out;
	if (v->client.stream == NULL)
		return;
	if (v->facts == NULL)
		v->facts = malloc(sizeof(*v->facts));
	if (v->facts != NULL && stream_tls_facts(v->client.stream, v->facts))
		about->tls = v->facts;
}

static void
on_answer(struct ask *a, const char *why)
{
	if (why[0] != '\0')
		door_visit_turn_away(a->owner, why);
	else
		let_in(a->owner);
}

static void
on_ask_closed(struct ask *a)
{
	struct visitor *v = a->owner;

	v->handles--;
	free_if_done(v);
}

void
door_visit_init(struct door *d)
{
	size_t i;

	for (i = 0; i < DOOR_VISITOR_STATES; i++)
		TAILQ_INIT(&d->visitors[i]);
	uv_timer_init(d->loop, &d->clock);
	uv_unref((uv_handle_t *)&d->clock);
	d->clock.data = d;
	door_secure_init(d);
	d->asks.describe = describe;
	d->asks.on_answer = on_answer;
	d->asks.on_closed = on_ask_closed;
}

void
door_visit_resume(struct door *d)
{
	struct visitor *v;

	while (!d->paused && d->alive &&
	    (v = TAILQ_FIRST(&d->visitors[DOOR_VISITOR_READY])) != NULL)
		let_in(v);
}

void
door_visit_close(struct door *d)
{
	struct visitor *v;
	size_t i;

	for (i = 0; i < DOOR_VISITOR_STATES; i++)
		while ((v = TAILQ_FIRST(&d->visitors[i])) != NULL) {
			remove_visitor(v);
			if (v->handshake != NULL)
				door_secure_cancel(v);
			else if (v->client.stream != NULL)
				stream_close(v->client.stream, false);
			else if (!v->client.borrowed)
				close(v->client.fd);
			guests_leave(&d->guests, v->client.guest);
			d->inside--;
			free_if_done(v);
		}
	uv_close((uv_handle_t *)&d->clock, NULL);
	uv_close((uv_handle_t *)&d->line, NULL);
}
