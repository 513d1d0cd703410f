/*
 * Whatever a peer sends, nothing of it drives a terminal: messages by chance,
 * full of what terminals obey, through every kind of output for people, cut
 * by buffers at any place, and judged by harmless.c.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "chance.h"
#include "harmless.h"
#include "io/sink.h"
#include "talk/dump.h"
#include "tap.h"

#define BATCH_MAX 16
#define MESSAGE_MAX 200
/* A byte is at most \uXXXX, or four of base64; and what stands around. */
#define SHOWN_MAX (BATCH_MAX * (MESSAGE_MAX * 6 + 200))

/* What somebody who means harm would send, whole or in part. */
static const char *const harmful[] = {
    "\033[31m",		      /* colours */
    "\033]52;c;ZXZpbA==\007", /* OSC 52: the clipboard */
    "\033]0;title\033\\",     /* OSC, ended by ST */
    "\033]8;;http://x\007",   /* a link */
    "\033P$q\"p\033\\",	      /* DCS */
    "\033c",		      /* a reset */
    "\033[6n",		      /* a question that is answered as typed */
    "\x9b"
    "31m", /* CSI, one byte */
    "\x9d"
    "52;c;ZXZpbA==\x9c", /* OSC, one byte */
    "\xc2\x9b"
    "31m",			    /* CSI in UTF-8 */
    "\xc2\x85",			    /* NEL in UTF-8 */
    "\r", "\b\b\b", "\007", "\016", /* another character set */
    "\x7f", "\xe2\x80\xae",	    /* U+202E, right to left */
    "\xe2\x81\xa6",		    /* U+2066, isolate */
    "\xd8\x9c",			    /* U+061C, Arabic letter mark */
    "\xe2\x80\x8b",		    /* U+200B, zero width space */
    "\xe2\x80\xa8",		    /* U+2028, line separator */
    "\xef\xbb\xbf",		    /* U+FEFF */
    "\xef\xb8\x8f",		    /* U+FE0F, variation selector */
    "\xee\x82\xa0",		    /* U+E0A0, private use */
    "\xf3\xa0\x81\x81",		    /* U+E0041, a tag */
    "\xc0\x9b",			    /* ESC, overlong */
    "\xe0\x80\x9b",		    /* the same */
    "\xc1\x9b", "\xed\xa0\x80",	    /* a surrogate */
    "\xf4\x90\x80\x80",		    /* above the last code point */
    "\xf8\x88\x80\x80\x80",	    /* five bytes */
    "\xef\xbf\xbe",		    /* U+FFFE */
    "\xcd\xb8",			    /* U+0378, unassigned */
};

static const char *const harmless[] = {"a", "Hello", " ", "\\", "\"", "\n",
    "\t", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "e\xcc\x81",
    "\xd7\xa9\xd7\x9c", "\xe4\xb8\xad"};

#define PIECES(table) (sizeof(table) / sizeof((table)[0]))

static size_t
random_point(uint64_t *state, uint8_t *to)
{
	static const uint32_t below[] = {
	    0x100, 0x3000, 0x10000, 0x20000, 0x110000};
	uint32_t cp = (uint32_t)dice_below(state, below[dice_below(state, 5)]);

	if (cp < 0x800) {
		to[0] = (uint8_t)(0xc0 | cp >> 6);
		to[1] = (uint8_t)(0x80 | (cp & 63));
		return 2;
	}
	to[0] = (uint8_t)(cp < 0x10000 ? 0xe0 | cp >> 12 : 0xf0 | cp >> 18);
	to[1] = (uint8_t)(0x80 | (cp >> 12 & 63));
	if (cp < 0x10000) {
		to[1] = (uint8_t)(0x80 | (cp >> 6 & 63));
		to[2] = (uint8_t)(0x80 | (cp & 63));
		return 3;
	}
	to[2] = (uint8_t)(0x80 | (cp >> 6 & 63));
	to[3] = (uint8_t)(0x80 | (cp & 63));
	return 4;
}

