/*
 * Who is there: for people, on SIGUSR1; for programs, as JSON lines, where the
 * input asks for them or somebody connects to --status-socket. And what else
 * programs are told that is not of one channel alone.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk/many_parts.h"

/* Who asks for the table and does not take it, at the most. */
#define ASKERS_MAX 16

struct status_asker {
	uv_pipe_t pipe;
	uv_write_t write;
	struct span text;
	struct status_socket *of;
	TAILQ_ENTRY(status_asker) next;
};

struct status_socket {
	struct many *many;
	struct listener listener;
	TAILQ_HEAD(, status_asker) askers; /* oldest first */
	unsigned askers_n;
};

static const char *
state_of(const struct talk *t)
{
	if (t->ending || t->over)
		return "ending";
	if (t->closing)
		return "closing";
	if (t->life.theirs_closed)
		return "closed by the peer";
	if (t->chan.writing != CHAN_WRITING)
		return "closed by us";
	if (t->chan.reading == CHAN_PAUSED)
		return "paused";
	return "open";
}

static void
add_text(struct event *e, const char *name, const char *text)
{
	event_text(e, name, slice_of(text, strlen(text)));
}

/* One channel, as a line of JSON. */
static struct slice
line_of(const struct many *m, const struct member *mem, struct event *e,
    bool terminal)
{
	const struct talk *t = &mem->talk;
	const struct chan_counts *n = &t->chan.counts;
	char chan[ABOUT_CHAN_MAX];

	about_chan(t->number, chan);
	event_begin(e, "channel", terminal);
	add_text(e, "chan", chan);
	add_text(e, "peer", talk_peer(t));
	add_text(e, "place", door_name(&m->run.door, mem->which));
	add_text(e, "state", state_of(t));
	event_number(e, "age_ms", talk_age_ms(t));
	event_number(e, "messages_in", n->messages_in);
	event_number(e, "bytes_in", n->bytes_in);
	event_number(e, "messages_out", n->messages_out);
	event_number(e, "bytes_out", n->bytes_out);
	event_number(e, "queued", chan_queued(&t->chan));
	event_number(e, "partial", chan_partial(&t->chan));
	if (many_dropped(mem) > 0)
		event_number(e, "dropped", many_dropped(mem));
	if (t->handler != NULL)
		event_number(e, "handler", (uint64_t)t->handler->pid);
	return event_end(e);
}

