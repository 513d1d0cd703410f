/*
 * The ring against a model: one string of all that was ever added, and for
 * each reader what it has read, what it skipped, and where it joined.
 */

#include <stdlib.h>
#include <string.h>

#include "chan/ring.h"
#include "tap.h"

#define READERS 8
#define FRAME_MAX 60000

static void
add(struct ring *r, const char *text)
{
	struct span *s = ring_room(r, strlen(text));

	memcpy(s->p + s->len, text, strlen(text));
	s->len += strlen(text);
	ring_added(r, 1);
}

static bool
reads(struct ring *r, struct ring_reader *reader, const char *want)
{
	struct iovec v[4];
	char got[200];
	size_t n = 0;
	int i, pieces = ring_peek(reader, v, 4);

	for (i = 0; i < pieces; i++) {
		memcpy(got + n, v[i].iov_base, v[i].iov_len);
		n += v[i].iov_len;
	}
	ring_advance(r, reader, n);
	return n == strlen(want) && memcmp(got, want, n) == 0;
}

static void
plain(void)
{
	struct ring r;
	struct ring_reader a = {0}, b = {0};

	ring_init(&r);
	ok(ring_join(&r, &a), "a reader joins an empty ring");
	ok(ring_behind(&r, &a) == 0, "and has nothing to read");
	add(&r, "one");
	ok(ring_join(&r, &b), "another joins later");
	add(&r, "two");
	ok(ring_behind(&r, &a) == 6 && ring_behind(&r, &b) == 3,
	    "each is as far behind as it is");
	ok(reads(&r, &a, "onetwo"), "the first reads all of it");
	ok(reads(&r, &b, "two"), "the other what came after it had joined");
	ok(ring_behind(&r, &a) == 0 && ring_behind(&r, &b) == 0,
	    "nothing is left");
	ok(ring_skip(&r, &a) == 0, "there is nothing to skip");
	add(&r, "three");
	ring_skip_all(&r, &a);
	add(&r, "four");
	ok(reads(&r, &a, "four") && reads(&r, &b, "threefour"),
	    "one who has begun nothing leaves out all, and nobody else does");
	ring_leave(&r, &a);
	ring_leave(&r, &b);
	ring_leave(&r, &b);
	ok(a.block == NULL && ring_behind(&r, &a) == 0,
	    "who has left is not behind");
	ring_release(&r);
}

/* Whoever reads nothing keeps what he has begun, and not what he leaves out. */
static void
stalled_reader(void)
{
	struct ring_reader stalled = {0}, reads = {0};
	struct ring r;
	struct span *s;
	size_t most = 0;
	unsigned i;

	ring_init(&r);
	ring_join(&r, &stalled);
	for (i = 0; i < 100; i++) {
		if (i == 10)
			ring_join(&r, &reads);
		s = ring_room(&r, RING_BLOCK);
		memset(s->p, 'x', RING_BLOCK);
		s->len = RING_BLOCK;
		ring_added(&r, 1);
		ring_skip(&r, &stalled);
		if (i >= 10)
			ring_advance(&r, &reads, ring_behind(&r, &reads));
		if (r.held > most)
			most = r.held;
	}
	ok(most <= 4 * (size_t)RING_BLOCK, "held %zu at the most", most);
	ring_advance(&r, &stalled, ring_behind(&r, &stalled));
	add(&r, "end");
	ok(ring_behind(&r, &stalled) == 3, "it goes on where others are");
	ring_leave(&r, &stalled);
	ring_leave(&r, &reads);
	ring_release(&r);
}

/* Frames "[N...]" of some length; a reader must see whole ones, in order. */
struct model {
	struct ring ring;
	struct ring_reader reader[READERS];
	uint64_t joined[READERS];  /* messages before it came */
	uint64_t seen[READERS];	   /* whole frames */
	uint64_t skipped[READERS]; /* as it was told */
	uint64_t last[READERS];	   /* number of the frame seen last */
	size_t in_frame[READERS];  /* bytes of an unfinished frame */
	uint64_t number[READERS];  /* its number */
	size_t length[READERS];	   /* and its length */
	unsigned broken;
};

