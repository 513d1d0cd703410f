/*
 * The door over real sockets: places that are opened and announced together;
 * who is let in and who is turned away, and what those are told; the header of
 * a balancer, also byte by byte; and a program that is asked. After each, no
 * handle, descriptor, file or process is left.
 */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ends.h"
#include "talk/door.h"
#include "tap.h"

#define PLACES 6
#define CLIENTS 200
#define HEADER_V1 "PROXY TCP4 192.0.2.7 198.51.100.1 50000 80\r\n"

static struct process_origin origin;

struct scene {
	uv_loop_t loop;
	struct resolver resolver;
	struct door door;
	struct door_plan plan;
	struct door_place places[PLACES];
	struct log log;
	uv_timer_t patience;
	bool late;
	int before; /* descriptors */
	/* What has happened. */
	int opens, clients, denials, troubles, failures, datagrams;
	int fd[CLIENTS];
	struct guest *guest[CLIENTS];
	size_t which;		  /* the last one's place */
	char name[ADDR_TEXT_MAX]; /* ... and name, */
	char why[512];		  /* and what it was denied for */
	bool forwarded;
	unsigned wait; /* so many times who comes is to wait */
	bool pause;    /* when the next one is let in */
	struct fail fail;
};

static void
on_open(struct door *d)
{
	struct scene *s = d->owner;

	s->opens++;
	door_resume(d);
}

static void
on_client(struct door *d, const struct door_client *c)
{
	struct scene *s = d->owner;

	if (s->clients == CLIENTS)
		abort();
	if (s->wait > 0) {
		s->wait--;
		door_wait(d, c);
		return;
	}
	s->fd[s->clients] = c->fd;
	s->guest[s->clients++] = c->guest;
	s->which = c->which;
	s->forwarded = c->forwarded != NULL;
	door_client_name(d, c, s->name);
	if (s->pause)
		door_pause(d);
}

static void
on_datagrams(struct door *d, size_t which, int fd, bool borrowed)
{
	struct scene *s = d->owner;

	s->datagrams++;
	s->which = which;
	if (!borrowed)
		close(fd);
}

static void
on_denied(struct door *d, const struct door_client *c, const char *why)
{
	struct scene *s = d->owner;

	s->denials++;
	door_client_name(d, c, s->name);
	snprintf(s->why, sizeof(s->why), "%s", why);
}

static void
on_trouble(struct door *d, const struct fail *f)
{
	struct scene *s = d->owner;

	s->troubles++;
	s->fail = *f;
}

static void
on_failed(struct door *d, const struct fail *f)
{
	struct scene *s = d->owner;

	s->failures++;
	s->fail = *f;
}

static void
on_patience(uv_timer_t *t)
{
	struct scene *s = t->data;

	s->late = true;
}

static void
add_place(struct scene *s, const char *text)
{
	struct door_place *p = &s->places[s->plan.places_n++];
	struct fail f;
	size_t at;

	p->listen = (struct listen_plan){
	    .opts = sock_opts_default, .mode = (mode_t)-1, .backlog = CLIENTS};
	if (addr_parse(text, &p->listen.at, &f) == -1)
		errx(1, "%s", f.what);
	framing_parse("windev", &p->in, &at);
	p->out = p->in;
}

/* A door that is not yet there, with one place. */
static void
prepare(struct scene *s, const char *place)
{
	memset(s, 0, sizeof(*s));
	s->before = ends_open_fds();
	uv_loop_init(&s->loop);
	uv_timer_init(&s->loop, &s->patience);
	s->patience.data = s;
	/* Ten times what anything here takes. */
	uv_timer_start(&s->patience, on_patience, 30000, 0);
	uv_unref((uv_handle_t *)&s->patience);
	s->door.on_open = on_open;
	s->door.on_client = on_client;
	s->door.on_datagrams = on_datagrams;
	s->door.on_denied = on_denied;
	s->door.on_trouble = on_trouble;
	s->door.on_failed = on_failed;
	s->door.owner = s;
	s->door.log = &s->log;
	s->door.origin = &origin;
	s->plan.places = s->places;
	s->plan.ready_fd = -1;
	s->plan.header_ms = 20000;
	add_place(s, place);
}

