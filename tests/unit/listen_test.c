/*
 * The listener over real sockets, and over an accept that fails as told: who
 * comes is accepted, in order, whatever failed before; what is short is told
 * now and then and tried again without spinning; and a socket that was passed
 * keeps its flags, also where another process takes the client first.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chan/listen.h"
#include "ends.h"
#include "tap.h"

#define TURNS_MAX 500 /* of a tenth of a second at most */
#define CLIENTS 8

/* In front of the kernel's accept4. */
static struct {
	const int *errs; /* what the next calls fail with; 0 ends them */
	int always;	 /* ... and all that follow */
	int calls;
	bool steal; /* another process is faster */
	int stolen;
} fake;

/* Declared by its symbol: glibc's own declaration has a type of its own. */
int accept_as_told(int, struct sockaddr *, socklen_t *, int) __asm__("accept4");

int
accept_as_told(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	fake.calls++;
	if (fake.errs != NULL && *fake.errs != 0) {
		errno = *fake.errs++;
		return -1;
	}
	if (fake.always != 0) {
		errno = fake.always;
		return -1;
	}
	if (fake.steal) {
		fake.steal = false;
		fake.stolen = (int)syscall(SYS_accept4, fd, NULL, NULL, 0);
	}
	return (int)syscall(SYS_accept4, fd, sa, len, flags);
}

struct scene {
	uv_loop_t loop;
	struct listener l;
	int client[CLIENTS], accepted[CLIENTS];
	int clients, accepts, shorts, faileds, err;
	int flags_within; /* of the socket, as an accepted client sees them */
	int pause_after;  /* so many accepts */
};

static void
on_accept(
    struct listener *l, int fd, const struct sockaddr *peer, socklen_t len)
{
	struct scene *s = l->owner;

	if (len < sizeof(sa_family_t) || peer->sa_family == AF_UNSPEC)
		abort();

	s->flags_within = fcntl(l->fd.fd, F_GETFL);
	if (s->accepts == CLIENTS)
		abort();
	s->accepted[s->accepts++] = fd;
	if (s->accepts == s->pause_after)
		listener_pause(l);
}

static void
on_short(struct listener *l, int err)
{
	struct scene *s = l->owner;

	s->shorts++;
	s->err = err;
}

static void
on_failed(struct listener *l, int err)
{
	struct scene *s = l->owner;

	s->faileds++;
	s->err = err;
}

static void
begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	memset(&fake, 0, sizeof(fake));
	fake.stolen = -1;
	uv_loop_init(&s->loop);
	s->l.on_accept = on_accept;
	s->l.on_short = on_short;
	s->l.on_failed = on_failed;
	s->l.owner = s;
}

static struct listen_plan
plan_of(const char *text)
{
	struct listen_plan p = {
	    .opts = sock_opts_default, .mode = (mode_t)-1, .backlog = CLIENTS};
	struct fail f;

	if (addr_parse(text, &p.at, &f) == -1)
		abort();
	return p;
}

static void
open_any(struct scene *s, const char *text)
{
	struct listen_plan p = plan_of(text);
	struct fail f;

	if (listener_open(&s->l, &s->loop, &p, NULL, &f) == -1)
		abort();
}

/* A client comes: over IPv4 to where it listens. */
static void
come(struct scene *s)
{
	struct sockaddr_storage ss;
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(ss);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	getsockname(s->l.fd.fd, (struct sockaddr *)&ss, &len);
	/* Both families have the port in the same place. */
	memcpy(&in.sin_port, (char *)&ss + 2, sizeof(in.sin_port));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) == -1)
		abort();
	s->client[s->clients++] = fd;
}

static void
turn_until(struct scene *s, const int *count, int n)
{
	int i;

	for (i = 0; i < TURNS_MAX && *count < n; i++)
		uv_run(&s->loop, UV_RUN_ONCE);
}

/* So many turns in which nothing is waited for. */
static void
turn(struct scene *s, int n)
{
	while (n-- > 0)
		uv_run(&s->loop, UV_RUN_NOWAIT);
}

static void
finish(struct scene *s)
{
	listener_close(&s->l);
	listener_close(&s->l);
	while (s->clients > 0)
		close(s->client[--s->clients]);
	while (s->accepts > 0)
		close(s->accepted[--s->accepts]);
	if (fake.stolen != -1)
		close(fake.stolen);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	is_num(uv_loop_close(&s->loop), 0, "no handle is left");
}

