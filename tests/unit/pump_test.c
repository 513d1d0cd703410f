/*
 * The raw pump over real descriptors: every byte arrives, once and in order,
 * whatever either side takes at a time; what cannot go on is told from what
 * has to wait; and what it holds when it gives up is not lost.
 */

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk/pump.h"
#include "tap.h"

#ifdef HAVE_SPLICE

#define LARGE (6u << 20)
#define PATIENCE_MS 10000

static uint8_t large[LARGE]; /* what is sent */
static uint8_t got[LARGE];   /* and what has arrived */

static void
nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1)
		err(1, "fcntl");
}

/* A connection; ours does not block, the peer's does not either. */
static void
open_unix(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		err(1, "socketpair");
	nonblocking(fd[0]);
	nonblocking(fd[1]);
}

static void
open_tcp(int fd[2])
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (l == -1 || fd[0] == -1 ||
	    bind(l, (struct sockaddr *)&sa, len) == -1 || listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&sa, &len) == -1 ||
	    connect(fd[0], (struct sockaddr *)&sa, len) == -1 ||
	    (fd[1] = accept(l, NULL, NULL)) == -1)
		err(1, "tcp");
	close(l);
	nonblocking(fd[0]);
	nonblocking(fd[1]);
}

static void
open_pipe(int fd[2])
{
	if (pipe(fd) == -1)
		err(1, "pipe");
	nonblocking(fd[0]);
	nonblocking(fd[1]);
}