static void
start(struct scene *s)
{
	door_start(&s->door, &s->plan, &s->loop, &s->resolver);
}

static void
begin(struct scene *s, const char *place)
{
	prepare(s, place);
	start(s);
}

/* Until so much has happened. */
static void
turn_until(struct scene *s, const int *count, int n)
{
	while (*count < n && !s->late)
		uv_run(&s->loop, UV_RUN_ONCE);
}

static void
turn(struct scene *s, int n)
{
	while (n-- > 0)
		uv_run(&s->loop, UV_RUN_NOWAIT);
}

static void
leave(struct scene *s, int i)
{
	close(s->fd[i]);
	s->fd[i] = -1;
	door_left(&s->door, s->guest[i]);
}

static void
finish(struct scene *s, const char *what)
{
	int i;

	door_close(&s->door);
	door_close(&s->door);
	for (i = 0; i < s->clients; i++)
		if (s->fd[i] != -1)
			leave(s, i);
	uv_close((uv_handle_t *)&s->patience, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	is_num(uv_loop_close(&s->loop), 0, "%s: no handle is left", what);
	is_num(s->door.inside, 0, "%s: nobody is inside", what);
	ok(RB_EMPTY(&s->door.guests), "%s: nor counted", what);
	door_release(&s->door);
	is_num(ends_open_fds(), s->before, "%s: nor is a descriptor", what);
	ok(!s->late, "%s: it took no longer than it may", what);
}

/* The address of a place, to connect to. */
static socklen_t
address_of(struct scene *s, size_t which, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ss;
	struct addr a;
	struct fail f;

	memset(ss, 0, sizeof(*ss));
	if (addr_parse(door_name(&s->door, which), &a, &f) == -1)
		errx(1, "%s", f.what);
	if (a.kind == ADDR_UNIX) {
		memcpy(ss, &a.un, sizeof(a.un));
		return a.un_len;
	}
	if (strchr(a.host, ':') == NULL) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a.port);
		inet_pton(AF_INET, a.host, &v4->sin_addr);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(a.port);
	inet_pton(AF_INET6, a.host, &v6->sin6_addr);
	return sizeof(*v6);
}

/* Somebody comes, and says this. */
static int
come(struct scene *s, size_t which, const char *said)
{
	struct sockaddr_storage ss;
	socklen_t len = address_of(s, which, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&ss, len) == -1)
		err(1, "%s", door_name(&s->door, which));
	if (said[0] != '\0' && send(fd, said, strlen(said), 0) == -1)
		err(1, "send");
	return fd;
}

/* What one who came is told until its end, in turns of the door. */
static void
hears(struct scene *s, int fd, const char *want, int want_err, const char *what)
{
	char got[256] = "";
	size_t len = 0;
	ssize_t n = 1;

	while (n != 0 && !s->late && len < sizeof(got) - 1) {
		n = recv(fd, got + len, sizeof(got) - 1 - len, MSG_DONTWAIT);
		if (n > 0)
			len += (size_t)n;
		else if (n == -1 && errno != EAGAIN)
			break;
		turn(s, 1);
	}
	is_text(got, want, "%s: what it hears", what);
	is_num(n == 0 ? 0 : errno, want_err, "%s: how that ends", what);
	close(fd);
}

