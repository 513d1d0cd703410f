/*
 * The dialer over real sockets, with names that resolve as told: the order in
 * which addresses are tried, those that refuse and those that say nothing, the
 * words at the end, where the connection comes from, and that nothing is left.
 *
 * IPv6 addresses are IPv4 ones mapped into IPv6, of which loopback has many.
 * One that hangs is that of a listener whose backlog is full.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chan/dial.h"
#include "ends.h"
#include "tap.h"

#define TURNS_MAX 20000
#define FILLERS 8

static struct {
	struct resolve *asked;
	uint16_t port;
	/* What is known at once: digits are the last bytes of 127.0.1.N. */
	const char *v6, *v4;
	char order[128]; /* of the connects: "6.1 4.2 " */
} fake;

static unsigned port;

static void
answer6(const char *digits)
{
	struct resolve *r = fake.asked;
	char text[] = "::ffff:127.0.1.N";

	for (; *digits != '\0'; digits++) {
		struct sockaddr_in6 *in6 = &r->v6[r->n6++].v6;

		text[sizeof(text) - 2] = *digits;
		memset(in6, 0, sizeof(*in6));
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(fake.port);
		inet_pton(AF_INET6, text, &in6->sin6_addr);
	}
	r->done6 = true;
}

static void
answer4(const char *digits)
{
	struct resolve *r = fake.asked;

	for (; *digits != '\0'; digits++) {
		struct sockaddr_in *in = &r->v4[r->n4++].v4;

		memset(in, 0, sizeof(*in));
		in->sin_family = AF_INET;
		in->sin_port = htons(fake.port);
		in->sin_addr.s_addr =
		    htonl(0x7f000100u + (uint32_t)(*digits - '0'));
	}
	r->done4 = true;
}

/* In place of the resolver's own: what is known, and when, is the test's. */

void
resolve_start(struct resolve *r, struct resolver *resolver, uv_loop_t *loop,
    const char *host, uint16_t at)
{
	(void)resolver;
	(void)loop;
	(void)host;
	fake.asked = r;
	fake.port = at;
	r->n6 = r->n4 = 0;
	r->done6 = r->family == RESOLVE_V4;
	r->done4 = r->family == RESOLVE_V6;
	snprintf(r->why, sizeof(r->why), "no such name");
	if (fake.v6 != NULL && !r->done6)
		answer6(fake.v6);
	if (fake.v4 != NULL && !r->done4)
		answer4(fake.v4);
	if (r->done6 && r->done4)
		r->on_answer(r);
}

void
resolve_cancel(struct resolve *r)
{
	if (fake.asked == r)
		fake.asked = NULL;
}

/* Declared by its symbol: glibc's own declaration has a type of its own. */
int connect_and_note(int, const struct sockaddr *, socklen_t) __asm__(
    "connect");

int
connect_and_note(int fd, const struct sockaddr *sa, socklen_t len)
{
	size_t n = strlen(fake.order);
	const uint8_t *last = (const uint8_t *)sa +
	    (sa->sa_family == AF_INET6
		    ? offsetof(struct sockaddr_in6, sin6_addr) + 15
		    : offsetof(struct sockaddr_in, sin_addr) + 3);

	if (sa->sa_family != AF_UNIX)
		snprintf(fake.order + n, sizeof(fake.order) - n, "%c.%u ",
		    sa->sa_family == AF_INET6 ? '6' : '4', *last);
	return (int)syscall(SYS_connect, fd, sa, len);
}

struct scene {
	uv_loop_t loop;
	struct resolver resolver;
	struct dial d;
	struct dial_plan plan;
	int done, fd;
	int fds; /* open before it dials */
};

static void
on_done(struct dial *d, int fd)
{
	struct scene *s = d->owner;

	s->done++;
	s->fd = fd;
}

static void
begin(struct scene *s, const char *to)
{
	struct fail f;

	memset(s, 0, sizeof(*s));
	fake.order[0] = '\0';
	s->fd = -1;
	s->plan.opts = sock_opts_default;
	if (addr_parse(to, &s->plan.to, &f) == -1)
		abort();
	if (s->plan.to.port == 1)
		s->plan.to.port = (uint16_t)port;
	uv_loop_init(&s->loop);
	s->fds = ends_open_fds();
	s->d.on_done = on_done;
	s->d.owner = s;
}

static void
start(struct scene *s)
{
	is_num(dial_start(&s->d, &s->plan, &s->loop, &s->resolver), 0,
	    "it begins to dial");
	is_num(s->done, 0, "and says nothing before it is in the loop");
}

static void
turn_until(struct scene *s, const int *count, int n)
{
	int i;

	for (i = 0; i < TURNS_MAX && *count < n; i++)
		uv_run(&s->loop, UV_RUN_ONCE);
}

