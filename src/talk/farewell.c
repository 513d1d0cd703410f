/* Farewell to those who may not come in; see farewell.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "talk/farewell.h"

#define LINGERING_MAX 64
#define LINGER_MS 1000
#define THROW_AWAY_MAX (1u << 20) /* bytes of one peer */
#define THROW_AWAY 16384	  /* at once */

struct farewell {
	TAILQ_ENTRY(farewell) link;
	struct farewells *all;
	uv_poll_t poll;
	int fd;
	uint64_t until_ms;
	size_t left; /* bytes that are still thrown away */
};

enum rest {
	REST_MORE, /* may come */
	REST_OVER,
};

/* What has come goes. */
static enum rest
throw_away(int fd, size_t *left)
{
	uint8_t buf[THROW_AWAY];
	ssize_t n;

	while (*left > 0) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			*left -= (size_t)n < *left ? (size_t)n : *left;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return REST_OVER;
		else if (errno == EAGAIN)
			return REST_MORE;
	}
	return REST_OVER;
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
let_go(struct farewell *w)
{
	TAILQ_REMOVE(&w->all->list, w, link);
	w->all->n--;
	uv_close((uv_handle_t *)&w->poll, on_closed);
	close(w->fd);
}

static void set_clock(struct farewells *);

static void
on_clock(uv_timer_t *t)
{
	struct farewells *all = t->data;
	struct farewell *w;

	while ((w = TAILQ_FIRST(&all->list)) != NULL &&
	    w->until_ms <= uv_now(all->loop))
		let_go(w);
	set_clock(all);
	all->on_gone(all);
}

/* All have the same time, so the oldest one's is over first. */
static void
set_clock(struct farewells *all)
{
	const struct farewell *w = TAILQ_FIRST(&all->list);
	uint64_t now = uv_now(all->loop);

	if (w == NULL)
		uv_timer_stop(&all->clock);
	else
		uv_timer_start(&all->clock, on_clock,
		    w->until_ms > now ? w->until_ms - now : 0, 0);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct farewell *w = poll->data;
	struct farewells *all = w->all;

	(void)events;
	if (status == 0 && throw_away(w->fd, &w->left) == REST_MORE)
		return;
	let_go(w);
	set_clock(all);
	all->on_gone(all);
}

/* False: it cannot be. */
static bool
linger(struct farewells *all, int fd, size_t left)
{
	struct farewell *w = malloc(sizeof(*w));

	if (w == NULL)
		return false;
	if (uv_poll_init(all->loop, &w->poll, fd) != 0) {
		free(w);
		return false;
	}
	/* Who has had the most time has had enough. */
	if (all->n == LINGERING_MAX)
		let_go(TAILQ_FIRST(&all->list));
	w->poll.data = w;
	w->all = all;
	w->fd = fd;
	w->left = left;
	w->until_ms = uv_now(all->loop) + LINGER_MS;
	TAILQ_INSERT_TAIL(&all->list, w, link);
	all->n++;
	uv_poll_start(&w->poll, UV_READABLE, on_readable);
	set_clock(all);
	return true;
}

static void
say(int fd, struct slice words)
{
	ssize_t n;

	do
		n = send(fd, words.p, words.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
}

void
farewells_init(struct farewells *all, uv_loop_t *loop)
{
	all->loop = loop;
	all->n = 0;
	TAILQ_INIT(&all->list);
	uv_timer_init(loop, &all->clock);
	uv_unref((uv_handle_t *)&all->clock);
	all->clock.data = all;
	all->open = true;
}

void
farewell(
    struct farewells *all, int fd, enum farewell_kind kind, struct slice words)
{
	const struct linger hard = {.l_onoff = 1, .l_linger = 0};
	size_t left = THROW_AWAY_MAX;

	if (kind == FAREWELL_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	/* Without words there is nothing to lose but the order of the end. */
	if (kind == FAREWELL_CLOSE)
		throw_away(fd, &left);
	if (kind == FAREWELL_WORDS) {
		say(fd, words);
		shutdown(fd, SHUT_WR);
		if (throw_away(fd, &left) == REST_MORE && all->open &&
		    linger(all, fd, left))
			return;
	}
	close(fd);
}

void
farewells_close(struct farewells *all)
{
	struct farewell *w;

	if (!all->open)
		return;
	all->open = false;
	while ((w = TAILQ_FIRST(&all->list)) != NULL)
		let_go(w);
	uv_close((uv_handle_t *)&all->clock, NULL);
}