static void
test_accept(void)
{
	struct scene s;

	begin(&s);
	open_any(&s, "0");
	ok(strncmp(s.l.name, "[::]:", 5) == 0 ||
		strncmp(s.l.name, "0.0.0.0:", 8) == 0,
	    "a listener has a name: %s", s.l.name);
	come(&s);
	turn(&s, 3);
	is_num(s.accepts, 0, "nobody is accepted before it begins");
	listener_resume(&s.l);
	listener_resume(&s.l);
	turn_until(&s, &s.accepts, 1);
	is_num(s.accepts, 1, "then who waits is");
	is_num(fcntl(s.accepted[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK,
	    "without blocking");
	is_num(fcntl(s.accepted[0], F_GETFD), FD_CLOEXEC, "for us alone");
	s.pause_after = 2;
	come(&s);
	come(&s);
	turn_until(&s, &s.accepts, 2);
	turn(&s, 3);
	is_num(s.accepts, 2, "paused by its owner, it stops at once");
	listener_pause(&s.l);
	listener_resume(&s.l);
	turn_until(&s, &s.accepts, 3);
	is_num(s.accepts, 3, "and goes on");
	is_num(s.shorts + s.faileds, 0, "and nothing was wrong");
	finish(&s);
}

/* Clients and networks that are gone again. */
static void
test_gone(void)
{
	static const int errs[] = {ECONNABORTED, EPROTO, ENETDOWN, ENETUNREACH,
	    EHOSTDOWN, EHOSTUNREACH, ENOPROTOOPT, EOPNOTSUPP, EINTR, 0};
	struct scene s;

	begin(&s);
	open_any(&s, "0");
	fake.errs = errs;
	come(&s);
	listener_resume(&s.l);
	turn_until(&s, &s.accepts, 1);
	is_num(s.accepts, 1, "who has gone is passed over, who comes accepted");
	is_num(s.shorts + s.faileds, 0, "without a word");
	finish(&s);

	/* One that never ends. */
	begin(&s);
	open_any(&s, "0");
	fake.always = ECONNABORTED;
	come(&s);
	listener_resume(&s.l);
	turn(&s, 100);
	is_num(
	    fake.calls, 64, "one that fails each time is not tried for ever");
	is_num(s.shorts, 1, "and told");
	fake.always = 0;
	turn_until(&s, &s.accepts, 1);
	is_num(s.accepts, 1, "but tried again");
	finish(&s);
}

static void
test_short(int err)
{
	const int errs[] = {err, err, 0};
	struct scene s;

	begin(&s);
	open_any(&s, "0");
	fake.errs = errs;
	come(&s);
	listener_resume(&s.l);
	turn_until(&s, &s.shorts, 1);
	is_num(s.err, err, "%s: it is told", strerror(err));
	turn(&s, 100);
	is_num(fake.calls, 1, "and not tried again at once");
	turn_until(&s, &s.accepts, 1);
	is_num(s.accepts, 1, "but a little later");
	is_num(fake.calls, 4, "as often as it takes");
	is_num(s.shorts, 1, "told once in a while");
	is_num(s.faileds, 0, "it has not failed");
	/* A second is over. */
	s.l.told_ms = uv_now(&s.loop) - 1000;
	fake.errs = errs + 1;
	come(&s);
	turn_until(&s, &s.accepts, 2);
	is_num(s.shorts, 2, "later it is told again");
	finish(&s);
}

/* Its owner has closed a client: there is room, and it need not wait. */
static void
test_room(void)
{
	static const int errs[] = {EMFILE, 0};
	struct scene s;

	begin(&s);
	open_any(&s, "0");
	fake.errs = errs;
	come(&s);
	listener_resume(&s.l);
	turn_until(&s, &s.shorts, 1);
	listener_resume(&s.l);
	ok(!uv_is_active((uv_handle_t *)&s.l.retry),
	    "resumed, it waits no more");
	turn(&s, 1);
	is_num(s.accepts, 1, "but tries at once");
	fake.errs = errs;
	come(&s);
	turn_until(&s, &fake.calls, 4);
	listener_pause(&s.l);
	ok(!uv_is_active((uv_handle_t *)&s.l.retry), "paused, it does not");
	fake.errs = errs;
	listener_resume(&s.l);
	turn(&s, 1);
	listener_close(&s.l);
	ok(!uv_is_active((uv_handle_t *)&s.l.retry), "nor closed");
	finish(&s);
}

/* The real limit: clients wait in the backlog. */
static void
test_limit(void)
{
	const char *preload = getenv("LD_PRELOAD");
	struct rlimit was, now;
	struct scene s;
	int i;

	/* It lets the kernel accept, and throws the client away. */
	if (preload != NULL && strstr(preload, "valgrind") != NULL) {
		ok(true, "the limit of descriptors # SKIP it is valgrind's");
		return;
	}
	begin(&s);
	open_any(&s, "0");
	for (i = 0; i < 3; i++)
		come(&s);
	getrlimit(RLIMIT_NOFILE, &was);
	now = was;
	now.rlim_cur = (rlim_t)s.client[2] + 1;
	setrlimit(RLIMIT_NOFILE, &now);
	listener_resume(&s.l);
	turn_until(&s, &s.shorts, 1);
	is_num(s.err, EMFILE, "without a descriptor");
	is_num(s.accepts, 0, "nobody is accepted");
	setrlimit(RLIMIT_NOFILE, &was);
	turn_until(&s, &s.accepts, 3);
	is_num(s.accepts, 3, "and nobody is lost");
	finish(&s);
}

static void
test_broken(void)
{
	struct scene s;

	begin(&s);
	open_any(&s, "0");
	listener_resume(&s.l);
	shutdown(s.l.fd.fd, SHUT_RDWR);
	turn_until(&s, &s.faileds, 1);
	is_num(s.faileds, 1, "a socket that listens no longer has failed");
	is_num(s.err, EINVAL, "as what it is");
	turn(&s, 100);
	is_num(s.faileds, 1, "which is told once");
	finish(&s);
}

/* Sockets of others. */

static int
open_passed(int flags)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1 ||
	    listen(fd, CLIENTS) == -1)
		abort();
	fcntl(fd, F_SETFL, flags);
	return fd;
}