/* A frame: its length and number, eight bytes each, and filling. */
static void
add_frame(struct model *m, uint64_t *state)
{
	size_t n =
	    16 + dice_below(state, dice_below(state, 20) == 0 ? 600000 : 3000);
	uint64_t head[2] = {n, m->ring.messages + 1};
	struct span *s = ring_room(&m->ring, n);

	memcpy(s->p + s->len, head, 16);
	memset(s->p + s->len + 16, (int)(head[1] % 251), n - 16);
	s->len += n;
	ring_added(&m->ring, 1);
}

/* One byte of what a reader sees: at 0 and 8 the head is looked at. */
static void
see(struct model *m, int i, const uint8_t *p, size_t n)
{
	static uint8_t head[READERS][16];
	size_t take;

	while (n > 0) {
		if (m->in_frame[i] < 16) {
			take =
			    16 - m->in_frame[i] < n ? 16 - m->in_frame[i] : n;
			memcpy(head[i] + m->in_frame[i], p, take);
		} else {
			memcpy(&m->length[i], head[i], 8);
			memcpy(&m->number[i], head[i] + 8, 8);
			take = m->length[i] - m->in_frame[i];
			take = take < n ? take : n;
			m->broken += take > 0 && *p != m->number[i] % 251;
		}
		m->in_frame[i] += take;
		p += take;
		n -= take;
		if (m->in_frame[i] < 16)
			continue;
		memcpy(&m->length[i], head[i], 8);
		memcpy(&m->number[i], head[i] + 8, 8);
		if (m->in_frame[i] == m->length[i]) {
			m->broken += m->number[i] <= m->last[i];
			m->last[i] = m->number[i];
			m->in_frame[i] = 0;
			m->seen[i]++;
		}
	}
}

static void
read_some(struct model *m, int i, uint64_t *state)
{
	struct iovec v[3];
	int pieces = ring_peek(&m->reader[i], v, 3), k;
	uint64_t before = ring_behind(&m->ring, &m->reader[i]);
	size_t total = 0, n, take;

	for (k = 0; k < pieces; k++)
		total += v[k].iov_len;
	m->broken += (total == 0) != (before == 0) || total > before;
	n = total == 0 ? 0 : dice_below(state, total) + 1;
	for (k = 0, total = n; k < pieces && total > 0; k++) {
		take = v[k].iov_len < total ? v[k].iov_len : total;
		see(m, i, v[k].iov_base, take);
		total -= take;
	}
	ring_advance(&m->ring, &m->reader[i], n);
	m->broken += ring_behind(&m->ring, &m->reader[i]) != before - n;
}

static void
read_all(struct model *m, int i, uint64_t *state)
{
	while (ring_behind(&m->ring, &m->reader[i]) > 0)
		read_some(m, i, state);
	m->broken += m->in_frame[i] != 0;
	m->broken +=
	    m->joined[i] + m->seen[i] + m->skipped[i] != m->ring.messages;
}

static void
by_chance(uint64_t *state)
{
	struct model m;
	unsigned step, steps = rounds(20000);
	int i;

	memset(&m, 0, sizeof(m));
	ring_init(&m.ring);
	for (step = 0; step < steps; step++) {
		i = (int)dice_below(state, READERS);
		switch (dice_below(state, 12)) {
		case 0:
			if (m.reader[i].block == NULL) {
				ring_join(&m.ring, &m.reader[i]);
				m.joined[i] = m.ring.messages;
				m.seen[i] = m.skipped[i] = m.in_frame[i] = 0;
				m.last[i] = m.ring.messages;
			}
			break;
		case 1:
			if (dice_below(state, 10) == 0)
				ring_leave(&m.ring, &m.reader[i]);
			break;
		case 2:
			m.skipped[i] += ring_skip(&m.ring, &m.reader[i]);
			break;
		case 3:
			if (m.reader[i].block != NULL)
				read_all(&m, i, state);
			break;
		case 4:
		case 5:
		case 6:
			add_frame(&m, state);
			break;
		default:
			if (m.reader[i].block != NULL)
				read_some(&m, i, state);
		}
	}
	for (i = 0; i < READERS; i++)
		if (m.reader[i].block != NULL) {
			read_all(&m, i, state);
			ring_leave(&m.ring, &m.reader[i]);
		}
	ok(m.broken == 0,
	    "each reader sees whole frames in order, and all but what it "
	    "was told that it skipped");
	ok(m.ring.first == m.ring.last, "what all have read is not kept");
	ring_release(&m.ring);
}

int
main(void)
{
	uint64_t state = dice_seed();

	plain();
	stalled_reader();
	by_chance(&state);
	return done_testing();
}