/* What stands in a socket that was let in; it may come in pieces. */
static void
holds(struct scene *s, int i, const char *want, const char *what)
{
	struct pollfd p = {.fd = s->fd[i], .events = POLLIN};
	char got[256] = "";
	size_t len = 0;
	ssize_t n = 1;

	while (len < strlen(want) && n > 0 && poll(&p, 1, 10000) == 1) {
		n = recv(
		    s->fd[i], got + len, sizeof(got) - 1 - len, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
	}
	is_text(got, want, "%s", what);
}

static void
rule(struct scene *s, enum rules_kind kind, const char *text)
{
	static struct rules_word words[8];

	words[s->plan.rules.n].kind = kind;
	words[s->plan.rules.n++].text = text;
	s->plan.rules.words = words;
}

/* Places. */

static void
test_places(void)
{
	char dir[] = "/tmp/wdsock-door-XXXXXX", path[64], got[1024] = "", *at;
	int ready[2], fd[3], i;
	struct scene s;
	struct stat st;

	if (mkdtemp(dir) == NULL || pipe(ready) == -1)
		err(1, "%s", dir);
	snprintf(path, sizeof(path), "unix:%s/s", dir);
	prepare(&s, "127.0.0.1:0");
	add_place(&s, path);
	add_place(&s, "udp:127.0.0.1:0");
	add_place(&s, "localhost:0");
	s.plan.ready_fd = ready[1];
	s.before--; /* it is closed */
	start(&s);
	turn_until(&s, &s.opens, 1);
	is_num(s.opens, 1, "all places open together");
	is_num(read(ready[0], got, sizeof(got) - 1) > 0, 1,
	    "they are announced at once");
	is_num(read(ready[0], got + strlen(got), 1), 0, "and nothing else is");
	at = got;
	for (i = 0; i < 4; i++) {
		char *line = strsep(&at, "\n");

		is_text(line == NULL ? "" : line, door_name(&s.door, (size_t)i),
		    "line %d is place %d's", i, i);
	}
	is_text(at == NULL ? "(none)" : at, "", "behind the last is no other");
	is_num(s.datagrams, 1, "datagrams are handed over");
	is_num(s.which, 2, "as those of their place");
	fd[0] = come(&s, 1, "");
	turn_until(&s, &s.clients, 1);
	is_num(s.which, 1, "who comes is known by the place");
	is_text(s.name, path, "which names whom it cannot name");
	fd[1] = come(&s, 3, "");
	turn_until(&s, &s.clients, 2);
	is_num(s.which, 3, "a name is a place, too");
	fd[2] = come(&s, 0, "");
	turn_until(&s, &s.clients, 3);
	is_num(s.which, 0, "and the first one still is");
	is_num(s.door.inside, 3, "they are counted");
	for (i = 0; i < 3; i++)
		close(fd[i]);
	finish(&s, "places");
	is_num(lstat(path + 5, &st), -1, "the file of a socket is gone");
	close(ready[0]);
	rmdir(dir);
}

static void
test_not_all(void)
{
	char dir[] = "/tmp/wdsock-door-XXXXXX", path[64], taken[64];
	int ready[2];
	struct scene s;
	struct stat st;
	char c;

	if (mkdtemp(dir) == NULL || pipe(ready) == -1)
		err(1, "%s", dir);
	snprintf(path, sizeof(path), "unix:%s/s", dir);
	snprintf(taken, sizeof(taken), "unix:%s", dir);
	prepare(&s, path);
	add_place(&s, "udp:127.0.0.1:0");
	add_place(&s, taken);
	s.plan.ready_fd = ready[1];
	start(&s);
	is_num(s.failures, 1, "if one of them cannot be opened, none is");
	is_num(s.fail.status, STATUS_LISTEN, "with the status of that");
	ok(strstr(s.fail.what, taken) != NULL, "and its name: %s", s.fail.what);
	is_num(s.opens + s.datagrams, 0, "nothing is told but that");
	finish(&s, "not all");
	close(ready[1]);
	is_num(read(ready[0], &c, 1), 0, "and nothing was announced");
	is_num(lstat(path + 5, &st), -1, "what was open has gone");
	close(ready[0]);
	rmdir(dir);
}

static void
test_no_name(void)
{
	struct scene s;

	begin(&s, "a..b:0");
	turn_until(&s, &s.failures, 1);
	is_num(s.fail.status, STATUS_RESOLVE, "a place may have no address");
	ok(strstr(s.fail.what, "a..b: cannot resolve") != NULL, "%s",
	    s.fail.what);
	finish(&s, "no name");
	begin(&s, "a..b:0");
	finish(&s, "closed while a name is asked for");
}

/* Who may come. */

static void
test_max_clients(void)
{
	struct scene s;
	int fd[3];

	prepare(&s, "127.0.0.1:0");
	s.plan.clients_max = 2;
	start(&s);
	fd[0] = come(&s, 0, "");
	fd[1] = come(&s, 0, "");
	turn_until(&s, &s.clients, 2);
	hears(&s, come(&s, 0, "x"), "", 0, "one too many");
	is_num(s.denials, 1, "one too many is turned away");
	is_text(s.why, "as many as --max-clients are there", "and why");
	leave(&s, 0);
	fd[2] = come(&s, 0, "");
	turn_until(&s, &s.clients, 3);
	is_num(s.clients, 3, "when one has left the next comes in");
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	finish(&s, "--max-clients");
}

static void
test_max_per_ip(void)
{
	struct scene s;
	int fd[3];

	prepare(&s, "127.0.0.1:0");
	add_place(&s, "unix:@wdsock-door-test");
	s.plan.per_ip_max = 1;
	start(&s);
	fd[0] = come(&s, 0, "");
	turn_until(&s, &s.clients, 1);
	close(come(&s, 0, ""));
	turn_until(&s, &s.denials, 1);
	is_text(s.why, "as many as --max-per-ip are there from its address",
	    "one too many from an address is turned away");
	ok(RB_ROOT(&s.door.guests) != NULL, "there is an address");
	is_num(s.guest[0]->n, 1, "with one client");
	fd[1] = come(&s, 1, "");
	fd[2] = come(&s, 1, "");
	turn_until(&s, &s.clients, 3);
	is_num(s.clients, 3, "who has no address is not counted");
	leave(&s, 0);
	ok(RB_EMPTY(&s.door.guests), "of who has left nothing is kept");
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	finish(&s, "--max-per-ip");
}

/* Addresses that come and go by chance, against a plain count. */
static void
test_guests(void)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6};
	uint64_t state = dice_seed();
	struct guest *there[600][3] = {{NULL}};
	unsigned count[600] = {0}, round, wrong = 0, i;
	struct guests g = {0};

	for (round = 0; round < rounds(20000); round++) {
		i = (unsigned)dice_below(&state, 600);
		/* The lower half of an address is whoever's it is. */
		in.sin6_addr.s6_addr[0] = 0x20;
		in.sin6_addr.s6_addr[6] = (uint8_t)(i / 256);
		in.sin6_addr.s6_addr[7] = (uint8_t)i;
		in.sin6_addr.s6_addr[15] = (uint8_t)dice(&state);
		if (count[i] < 3 && dice_below(&state, 2) == 0) {
			struct guest *e =
			    guests_enter(&g, (struct sockaddr *)&in);

			there[i][count[i]++] = e;
			wrong += e->n != count[i];
		} else if (count[i] > 0)
			guests_leave(&g, there[i][--count[i]]);
	}
	for (i = 0; i < 600; i++)
		while (count[i] > 0)
			guests_leave(&g, there[i][--count[i]]);
	ok(wrong == 0, "of 600 networks each has its own count");
	ok(RB_EMPTY(&g), "and none is left");
	in.sin6_addr.s6_addr[0] = 0xfe;
	in.sin6_addr.s6_addr[1] = 0x80;
	guests_enter(&g, (struct sockaddr *)&in);
	in.sin6_addr.s6_addr[15]++;
	is_num(guests_enter(&g, (struct sockaddr *)&in)->n, 1,
	    "on a link an address counts by itself");
	guests_release(&g);
}

