/*
 * Names to addresses. The system's resolver is replaced by one that answers
 * from a table: by the linker, so libuv's threads ask it as well. One of its
 * names hangs until it is let go.
 */

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/resolve.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MANY 40

/* What the resolver says: addresses with a blank behind each, or an error. */
static const struct {
	const char *host;
	const char *v6, *v4;
	int err6, err4;
} answers[] = {
    {"both.example", "2001:db8::1 2001:db8::2 ", "10.0.0.1 10.0.0.2 ", 0, 0},
    {"four.example", NULL, "10.0.0.4 ", EAI_NODATA, 0},
    {"six.example", "2001:db8::6 ", NULL, 0, EAI_ADDRFAMILY},
    {"none.example", NULL, NULL, EAI_NONAME, EAI_NONAME},
    {"again.example", NULL, NULL, EAI_AGAIN, EAI_NODATA},
    {"late.example", NULL, NULL, EAI_NODATA, EAI_AGAIN},
    {"empty.example", "", "", 0, 0},
    {"127.1.example", "2001:db8::7 ", NULL, 0, EAI_NODATA},
};

/* Shared with libuv's threads, all under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static bool let_go;
static unsigned asked, hanging;
static int hints_flags, hints_type;

static struct addrinfo *
fake_info(int family, const char *text)
{
	struct addrinfo *ai = calloc(1, sizeof(*ai));
	union resolve_sockaddr *u = calloc(1, sizeof(*u));

	if (ai == NULL || u == NULL)
		abort();
	ai->ai_family = family;
	ai->ai_addr = &u->sa;
	u->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		ai->ai_addrlen = sizeof(u->v4);
		inet_pton(AF_INET, text, &u->v4.sin_addr);
	} else {
		ai->ai_addrlen = sizeof(u->v6);
		inet_pton(AF_INET6, text, &u->v6.sin6_addr);
	}
	return ai;
}

void
freeaddrinfo(struct addrinfo *ai)
{
	struct addrinfo *next;

	for (; ai != NULL; ai = next) {
		next = ai->ai_next;
		free(ai->ai_addr);
		free(ai);
	}
}

static void
hang(void)
{
	hanging++;
	pthread_cond_broadcast(&turn);
	while (!let_go)
		pthread_cond_wait(&turn, &lock);
	hanging--;
}

static struct addrinfo *
fake_many(int family)
{
	struct addrinfo *list = NULL, *ai;
	char text[32];
	int i;

	for (i = MANY; i > 0; i--) {
		snprintf(text, sizeof(text),
		    family == AF_INET ? "10.0.1.%d" : "2001:db8::%d", i);
		ai = fake_info(family, text);
		ai->ai_next = list;
		list = ai;
	}
	return list;
}

static struct addrinfo *
fake_list(int family, const char *text)
{
	struct addrinfo *list = NULL, **end = &list;
	char word[64];
	size_t n;

	for (; *text != '\0'; text += n + 1) {
		n = strcspn(text, " ");
		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		*end = fake_info(family, word);
		end = &(*end)->ai_next;
	}
	return list;
}

int
getaddrinfo(const char *restrict host, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
	bool v6 = hints->ai_family == AF_INET6;
	size_t i;
	int err;

	pthread_mutex_lock(&lock);
	asked++;
	hints_flags = hints->ai_flags;
	hints_type = service == NULL ? hints->ai_socktype : -1;
	if (strcmp(host, "hang.example") == 0 ||
	    (strcmp(host, "half.example") == 0 && !v6))
		hang();
	pthread_mutex_unlock(&lock);
	*list = NULL;
	if (strcmp(host, "many.example") == 0) {
		*list = fake_many(hints->ai_family);
		return 0;
	}
	if (strcmp(host, "half.example") == 0)
		host = v6 ? "both.example" : "none.example";
	for (i = 0; i < COUNT(answers); i++)
		if (strcmp(host, answers[i].host) == 0) {
			err = v6 ? answers[i].err6 : answers[i].err4;
			if (err == 0)
				*list = fake_list(hints->ai_family,
				    v6 ? answers[i].v6 : answers[i].v4);
			return err;
		}
	return EAI_NONAME;
}

/* A question, and how often it was answered. */
struct test {
	struct resolve r;
	struct resolver resolver;
	uv_loop_t loop;
	unsigned calls;
	bool cancel; /* with the first answer */
};

static void
on_answer(struct resolve *r)
{
	struct test *t = r->owner;

	t->calls++;
	if (t->cancel)
		resolve_cancel(r);
}