static void
finish(struct scene *s, const char *order)
{
	dial_cancel(&s->d);
	dial_cancel(&s->d);
	if (s->fd != -1)
		close(s->fd);
	if (order != NULL)
		is_text(fake.order, order, "in this order");
	uv_run(&s->loop, UV_RUN_DEFAULT);
	ok(s->done <= 1, "the end is told once");
	is_num(uv_loop_close(&s->loop), 0, "no handle is left");
}

static void
dial(struct scene *s, const char *to)
{
	begin(s, to);
	start(s);
	turn_until(s, &s->done, 1);
}

/* Listeners at 127.0.1.N, all on one port. */

static int
listen_on(char digit, int backlog)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	in.sin_addr.s_addr = htonl(0x7f000100u + (uint32_t)(digit - '0'));
	in.sin_port = htons((in_port_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1 ||
	    listen(fd, backlog) == -1 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) == -1)
		abort();
	port = ntohs(in.sin_port);
	return fd;
}

/* Until it takes nobody any more: who comes next hears nothing. */
static void
fill(int l, int fillers[FILLERS])
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	int i;

	getsockname(l, (struct sockaddr *)&in, &len);
	for (i = 0; i < FILLERS; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		syscall(SYS_connect, fillers[i], &in, len);
	}
}

static void
test_order(void)
{
	struct scene s;

	/* Only .9 listens. */
	fake.v6 = "12";
	fake.v4 = "349";
	dial(&s, "name:1");
	ok(s.fd != -1, "the address that answers is found");
	is_num(fcntl(s.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK,
	    "its socket does not block");
	is_num(ends_open_fds(), s.fds + 1, "no other is left open");
	finish(&s, "6.1 4.3 6.2 4.4 4.9 ");

	fake.v6 = "19";
	dial(&s, "name:1");
	ok(s.fd != -1, "IPv6 goes first, and they take turns");
	finish(&s, "6.1 4.3 6.9 ");

	fake.v6 = "19";
	begin(&s, "name:1");
	s.plan.family = RESOLVE_V4;
	start(&s);
	turn_until(&s, &s.done, 1);
	finish(&s, "4.3 4.4 4.9 ");

	begin(&s, "name:1");
	s.plan.family = RESOLVE_V6;
	start(&s);
	turn_until(&s, &s.done, 1);
	finish(&s, "6.1 6.9 ");
}

static void
test_refused(void)
{
	char want[400];
	struct scene s;

	fake.v6 = "1";
	fake.v4 = "23";
	dial(&s, "name:1");
	is_num(s.fd, -1, "where nobody listens there is no connection");
	is_num(s.d.fail.status, STATUS_CONNECT, "with the status of that");
	snprintf(want, sizeof(want),
	    "name:%u: cannot connect: Connection refused (tried "
	    "127.0.1.1:%u, 127.0.1.2:%u, 127.0.1.3:%u)",
	    port, port, port, port);
	is_text(s.d.fail.what, want, "and all that was tried");
	ok(strstr(s.d.fail.hint, "--retry") != NULL, "and what to try");
	finish(&s, "6.1 4.2 4.3 ");
}

static void
test_not_resolved(void)
{
	struct scene s;

	fake.v6 = fake.v4 = "";
	dial(&s, "name:1");
	is_num(s.d.fail.status, STATUS_RESOLVE, "a name that there is not");
	is_text(
	    s.d.fail.what, "name: cannot resolve: no such name", "is named");
	finish(&s, "");
	fake.v4 = "9";
	dial(&s, "name:1");
	ok(s.fd != -1, "one without IPv6 has its IPv4");
	finish(&s, "4.9 ");
}

/* An address that says nothing is not waited for, and does not win. */
static void
test_hung(void)
{
	struct scene s;

	fake.v6 = "8";
	fake.v4 = "9";
	dial(&s, "name:1");
	ok(s.fd != -1, "one that hangs is passed by");
	finish(&s, "6.8 4.9 ");

	fake.v4 = "1";
	begin(&s, "name:1");
	start(&s);
	while (strcmp(fake.order, "6.8 4.1 ") != 0)
		uv_run(&s.loop, UV_RUN_ONCE);
	uv_run(&s.loop, UV_RUN_NOWAIT);
	is_num(s.done, 0, "it is waited for when all others have failed");
	ok(strstr(s.d.doing, "for a connection to name") != NULL,
	    "which is said: %s", s.d.doing);
	dial_cancel(&s.d);
	uv_run(&s.loop, UV_RUN_DEFAULT);
	is_num(s.done, 0, "given up, it says nothing");
	is_num(ends_open_fds(), s.fds, "and leaves nothing open");
	finish(&s, "6.8 4.1 ");
}

/* Begins to dial a name of which nothing is known yet. */
static void
begin_asking(struct scene *s)
{
	fake.v6 = fake.v4 = NULL;
	begin(s, "name:1");
	start(s);
	while (fake.asked == NULL)
		uv_run(&s->loop, UV_RUN_NOWAIT);
	is_text(s->d.doing, "for the address of name", "it says what it does");
}

/* Answers that come one by one, or never. */
static void
test_answers(void)
{
	struct scene s;

	begin_asking(&s);
	answer4("9");
	fake.asked->on_answer(fake.asked);
	is_text(fake.order, "", "A alone waits a moment for AAAA");
	turn_until(&s, &s.done, 1);
	ok(s.fd != -1, "and no longer");
	finish(&s, "4.9 ");

	begin_asking(&s);
	answer4("9");
	fake.asked->on_answer(fake.asked);
	answer6("1");
	fake.asked->on_answer(fake.asked);
	is_text(fake.order, "6.1 ", "AAAA that comes in time goes first");
	turn_until(&s, &s.done, 1);
	finish(&s, "6.1 4.9 ");

	begin_asking(&s);
	answer6("1");
	fake.asked->on_answer(fake.asked);
	is_text(fake.order, "6.1 ", "AAAA alone does not wait for A");
	uv_run(&s.loop, UV_RUN_NOWAIT);
	is_num(s.done, 0, "which is waited for when it has failed");
	answer4("9");
	fake.asked->on_answer(fake.asked);
	turn_until(&s, &s.done, 1);
	ok(s.fd != -1, "and comes to its turn");
	finish(&s, "6.1 4.9 ");

	begin_asking(&s);
	answer6("");
	fake.asked->on_answer(fake.asked);
	uv_run(&s.loop, UV_RUN_NOWAIT);
	is_num(s.done, 0, "no AAAA is not the end");
	answer4("");
	fake.asked->on_answer(fake.asked);
	turn_until(&s, &s.done, 1);
	is_num(s.d.fail.status, STATUS_RESOLVE, "with no A it is");
	finish(&s, "");

	begin_asking(&s);
	dial_cancel(&s.d);
	ok(fake.asked == NULL, "given up, it asks no more");
	finish(&s, "");
	is_num(s.done, 0, "and says nothing");
}

/* Where it comes from. */
static void
test_source(int l)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	struct scene s;
	char text[64];
	int got, free_port;

	/* A port that was free a moment ago. */
	got = socket(AF_INET, SOCK_STREAM, 0);
	bind(got, (struct sockaddr *)&in, sizeof(in));
	getsockname(got, (struct sockaddr *)&in, &len);
	free_port = ntohs(in.sin_port);
	close(got);

	fake.v6 = "9";
	fake.v4 = "9";
	begin(&s, "name:1");
	s.plan.has_source = true;
	s.plan.source.v4.sin_family = AF_INET;
	s.plan.source.v4.sin_addr.s_addr = htonl(0x7f000142);
	s.plan.source_port = (uint16_t)free_port;
	start(&s);
	turn_until(&s, &s.done, 1);
	do
		got = accept(l, (struct sockaddr *)&in, &len);
	while (got != -1 && ntohl(in.sin_addr.s_addr) != 0x7f000142);
	snprintf(text, sizeof(text), "%s:%d", inet_ntoa(in.sin_addr),
	    ntohs(in.sin_port));
	ok(strncmp(text, "127.0.1.66:", 11) == 0 &&
		atoi(text + 11) == free_port,
	    "it comes from the address and the port: %s", text);
	close(got);
	finish(&s, "4.9 ");

	begin(&s, "name:1");
	s.plan.family = RESOLVE_V6;
	s.plan.has_source = true;
	s.plan.source.v4.sin_family = AF_INET;
	start(&s);
	turn_until(&s, &s.done, 1);
	ok(strstr(s.d.fail.what, strerror(EAFNOSUPPORT)) != NULL,
	    "a source of the other family: %s", s.d.fail.what);
	finish(&s, "");

	begin(&s, "name:1");
	s.plan.family = RESOLVE_V4;
	s.plan.has_source = true;
	s.plan.source.v4.sin_family = AF_INET;
	s.plan.source.v4.sin_addr.s_addr = htonl(0xc0000201);
	start(&s);
	turn_until(&s, &s.done, 1);
	ok(strstr(s.d.fail.what, strerror(EADDRNOTAVAIL)) != NULL,
	    "a source that is not ours: %s", s.d.fail.what);
	finish(&s, "");
}