static void
test_deny_with(
    enum farewell_kind kind, const char *want, int want_err, const char *what)
{
	struct scene s;

	prepare(&s, "127.0.0.1:0");
	s.plan.deny_with = kind;
	s.plan.deny_text = "full";
	rule(&s, RULES_DENY, "127.0.0.0/8");
	start(&s);
	/* It says more than is read of it. */
	hears(&s, come(&s, 0, "hello"), want, want_err, what);
	is_text(s.why, "its address is in --deny", "%s: why", what);
	is_num(s.clients, 0, "%s: it is not let in", what);
	finish(&s, what);
}

/* Who is told something and stays holds up nothing, and not for ever. */
static void
test_lingering(void)
{
	struct scene s;
	int fd[70], i;

	prepare(&s, "127.0.0.1:0");
	s.plan.deny_with = FAREWELL_WORDS;
	s.plan.deny_text = "full";
	s.plan.clients_max = 1;
	start(&s);
	fd[0] = come(&s, 0, "");
	turn_until(&s, &s.clients, 1);
	for (i = 1; i < 70; i++)
		fd[i] = come(&s, 0, "");
	turn_until(&s, &s.denials, 69);
	is_num(s.door.farewells.n, 64, "some may stay to read");
	while (s.door.farewells.n > 0 && !s.late)
		uv_run(&s.loop, UV_RUN_ONCE);
	is_num(s.door.farewells.n, 0, "a moment");
	hears(&s, fd[1], "4\r\nfull", 0, "the first of them");
	for (i = 0; i < 70; i++)
		if (i != 1)
			close(fd[i]);
	finish(&s, "lingering");
}

