/*
 * Those who ask and are answered. Each has DEPTH messages under way: it sends
 * them in one piece, and the next when all answers are in.
 */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct echo {
	const struct load *load;
	struct wire wire;
	struct crowd crowd;
	uint64_t answered; /* messages */
	size_t waiting;	   /* members whose answers are not all in */
	char *block;
};

static void
echo_init(struct echo *e, const struct load *l)
{
	memset(e, 0, sizeof(*e));
	e->load = l;
	wire_init(&e->wire, l->mode, l->size, 0);
	crowd_init(&e->crowd, l->clients);
	if ((e->block = malloc(LOAD_BLOCK)) == NULL)
		load_die("no memory");
}

static void
echo_release(struct echo *e)
{
	crowd_release(&e->crowd);
	wire_release(&e->wire);
	free(e->block);
}

static void
ask(struct echo *e, struct member *m)
{
	m->due += e->load->depth * e->wire.ask.each;
	e->waiting++;
	if (!member_send(m, &e->wire.ask))
		crowd_writable(&e->crowd, m, true);
}

/* True when all that the member asked is answered. */
static bool
hear(struct echo *e, struct member *m)
{
	const struct pattern *p = &e->wire.answer;
	const uint64_t all = m->due / e->wire.ask.each * p->each;
	ssize_t n = recv(m->fd, e->block, LOAD_BLOCK, 0);

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n <= 0)
		load_die("client %td: %s after %llu bytes",
		    m - e->crowd.members + 1,
		    n == 0 ? "closed" : strerror(errno),
		    (unsigned long long)m->got);
	if (!pattern_is(p, m->lead * p->each + m->got, e->block, (size_t)n))
		load_die("client %td: wrong answer in bytes %llu to %llu",
		    m - e->crowd.members + 1, (unsigned long long)m->got,
		    (unsigned long long)m->got + (size_t)n);
	m->got += (size_t)n;
	if (m->got > all)
		load_die("client %td: more answers than questions",
		    m - e->crowd.members + 1);
	return m->got == all;
}

/* Until that time all ask again as soon as they are answered; then the last
 * answers are awaited. */
static void
echo_until(struct echo *e, double end)
{
	struct epoll_event events[1024];
	bool more = meter_now() < end;
	size_t i, n;

	while (e->waiting > 0) {
		n = crowd_wait(&e->crowd, events, 1024);
		for (i = 0; i < n; i++) {
			struct member *m = events[i].data.ptr;

			if ((events[i].events & EPOLLOUT) != 0 &&
			    member_send(m, &e->wire.ask))
				crowd_writable(&e->crowd, m, false);
			if ((events[i].events & ~(uint32_t)EPOLLOUT) == 0 ||
			    !hear(e, m))
				continue;
			e->waiting--;
			e->answered += e->load->depth;
			if (more)
				ask(e, m);
		}
		more = more && meter_now() < end;
	}
}

static void
echo_all(struct echo *e, double seconds)
{
	size_t i;

	for (i = 0; i < e->crowd.n; i++)
		ask(e, &e->crowd.members[i]);
	echo_until(e, meter_now() + seconds);
}

void
echo_run(const struct load *l)
{
	struct meter begin, m;
	struct echo e;

	echo_init(&e, l);
	while (e.crowd.n < l->clients)
		crowd_join(&e.crowd, l->address);
	echo_all(&e, l->seconds / 5);
	meter_read(&begin, l->server);
	e.answered = 0;
	echo_all(&e, l->seconds);
	meter_since(&m, &begin, l->server);
	meter_print(l, &m, "messages", e.answered);
	printf("\n");
	echo_release(&e);
}

/* Nobody may be closed, or be told something, while all are silent. */
static void
hold(struct echo *e)
{
	struct epoll_event event, in = {.events = EPOLLIN};
	char text[256];

	if (epoll_ctl(e->crowd.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &in) == -1)
		return; /* a file or /dev/null has ended */
	do {
		if (epoll_wait(e->crowd.epoll, &event, 1, -1) != 1)
			continue;
		if (event.data.ptr != NULL)
			load_die("an idle client was closed or told something");
	} while (read(STDIN_FILENO, text, sizeof(text)) > 0);
	epoll_ctl(e->crowd.epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

void
hold_run(const struct load *l)
{
	uint64_t before = 0, silent = 0, spoken = 0;
	size_t processes = 0, open = 0;
	struct meter begin, m;
	struct echo e;

	/* The first takes what is taken once. */
	echo_init(&e, l);
	crowd_join(&e.crowd, l->address);
	echo_all(&e, 0);
	if (l->server != 0) {
		before = meter_memory(l->server, NULL);
		open = meter_sockets(l->server);
	}
	meter_read(&begin, l->server);
	while (e.crowd.n < l->clients)
		crowd_join(&e.crowd, l->address);
	if (l->server != 0) {
		meter_accepted(l->server, open + e.crowd.n - 1);
		silent = meter_memory(l->server, &processes);
	}
	echo_all(&e, 0);
	if (l->server != 0)
		spoken = meter_memory(l->server, NULL);
	fprintf(stderr, "holding %zu\n", e.crowd.n);
	hold(&e);
	echo_all(&e, 0);
	meter_since(&m, &begin, l->server);
	meter_print(l, &m, "messages", e.answered);
	if (l->server != 0 && l->clients > 1) {
		const double n = (double)(l->clients - 1);

		printf(" processes=%zu silent_bytes=%.0f spoken_bytes=%.0f",
		    processes, ((double)silent - (double)before) / n,
		    ((double)spoken - (double)before) / n);
	}
	printf("\n");
	echo_release(&e);
}

static int
compare(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* One question after the other, with calls that block. */
static void
trip(struct echo *e, struct member *m)
{
	const struct pattern *q = &e->wire.ask, *p = &e->wire.answer;
	size_t n;
	ssize_t k;

	m->due += q->each;
	if (!member_send(m, q))
		load_die("one message does not go");
	for (n = 0; n < p->each; n += (size_t)k) {
		k = recv(m->fd, e->block + n, p->each - n, 0);
		if (k <= 0)
			load_die("the server closed, or took too long");
	}
	if (!pattern_is(p, m->lead * p->each + m->got, e->block, n))
		load_die("wrong answer");
	m->got += n;
}

void
trip_run(const struct load *l)
{
	const size_t most = 1000000;
	float *us = malloc(most * sizeof(*us));
	struct meter begin, m;
	struct echo e;
	size_t n;
	double end, at;

	echo_init(&e, l);
	crowd_join(&e.crowd, l->address);
	member_block(&e.crowd.members[0]);
	if (us == NULL)
		load_die("no memory");
	for (end = meter_now() + l->seconds / 5; meter_now() < end;)
		trip(&e, &e.crowd.members[0]);
	meter_read(&begin, l->server);
	end = meter_now() + l->seconds;
	for (n = 0; n < most && (at = meter_now()) < end; n++) {
		trip(&e, &e.crowd.members[0]);
		us[n] = (float)((meter_now() - at) * 1e6);
	}
	meter_since(&m, &begin, l->server);
	qsort(us, n, sizeof(*us), compare);
	meter_print(l, &m, "messages", n);
	printf(" median_us=%.2f p99_us=%.2f\n", (double)us[n / 2],
	    (double)us[n * 99 / 100]);
	free(us);
	echo_release(&e);
}
