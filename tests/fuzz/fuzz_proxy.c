/*
 * A proxy's answer, in one piece and in several: what comes of it is the
 * same, no more of it is used than there is, and a refusal has words. The
 * input begins with the kind of proxy, whether there are credentials, the host
 * (a choice) and four places to cut.
 */
#include "check.h"
#include "net/proxy.h"

#define CUTS 4

/* What came of it. */
struct outcome {
	enum proxy_step step;
	size_t used;
	uint8_t said[4 * PROXY_OUT_MAX];
	size_t said_len;
	struct fail f;
};

struct how {
	enum proxy_kind kind;
	bool credentials;
	const char *host;
	size_t cuts[CUTS + 1];
	size_t n; /* pieces */
};

static void
read_how(struct slice *in, struct how *how)
{
	static const char *const hosts[] = {
	    "host.example", "10.0.0.1", "::1", ""};
	uint8_t b = check_byte(in);
	size_t i, at = 0, cuts[CUTS];

	how->kind = (enum proxy_kind)(PROXY_SOCKS4 + b % 3);
	how->credentials = (b & 0x80) != 0;
	how->host = hosts[b / 3 % 4];
	for (i = 0; i < CUTS; i++)
		cuts[i] = check_byte(in);
	for (i = 0; i < CUTS; i++) {
		at += cuts[i];
		how->cuts[i] = at < in->len ? at : in->len;
	}
	how->cuts[CUTS] = in->len;
	how->n = CUTS + 1;
}

static void
begin(struct proxy *p, const struct how *how, struct outcome *o)
{
	memset(p, 0xa5, sizeof(*p));
	memset(o, 0, sizeof(*o));
	memset(&o->f, 0x5a, sizeof(o->f));
	p->kind = how->kind;
	p->host = how->host;
	p->port = 8000;
	p->user = how->credentials ? "user" : NULL;
	p->password =
	    how->credentials && how->kind != PROXY_SOCKS4 ? "word" : NULL;
	CHECK(proxy_start(p, &o->f) == 0, "the first words fit");
	CHECK(p->out_len > 0 && p->out_len <= PROXY_OUT_MAX,
	    "the first words are some: %zu", p->out_len);
}

/* One piece, fed until it is used up; false at the end of the answers. */
static bool
feed(struct proxy *p, struct slice piece, struct outcome *o)
{
	uint8_t *copy = check_copy(piece);
	size_t at = 0, used;
	bool more = true;

	while (more && at < piece.len) {
		used = SIZE_MAX;
		o->step = proxy_feed(
		    p, slice_of(copy + at, piece.len - at), &used, &o->f);
		CHECK(used <= piece.len - at, "no more is used than there is");
		CHECK(used > 0, "something is used");
		CHECK((p->out_len > 0) == (o->step == PROXY_WRITE),
		    "words are there to be written, or not");
		CHECK(o->step != PROXY_MORE || used == piece.len - at,
		    "more is asked for when all is used");
		CHECK(o->said_len + p->out_len <= sizeof(o->said),
		    "the talk with a proxy ends");
		memcpy(o->said + o->said_len, p->out, p->out_len);
		o->said_len += p->out_len;
		at += used;
		more = o->step == PROXY_MORE || o->step == PROXY_WRITE;
	}
	o->used += at;
	free(copy);
	return more;
}

static void
run(const struct how *how, struct slice answer, struct outcome *o)
{
	struct proxy *p = check_alloc(sizeof(*p));
	struct fail f;
	size_t i, at = 0;

	begin(p, how, o);
	for (i = 0; i < how->n; i++) {
		if (!feed(p, slice_of(answer.p + at, how->cuts[i] - at), o))
			break;
		at = how->cuts[i];
	}
	if (o->step == PROXY_REFUSED) {
		check_fail(&o->f);
		CHECK(o->f.status == STATUS_CONNECT,
		    "a proxy that refuses is no connection");
	} else {
		CHECK(o->step != PROXY_OPEN || o->used > 0,
		    "no proxy opens without a word");
		memset(&f, 0x5a, sizeof(f));
		CHECK(proxy_explain_end(p, &f) == -1, "an end is a failure");
		check_fail(&f);
	}
	free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct outcome whole, part;
	struct how how, one;

	read_how(&in, &how);
	one = how;
	one.cuts[0] = in.len;
	one.n = 1;
	run(&one, in, &whole);
	run(&how, in, &part);
	CHECK(whole.step == part.step, "cuts change the step: %d, %d",
	    (int)whole.step, (int)part.step);
	CHECK(whole.used == part.used, "cuts change what is used: %zu, %zu",
	    whole.used, part.used);
	CHECK(check_same(slice_of(whole.said, whole.said_len),
		  slice_of(part.said, part.said_len)),
	    "cuts change what is said");
	CHECK(whole.step != PROXY_REFUSED ||
		strcmp(whole.f.hint, part.f.hint) == 0,
	    "cuts change the hint");
	return 0;
}