/* Rules. */

static void
write_file(const char *path, const char *text)
{
	FILE *to = fopen(path, "w");

	if (to == NULL || fputs(text, to) == EOF || fclose(to) == EOF)
		err(1, "%s", path);
}

static void
comes(struct scene *s, bool in, const char *what)
{
	int clients = s->clients, denials = s->denials, fd = come(s, 0, "");

	while (clients + denials == s->clients + s->denials && !s->late)
		uv_run(&s->loop, UV_RUN_ONCE);
	is_num(s->clients - clients, in, "%s", what);
	close(fd);
}

static void
test_reload(void)
{
	char path[] = "/tmp/wdsock-door-XXXXXX", word[64];
	struct scene s;

	close(mkstemp(path));
	snprintf(word, sizeof(word), "@%s", path);
	write_file(path, "10.0.0.0/8 # not we\n");
	prepare(&s, "127.0.0.1:0");
	rule(&s, RULES_ALLOW, word);
	start(&s);
	comes(&s, false, "who is not in the file is not let in");
	is_text(s.why, "its address is not in --allow", "and why");
	write_file(path, "10.0.0.0/8\nlocalhost\n");
	comes(&s, false, "that it is now in the file means nothing");
	door_reload(&s.door);
	comes(&s, true, "before that is read again");
	write_file(path, "127.0.0.1\n10.0.0.0/99\n");
	door_reload(&s.door);
	is_num(s.troubles, 1, "a file that is wrong is told");
	ok(strstr(s.fail.what, path) != NULL &&
		strstr(s.fail.what, "line 2") != NULL &&
		strstr(s.fail.what, "10.0.0.0/99") != NULL,
	    "with its line and word: %s", s.fail.what);
	comes(&s, true, "and the rules stay as they were");
	write_file(path, "# nobody\n");
	door_reload(&s.door);
	comes(&s, false, "a file without a word lets nobody in");
	unlink(path);
	door_reload(&s.door);
	is_num(s.troubles, 2, "so is a file that is gone");
	is_num(s.fail.status, STATUS_IO, "as what it is");
	finish(&s, "rules");

	prepare(&s, "127.0.0.1:0");
	rule(&s, RULES_DENY, word);
	start(&s);
	is_num(s.failures, 1, "in the beginning it ends all");
	finish(&s, "no file");
}

