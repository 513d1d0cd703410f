/*
 * Batches from one charset to another; see charset.h. A message goes through
 * in steps: each takes what it can, and says why it stopped.
 *
 *	step:	all of it --> the next message
 *		E2BIG --> more room, again
 *		EILSEQ, EINVAL --> an error, or what stands for it, again
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "io/charset.h"
#include "io/cp1252.h"

#define ARENA_KEEP (1u << 20) /* what is kept for the next batch */
#define ROOM 64		      /* for a step that had none */
#define REPLACEMENT "\xef\xbf\xbd"

/* UTF-8 itself: it is looked at, and stays as it is. */
static int
step_utf8(struct slice *in, struct span *out)
{
	uint32_t cp;
	int n;

	for (; in->len > 0; in->p += n, in->len -= (size_t)n) {
		n = utf8_next(in->p, in->len, &cp);
		if (n <= 0)
			return n == UTF8_PARTIAL ? EINVAL : EILSEQ;
		if (span_room(out) < (size_t)n)
			return E2BIG;
		memcpy(out->p + out->len, in->p, (size_t)n);
		out->len += (size_t)n;
	}
	return 0;
}

/* One call of iconv; *other: characters that it put others for. */
static int
call_iconv(iconv_t cd, struct slice *in, struct span *out, size_t *other)
{
	char *from = (char *)(uintptr_t)in->p, *to = (char *)out->p + out->len;
	size_t left = in->len, room = span_room(out);

	*other = iconv(cd, &from, &left, &to, &room);
	in->p += in->len - left;
	in->len = left;
	out->len = out->cap - room;
	if (*other != (size_t)-1)
		return 0;
	*other = 0;
	return errno;
}

/* Where iconv puts another character for one that it cannot, it is asked for
 * each, and what it put is taken away. */
static int
step_each(struct charset *cs, struct slice *in, struct span *out)
{
	struct slice one;
	size_t len, other;
	uint32_t cp;
	int err, n;

	for (; in->len > 0; in->p += n, in->len -= (size_t)n) {
		n = utf8_next(in->p, in->len, &cp);
		if (n <= 0)
			return n == UTF8_PARTIAL ? EINVAL : EILSEQ;
		one = slice_of(in->p, (size_t)n);
		len = out->len;
		err = call_iconv(cs->cd, &one, out, &other);
		if (err != 0)
			return err;
		if (other > 0) {
			out->len = len;
			return EILSEQ;
		}
	}
	return 0;
}

/* Takes what it can off `in`; the result is as cp1252.h has it. */
static int
step(struct charset *cs, struct slice *in, struct span *out)
{
	size_t other;

	switch (cs->kind) {
	case CHARSET_CP1252:
		return cs->way == CHARSET_SEND ? cp1252_from_utf8(in, out)
					       : cp1252_to_utf8(in, out);
	case CHARSET_ICONV:
		if (cs->substitutes)
			return step_each(cs, in, out);
		return call_iconv(cs->cd, in, out, &other);
	default:
		return step_utf8(in, out);
	}
}

static int
no_memory(struct fail *f)
{
	return fail_set(f, STATUS_IO, "out of memory");
}

/* Room for so many bytes more; false: out of memory. */
static bool
make_room(struct span *s, size_t more)
{
	size_t cap;
	uint8_t *p;

	if (span_room(s) >= more)
		return true;
	cap = s->len + more;
	if (s->len > 0)
		cap += cap / 2;
	p = realloc(s->p, cap);
	if (p == NULL)
		return false;
	s->p = p;
	s->cap = cap;
	return true;
}

static bool
put(struct span *s, const void *p, size_t len)
{
	if (!make_room(s, len))
		return false;
	memcpy(s->p + s->len, p, len);
	s->len += len;
	return true;
}

/*
 * A text of ours that stands for what could not be converted, in the peer's
 * charset. 0; EILSEQ: the charset has not got it; ENOMEM.
 */
static int
put_for_peer(struct charset *cs, const char *text)
{
	struct slice in = slice_of(text, strlen(text));
	const size_t len = cs->arena.len;
	int err;

	while ((err = step(cs, &in, &cs->arena)) == E2BIG)
		if (!make_room(&cs->arena, ROOM))
			return ENOMEM;
	if (err != 0)
		cs->arena.len = len;
	return err;
}

/*
 * How many bytes at in.p are what cannot be converted: a unit of the peer's,
 * a character of ours, or a byte that is none (*cp is then UINT32_MAX).
 */