static void
close_both(int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

static int
open_file(int flags)
{
	char name[] = "/tmp/wdsock-pump-XXXXXX";
	int fd = mkstemp(name), again;

	if (fd == -1)
		err(1, "mkstemp");
	again = open(name, flags);
	close(fd);
	unlink(name);
	if (again == -1)
		err(1, "open");
	return again;
}

static struct fd
as_fd(int number)
{
	return (struct fd){.kind = FD_FILE, .fd = number, .watch = -1};
}

static bool
init(struct pump *p, int sock, int other, bool receiving)
{
	struct fd f = as_fd(other);

	return pump_init(p, sock, &f, receiving);
}

static bool
is_ready(int fd, short events, int ms)
{
	struct pollfd v = {.fd = fd, .events = events};

	return poll(&v, 1, ms) == 1;
}

/* Until there is something to be read, or the end, or it takes too long. */
static void
wait_for(int fd, int ms)
{
	is_ready(fd, POLLIN, ms);
}

static void
put(int fd, const void *p, size_t len)
{
	if (write(fd, p, len) != (ssize_t)len)
		err(1, "write");
}

/* What the peer says has come. */
static void
say(int s[2], const void *p, size_t len)
{
	put(s[1], p, len);
	wait_for(s[0], PATIENCE_MS);
}

/* Writes until it takes no more; how much that was. */
static size_t
fill(int fd)
{
	size_t at = 0;
	ssize_t n;

	while ((n = write(fd, large + at, LARGE - at)) > 0)
		at += (size_t)n;
	return at;
}

/* The same, until it stays so: TCP takes a while to be full. */
static void
fill_socket(int fd)
{
	do
		fill(fd);
	while (is_ready(fd, POLLOUT, 50));
}

/* Reads what is there behind got[at]. */
static size_t
take(int fd, size_t at, size_t most)
{
	ssize_t n;

	if (most > LARGE - at)
		most = LARGE - at;
	n = read(fd, got + at, most);
	return n > 0 ? (size_t)n : 0;
}

static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
test_which(void)
{
	static const struct {
		const char *path;
		bool quiet, receiving, may;
	} devices[] = {
	    {"/dev/null", true, true, true},
	    {"/dev/null", true, false, false},
	    {"/dev/zero", false, false, false},
	    {"/dev/full", false, true, false},
	    {"/dev/ptmx", false, true, false},
	    {"/dev/ptmx", false, false, false},
	    {"/tmp", false, false, false},
	};
	int s[2], pipe[2], file, append, i;
	struct pump p;
	struct fd f;

	open_unix(s);
	open_pipe(pipe);
	file = open_file(O_RDWR);
	append = open_file(O_RDWR | O_APPEND);
	ok(init(&p, s[0], pipe[1], true) && !p.through,
	    "a pipe can be written directly");
	ok(init(&p, s[0], pipe[0], false) && !p.through,
	    "a pipe can be read directly");
	ok(init(&p, s[0], file, true) && p.through,
	    "a file can be written through a pipe");
	ok(init(&p, s[0], file, false) && p.through,
	    "a file can be read through a pipe");
	ok(!init(&p, s[0], append, true), "a file is not appended to");
	ok(init(&p, s[0], append, false), "but it may be read");
	ok(!init(&p, s[0], s[1], true) && !init(&p, s[0], s[1], false),
	    "a socket is not pumped to a socket");
	ok(!init(&p, s[0], 999, true), "what is closed is not pumped");
	for (i = 0; i < (int)(sizeof(devices) / sizeof(devices[0])); i++) {
		f = as_fd(open(devices[i].path,
		    devices[i].receiving ? O_WRONLY : O_RDONLY));
		f.quiet = devices[i].quiet;
		if (f.fd == -1)
			continue;
		is_num(pump_init(&p, s[0], &f, devices[i].receiving),
		    devices[i].may, "%s is %s%s", devices[i].path,
		    devices[i].may ? "" : "not ",
		    devices[i].receiving ? "written" : "read");
		close(f.fd);
	}
	close_both(s);
	close_both(pipe);
	close(file);
	close(append);
}

static void
test_receive_waits(void)
{
	int s[2], pipe[2];
	struct pump p;
	size_t n = 0;

	open_tcp(s);
	open_pipe(pipe);
	init(&p, s[0], pipe[1], true);
	is_num(pump_move(&p, &n), PUMP_EMPTY, "nothing came: wait for it");
	say(s, "hello", 5);
	is_num(pump_move(&p, &n), PUMP_MOVED, "what comes is moved");
	is_num(n, 5, "all of it");
	is_bytes(got, take(pipe[0], 0, 99), "hello", 5, "and is in the pipe");

	fill(pipe[1]);
	is_num(pump_move(&p, &n), PUMP_EMPTY,
	    "that the pipe is full is no matter while nothing comes");
	say(s, "x", 1);
	is_num(pump_move(&p, &n), PUMP_FULL, "when something does, it is");
	is_num(pump_move(&p, &n), PUMP_FULL, "and stays so");
	shutdown(s[1], SHUT_WR);
	wait_for(s[0], PATIENCE_MS);
	is_num(pump_move(&p, &n), PUMP_FULL, "also in front of the end");
	while (take(pipe[0], 0, LARGE) > 0)
		;
	is_num(pump_move(&p, &n), PUMP_MOVED, "until there is room");
	fill(pipe[1]);
	is_num(pump_move(&p, &n), PUMP_PLAIN,
	    "the end itself is met though the pipe is full");
	pump_release(&p);
	close_both(s);
	close_both(pipe);
}

static void
test_receive_ends(void (*open_socket)(int[2]), const char *name)
{
	struct linger hard = {.l_onoff = 1};
	int s[2], pipe[2];
	struct pump p;
	size_t n;

	open_socket(s);
	open_pipe(pipe);
	init(&p, s[0], pipe[1], true);
	close(s[1]);
	wait_for(s[0], PATIENCE_MS);
	is_num(pump_move(&p, &n), PUMP_PLAIN, "%s: the end is read", name);
	close(s[0]);

	open_socket(s);
	init(&p, s[0], pipe[1], true);
	say(s, "x", 1);
	close(pipe[0]);
	is_num(pump_move(&p, &n), PUMP_PLAIN,
	    "%s: that the reader of the pipe is gone, a write finds", name);
	is_num(recv(s[0], got, 1, 0), 1, "%s: and nothing is lost", name);
	close_both(s);
	close(pipe[1]);

	open_socket(s);
	open_pipe(pipe);
	init(&p, s[0], pipe[1], true);
	say(s, "x", 1);
	setsockopt(s[1], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	put(s[0], "unread", 6);
	close(s[1]);
	is_num(pump_move(&p, &n), PUMP_MOVED, "%s: data before a reset", name);
	wait_for(s[0], PATIENCE_MS);
	is_num(pump_move(&p, &n), PUMP_FAILED, "%s: then the reset", name);
	is_num(p.err, ECONNRESET, "%s: by its errno", name);
	close_both(pipe);
	close(s[0]);
}

/* recv(2) skips an urgent byte, splice(2) stands before it for ever. */
static void
test_urgent(void)
{
	int s[2], pipe[2];
	struct pump p;
	size_t n;

	open_tcp(s);
	open_pipe(pipe);
	init(&p, s[0], pipe[1], true);
	say(s, "ab", 2);
	send(s[1], "!", 1, MSG_OOB);
	say(s, "cd", 2);
	is_num(pump_move(&p, &n), PUMP_MOVED,
	    "what stands before an urgent "
	    "byte is moved");
	is_num(n, 2, "and no more");
	is_num(pump_move(&p, &n), PUMP_PLAIN,
	    "the byte itself is not waited "
	    "for");
	is_bytes(got, (size_t)recv(s[0], got, 99, 0), "cd", 2,
	    "and what is behind it is read");
	close_both(s);
	close_both(pipe);
}

static void
test_receive_file(void)
{
	struct rlimit old, small = {1000000, 1000000};
	int s[2], file, before = descriptors();
	size_t n, len, at;
	struct pump p;
	uint8_t *rest;

	open_unix(s);
	file = open_file(O_RDWR);
	put(file, "before", 6);
	init(&p, s[0], file, true);
	is_num(descriptors(), before + 3, "nothing is opened at first");
	is_num(pump_move(&p, &n), PUMP_EMPTY, "nothing comes");
	say(s, "hello", 5);
	is_num(pump_move(&p, &n), PUMP_MOVED, "what comes is moved");
	is_num(p.held, 0, "and nothing is kept");
	is_num(lseek(file, 0, SEEK_CUR), 11, "the file's position follows");

	/* Turned so while it is pumped to: the kernel refuses. */
	fcntl(file, F_SETFL, O_APPEND);
	say(s, "world", 5);
	is_num(
	    pump_move(&p, &n), PUMP_MOVED, "what left the socket is counted");
	is_num(n, 5, "all of it");
	is_num(p.held, 5, "what the file did not take is held");
	is_num(
	    pump_move(&p, &n), PUMP_PLAIN, "and the plain path has to go on");
	ok(pump_spill(&p, &rest, &len), "with what was held");
	is_bytes(rest, len, "world", 5, "which comes first");
	free(rest);
	pump_release(&p);
	is_num(descriptors(), before + 3, "nothing stays open");
	ok(pump_spill(&p, &rest, &len) && rest == NULL && len == 0,
	    "nothing can be spilt twice");
	is_bytes(got, (size_t)pread(file, got, 99, 0), "beforehello", 11,
	    "the file has what it took");

	/* A file that may not grow any more takes a part. */
	fcntl(file, F_SETFL, 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	lseek(file, 0, SEEK_SET);
	init(&p, s[0], file, true);
	for (at = 0; at < 1000000 - 50000; at += n) {
		say(s, large + at, 50000);
		pump_move(&p, &n);
	}
	say(s, large + at, 60000);
	is_num(pump_move(&p, &n), PUMP_MOVED, "a full disk: the rest moves");
	at += n;
	setrlimit(RLIMIT_FSIZE, &old);
	ok(pump_spill(&p, &rest, &len), "what did not fit is there");
	is_num(len, at - 1000000, "as much as there is to it");
	ok(memcmp(rest, large + 1000000, len) == 0, "and what it should be");
	free(rest);
	ok(pread(file, got, LARGE, 0) == 1000000 &&
		memcmp(got, large, 1000000) == 0,
	    "the file holds a whole prefix");
	pump_release(&p);
	close_both(s);
	close(file);
}

static void
test_send_pipe(void (*open_socket)(int[2]), const char *name)
{
	int s[2], pipe[2];
	enum pump_result r;
	struct pump p;
	size_t n;

	open_socket(s);
	open_pipe(pipe);
	init(&p, s[0], pipe[0], false);
	is_num(pump_move(&p, &n), PUMP_EMPTY, "%s: stdin says nothing", name);
	put(pipe[1], "hello", 5);
	is_num(pump_move(&p, &n), PUMP_MOVED, "%s: what it says is sent", name);
	is_num(n, 5, "%s: all of it", name);
	wait_for(s[1], PATIENCE_MS);
	is_bytes(got, take(s[1], 0, 99), "hello", 5, "%s: and arrives", name);
	fill_socket(s[0]);
	is_num(pump_move(&p, &n), PUMP_EMPTY,
	    "%s: a full socket is no matter while there is nothing to say",
	    name);
	/* TCP takes a little also where it is not announced. */
	do
		put(pipe[1], "x", 1);
	while ((r = pump_move(&p, &n)) == PUMP_MOVED);
	is_num(r, PUMP_FULL, "%s: with something it is", name);
	do
		take(s[1], 0, LARGE);
	while (!is_ready(s[0], POLLOUT, 50));
	is_num(pump_move(&p, &n), PUMP_MOVED, "%s: until there is room", name);
	put(pipe[1], "yz", 2);
	close(pipe[1]);
	is_num(pump_move(&p, &n), PUMP_MOVED, "%s: the last bytes", name);
	is_num(pump_move(&p, &n), PUMP_PLAIN, "%s: stdin's end is read", name);
	close(pipe[0]);

	open_pipe(pipe);
	init(&p, s[0], pipe[0], false);
	close(s[1]);
	put(pipe[1], "x", 1);
	pump_move(&p, &n);
	wait_for(s[0], PATIENCE_MS);
	put(pipe[1], "x", 1);
	is_num(pump_move(&p, &n), PUMP_FAILED, "%s: the peer is gone", name);
	ok(p.err == EPIPE || p.err == ECONNRESET, "%s: by its errno", name);
	close(s[0]);
	close_both(pipe);
}

static void
test_send_file(void)
{
	int s[2], file = open_file(O_RDWR), before;
	size_t n, len, sent = 0, at = 0;
	enum pump_result r;
	struct pump p;
	uint8_t *rest;

	put(file, large, LARGE);
	lseek(file, 0, SEEK_SET);
	open_unix(s);
	before = descriptors();
	init(&p, s[0], file, false);
	while ((r = pump_move(&p, &n)) == PUMP_MOVED)
		sent += n;
	is_num(r, PUMP_FULL, "the socket takes a part of the file");
	ok(p.held > 0, "of what the pump has taken");
	is_num(lseek(file, 0, SEEK_CUR), sent + p.held,
	    "no byte has left the file but those");
	is_num(pump_move(&p, &n), PUMP_FULL, "so it stays");
	while (at < sent && (n = take(s[1], at, LARGE)) > 0)
		at += n;
	is_num(pump_move(&p, &n), PUMP_MOVED, "until there is room");
	sent += n;
	while ((n = take(s[1], at, LARGE)) > 0)
		at += n;
	is_num(at, sent, "what was said to be sent has arrived");
	while (p.held == 0 && pump_move(&p, &n) == PUMP_MOVED)
		sent += n;
	ok(pump_spill(&p, &rest, &len), "what is held can be had");
	ok(len > 0 && memcmp(rest, large + sent, len) == 0,
	    "and follows upon what was sent");
	free(rest);
	pump_release(&p);
	is_num(descriptors(), before, "nothing stays open");
	close_both(s);

	open_unix(s);
	lseek(file, -3, SEEK_END);
	init(&p, s[0], file, false);
	is_num(pump_move(&p, &n), PUMP_MOVED, "the last bytes of a file");
	is_num(pump_move(&p, &n), PUMP_PLAIN, "its end is read");
	is_num(p.held, 0, "with nothing held");
	pump_release(&p);
	close_both(s);
	close(file);
}

static void
test_sizes(void)
{
	int s[2], pipe[2], old;
	struct pump p;
	size_t n;

	open_unix(s);
	open_pipe(pipe);
	old = fcntl(pipe[1], F_GETPIPE_SZ);
	init(&p, s[0], pipe[1], true);
	say(s, large, 1000);
	pump_move(&p, &n);
	is_num(fcntl(pipe[1], F_GETPIPE_SZ), old,
	    "a pipe that carries little stays as it is");
	say(s, large, 60000);
	pump_move(&p, &n);
	ok(fcntl(pipe[1], F_GETPIPE_SZ) >= old,
	    "one that carries much becomes no smaller");
	is_num(fcntl(pipe[1], F_GETFL) & O_APPEND, 0, "its flags are its own");
	close_both(s);
	close_both(pipe);
}

static void
test_no_descriptors(void)
{
	int s[2], file = open_file(O_RDWR), high;
	struct rlimit old, none;
	struct pump p;
	size_t n;

	open_unix(s);
	init(&p, s[0], file, true);
	say(s, "x", 1);
	getrlimit(RLIMIT_NOFILE, &old);
	high = dup(0);
	none = (struct rlimit){(rlim_t)high, old.rlim_max};
	close(high);
	setrlimit(RLIMIT_NOFILE, &none);
	is_num(pump_move(&p, &n), PUMP_PLAIN, "without a pipe to be had, none");
	setrlimit(RLIMIT_NOFILE, &old);
	is_num(recv(s[0], got, 9, 0), 1, "and nothing is lost");
	pump_release(&p);
	close_both(s);
	close(file);
}

/* One of the four ways, with sizes by chance on both sides. */
static bool
one_way(uint64_t *d, void (*open_socket)(int[2]), bool receiving, bool file)
{
	size_t len = dice_below(d, LARGE), given = 0, done = 0, n;
	size_t most = 1 + dice_below(d, dice_below(d, 4) == 0 ? 9 : 300000);
	int s[2], other[2], in, out, idle = 0;
	struct pump p;

	open_socket(s);
	if (file)
		other[0] = other[1] = open_file(O_RDWR);
	else
		open_pipe(other);
	if (most < 10 && len > 2000)
		len = 2000;
	if (file && !receiving) {
		put(other[0], large, len);
		lseek(other[0], 0, SEEK_SET);
		given = len;
	}
	in = receiving ? s[1] : other[1];
	out = receiving ? other[0] : s[1];
	init(&p, s[0], receiving ? other[1] : other[0], receiving);
	while (done < len && idle < 1000) {
		if (idle++ > 50)
			/* A file is always ready. */
			wait_for(file && receiving ? s[0] : out, 10);
		if (given < len) {
			size_t some = 1 + dice_below(d, most);
			ssize_t w = write(in, large + given,
			    some < len - given ? some : len - given);

			given += w > 0 ? (size_t)w : 0;
		}
		if (dice_below(d, 2) == 0 && pump_move(&p, &n) == PUMP_MOVED) {
			idle = 0;
			if (file && receiving)
				done += n;
		}
		if (dice_below(d, 2) == 0 && !(file && receiving)) {
			n = take(out, done, 1 + dice_below(d, most));
			done += n;
			idle = n > 0 ? 0 : idle;
		}
	}
	if (file && receiving)
		done = (size_t)pread(other[0], got, LARGE, 0);
	pump_release(&p);
	close_both(s);
	close(other[0]);
	if (!file)
		close(other[1]);
	if (done == len && memcmp(got, large, len) == 0)
		return true;
	diag("%zu of %zu bytes, most %zu", done, len, most);
	return false;
}

static void
test_all_ways(uint64_t *d)
{
	static void (*const sockets[])(int[2]) = {open_unix, open_tcp};
	unsigned i, way, good, n = rounds(24);

	for (way = 0; way < 8; way++) {
		for (i = good = 0; i < n; i++)
			good += one_way(d, sockets[way & 1], (way & 2) != 0,
			    (way & 4) != 0);
		is_num(good, n, "each byte once, in order: %s, %s, %s",
		    way & 1 ? "tcp" : "unix", way & 2 ? "receiving" : "sending",
		    way & 4 ? "file" : "pipe");
	}
}

int
main(void)
{
	uint64_t d = dice_seed();
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (i = 0; i < LARGE; i++)
		large[i] = (uint8_t)dice(&d);
	test_which();
	test_receive_waits();
	test_receive_ends(open_tcp, "tcp");
	test_urgent();
	test_receive_file();
	test_send_pipe(open_unix, "unix");
	test_send_pipe(open_tcp, "tcp");
	test_send_file();
	test_sizes();
	test_no_descriptors();
	test_all_ways(&d);
	return done_testing();
}

#else

int
main(void)
{
	struct pump p;
	struct fd f = {.fd = 0};

	ok(!pump_init(&p, 1, &f, true), "without splice(2) nothing is pumped");
	return done_testing();
}

#endif