static void
test_words(void)
{
	static const char *const good[] = {"192.0.2.7", "192.0.2.0/24", "::1",
	    "2001:db8::/32", "host.example", "xn--a", "@file", "@/a/b"};
	static const char *const bad[] = {"", "@", "192.0.2.256", "1.2.3",
	    "10.0.0.0/33", "a/b", "a b", "a,b", "fe80::1%eth0", "a@b"};
	struct fail f;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		is_num(rules_check(good[i], &f), 0, "'%s' is a rule", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is_num(rules_check(bad[i], &f), -1, "'%s' is none", bad[i]);
		ok(f.status == STATUS_USAGE && f.hint[0] != '\0',
		    "'%s': what to try", bad[i]);
	}
}

/* The PROXY protocol. */

static void
test_header(const char *place)
{
	static const char said[] = HEADER_V1 "second";
	struct scene s;
	int fd, slow;
	const char *p;

	prepare(&s, place);
	s.plan.proxied = true;
	start(&s);
	slow = come(&s, 0, "");
	fd = come(&s, 0, HEADER_V1 "first words");
	turn_until(&s, &s.clients, 1);
	is_text(s.name, "192.0.2.7:50000", "%s: it is whose it says", place);
	ok(s.forwarded, "%s: as forwarded", place);
	holds(&s, 0, "first words", "what stands behind the header is kept");
	close(fd);
	is_num(s.door.waiting, 1, "%s: another one still waits", place);
	for (p = said; *p != '\0'; p++) {
		is_num(s.clients, p >= said + strlen(HEADER_V1) ? 2 : 1,
		    "byte by byte");
		if (send(slow, p, 1, 0) != 1)
			err(1, "send");
		turn(&s, 2);
		if (p[0] == '\n')
			turn_until(&s, &s.clients, 2);
	}
	holds(&s, 1, "second", "and is for the conversation to read");
	is_num(s.door.waiting, 0, "%s: nobody waits", place);
	close(slow);
	fd = come(&s, 0, "5\r\nhello");
	turn_until(&s, &s.denials, 1);
	ok(strstr(s.why, "saw \"5\\r\\nhello\"") != NULL, "%s: %s", place,
	    s.why);
	close(fd);
	close(come(&s, 0, "PROXY "));
	turn_until(&s, &s.denials, 2);
	ok(strstr(s.why, "saw the end") != NULL, "%s: %s", place, s.why);
	fd = come(&s, 0, "PROXY UNKNOWN\r\n");
	turn_until(&s, &s.clients, 3);
	ok(!s.forwarded, "%s: a balancer may speak for itself", place);
	close(fd);
	fd = come(&s, 0, "PROXY ");
	turn(&s, 3);
	door_close(&s.door);
	close(fd);
	finish(&s, "closed while a header is read");
}

static void
test_header_late(void)
{
	struct scene s;
	int fd;

	prepare(&s, "127.0.0.1:0");
	s.plan.proxied = true;
	s.plan.header_ms = 10;
	start(&s);
	fd = come(&s, 0, "PROXY TCP4");
	turn_until(&s, &s.denials, 1);
	is_text(s.why, "PROXY protocol: expected a header within 0.01 s",
	    "a header that does not end is not waited for");
	close(fd);
	finish(&s, "a late header");
}