static struct slice
last_line(const struct many *m, struct event *e, uint64_t line, bool terminal)
{
	event_begin(e, "channels", terminal);
	event_number(e, "n", m->crowd.n);
	event_number(e, "opened", m->begun);
	event_number(e, "denied", m->run.door.denied);
	event_number(e, "memory", many_memory(m));
	event_number(e, "pid", (uint64_t)getpid());
	if (line > 0)
		event_number(e, "line", line);
	return event_end(e);
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Their numbers in order; NULL: out of memory, or nobody is there. */
static uint64_t *
numbers(const struct many *m)
{
	uint64_t *v = malloc((m->crowd.n + 1) * sizeof(*v));
	size_t i;

	for (i = 0; v != NULL && i < m->crowd.n; i++)
		v[i] = m->crowd.v[i]->number;
	if (v != NULL)
		qsort(v, m->crowd.n, sizeof(*v), by_number);
	return v;
}

static void
print_member(struct many *m, const struct member *mem)
{
	const struct talk *t = &mem->talk;
	char text[512], handler[160] = "", dropped[64] = "";
	struct fail f;

	talk_describe(t, text, sizeof(text));
	if (t->handler != NULL)
		handler_describe(t->handler, handler, sizeof(handler));
	if (many_dropped(mem) > 0)
		snprintf(dropped, sizeof(dropped), "; %" PRIu64 " not sent",
		    many_dropped(mem));
	fail_set(&f, STATUS_DONE, "%s%s; %s%s%s", text, dropped, state_of(t),
	    handler[0] == '\0' ? "" : "; ", handler);
	m->run.plan->complain(&f);
}

void
many_print_table(struct many *m)
{
	uint64_t *v = numbers(m);
	const size_t n = v == NULL ? 0 : m->crowd.n;
	struct fail f;
	size_t i;

	fail_set(&f, STATUS_DONE,
	    "%zu channels now, %" PRIu64 " so far, %" PRIu64
	    " denied, %zu bytes queued or unfinished%s",
	    m->crowd.n, m->begun, m->run.door.denied, many_memory(m),
	    m->door_waits ? ", others wait for a handler" : "");
	m->run.plan->complain(&f);
	for (i = 0; i < n; i++)
		print_member(m, many_member(crowd_find(&m->crowd, v[i])));
	free(v);
}

/* What programs are told on stdout. */

static bool
tells_events(const struct many *m)
{
	return m->outlet->sink.kind == SINK_JSON && m->outlet->taken &&
	    !m->plan->each;
}

bool
many_tells(const struct many *m)
{
	return m->due.len > m->due_at;
}

/*
 * Lines that are to be said go one by one, as there is room. True: all are
 * said.
 */
bool
many_tell_due(struct many *m)
{
	struct span *s = &m->due;
	struct slice line;
	const uint8_t *end;

	while (many_tells(m)) {
		line.p = s->p + m->due_at;
		end = memchr(line.p, '\n', s->len - m->due_at);
		line.len = (size_t)(end - line.p) + 1;
		if (outlet_say(m->outlet, line) == OUTLET_BUSY)
			return false;
		m->due_at += line.len;
	}
	free(s->p);
	*s = (struct span){NULL, 0, 0};
	m->due_at = 0;
	return true;
}

static bool
add_line(struct span *s, struct slice line)
{
	size_t cap = 2 * (s->len + line.len);
	uint8_t *p;

	if (span_room(s) < line.len) {
		p = realloc(s->p, cap);
		if (p == NULL)
			return false;
		s->p = p;
		s->cap = cap;
	}
	memcpy(s->p + s->len, line.p, line.len);
	s->len += line.len;
	return true;
}

/* Everybody's lines, and the one behind them. */
static bool
add_table(struct many *m, struct span *to, uint64_t line, bool terminal)
{
	struct event e;
	uint64_t *v = numbers(m);
	bool well = v != NULL;
	size_t i;

	for (i = 0; well && i < m->crowd.n; i++)
		well = add_line(to,
		    line_of(m, many_member(crowd_find(&m->crowd, v[i])), &e,
			terminal));
	free(v);
	return well && add_line(to, last_line(m, &e, line, terminal));
}

bool
many_tell_error(struct many *m, const struct fail *f, uint64_t line,
    const struct many_whose *whose)
{
	char mode[FRAMING_TEXT_MAX], chan[ABOUT_CHAN_MAX];
	struct event e;

	if (!tells_events(m))
		return false;
	event_begin(&e, "error", m->outlet->terminal);
	if (line > 0)
		event_number(&e, "line", line);
	if (whose != NULL && whose->chan > 0) {
		snprintf(chan, sizeof(chan), "c%" PRIu64, whose->chan);
		add_text(&e, "chan", chan);
	} else if (whose != NULL && whose->out != NULL)
		add_text(&e, "mode", framing_print(whose->out, mode));
	add_text(&e, "error", f->what);
	if (f->hint[0] != '\0')
		add_text(&e, "hint", f->hint);
	if (!add_line(&m->due, event_end(&e)))
		return false;
	many_tell_due(m);
	return true;
}

void
many_list(struct many *m, uint64_t line)
{
	const size_t before = m->due.len;
	struct fail f;

	if (!tells_events(m)) {
		many_print_table(m);
		return;
	}
	if (!add_table(m, &m->due, line, m->outlet->terminal)) {
		m->due.len = before;
		fail_set(&f, STATUS_IO, "the list of channels: out of memory");
		m->run.plan->complain(&f);
	}
	many_tell_due(m);
}

/* --status-socket */

static void
on_asker_closed(uv_handle_t *h)
{
	struct status_asker *a = h->data;

	free(a->text.p);
	free(a);
}

static void
end_asker(struct status_asker *a)
{
	if (uv_is_closing((uv_handle_t *)&a->pipe))
		return;
	TAILQ_REMOVE(&a->of->askers, a, next);
	a->of->askers_n--;
	uv_close((uv_handle_t *)&a->pipe, on_asker_closed);
}

static void
on_written(uv_write_t *w, int status)
{
	(void)status;
	end_asker(w->handle->data);
}

/* Takes the descriptor. */
static struct status_asker *
new_asker(struct status_socket *s, int fd)
{
	struct status_asker *a = calloc(1, sizeof(*a));

	if (a == NULL || uv_pipe_init(&s->many->run.loop, &a->pipe, 0) != 0) {
		close(fd);
		free(a);
		return NULL;
	}
	a->of = s;
	a->pipe.data = a;
	TAILQ_INSERT_TAIL(&s->askers, a, next);
	s->askers_n++;
	if (uv_pipe_open(&a->pipe, fd) == 0)
		return a;
	close(fd);
	end_asker(a);
	return NULL;
}

/* Whoever has waited longest without taking it makes room. */
static void
on_asker(struct listener *l, int fd, const struct sockaddr *peer, socklen_t len)
{
	struct status_socket *s = l->owner;
	struct status_asker *a;
	struct fail f;
	uv_buf_t buf;

	(void)peer;
	(void)len;
	if (s->askers_n == ASKERS_MAX)
		end_asker(TAILQ_FIRST(&s->askers));
	a = new_asker(s, fd);
	if (a == NULL || !add_table(s->many, &a->text, 0, false)) {
		fail_set(&f, STATUS_IO, "--status-socket: out of memory");
		s->many->run.plan->complain(&f);
		if (a != NULL)
			end_asker(a);
		return;
	}
	buf = uv_buf_init((char *)a->text.p, (unsigned)a->text.len);
	if (uv_write(&a->write, (uv_stream_t *)&a->pipe, &buf, 1, on_written) !=
	    0)
		end_asker(a);
}

static void
on_short(struct listener *l, int err)
{
	(void)l;
	(void)err; /* who asks waits, and clients are told of all the same */
}

int
many_status_open(struct many *m, struct fail *f)
{
	const char *path = m->plan->status_path;
	struct status_socket *s = calloc(1, sizeof(*s));
	struct listen_plan plan = {
	    .opts = sock_opts_default, .mode = 0600, .backlog = ASKERS_MAX};
	char text[ADDR_TEXT_MAX];

	if (s == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	m->status = s;
	s->many = m;
	TAILQ_INIT(&s->askers);
	snprintf(text, sizeof(text), "unix:%s", path);
	if (addr_parse(text, &plan.at, f) == -1)
		return fail_prefix(f, "--status-socket");
	s->listener.owner = s;
	s->listener.on_accept = on_asker;
	s->listener.on_short = on_short;
	s->listener.on_failed = on_short;
	if (listener_open(&s->listener, &m->run.loop, &plan, NULL, f) == -1)
		return fail_prefix(f, "--status-socket");
	listener_resume(&s->listener);
	return 0;
}

void
many_status_close(struct many *m)
{
	if (m->status != NULL)
		listener_close(&m->status->listener);
}

void
many_status_release(struct many *m)
{
	struct status_asker *a;

	while (m->status != NULL &&
	    (a = TAILQ_FIRST(&m->status->askers)) != NULL) {
		TAILQ_REMOVE(&m->status->askers, a, next);
		free(a->text.p);
		free(a);
	}
	free(m->status);
	m->status = NULL;
}
