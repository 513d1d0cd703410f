/* Standard output in a loop; see outlet.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/outlet.h"
#include "io/writer.h"

/* A pipe takes no more than this at once. */
#define LENT (64u << 10)

static void on_poll(uv_poll_t *, int status, int events);
static void on_prepare(uv_prepare_t *);

/* False: there is no memory. */
static bool
take_buffer(struct outlet *o)
{
	const size_t cap = o->lends ? LENT : WRITER_BUFFER;

	if (o->out.p != NULL)
		return true;
	o->out.p = malloc(cap);
	o->out.cap = o->out.p == NULL ? 0 : cap;
	return o->out.p != NULL;
}

static void
give_buffer(struct outlet *o)
{
	free(o->out.p);
	o->out = (struct span){NULL, 0, 0};
	o->at = 0;
}

/* All but the descriptor and its poll. */
static bool
start(struct outlet *o, uv_loop_t *loop, enum sink_kind kind, bool lends)
{
	o->on_closed = NULL;
	sink_init(&o->sink, kind, o->terminal);
	o->err = 0;
	o->written = 0;
	o->waiting = o->large = o->wanted = false;
	o->at = o->next = o->large_at = 0;
	o->batch.n = 0;
	o->lends = lends;
	o->out = (struct span){NULL, 0, 0};
	if (!lends && !take_buffer(o))
		return false;
	uv_prepare_init(loop, &o->prepare);
	o->prepare.data = o;
	o->handles = 1;
	o->taken = true;
	return true;
}

static int
start_poll(struct outlet *o, uv_loop_t *loop)
{
	int err = uv_poll_init(loop, &o->poll, o->fd.watch);

	o->poll.data = o;
	o->handles += err == 0;
	return -err;
}

int
outlet_init(struct outlet *o, uv_loop_t *loop, int fd, enum sink_kind kind)
{
	int err = 0;

	o->terminal = isatty(fd) == 1;
	if (!start(o, loop, kind, false))
		return -1;
	if (fd_take(&o->fd, fd, true) == -1)
		o->err = errno; /* said at the first message */
	else if (o->fd.watch != -1 && (err = start_poll(o, loop)) != 0) {
		fd_release(&o->fd);
		o->err = err;
	}
	return 0;
}

int
outlet_init_own(struct outlet *o, uv_loop_t *loop, int fd, enum sink_kind kind)
{
	int err;

	o->terminal = false;
	if (!start(o, loop, kind, true))
		return -1;
	fd_own(&o->fd, fd);
	err = start_poll(o, loop);
	if (err == 0)
		return 0;
	o->fd.watch = -1;
	outlet_close(o);
	errno = err;
	return -1;
}

/* The turn is over: what it has brought goes out with one write. */
static void
on_prepare(uv_prepare_t *prepare)
{
	struct outlet *o = prepare->data;

	uv_prepare_stop(prepare);
	outlet_flush(o);
	if (outlet_is_empty(o))
		o->on_empty(o);
}

static bool
fail(struct outlet *o, int err)
{
	o->err = err;
	o->batch.n = 0;
	o->on_error(o, err);
	return false;
}

static void
wait_for_room(struct outlet *o)
{
	if (o->waiting)
		return;
	o->waiting = true;
	/* A descriptor that only watches becomes readable when it is so. */
	uv_poll_start(&o->poll,
	    o->fd.watch == o->fd.fd ? UV_WRITABLE : UV_READABLE, on_poll);
}

/*
 * Writes the buffer, and behind it what is left of a large message. True once
 * all of that has gone.
 */
static bool
write_out(struct outlet *o)
{
	struct slice m = {NULL, 0};
	struct iovec v[2];
	size_t held, first;
	ssize_t n;

	for (;;) {
		held = o->out.len - o->at;
		if (o->large)
			m = slice_of(o->batch.v[o->next].p + o->large_at,
			    o->batch.v[o->next].len - o->large_at);
		if (held + m.len == 0)
			break;
		v[0] = (struct iovec){o->out.p + o->at, held};
		v[1] = (struct iovec){(void *)(uintptr_t)m.p, m.len};
		n = held > 0 ? fd_write_now(&o->fd, v, m.len > 0 ? 2 : 1)
			     : fd_write_now(&o->fd, v + 1, 1);
		if (n == -1 && errno == EAGAIN) {
			wait_for_room(o);
			return false;
		}
		if (n == -1)
			return fail(o, errno);
		o->written += (uint64_t)n;
		first = (size_t)n < held ? (size_t)n : held;
		o->at += first;
		o->large_at += (size_t)n - first;
	}
	o->out.len = o->at = 0;
	o->large = false;
	return true;
}