static void
test_proxy_from(void)
{
	struct scene s;
	int fd;

	prepare(&s, "127.0.0.1:0");
	rule(&s, RULES_PROXY, "10.0.0.0/8");
	start(&s);
	fd = come(&s, 0, HEADER_V1);
	turn_until(&s, &s.clients, 1);
	ok(!s.forwarded, "who is no balancer is direct");
	holds(&s, 0, HEADER_V1, "and what it says is its own");
	close(fd);
	finish(&s, "--proxy-from, others");

	prepare(&s, "127.0.0.1:0");
	s.plan.proxied = true;
	rule(&s, RULES_PROXY, "10.0.0.0/8");
	start(&s);
	close(come(&s, 0, HEADER_V1));
	turn_until(&s, &s.denials, 1);
	is_text(s.why, "its address is not in --proxy-from",
	    "or, where all have to be forwarded, is turned away");
	finish(&s, "--proxy-from, none");

	prepare(&s, "127.0.0.1:0");
	s.plan.per_ip_max = 1;
	rule(&s, RULES_PROXY, "127.0.0.0/8");
	rule(&s, RULES_DENY, "192.0.2.8");
	start(&s);
	close(come(&s, 0, "PROXY TCP4 192.0.2.8 198.51.100.1 1 80\r\n"));
	turn_until(&s, &s.denials, 1);
	is_text(s.name, "192.0.2.8:1", "rules are for whose it is");
	fd = come(&s, 0, HEADER_V1);
	turn_until(&s, &s.clients, 1);
	close(come(&s, 0, HEADER_V1));
	turn_until(&s, &s.denials, 2);
	ok(strstr(s.why, "--max-per-ip") != NULL, "and so are limits");
	close(fd);
	fd = come(&s, 0, "PROXY TCP4 192.0.2.9 198.51.100.1 1 80\r\n");
	turn_until(&s, &s.clients, 2);
	ok(s.forwarded, "another one of the same balancer is another one");
	close(fd);
	finish(&s, "--proxy-from");
}

/* Paused, it lets nobody in, whatever was begun before. */
static void
test_pause(void)
{
	struct scene s;
	int fd[2];

	prepare(&s, "127.0.0.1:0");
	s.plan.proxied = true;
	s.pause = true;
	start(&s);
	fd[0] = come(&s, 0, "");
	while (s.door.waiting == 0 && !s.late)
		uv_run(&s.loop, UV_RUN_ONCE);
	fd[1] = come(&s, 0, HEADER_V1);
	turn_until(&s, &s.clients, 1);
	if (send(fd[0], HEADER_V1, strlen(HEADER_V1), 0) == -1)
		err(1, "send");
	turn(&s, 5);
	is_num(s.clients, 1, "paused, it lets nobody in");
	is_num(s.door.waiting, 1, "who has said whose it is waits");
	door_resume(&s.door);
	is_num(s.clients, 2, "until it goes on");
	close(fd[0]);
	close(fd[1]);
	finish(&s, "pause");
}

/* Who cannot be served yet comes again, in front of others, as who he is. */
static void
test_wait(void)
{
	struct scene s;
	int fd[2];

	prepare(&s, "127.0.0.1:0");
	s.plan.proxied = true;
	s.wait = 2;
	start(&s);
	fd[0] = come(&s, 0, HEADER_V1);
	while (s.wait > 1 && !s.late)
		uv_run(&s.loop, UV_RUN_ONCE);
	fd[1] = come(&s, 0, HEADER_V1);
	turn(&s, 5);
	is_num(s.door.waiting, 1, "who cannot be served stands at the door");
	is_num(s.door.inside, 1, "and nobody else comes in");
	door_resume(&s.door);
	is_num(s.wait, 0, "he comes again");
	is_num(s.door.waiting, 1, "as often as it takes");
	door_resume(&s.door);
	is_num(s.clients, 1, "until he is served");
	ok(s.forwarded, "with what was forwarded of him");
	is_num(s.door.denied, 0, "he was not denied");
	turn_until(&s, &s.clients, 2);
	close(fd[0]);
	close(fd[1]);
	finish(&s, "wait");

	prepare(&s, "127.0.0.1:0");
	s.wait = 1;
	start(&s);
	fd[0] = come(&s, 0, "");
	while (s.wait > 0 && !s.late)
		uv_run(&s.loop, UV_RUN_ONCE);
	close(fd[0]);
	finish(&s, "who still waits at the end");
}

/* A program is asked. */

static void
prepare_ask(struct scene *s, const char *command)
{
	struct fail f;

	prepare(s, "127.0.0.1:0");
	s->plan.ask.name = "CMD";
	s->plan.ask.limit_ms = 20000;
	s->plan.ask.command = (struct command){NULL, NULL, NULL};
	if (command_set_shell(&s->plan.ask.command, command, &f) == -1 ||
	    command_find(&s->plan.ask.command, &f) == -1)
		errx(1, "%s", f.what);
}

