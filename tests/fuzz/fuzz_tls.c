/*
 * The engine of TLS. Either a server or a client is told anything at all; or
 * both talk to one another, and what is between them is cut, changed and added
 * to. Nothing is ever read that the other one has not written, in its order; an
 * engine that asks for more has taken all; what went wrong has words.
 */

#include "check.h"
#include "tls_both.h"

#define SAID 4096 /* what may be written in one run */

struct talker {
	struct tls_side *side;
	uint8_t said[SAID];
	size_t said_n;
	size_t heard; /* of what the other one said */
	bool dead;
};

/* Made once: keys take long. */
static struct tls_both both;

static void
make_configs(void)
{
	static const char *pin;
	static struct tls_plan client = {.pins = &pin, .pins_n = 1};
	static struct tls_plan server = {.self_signed = true, .alpn = "a,b"};

	if (both.server.config != NULL)
		return;
	both.server.config = tls_face.config_new(
	    TLS_SERVER, &server, &both.server.about, &both.server.fail);
	pin = both.server.about.pin;
	both.client.config = tls_face.config_new(
	    TLS_CLIENT, &client, &both.client.about, &both.client.fail);
	CHECK(both.server.config != NULL && both.client.config != NULL,
	    "there are configs: %s %s", both.server.fail.what,
	    both.client.fail.what);
}

static void
check_engine(struct talker *t, ssize_t r)
{
	size_t held;

	CHECK(r >= TLS_FAILED, "a result is one of those that there are");
	if (r == TLS_WANT)
		CHECK(t->side->wire.in.len == 0,
		    "who asks for more has taken all");
	if (r == TLS_FAILED) {
		t->dead = true;
		CHECK(tls_face.fail(t->side->engine) != NULL,
		    "who fails says why");
	}
	if (tls_face.fail(t->side->engine) != NULL)
		check_fail(tls_face.fail(t->side->engine));
	CHECK(tls_face.missing(t->side->engine, &held) > 0,
	    "something is always missing");
	CHECK(tls_face.waiting(t->side->engine)[0] != '\0',
	    "it is known what is waited for");
}

/* What it has been handed it deals with; `from` is who could have said it. */
static void
go_on(struct talker *t, const struct talker *from, size_t room)
{
	uint8_t buf[600];
	ssize_t r;

	if (t->side->shaken == TLS_WANT) {
		t->side->shaken = tls_face.handshake(t->side->engine);
		check_engine(t, t->side->shaken);
	}
	while (t->side->shaken == 1 && !t->dead) {
		r = tls_face.read(t->side->engine, buf,
		    room < sizeof(buf) ? room + 1 : sizeof(buf));
		check_engine(t, r);
		if (r <= 0)
			break;
		CHECK(t->heard + (size_t)r <= from->said_n &&
			memcmp(buf, from->said + t->heard, (size_t)r) == 0,
		    "what is heard was said");
		t->heard += (size_t)r;
	}
}

static void
hand(struct talker *from, struct talker *to, size_t n, size_t room)
{
	struct tls_side *s = from->side;
	size_t left = s->wire.out.len - s->at;
	uint8_t *copy;

	if (n > left)
		n = left;
	if (n == 0 || to->dead)
		return;
	copy = check_copy(slice_of(s->wire.out.p + s->at, n));
	to->side->wire.in = slice_of(copy, n);
	go_on(to, from, room);
	s->at += n;
	to->side->wire.in.len = 0;
	free(copy);
}

static void
inject(struct talker *to, const struct talker *from, struct slice *in, size_t n)
{
	uint8_t *copy;

	if (n > in->len)
		n = in->len;
	if (n == 0 || to->dead)
		return;
	copy = check_copy(slice_of(in->p, n));
	in->p += n;
	in->len -= n;
	to->side->wire.in = slice_of(copy, n);
	go_on(to, from, 100);
	to->side->wire.in.len = 0;
	free(copy);
}

static void
say(struct talker *t, size_t n)
{
	size_t i;

	if (t->side->shaken != 1 || t->dead || t->said_n + n > SAID || n == 0)
		return;
	for (i = 0; i < n; i++)
		t->said[t->said_n + i] = (uint8_t)(t->said_n + i * 3);
	t->said_n += n;
	if (tls_face.write(t->side->engine, t->said + t->said_n - n, n) != 0) {
		check_engine(t, TLS_FAILED);
		t->said_n -= n;
	}
}

/* One thing that happens to this one, and to what it sends. */
static void
act(struct talker *t, struct talker *other, struct slice *in)
{
	const uint8_t what = check_byte(in), n = check_byte(in);
	struct span *out = &t->side->wire.out;
	struct tls_facts facts;

	switch (what % 8) {
	case 0:
		hand(t, other, n, 100);
		break;
	case 1:
		hand(t, other, SIZE_MAX, n);
		break;
	case 2:
		inject(t, other, in, n);
		break;
	case 3:
		if (t->side->at + n < out->len)
			out->p[t->side->at + n] ^= check_byte(in);
		break;
	case 4:
		say(t, (size_t)n * 4);
		break;
	case 5:
		if (t->side->shaken == 1 && !t->dead)
			tls_face.shut(t->side->engine);
		break;
	case 6:
		t->side->wire.in_ended = true;
		go_on(t, other, n);
		break;
	case 7:
		tls_face.facts(t->side->engine, &facts);
		check_line(facts.subject, sizeof(facts.subject));
		check_line(facts.alpn, sizeof(facts.alpn));
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct talker client, server;
	struct slice in = slice_of(data, size);
	uint8_t first = check_byte(&in);
	size_t step = 1 + check_byte(&in);

	make_configs();
	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client.side = &both.client;
	server.side = &both.server;
	CHECK(tls_both_begin(&both, "localhost"), "they begin");
	if (first & 1)
		/* Anything, in pieces. */
		while (in.len > 0 && !client.dead && !server.dead)
			inject(first & 2 ? &server : &client,
			    first & 2 ? &client : &server, &in, step);
	else if (first & 2)
		tls_both_shake(&both, step * 16);
	while (in.len > 0)
		if (check_byte(&in) & 1)
			act(&client, &server, &in);
		else
			act(&server, &client, &in);
	both.client.wire.in_ended = both.server.wire.in_ended = false;
	tls_both_end(&both);
	return 0;
}