static void
start(
    struct test *t, enum resolve_family family, bool numeric, const char *host)
{
	memset(t, 0, sizeof(*t));
	uv_loop_init(&t->loop);
	t->r.family = family;
	t->r.numeric = numeric;
	t->r.on_answer = on_answer;
	t->r.owner = t;
	resolve_start(&t->r, &t->resolver, &t->loop, host, 8000);
}

/* Runs the loop to its end; nothing may be left of it. */
static void
finish(struct test *t)
{
	uv_run(&t->loop, UV_RUN_DEFAULT);
	if (t->resolver.pending != 0 || uv_loop_close(&t->loop) != 0)
		ok(false, "nothing is pending at the end");
}

/* The addresses, as text: IPv6 first, a blank behind each. */
static const char *
all_of(const struct resolve *r, char *buf, size_t cap)
{
	char text[INET6_ADDRSTRLEN];
	size_t i, n = 0;

	buf[0] = '\0';
	for (i = 0; i < r->n6; i++) {
		inet_ntop(AF_INET6, &r->v6[i].v6.sin6_addr, text, sizeof(text));
		n += (size_t)snprintf(buf + n, cap - n, "%s ", text);
		if (r->v6[i].sa.sa_family != AF_INET6 ||
		    r->v6[i].v6.sin6_port != htons(8000))
			return "a family or a port that is wrong";
	}
	for (i = 0; i < r->n4; i++) {
		inet_ntop(AF_INET, &r->v4[i].v4.sin_addr, text, sizeof(text));
		n += (size_t)snprintf(buf + n, cap - n, "%s ", text);
		if (r->v4[i].sa.sa_family != AF_INET ||
		    r->v4[i].v4.sin_port != htons(8000))
			return "a family or a port that is wrong";
	}
	return buf;
}

#define NO_INTERFACE "expected a network interface of this machine behind the %"
#define WANT_V4 "-4: expected an IPv4 address, saw an IPv6 one"
#define WANT_V6 "-6: expected an IPv6 address, saw an IPv4 one"
#define WANT_NUMBER "-n: expected a numeric address"

/* Known without asking. */
static const struct {
	const char *host;
	enum resolve_family family;
	bool numeric;
	const char *all, *why;
} at_once[] = {
    {"127.0.0.1", RESOLVE_ANY, false, "127.0.0.1 ", ""},
    {"127.0.0.1", RESOLVE_ANY, true, "127.0.0.1 ", ""},
    {"127.0.0.1", RESOLVE_V4, false, "127.0.0.1 ", ""},
    {"127.0.0.1", RESOLVE_V6, false, "", WANT_V6},
    {"127.1", RESOLVE_ANY, true, "127.0.0.1 ", ""},
    {"0x7f000001", RESOLVE_ANY, true, "127.0.0.1 ", ""},
    {"::1", RESOLVE_ANY, false, "::1 ", ""},
    {"::1", RESOLVE_V6, true, "::1 ", ""},
    {"::1", RESOLVE_V4, false, "", WANT_V4},
    {"::ffff:10.0.0.1", RESOLVE_ANY, false, "::ffff:10.0.0.1 ", ""},
    {"fe80::1%7", RESOLVE_ANY, false, "fe80::1 ", ""},
    {"fe80::1%", RESOLVE_ANY, false, "", NO_INTERFACE},
    {"fe80::1%0", RESOLVE_ANY, false, "", NO_INTERFACE},
    {"fe80::1%4294967296", RESOLVE_ANY, false, "", NO_INTERFACE},
    {"fe80::1%no-such", RESOLVE_ANY, true, "", NO_INTERFACE},
    {"", RESOLVE_ANY, false, "::1 127.0.0.1 ", ""},
    {"", RESOLVE_V4, true, "127.0.0.1 ", ""},
    {"", RESOLVE_V6, false, "::1 ", ""},
    {"localhost", RESOLVE_ANY, false, "::1 127.0.0.1 ", ""},
    {"localhost", RESOLVE_ANY, true, "::1 127.0.0.1 ", ""},
    {"localhost", RESOLVE_V4, false, "127.0.0.1 ", ""},
    {"localhost", RESOLVE_V6, false, "::1 ", ""},
    {"LocalHost.", RESOLVE_ANY, false, "::1 127.0.0.1 ", ""},
    {"a.localhost", RESOLVE_ANY, false, "::1 127.0.0.1 ", ""},
    {"both.example", RESOLVE_ANY, true, "", WANT_NUMBER},
    {"notlocalhost", RESOLVE_ANY, true, "", WANT_NUMBER},
    {".", RESOLVE_ANY, true, "", WANT_NUMBER},
    {"127.1 x", RESOLVE_ANY, true, "", WANT_NUMBER},
    {"1.2.3.4.5", RESOLVE_ANY, true, "", WANT_NUMBER},
    {"dead.beef", RESOLVE_ANY, true, "", WANT_NUMBER},
    {"both.example%lo", RESOLVE_ANY, true, "", WANT_NUMBER},
    {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", RESOLVE_ANY,
	true, "", WANT_NUMBER},
};