static void
finish_ask(struct scene *s, const char *what)
{
	int status;

	finish(s, what);
	command_release(&s->plan.ask.command);
	is_num(
	    waitpid(-1, &status, WNOHANG), -1, "%s: no process is left", what);
}

static void
test_ask(void)
{
	struct scene s;
	int fd, i;

	prepare_ask(&s,
	    "test $TCPREMOTEIP = 127.0.0.1 && test $WDSOCK_MODE = windev &&"
	    " read x || test \"$TCPREMOTEPORT\"");
	start(&s);
	for (i = 0; i < 100; i++)
		close(come(&s, 0, ""));
	turn_until(&s, &s.clients, 100);
	is_num(s.clients, 100, "whom a program admits are let in");
	finish_ask(&s, "a program says yes");

	prepare_ask(&s, "echo 'not today\033[1m'; echo more; exit 3");
	start(&s);
	hears(&s, come(&s, 0, ""), "", 0, "whom it does not");
	is_text(s.why, "not today\\x1b[1m", "its first line is why not");
	finish_ask(&s, "a program says why not");

	prepare_ask(&s, "exit 3");
	start(&s);
	close(come(&s, 0, ""));
	turn_until(&s, &s.denials, 1);
	is_text(s.why, "CMD exited with status 3", "or its status is");
	finish_ask(&s, "a program says no");

	prepare_ask(&s, "yes 2>&- | head -c 1000000; kill -TERM $$");
	start(&s);
	close(come(&s, 0, ""));
	turn_until(&s, &s.denials, 1);
	is_text(s.why, "CMD was ended by signal 15",
	    "it may say a lot, and end as it likes");
	finish_ask(&s, "a program is ended");

	prepare_ask(&s, "exit 0");
	s.plan.ask.command.path[0] = 'x';
	start(&s);
	fd = come(&s, 0, "");
	turn_until(&s, &s.denials, 1);
	is_text(s.why, "CMD cannot be run: No such file or directory",
	    "who cannot be asked about is turned away");
	close(fd);
	finish_ask(&s, "no program");
}

static void
test_ask_late(void)
{
	struct scene s;
	int fd, i;

	prepare_ask(&s, "tail -f /dev/null & wait");
	s.plan.ask.limit_ms = 50;
	start(&s);
	fd = come(&s, 0, "");
	turn_until(&s, &s.denials, 1);
	is_text(s.why, "CMD has not answered within 0.05 s",
	    "a program that hangs is not waited for");
	close(fd);
	finish_ask(&s, "a program hangs");

	prepare_ask(&s, "tail -f /dev/null");
	start(&s);
	for (i = 0; i < 70; i++)
		close(come(&s, 0, ""));
	while (s.door.waiting < 70 && !s.late)
		uv_run(&s.loop, UV_RUN_ONCE);
	is_num(s.door.asks.n, ASK_RUNNING_MAX, "not more than a few are asked");
	finish_ask(&s, "closed while programs run");
}

int
main(void)
{
	uv_loop_t first;

	signal(SIGPIPE, SIG_IGN);
	process_remember(&origin);
	/* The first one has descriptors that stay. */
	uv_loop_init(&first);
	uv_loop_close(&first);
	test_places();
	test_not_all();
	test_no_name();
	test_max_clients();
	test_max_per_ip();
	test_guests();
	test_deny_with(FAREWELL_CLOSE, "", 0, "close");
	test_deny_with(FAREWELL_RESET, "", ECONNRESET, "reset");
	test_deny_with(FAREWELL_WORDS, "4\r\nfull", 0, "words");
	test_lingering();
	test_words();
	test_reload();
	test_header("127.0.0.1:0");
	test_header("unix:@wdsock-door-test");
	test_header_late();
	test_proxy_from();
	test_pause();
	test_wait();
	test_ask();
	test_ask_late();
	return done_testing();
}
