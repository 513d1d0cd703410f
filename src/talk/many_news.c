/*
 * What is said to many. Those who speak alike hear the same bytes, encoded
 * once, from one ring; a channel whose mode was changed, or that takes packets,
 * is told by itself.
 *
 * The input goes at the pace of whoever is fastest: where even he is
 * MANY_AHEAD behind, or half of --queue, it is not read. Who is further behind
 * than --queue when something is said is slow, and --slow says what becomes of
 * him. What is said just then does not count: it may be more than --queue by
 * itself, and nobody has had the time to take it.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "talk/explain.h"
#include "talk/many_parts.h"

#define MANY_AHEAD (1u << 20)
#define TELL_DROPPED_MS 1000

/* Whatever is not for encode_wrap finds room. */
#define ROOM (ENCODE_LARGE_MIN + ENCODE_HEAD_MAX + FRAMING_TAG_MAX)

static bool
same(const struct framing *a, const struct framing *b)
{
	return a == b ||
	    (a->mode == b->mode && a->count == b->count &&
		a->tag_len == b->tag_len &&
		memcmp(a->tag, b->tag, a->tag_len) == 0 &&
		a->tag_align == b->tag_align && a->width == b->width &&
		a->big_endian == b->big_endian && a->max == b->max);
}

bool
many_news_init(struct many *m)
{
	const struct many_plan *p = m->plan;
	const struct framing *out;
	size_t i, j;

	m->news = calloc(m->run.plan->door.places_n, sizeof(*m->news));
	if (m->news == NULL)
		return false;
	for (i = 0; i < m->run.plan->door.places_n; i++) {
		out = &p->talks[i].out;
		for (j = 0; j < m->news_n && !same(m->news[j].out, out); j++)
			;
		if (j < m->news_n)
			continue;
		m->news[j].out = out;
		ring_init(&m->news[j].ring);
		encoder_init(&m->news[j].encoder, out);
		m->news_n++;
	}
	return true;
}

void
many_news_release(struct many *m)
{
	size_t i;

	for (i = 0; i < m->news_n; i++)
		ring_release(&m->news[i].ring);
	free(m->news);
	m->news = NULL;
	m->news_n = 0;
}

static void
out_of_memory(struct member *mem)
{
	struct fail f;

	fail_set(&f, STATUS_IO, "%s: out of memory", mem->talk.name);
	many_close(mem, STATUS_IO, "failed", &f);
}

void
many_join(struct many *m, struct member *mem)
{
	const struct framing *out = &mem->talk.plan->out;
	struct chan *c = &mem->talk.chan;
	size_t i = 0;

	if (c->stream->packets || stream_has_datagrams(c->stream) ||
	    out->mode == FRAMING_UNTIL_CLOSE)
		return;
	while (!same(m->news[i].out, out))
		i++;
	if (!chan_hear(c, &m->news[i].ring)) {
		out_of_memory(mem);
		return;
	}
	mem->news = &m->news[i];
	mem->news->members++;
}

void
many_part(struct member *mem)
{
	if (mem->news == NULL)
		return;
	mem->news->members--;
	mem->news = NULL;
	if (mem->talk.chan.stream != NULL && !chan_hear_not(&mem->talk.chan))
		out_of_memory(mem);
}

/* One that is not copied elsewhere: it is, here. */
static bool
add_large(struct news *n, struct slice m, struct fail *f)
{
	struct encode_frame frame;
	struct span *to;

	if (encode_wrap(&n->encoder, m, &frame) == ENCODE_BAD) {
		explain_encode(&n->encoder.fault, n->out, f);
		return false;
	}
	to = ring_room(&n->ring, frame.head_len + m.len + frame.tail.len);
	if (to == NULL) {
		fail_set(f, STATUS_IO, "out of memory");
		return false;
	}
	memcpy(to->p + to->len, frame.head, frame.head_len);
	memcpy(to->p + to->len + frame.head_len, m.p, m.len);
	memcpy(to->p + to->len + frame.head_len + m.len, frame.tail.p,
	    frame.tail.len);
	to->len += frame.head_len + m.len + frame.tail.len;
	ring_added(&n->ring, 1);
	return true;
}

/* As much as goes into one block. */
static enum encode_result
add_some(struct news *n, const struct batch *b, size_t *next)
{
	struct span *to = ring_room(&n->ring, ROOM);
	size_t before = *next;
	enum encode_result r;

	if (to == NULL)
		return ENCODE_LARGE; /* there it is found out again */
	r = encode(&n->encoder, b, next, to);
	ring_added(&n->ring, *next - before);
	return r;
}