static size_t
some_message(uint64_t *state, uint8_t *p)
{
	size_t len = 0, n,
	       want = dice_below(state, dice_below(state, 8) ? 30 : 150);
	const char *piece;

	while (len < want) {
		switch (dice_below(state, 4)) {
		case 0:
			p[len++] = (uint8_t)dice(state);
			continue;
		case 1:
			len += random_point(state, p + len);
			continue;
		case 2:
			piece = harmful[dice_below(state, PIECES(harmful))];
			break;
		default:
			piece = harmless[dice_below(state, PIECES(harmless))];
		}
		n = strlen(piece);
		if (dice_below(state, 8) == 0)
			n = dice_below(state, n + 1);
		memcpy(p + len, piece, n);
		len += n;
	}
	return len;
}

/* Everything that was sent, and everything that was shown. */
struct play {
	uint8_t sent[BATCH_MAX][MESSAGE_MAX];
	struct slice v[BATCH_MAX];
	struct batch batch;
	uint8_t shown[SHOWN_MAX];
	size_t len;
	unsigned messages, harmful;
	unsigned harm; /* how often something was shown that must not be */
};

static void
judge(struct play *p, const char *controls, const char *how)
{
	const char *what;
	size_t at;

	what = harm_in(p->shown, p->len, controls, &at);
	if (what == NULL)
		return;
	if (p->harm++ < 3) {
		diag("%s: %s at %zu", how, what, at);
		diag_bytes("shown", p->shown, p->len);
	}
}

static void
fill(struct play *p, uint64_t *state)
{
	size_t i, at;

	p->batch = (struct batch){p->v, 0, BATCH_MAX};
	for (i = dice_below(state, BATCH_MAX) + 1; i > 0; i--) {
		uint8_t *m = p->sent[p->batch.n];
		size_t len = some_message(state, m);

		p->harmful += harm_in(m, len, "\n\t", &at) != NULL;
		batch_add(&p->batch, m, len);
	}
	p->messages += (unsigned)p->batch.n;
}

static void
take(struct play *p, const struct span *out)
{
	memcpy(p->shown + p->len, out->p, out->len);
	p->len += out->len;
}

static void
through_sink(struct play *p, uint64_t *state)
{
	static const char *const names[] = {
	    "lines", "null", "raw", "json", "escaped", "hex", "none"};
	const enum sink_kind kind = (enum sink_kind)dice_below(state, 7);
	uint8_t buf[SINK_STEP + 64];
	struct span out = {buf, 0, SINK_STEP + dice_below(state, 64)};
	struct stamp stamp;
	enum sink_result r;
	struct about_of of;
	struct sink s;
	size_t next = 0;

	sink_init(&s, kind, true);
	about_begin(&of, 0, "");
	s.about.of = &of;
	if (kind != SINK_JSON && dice_below(state, 4) == 0) {
		stamp_init(&stamp, STAMP_START);
		s.stamp = &stamp;
	}
	p->len = 0;
	do {
		r = sink_put(&s, &p->batch, &next, &out);
		take(p, &out);
		out.len = 0;
		if (r == SINK_LARGE) {
			p->harm++;
			return;
		}
	} while (r != SINK_OK);
	judge(p, "\n\t", names[kind]);
}

/* Error texts, and the lines of -v. */
static void
through_text(struct play *p, uint64_t *state)
{
	uint8_t buf[TEXT_STEP + 16];
	struct span out = {buf, 0, TEXT_STEP + dice_below(state, 16)};
	const bool line = dice_below(state, 2);
	size_t i, pos;
	bool done;

	p->len = 0;
	for (i = 0; i < p->batch.n; i++) {
		pos = 0;
		do {
			done = text_escape(line ? TEXT_LINE : TEXT_ESCAPED,
			    p->batch.v[i], &pos, &out);
			take(p, &out);
			out.len = 0;
		} while (!done);
	}
	judge(p, "", line ? "a line" : "escaped");
}

/* A color of ours at p: so many bytes, or 0. */
static size_t
color_len(const char *p)
{
	static const char *const ours[] = {"\033[0m", "\033[32m", "\033[33m",
	    "\033[35m", "\033[36m", "\033[1;31m"};
	size_t i;

	for (i = 0; i < PIECES(ours); i++)
		if (strncmp(p, ours[i], strlen(ours[i])) == 0)
			return strlen(ours[i]);
	return 0;
}