static void
check_at_once(void)
{
	const char *host;
	struct test t;
	char all[256];
	size_t i;

	for (i = 0; i < COUNT(at_once); i++) {
		host = at_once[i].host;
		start(&t, at_once[i].family, at_once[i].numeric, host);
		is_num(t.calls, 1, "%zu: '%s' is answered at once", i, host);
		ok(t.r.done6 && t.r.done4, "%zu: '%s' is all done", i, host);
		is_text(all_of(&t.r, all, sizeof(all)), at_once[i].all,
		    "%zu: '%s' has its addresses", i, host);
		is_text(t.r.why, at_once[i].why, "%zu: '%s' has its reason", i,
		    host);
		finish(&t);
		is_num(t.calls, 1, "%zu: '%s' is answered once", i, host);
	}
	is_num(asked, 0, "nobody was asked");
}

static void
check_scope(void)
{
	char host[IF_NAMESIZE + 16], name[IF_NAMESIZE];
	struct test t;

	start(&t, RESOLVE_ANY, false, "fe80::1%7");
	is_num(t.r.v6[0].v6.sin6_scope_id, 7, "a scope may be a number");
	finish(&t);
	if (if_indextoname(1, name) == NULL) {
		ok(true, "a scope may be a name # SKIP no interfaces");
		return;
	}
	snprintf(host, sizeof(host), "fe80::1%%%s", name);
	start(&t, RESOLVE_ANY, false, host);
	is_num(t.r.v6[0].v6.sin6_scope_id, 1, "a scope may be a name");
	finish(&t);
}

static const struct {
	const char *host;
	enum resolve_family family;
	unsigned calls;
	const char *all;
	int why; /* of getaddrinfo */
} questions[] = {
    {"both.example", RESOLVE_ANY, 2,
	"2001:db8::1 2001:db8::2 10.0.0.1 10.0.0.2 ", 0},
    {"both.example", RESOLVE_V4, 1, "10.0.0.1 10.0.0.2 ", 0},
    {"both.example", RESOLVE_V6, 1, "2001:db8::1 2001:db8::2 ", 0},
    {"four.example", RESOLVE_ANY, 2, "10.0.0.4 ", 0},
    {"six.example", RESOLVE_ANY, 2, "2001:db8::6 ", 0},
    {"127.1.example", RESOLVE_ANY, 2, "2001:db8::7 ", 0},
    {"four.example", RESOLVE_V6, 1, "", EAI_NODATA},
    {"six.example", RESOLVE_V4, 1, "", EAI_ADDRFAMILY},
    {"none.example", RESOLVE_ANY, 2, "", EAI_NONAME},
    {"again.example", RESOLVE_ANY, 2, "", EAI_AGAIN},
    {"late.example", RESOLVE_ANY, 2, "", EAI_AGAIN},
    {"empty.example", RESOLVE_ANY, 2, "", EAI_NODATA},
    {"notlocalhost", RESOLVE_ANY, 2, "", EAI_NONAME},
};

static void
check_questions(void)
{
	const char *host;
	struct test t;
	char all[256];
	size_t i;

	for (i = 0; i < COUNT(questions); i++) {
		host = questions[i].host;
		start(&t, questions[i].family, false, host);
		is_num(t.calls, 0, "%zu: %s is asked for", i, host);
		ok(resolve_is_hung(&t.resolver), "%zu: %s is pending", i, host);
		ok(t.r.done6 == (questions[i].family == RESOLVE_V4) &&
			t.r.done4 == (questions[i].family == RESOLVE_V6),
		    "%zu: %s: a family not asked for is done", i, host);
		finish(&t);
		is_num(t.calls, questions[i].calls,
		    "%zu: %s is answered for each family", i, host);
		is_text(all_of(&t.r, all, sizeof(all)), questions[i].all,
		    "%zu: %s has its addresses", i, host);
		ok(t.r.done6 && t.r.done4, "%zu: %s is done", i, host);
		if (questions[i].why != 0)
			is_text(t.r.why, gai_strerror(questions[i].why),
			    "%zu: %s has its reason", i, host);
	}
	is_num(hints_type, SOCK_STREAM, "streams are asked for, no service");
	is_num(hints_flags & AI_ADDRCONFIG, 0,
	    "what addresses this machine has makes no difference");
}