/* Formats what is kept; true once none of it is left. */
static bool
format(struct outlet *o)
{
	enum sink_result r;

	while (o->batch.n > 0) {
		r = sink_put(&o->sink, &o->batch, &o->next, &o->out);
		if (r == SINK_OK) {
			o->batch.n = 0;
			return true;
		}
		o->large = r == SINK_LARGE;
		o->large_at = 0;
		if (!write_out(o))
			return false;
	}
	return true;
}

/* May something be written now? Otherwise what to say instead. */
static enum outlet_result
may_write(struct outlet *o)
{
	if (o->err == 0 && !take_buffer(o))
		o->err = ENOMEM;
	if (o->err != 0) {
		fail(o, o->err);
		return OUTLET_FAILED;
	}
	if (o->batch.n > 0) {
		o->wanted = true;
		return OUTLET_BUSY;
	}
	uv_prepare_start(&o->prepare, on_prepare);
	return OUTLET_DONE;
}

enum outlet_result
outlet_put(struct outlet *o, struct about_of *of, const struct batch *b)
{
	enum outlet_result r = may_write(o);

	if (r != OUTLET_DONE)
		return r;
	sink_set_whose(&o->sink, of);
	o->batch = *b;
	o->next = 0;
	if (format(o))
		return OUTLET_DONE;
	return o->err != 0 ? OUTLET_FAILED : OUTLET_WAIT;
}

enum outlet_result
outlet_say(struct outlet *o, struct slice line)
{
	enum outlet_result r = may_write(o);

	if (r != OUTLET_DONE)
		return r;
	if (span_room(&o->out) < line.len && !o->waiting && !write_out(o) &&
	    o->err != 0)
		return OUTLET_FAILED;
	if (span_room(&o->out) < line.len) {
		o->wanted = true;
		return OUTLET_BUSY;
	}
	memcpy(o->out.p + o->out.len, line.p, line.len);
	o->out.len += line.len;
	return OUTLET_DONE;
}

bool
outlet_keeps(const struct outlet *o, const struct about_of *of)
{
	return o->batch.n > 0 && o->sink.about.of == of;
}

void
outlet_flush(struct outlet *o)
{
	if (o->err == 0 && !o->waiting && o->out.len > o->at)
		write_out(o);
	if (o->lends && outlet_is_empty(o))
		give_buffer(o);
}

void
outlet_wait(struct outlet *o)
{
	wait_for_room(o);
}

bool
outlet_is_empty(const struct outlet *o)
{
	return o->err != 0 || (o->batch.n == 0 && o->out.len == o->at);
}

bool
outlet_owes(const struct outlet *o)
{
	return o->err == 0 && (o->batch.n > 0 || o->wanted);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct outlet *o = poll->data;
	bool owed = outlet_owes(o);

	(void)status;
	(void)events;
	uv_poll_stop(poll);
	o->waiting = false;
	if (!write_out(o) || !format(o))
		return;
	o->wanted = false;
	if (owed)
		o->on_room(o);
	outlet_flush(o);
	if (outlet_is_empty(o))
		o->on_empty(o);
}

static void
on_closed(uv_handle_t *h)
{
	struct outlet *o = h->data;

	if (--o->handles == 0 && o->on_closed != NULL)
		o->on_closed(o);
}

void
outlet_close(struct outlet *o)
{
	if (!o->taken)
		return;
	o->taken = false;
	if (o->fd.watch != -1)
		uv_close((uv_handle_t *)&o->poll, on_closed);
	uv_close((uv_handle_t *)&o->prepare, on_closed);
	fd_release(&o->fd);
	give_buffer(o);
	o->batch.n = 0; /* what was in it has nowhere to go */
}