static void
test_passed(int flags)
{
	int fd = open_passed(flags), before = fcntl(fd, F_GETFL), i;
	struct scene s;
	struct fail f;

	begin(&s);
	is_num(listener_adopt(&s.l, &s.loop, fd, &f), 0,
	    "a socket that listens is taken over");
	ok(strncmp(s.l.name, "127.0.0.1:", 10) == 0, "it has a name");
	for (i = 0; i < 3; i++)
		come(&s);
	listener_resume(&s.l);
	turn_until(&s, &s.accepts, 3);
	is_num(s.accepts, 3, "and accepts");
	is_num(
	    s.flags_within, before, "its flags are what they were meanwhile");
	turn(&s, 10);
	is_num(s.shorts + s.faileds, 0, "nothing is wrong when all have come");
	/* Somebody else accepts from it, too. */
	fake.steal = true;
	come(&s);
	turn_until(&s, &fake.calls, 4);
	ok(fake.stolen != -1, "another process may be faster");
	is_num(s.accepts, 3, "then nobody is there to be accepted");
	come(&s);
	turn_until(&s, &s.accepts, 4);
	is_num(s.accepts, 4, "and we do not wait for ever");
	listener_close(&s.l);
	is_num(fcntl(fd, F_GETFL), before, "at the end its flags are the same");
	come(&s);
	ok(true, "and it still listens");
	finish(&s);
	close(fd);
}

static void
test_not_passed(void)
{
	struct scene s;
	struct fail f;
	int fd[2];

	begin(&s);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		abort();
	is_num(listener_adopt(&s.l, &s.loop, fd[0], &f), 1,
	    "a connected socket is a client");
	close(fd[0]);
	close(fd[1]);
	is_num(listener_adopt(&s.l, &s.loop, fd[0], &f), -1,
	    "what is not open is refused");
	is_num(f.status, STATUS_LISTEN, "with the status of a listener");
	ok(strstr(f.what, "expected a socket, saw: Bad file") != NULL, "%s",
	    f.what);
	if (pipe(fd) == -1)
		abort();
	is_num(listener_adopt(&s.l, &s.loop, fd[0], &f), -1,
	    "what is no socket is refused");
	close(fd[0]);
	close(fd[1]);
	finish(&s);
}

/* What it is asked to listen on. */
static void
test_open(void)
{
	char dir[] = "/tmp/wdsock-listen-XXXXXX", text[64];
	union resolve_sockaddr where = {.v4 = {.sin_family = AF_INET}};
	struct listener second = {.open = false};
	struct listen_plan p;
	struct stat st;
	struct scene s;
	struct fail f;
	int before = ends_open_fds();

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(text, sizeof(text), "unix:%s/s", dir);
	p = plan_of(text);
	begin(&s);
	is_num(listener_open(&s.l, &s.loop, &p, NULL, &f), 0, "a path is one");
	is_text(s.l.name, text, "which is its name");
	is_num(lstat(text + 5, &st), 0, "it has a file");
	finish(&s);
	is_num(lstat(text + 5, &st), -1, "which goes with it");
	rmdir(dir);

	p = plan_of("0");
	p.family = RESOLVE_V4;
	begin(&s);
	listener_open(&s.l, &s.loop, &p, NULL, &f);
	ok(strncmp(s.l.name, "0.0.0.0:", 8) == 0, "-4: %s", s.l.name);
	finish(&s);

	where.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	begin(&s);
	listener_open(&s.l, &s.loop, &p, &where, &f);
	ok(strncmp(s.l.name, "127.0.0.1:", 10) == 0, "an address: %s",
	    s.l.name);
	where.v4.sin_port = htons((in_port_t)atoi(s.l.name + 10));
	is_num(listener_open(&second, &s.loop, &p, &where, &f), -1,
	    "one that is in use is refused");
	is_num(f.status, STATUS_LISTEN, "with its status");
	finish(&s);
	is_num(ends_open_fds(), before, "nothing is left open");
}

int
main(void)
{
	test_accept();
	test_gone();
	test_short(EMFILE);
	test_short(ENFILE);
	test_short(ENOBUFS);
	test_short(ENOMEM);
	test_short(EPERM);
	test_room();
	test_limit();
	test_broken();
	test_passed(0);
	test_passed(O_NONBLOCK);
	test_not_passed();
	test_open();
	return done_testing();
}