static void
encode_for(struct many *m, struct news *n, const struct batch *b, size_t from,
    many_fault *fault)
{
	const struct many_whose whose = {0, n->out};
	enum encode_result r = ENCODE_FULL;
	size_t next = from;
	struct fail f;

	n->done = 0;
	n->added = n->ring.bytes;
	while (r != ENCODE_OK && next < b->n) {
		r = add_some(n, b, &next);
		if (r == ENCODE_BAD) {
			if (m->speaks != NULL)
				n->encoder.fault.message = many_number(m, next);
			explain_encode(&n->encoder.fault, n->out, &f);
			fault(m, next++, &whose, &f);
			n->done--;
		} else if (r == ENCODE_LARGE) {
			if (!add_large(n, b->v[next], &f)) {
				fault(m, next, &whose, &f);
				n->done--;
			}
			next++;
		}
	}
	n->done += next - from;
	n->added = n->ring.bytes - n->added;
}

/* Never NULL, and perhaps another's if memory is out. */
static struct laggard *
lag_of(struct member *mem)
{
	if (mem->lag == NULL)
		mem->lag = calloc(1, sizeof(*mem->lag));
	if (mem->lag == NULL) {
		mem->many->spare = (struct laggard){0};
		return &mem->many->spare;
	}
	return mem->lag;
}

uint64_t
many_dropped(const struct member *mem)
{
	return mem->lag == NULL ? 0 : mem->lag->dropped;
}

void
many_tell_dropped(struct member *mem)
{
	struct many *m = mem->many;
	struct laggard *lag = mem->lag;
	struct fail f;

	if (lag == NULL || lag->dropped == lag->told_dropped)
		return;
	lag->told_dropped = lag->dropped;
	lag->told_dropped_ms = uv_now(&m->run.loop);
	fail_set(&f, STATUS_DONE,
	    "%s: too slow: %" PRIu64 " messages were not sent to it so far",
	    mem->talk.name, lag->dropped);
	m->run.plan->complain(&f);
}

/* They are told now and then, and at the end. */
static void
drop(struct many *m, struct member *mem, uint64_t n)
{
	const uint64_t now = uv_now(&m->run.loop);
	struct laggard *lag = lag_of(mem);

	lag->dropped += n;
	if (lag->told_dropped == 0 ||
	    now - lag->told_dropped_ms >= TELL_DROPPED_MS)
		many_tell_dropped(mem);
}

static size_t
longest(const struct batch *b, size_t from)
{
	size_t len = 0;

	for (; from < b->n; from++)
		if (b->v[from].len > len)
			len = b->v[from].len;
	return len;
}

/* Messages have been said to it of which the longest is so long. */
static void
note_longest(const struct many *m, struct member *mem, size_t len)
{
	const struct chan *c = &mem->talk.chan;
	struct laggard *lag;

	if (len <= m->plan->queue_max)
		return;
	lag = lag_of(mem);
	lag->large = len;
	lag->large_end = c->counts.bytes_out + chan_queued(c);
}

/*
 * What may wait for it: --queue, and what is left of a message that is longer
 * than that, which one may be.
 */
static size_t
most(const struct many *m, const struct member *mem)
{
	const uint64_t out = mem->talk.chan.counts.bytes_out;
	const struct laggard *lag = mem->lag;
	uint64_t left;

	if (lag == NULL || out >= lag->large_end)
		return m->plan->queue_max;
	left = lag->large_end - out;
	return m->plan->queue_max +
	    (left < lag->large ? (size_t)left : lag->large);
}

/* It is further behind than may be. */
static void
slow(struct many *m, struct member *mem)
{
	struct chan *c = &mem->talk.chan;
	struct fail f;
	uint64_t n;

	switch (m->plan->slow) {
	case MANY_CLOSE:
		fail_set(&f, STATUS_TIMEOUT,
		    "%s: too slow: expected at most %zu bytes to wait for it, "
		    "saw %zu",
		    mem->talk.name, m->plan->queue_max, chan_queued(c));
		fail_hint(&f,
		    "try: --slow drop, --slow wait, or a larger "
		    "--queue");
		many_close(mem, STATUS_TIMEOUT, "too slow", &f);
		break;
	case MANY_DROP:
		if (mem->lag != NULL)
			mem->lag->large_end = 0;
		n = chan_skip(c);
		if (n > 0)
			drop(m, mem, n);
		break;
	case MANY_WAIT:
		m->late += !mem->late;
		mem->late = m->paused = true;
		chan_tell_low(c, m->plan->queue_max / 2);
		break;
	}
}

/* How far even the fastest may be behind. */
static size_t
ahead(const struct many *m)
{
	const size_t half = m->plan->queue_max / 2;

	return half < MANY_AHEAD ? half : MANY_AHEAD;
}

/* What cannot be queued because the one before has not gone: a packet. */
static void
missed(struct many *m, struct member *mem, uint64_t n)
{
	if (m->plan->slow == MANY_CLOSE &&
	    !stream_has_datagrams(mem->talk.chan.stream))
		slow(m, mem);
	else
		drop(m, mem, n);
}