/* An option that nothing can be done about ends it at once. */
static void
test_option(void)
{
	struct scene s;

	fake.v6 = "9";
	fake.v4 = "9";
	begin(&s, "name:1");
	s.plan.opts.keepalive_s = 1000000;
	start(&s);
	turn_until(&s, &s.done, 1);
	is_num(s.fd, -1, "an option that is refused ends it");
	is_num(s.d.fail.status, STATUS_IO, "as a local failure");
	ok(strstr(s.d.fail.what, "--keepalive") != NULL, "%s", s.d.fail.what);
	finish(&s, "");
}

static void
test_unix(void)
{
	char dir[] = "/tmp/wdsock-dial-XXXXXX", text[64];
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int l, filler[2], i, got;
	struct scene s;

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
	snprintf(text, sizeof(text), "unix:%s/s", dir);
	dial(&s, text);
	is_num(s.d.fail.status, STATUS_CONNECT, "a path where nothing is");
	ok(strstr(s.d.fail.what, "No such file") != NULL, "%s", s.d.fail.what);
	finish(&s, "");

	l = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(l, (struct sockaddr *)&un, sizeof(un)) == -1 ||
	    listen(l, 0) == -1)
		abort();
	/* One waits, and no other can. */
	for (i = 0; i < 2; i++) {
		filler[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		syscall(SYS_connect, filler[i], &un, sizeof(un));
	}
	begin(&s, text);
	start(&s);
	for (i = 0; i < 50; i++)
		uv_run(&s.loop, UV_RUN_NOWAIT);
	is_num(s.done, 0, "a backlog that is full is tried again");
	got = accept(l, NULL, NULL);
	turn_until(&s, &s.done, 1);
	ok(s.fd != -1, "until there is room");
	close(got);
	close(filler[0]);
	close(filler[1]);
	close(l);
	finish(&s, "");

	dial(&s, text);
	ok(strstr(s.d.fail.what, strerror(ECONNREFUSED)) != NULL,
	    "a file that nobody listens behind: %s", s.d.fail.what);
	finish(&s, "");
	unlink(un.sun_path);
	rmdir(dir);
}