static void
check_many(void)
{
	struct test t;

	start(&t, RESOLVE_ANY, false, "many.example");
	finish(&t);
	is_num(t.r.n6, RESOLVE_MAX, "so many IPv6 addresses are kept");
	is_num(t.r.n4, RESOLVE_MAX, "so many IPv4 addresses are kept");
}

/* A name is turned into ASCII first; some are refused before any is asked. */
static void
check_bad_name(void)
{
	char name[400];
	struct test t;

	start(&t, RESOLVE_ANY, false, "\xff\xfe.example");
	is_num(t.calls, 1, "a name that is no UTF-8 is answered at once");
	ok(t.r.done6 && t.r.done4 && t.r.n6 + t.r.n4 == 0,
	    "a name that is no UTF-8 has no address");
	ok(t.r.why[0] != '\0', "a name that is no UTF-8 has a reason: %s",
	    t.r.why);
	finish(&t);
	is_num(t.calls, 1, "a name that is no UTF-8 is answered once");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	start(&t, RESOLVE_ANY, false, name);
	finish(&t);
	ok(t.r.n6 + t.r.n4 == 0 && t.r.why[0] != '\0',
	    "a name that is too long has no address: %s", t.r.why);
}

static void
await_hanging(unsigned n)
{
	pthread_mutex_lock(&lock);
	while (hanging != n)
		pthread_cond_wait(&turn, &lock);
	pthread_mutex_unlock(&lock);
}

static void
set_let_go(bool yes)
{
	pthread_mutex_lock(&lock);
	let_go = yes;
	pthread_cond_broadcast(&turn);
	pthread_mutex_unlock(&lock);
}

/* One family answers, the other one never does. */
static void
check_half(void)
{
	struct test t;

	start(&t, RESOLVE_ANY, false, "half.example");
	await_hanging(1);
	while (t.calls == 0)
		uv_run(&t.loop, UV_RUN_ONCE);
	is_num(t.r.n6, 2, "a family that hangs does not delay the other one");
	ok(t.r.done6 && !t.r.done4, "one is done, one is not");
	resolve_cancel(&t.r);
	ok(resolve_is_hung(&t.resolver), "a thread is hung");
	set_let_go(true);
	finish(&t);
	is_num(t.calls, 1, "after resolve_cancel nothing comes");
	ok(!resolve_is_hung(&t.resolver), "no thread is hung any more");
	set_let_go(false);
}

/* Two threads hang, and what is asked behind them never gets one. */
static void
check_cancel(void)
{
	struct test t;
	struct resolve *more = calloc(1, sizeof(*more));

	if (more == NULL)
		abort();
	start(&t, RESOLVE_ANY, false, "hang.example");
	await_hanging(2);
	more->on_answer = on_answer;
	more->owner = &t;
	resolve_start(more, &t.resolver, &t.loop, "both.example", 1);
	is_num(t.resolver.pending, 4, "four questions are pending");
	resolve_cancel(more);
	resolve_cancel(more);
	memset(more, 0x5a, sizeof(*more));
	free(more);
	is_num(t.resolver.pending, 2, "what was not begun is withdrawn");
	resolve_cancel(&t.r);
	resolve_cancel(&t.r);
	is_num(t.resolver.pending, 2, "what hangs is not");
	ok(resolve_is_hung(&t.resolver), "threads are hung");
	uv_run(&t.loop, UV_RUN_NOWAIT);
	set_let_go(true);
	finish(&t);
	is_num(t.calls, 0, "nobody was told");
	ok(!resolve_is_hung(&t.resolver), "no thread is hung any more");
}

static void
check_cancel_within(void)
{
	struct test t;

	start(&t, RESOLVE_ANY, false, "both.example");
	t.cancel = true;
	finish(&t);
	is_num(t.calls, 1, "who cancels with the first answer gets no second");
	memset(&t, 0, sizeof(t));
	resolve_cancel(&t.r);
	ok(true, "what was never started can be cancelled");
}

int
main(void)
{
	check_at_once();
	check_scope();
	check_questions();
	check_many();
	check_bad_name();
	check_half();
	check_cancel();
	check_cancel_within();
	return done_testing();
}
