/*
 * All speak at once and as fast as they are taken, each so many messages; then
 * they close their half, and the time ends when the server has closed them
 * all. What the server wrote meanwhile is looked at afterwards: each line is
 * one message and nothing else, none is missing, and where a line begins with
 * the name of a channel, the messages of a channel are in order.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
say(struct crowd *crowd, struct member *m, const struct pattern *p)
{
	/* One run at a time, so that the others are heard too. */
	size_t n;
	const char *bytes =
	    pattern_at(p, m->lead * p->each + m->sent, m->due - m->sent, &n);
	ssize_t k = send(m->fd, bytes, n, MSG_NOSIGNAL);

	if (k == -1 && errno == EAGAIN)
		return;
	if (k == -1)
		load_die(
		    "sender %td: %s", m - crowd->members + 1, strerror(errno));
	m->sent += (size_t)k;
	if (m->sent < m->due)
		return;
	crowd_writable(crowd, m, false);
	if (shutdown(m->fd, SHUT_WR) == -1)
		load_die(
		    "sender %td: %s", m - crowd->members + 1, strerror(errno));
}

/* True when the server closed, which it may when it has had all. */
static bool
closed(struct crowd *crowd, struct member *m)
{
	char text[256];
	ssize_t n = recv(m->fd, text, sizeof(text), 0);

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n != 0 || m->sent < m->due)
		load_die("sender %td: %s", m - crowd->members + 1,
		    n > 0	 ? "was told something"
			: n == 0 ? "closed too early"
				 : strerror(errno));
	epoll_ctl(crowd->epoll, EPOLL_CTL_DEL, m->fd, NULL);
	return true;
}

void
ingest_run(const struct load *l)
{
	struct epoll_event events[256];
	struct meter begin, m;
	struct crowd crowd;
	struct wire wire;
	size_t i, n, open = l->clients;

	wire_init(&wire, l->mode, l->size, 0);
	crowd_init(&crowd, l->clients);
	while (crowd.n < l->clients)
		crowd_join(&crowd, l->address)->due =
		    l->messages * wire.ask.each;
	meter_read(&begin, l->server);
	for (i = 0; i < crowd.n; i++)
		crowd_writable(&crowd, &crowd.members[i], true);
	while (open > 0) {
		n = crowd_wait(&crowd, events, 256);
		for (i = 0; i < n; i++) {
			struct member *who = events[i].data.ptr;

			if ((events[i].events & EPOLLOUT) != 0)
				say(&crowd, who, &wire.ask);
			if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 &&
			    closed(&crowd, who))
				open--;
		}
	}
	meter_since(&m, &begin, l->server);
	meter_print(l, &m, "messages", l->messages * l->clients);
	printf("\n");
	crowd_release(&crowd);
	wire_release(&wire);
}

/* ---- what came of it */

#define MOST_CHANNELS 65536

struct seen {
	uint64_t lines, torn, disorder;
	uint64_t *of;	/* how many of each channel */
	uint32_t *next; /* which message of the period comes next there */
};

/* The number of channel cN at the begin of a line, 0 if there is none; *LINE
 * is moved behind its tab. */
static unsigned long
channel_of(char **line)
{
	char *end;
	unsigned long n;

	if (**line != 'c')
		return 0;
	n = strtoul(*line + 1, &end, 10);
	if (*end != '\t' || n == 0 || n >= MOST_CHANNELS)
		return 0;
	*line = end + 1;
	return n;
}

static void
look(struct seen *s, char *line, size_t size)
{
	const unsigned long channel = channel_of(&line);
	char must[65536];
	uint32_t which = (uint32_t)strtoul(line, NULL, 10) % WIRE_PERIOD;

	s->lines++;
	payload_write(must, size, which);
	must[size] = '\0';
	if (strcmp(line, must) != 0) {
		s->torn++;
		return;
	}
	if (channel == 0)
		return;
	if (s->of[channel] != 0 && s->next[channel] != which)
		s->disorder++;
	s->of[channel]++;
	s->next[channel] = (which + 1) % WIRE_PERIOD;
}

void
lines_run(const struct load *l)
{
	struct seen s = {0};
	size_t room = 0, channels = 0, wrong = 0, i;
	char *line = NULL;
	ssize_t n;

	s.of = calloc(MOST_CHANNELS, sizeof(*s.of));
	s.next = calloc(MOST_CHANNELS, sizeof(*s.next));
	if (s.of == NULL || s.next == NULL || l->size >= 65536)
		load_die("no room to look at the lines");
	while ((n = getline(&line, &room, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		else
			s.torn++;
		look(&s, line, l->size);
	}
	for (i = 0; i < MOST_CHANNELS; i++)
		if (s.of[i] != 0) {
			channels++;
			wrong += s.of[i] != l->messages;
		}
	printf("role=lines lines=%llu missing=%lld torn=%llu disorder=%llu "
	       "channels=%zu channels_wrong=%zu\n",
	    (unsigned long long)s.lines,
	    (long long)(l->messages * l->clients) - (long long)s.lines,
	    (unsigned long long)s.torn, (unsigned long long)s.disorder,
	    channels, wrong);
	free(line);
	free(s.of);
	free(s.next);
}