static void
show_line(void *owner, const char *line)
{
	struct play *p = owner;
	size_t n;

	for (p->len = 0; *line != '\0'; line += n) {
		n = color_len(line);
		if (n > 0)
			continue;
		n = 1;
		p->shown[p->len++] = (uint8_t)*line;
	}
	judge(p, "", "the dump");
}

static void
through_dump(struct play *p, uint64_t *state)
{
	struct framing in, out;
	struct dump d;
	size_t i;

	chance_framing(state, &in);
	chance_framing(state, &out);
	dump_init(&d, &in, &out, dice_below(state, 2), show_line, p);
	for (i = 0; i < p->batch.n; i++)
		dump_bytes(&d, dice_below(state, 2), p->batch.v[i], i + 1);
	dump_end(&d, false, dice_below(state, 2));
	dump_end(&d, true, dice_below(state, 2));
}

static void
test_by_chance(uint64_t *state)
{
	static struct play p;
	const unsigned n = rounds(1000000);

	while (p.messages < n && p.harm == 0) {
		fill(&p, state);
		through_sink(&p, state);
		if (dice_below(state, 4) == 0)
			through_text(&p, state);
		if (dice_below(state, 32) == 0)
			through_dump(&p, state);
	}
	is_num(
	    p.harm, 0, "nothing of %u messages drives a terminal", p.messages);
	ok(p.harmful > n / 2, "%u of them would have", p.harmful);
}

/* One code point by itself, and the bytes it is written with, cut. */
static void
test_each_code_point(void)
{
	static struct play p;
	uint8_t buf[SINK_STEP * 2];
	unsigned shown = 0;
	uint32_t cp, got;
	struct about_of of;
	struct sink s;
	size_t next;
	int n;

	for (cp = 0; cp <= 0x10ffff && p.harm == 0; cp++) {
		struct span out = {buf, 0, sizeof(buf)};

		n = (int)(cp < 0x80 ? 1 : 2);
		p.sent[0][0] = (uint8_t)cp;
		if (cp >= 0x80) {
			p.sent[0][0] = (uint8_t)(cp < 0x800 ? 0xc0 | cp >> 6
				: cp < 0x10000		    ? 0xe0 | cp >> 12
							    : 0xf0 | cp >> 18);
			n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
			for (int i = n - 1; i > 0; i--)
				p.sent[0][i] = (uint8_t)(0x80 |
				    (cp >> 6 * (n - 1 - i) & 63));
		}
		p.v[0] = slice_of(p.sent[0], (size_t)n);
		p.v[1] = slice_of(p.sent[0], (size_t)n - 1);
		p.batch = (struct batch){p.v, 2, 2};
		sink_init(&s, SINK_LINES, true);
		about_begin(&of, 0, "");
		s.about.of = &of;
		next = p.len = 0;
		sink_put(&s, &p.batch, &next, &out);
		take(&p, &out);
		judge(&p, "\n\t", "a code point");
		if (cp >= 0x80 && utf8_next(buf, (size_t)n, &got) == n)
			shown++;
	}
	is_num(p.harm, 0, "no code point drives a terminal, whole or cut");
	ok(shown > 140000, "and the others are shown: %u", shown);
}

/* The judge sees what is harmful. */
static void
test_judge(void)
{
	size_t i, at;

	for (i = 0; i < PIECES(harmful); i++)
		if (strcmp(harmful[i], "\xcd\xb8") != 0)
			ok(harm_in((const uint8_t *)harmful[i],
			       strlen(harmful[i]), "\n\t", &at) != NULL,
			    "seen as harmful, row %zu", i);
	for (i = 0; i < PIECES(harmless); i++)
		ok(harm_in((const uint8_t *)harmless[i], strlen(harmless[i]),
		       "\n\t", &at) == NULL,
		    "seen as harmless, row %zu", i);
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_judge();
	test_each_code_point();
	test_by_chance(&state);
	return done_testing();
}