static size_t
bad_len(const struct charset *cs, struct slice in, uint32_t *cp)
{
	int n;

	*cp = UINT32_MAX;
	if (cs->way == CHARSET_RECEIVE)
		return in.len < cs->unit ? in.len : cs->unit;
	n = utf8_next(in.p, in.len, cp);
	if (n > 0)
		return (size_t)n;
	*cp = UINT32_MAX;
	return 1;
}

static void
escape(struct slice bad, uint32_t cp, char *text, size_t cap)
{
	size_t i, n = 0;

	if (cp != UINT32_MAX) {
		snprintf(text, cap, "\\u{%X}", (unsigned)cp);
		return;
	}
	for (i = 0; i < bad.len; i++)
		n += (size_t)snprintf(text + n, cap - n, "\\x%02x", bad.p[i]);
}

/* Puts what stands for the beginning of *in, which is taken off; or -1. */
static int
substitute(struct charset *cs, struct slice *in, struct fail *f)
{
	char text[32] = REPLACEMENT;
	uint32_t cp;
	size_t n = bad_len(cs, *in, &cp);
	int err;

	if (cs->errors == CHARSET_ESCAPE)
		escape(slice_of(in->p, n), cp, text, sizeof(text));
	if (cs->way == CHARSET_RECEIVE)
		err = put(&cs->arena, text, strlen(text)) ? 0 : ENOMEM;
	else
		err = put_for_peer(cs, text);
	if (err == EILSEQ)
		err = put_for_peer(cs, "?");
	if (err == ENOMEM)
		return no_memory(f);
	in->p += n;
	in->len -= n;
	return 0;
}

/* `at` bytes into the message there is what cannot be converted: always -1. */
static int
refuse(const struct charset *cs, struct slice in, size_t at, struct fail *f)
{
	unsigned long long number = cs->messages + 1;
	char look[96];
	uint32_t cp;
	size_t n = bad_len(cs, in, &cp);

	if (cp != UINT32_MAX)
		in.len = n;
	text_look(in, 8, look, sizeof(look));
	if (cs->way == CHARSET_RECEIVE)
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: byte %zu: expected %s, saw %s", number, at,
		    cs->name, look);
	else if (cp == UINT32_MAX)
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: byte %zu: expected UTF-8, saw %s", number,
		    at, look);
	else
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: byte %zu: expected a character that %s "
		    "has, saw U+%04X (%s)",
		    number, at, cs->name, (unsigned)cp, look);
	return fail_hint(f, "try: %s, or --charset-errors replace or escape",
	    cp != UINT32_MAX || cs->way == CHARSET_RECEIVE
		? "another --charset"
		: "an input in UTF-8");
}

/* The state goes back to the beginning, and what that takes is written. */
static int
finish(struct charset *cs, struct fail *f)
{
	char *to;
	size_t room, r;

	if (cs->kind != CHARSET_ICONV ||
	    (cs->way == CHARSET_RECEIVE && cs->stream))
		return 0;
	do {
		if (!make_room(&cs->arena, ROOM))
			return no_memory(f);
		to = (char *)cs->arena.p + cs->arena.len;
		room = span_room(&cs->arena);
		r = iconv(cs->cd, NULL, NULL, &to, &room);
		cs->arena.len = cs->arena.cap - room;
		/* So much room is always enough. */
	} while (r == (size_t)-1 && errno == E2BIG && room == 0);
	return 0;
}

/*
 * A mark tells the order of the bytes that follow, and is no part of them. A
 * stream has one at its very beginning, if that is long enough.
 */
static void
read_mark(struct charset *cs, struct slice *in)
{
	static const uint8_t big[] = {0, 0, 0xfe, 0xff};
	static const uint8_t little[] = {0xff, 0xfe, 0, 0};
	const size_t n = cs->unit;

	if (!cs->two_orders || cs->ordered || in->len < n)
		return;
	cs->ordered = cs->stream;
	cs->cd = cs->little;
	if (memcmp(in->p, big + sizeof(big) - n, n) == 0)
		cs->cd = cs->big;
	else if (memcmp(in->p, little, n) != 0)
		return;
	in->p += n;
	in->len -= n;
}