void
many_tell(struct many *m, struct member *mem, const struct batch *b,
    size_t from, many_fault *fault)
{
	struct talk *t = &mem->talk;
	const struct many_whose whose = {mem->link.number, t->chan.out};
	const bool late = chan_queued(&t->chan) > most(m, mem);
	enum chan_sent sent = CHAN_SENT;
	struct batch rest = *b;
	size_t next = from;
	struct fail f;

	if (!many_hears(mem))
		return;
	if (late && m->plan->slow == MANY_CLOSE)
		slow(m, mem);
	if (late && m->plan->slow == MANY_DROP) {
		drop(m, mem, b->n - next);
		return;
	}
	while (next < b->n && !t->ending && !t->over) {
		sent = talk_say(t, &rest, &next);
		if (sent == CHAN_REFUSED) {
			talk_refused_text(t, &f);
			fault(m, next++, &whose, &f);
		} else if (sent == CHAN_FULL) {
			missed(m, mem, b->n - next);
			break;
		} else if (sent == CHAN_LOST)
			break;
	}
	if (!many_hears(mem))
		return;
	note_longest(m, mem, longest(b, from));
	if (chan_queued(&t->chan) > m->plan->queue_max) {
		m->turn_over = true; /* perhaps it goes, then */
		if (late)
			slow(m, mem);
	}
	/* What it was to tell it has forgotten meanwhile. */
	if (m->paused)
		chan_tell_low(&t->chan,
		    mem->late ? m->plan->queue_max / 2 : ahead(m) / 2);
}

/* They hear nothing of what comes now; or again. */
static void
hear_not(struct many *m, const struct target *but, bool not )
{
	const uint64_t *v = target_list(but);
	struct crowd_link *l;
	struct member *mem;
	uint32_t i;

	for (i = 0; i < but->n; i++) {
		l = crowd_find(&m->crowd, v[i]);
		if (l == NULL)
			continue;
		mem = many_member(l);
		if (mem->news == NULL || mem->talk.over)
			continue;
		if (!(not ? chan_hear_not(&mem->talk.chan)
			  : chan_hear(&mem->talk.chan, &mem->news->ring)))
			out_of_memory(mem);
	}
}

/* It had not even taken what was said before. */
static bool
is_slow(const struct many *m, const struct member *mem)
{
	const size_t queued = chan_queued(&mem->talk.chan);

	return mem->news != NULL && queued > most(m, mem) &&
	    queued > m->plan->queue_max + mem->news->added;
}

/* Who had not even taken what was said before, and is there one who has? */
static void
look_at_pace(struct many *m)
{
	size_t i, queued, least = SIZE_MAX;
	struct member *mem;

	for (i = 0; i < m->crowd.n; i++) {
		mem = many_at(m, i);
		if (!many_hears(mem))
			continue;
		if (is_slow(m, mem)) {
			/* In this turn it may have had no time to take it. */
			chan_flush(&mem->talk.chan);
			if (many_hears(mem) && is_slow(m, mem))
				slow(m, mem);
		}
		queued = chan_queued(&mem->talk.chan);
		if (queued < least)
			least = queued;
	}
	/* Who is waited for says when it goes on, and nobody else. */
	if (m->late > 0 || least <= ahead(m) || least == SIZE_MAX)
		return;
	m->paused = true;
	for (i = 0; i < m->crowd.n; i++)
		chan_tell_low(&many_at(m, i)->talk.chan, ahead(m) / 2);
}

/*
 * Who was told to leave hears no more: not before there is more, since what it
 * has not sent becomes its own then.
 */
static void
part_leaving(struct many *m)
{
	size_t i;

	m->parting = false;
	for (i = 0; i < m->crowd.n; i++)
		if (!many_hears(many_at(m, i)))
			many_part(many_at(m, i));
}

void
many_tell_all(struct many *m, const struct batch *b, size_t from,
    const struct target *but, many_fault *fault)
{
	const size_t len = longest(b, from);
	struct member *mem;
	size_t i;

	if (m->parting)
		part_leaving(m);
	if (but != NULL)
		hear_not(m, but, true);
	for (i = 0; i < m->news_n; i++)
		if (m->news[i].members > 0)
			encode_for(m, &m->news[i], b, from, fault);
	for (i = 0; i < m->crowd.n; i++) {
		mem = many_at(m, i);
		if (but != NULL && !target_has(but, mem->link.number))
			continue;
		if (mem->news == NULL)
			many_tell(m, mem, b, from, fault);
		else if (many_hears(mem)) {
			talk_told(&mem->talk, mem->news->done);
			note_longest(m, mem, len);
		}
	}
	if (but != NULL)
		hear_not(m, but, false);
	look_at_pace(m);
}

void
many_not_late(struct member *mem)
{
	mem->many->late -= mem->late;
	mem->late = false;
}

void
many_go_on(struct many *m)
{
	if (!m->paused || m->late > 0)
		return;
	/* In a turn of its own: somebody may just be told something. */
	m->go_on_due = true;
	many_pump_soon(m);
}

void
many_on_low(struct talk *t)
{
	struct member *mem = many_of(t);

	many_not_late(mem);
	many_go_on(mem->many);
}