/* What a proxy is told, and how it answers; .9 is the proxy. */
static void
test_proxy(int l)
{
	static const char ask[] =
	    "CONNECT xn--bcher-kva.example:80 HTTP/1.1\r\n";
	char seen[512] = "";
	struct scene s;
	ssize_t n = 0;
	int got = -1, i;

	fake.v6 = "";
	fake.v4 = "9";
	begin(&s,
	    "B\xc3\x9c"
	    "CHER.example:80");
	s.plan.proxy = PROXY_HTTP;
	addr_parse("name:1", &s.plan.proxy_at, &s.d.fail);
	s.plan.proxy_at.port = (uint16_t)port;
	start(&s);
	/* Who has been accepted before was another test's. */
	for (i = 0; i < TURNS_MAX && strncmp(seen, ask, sizeof(ask) - 1) != 0;
	     i++) {
		uv_run(&s.loop, UV_RUN_NOWAIT);
		if (got == -1)
			got = accept(l, NULL, NULL);
		if (got == -1)
			continue;
		n = recv(got, seen, sizeof(seen) - 1, MSG_DONTWAIT);
		if (n == 0) {
			close(got);
			got = -1;
		}
	}
	is_text(s.d.doing, "for the proxy's answer", "it waits for the proxy");
	ok(strncmp(seen, ask, sizeof(ask) - 1) == 0,
	    "which was told the name in ASCII: %.50s", seen);
	send(got, "HTTP/1.1 200 OK\r\n\r\nmore", 23, 0);
	turn_until(&s, &s.done, 1);
	ok(s.fd != -1, "and connects it");
	is_bytes(seen, (size_t)recv(s.fd, seen, sizeof(seen), 0), "more", 4,
	    "what follows its answer is the peer's");
	close(got);
	finish(&s, "4.9 ");

	begin(&s, "a..example:80");
	s.plan.proxy = PROXY_SOCKS5;
	is_num(dial_start(&s.d, &s.plan, &s.loop, &s.resolver), -1,
	    "a name that cannot be one is not told to a proxy");
	is_num(s.d.fail.status, STATUS_RESOLVE, "with the status of a name");
	finish(&s, "");
}

int
main(void)
{
	int l9, l8, fillers[FILLERS], i, fd;

	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd == -1) {
		ok(true, "the dialer # SKIP there is no IPv6");
		return done_testing();
	}
	close(fd);
	l9 = listen_on('9', 64);
	fcntl(l9, F_SETFL, O_NONBLOCK);
	l8 = listen_on('8', 0);
	fill(l8, fillers);
	test_order();
	test_refused();
	test_not_resolved();
	test_hung();
	test_answers();
	test_source(l9);
	test_option();
	test_unix();
	test_proxy(l9);
	for (i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(l8);
	close(l9);
	return done_testing();
}