/* One message behind what is in the arena; 0, or -1 and the fail. */
static int
convert_one(struct charset *cs, struct slice m, struct fail *f)
{
	const size_t carried = cs->carry_len;
	struct slice in = m;
	size_t at;
	int err;

	if (carried > 0) {
		cs->join.len = 0;
		if (!put(&cs->join, cs->carry, carried) ||
		    !put(&cs->join, m.p, m.len))
			return no_memory(f);
		in = m = slice_of(cs->join.p, cs->join.len);
		cs->carry_len = 0;
	}
	read_mark(cs, &in);
	while ((err = step(cs, &in, &cs->arena)) != 0) {
		if (err == E2BIG) {
			if (!make_room(&cs->arena, ROOM))
				return no_memory(f);
			continue;
		}
		if (err == EINVAL && cs->stream && in.len <= CHARSET_CARRY) {
			memcpy(cs->carry, in.p, in.len);
			cs->carry_len = in.len;
			break;
		}
		at = (size_t)(in.p - m.p);
		if (cs->errors == CHARSET_STOP)
			return refuse(
			    cs, in, at > carried ? at - carried : 0, f);
		if (substitute(cs, &in, f) == -1)
			return -1;
	}
	return finish(cs, f);
}

/* Does it go through as it is? */
static bool
passes(const struct charset *cs, struct slice m)
{
	if (cs->carry_len > 0 || !cs->ascii)
		return false;
	return utf8_ascii(m.p, m.len) == m.len ||
	    (cs->kind == CHARSET_UTF8 && utf8_valid(m.p, m.len));
}

/* The arena for a batch of so many bytes that do not pass. */
static bool
prepare(struct charset *cs, size_t bytes)
{
	size_t need =
	    cs->way == CHARSET_SEND ? bytes * cs->unit : bytes + bytes / 2;

	cs->arena.len = 0;
	if (cs->arena.cap > ARENA_KEEP && need < ARENA_KEEP) {
		free(cs->arena.p);
		cs->arena = (struct span){NULL, 0, 0};
	}
	return make_room(&cs->arena, need + ROOM);
}

/* Converts in->v[from...], of which those before have passed. */
static int
convert_rest(struct charset *cs, const struct batch *in, size_t from,
    struct batch *out, struct fail *f)
{
	size_t i, begin, kept = from, at = 0;
	int r = 0;

	for (i = from; i < in->n; i++, cs->messages++) {
		if (passes(cs, in->v[i])) {
			cs->v[kept++] = in->v[i];
			continue;
		}
		begin = cs->arena.len;
		r = convert_one(cs, in->v[i], f);
		if (r == -1)
			break;
		/* A read that brought a part of a character brought nothing. */
		if (!cs->stream || cs->arena.len > begin)
			cs->v[kept++] =
			    (struct slice){NULL, cs->arena.len - begin};
	}
	/* regexec(3) is told where a message ends, but not all believe it. */
	if (!put(&cs->arena, "", 1)) {
		kept = from;
		r = no_memory(f);
	}
	/* The arena stays where it is from now on. */
	for (i = from; i < kept; i++)
		if (cs->v[i].p == NULL) {
			cs->v[i].p = cs->arena.p + at;
			at += cs->v[i].len;
		}
	*out = (struct batch){cs->v, kept, cs->cap};
	return r;
}

int
charset_convert(struct charset *cs, const struct batch *in, struct batch *out,
    struct fail *f)
{
	size_t i, same, bytes = 0;
	struct slice *v;

	*out = *in;
	if (cs->kind == CHARSET_NONE)
		return 0;
	for (same = 0; same < in->n && passes(cs, in->v[same]); same++)
		cs->messages++;
	if (same == in->n)
		return 0;
	for (i = same; i < in->n; i++)
		bytes += in->v[i].len;
	out->n = same;
	if (cs->cap < in->n) {
		v = realloc(cs->v, in->n * sizeof(*v));
		if (v == NULL)
			return no_memory(f);
		cs->v = v;
		cs->cap = in->n;
	}
	if (!prepare(cs, bytes))
		return no_memory(f);
	memcpy(cs->v, in->v, same * sizeof(*cs->v));
	return convert_rest(cs, in, same, out, f);
}

int
charset_end(const struct charset *cs, struct fail *f)
{
	const bool receive = cs->way == CHARSET_RECEIVE;
	char look[96];

	if (cs->carry_len == 0)
		return 0;
	fail_set(f, receive ? STATUS_TRUNCATED : STATUS_MALFORMED,
	    "the %s ends inside a character: expected %s, saw %s",
	    receive ? "stream" : "input", receive ? cs->name : "UTF-8",
	    text_look(slice_of(cs->carry, cs->carry_len), CHARSET_CARRY, look,
		sizeof(look)));
	return fail_hint(
	    f, "try: %s", receive ? "another --charset" : "an input in UTF-8");
}
