/*
 * For whom a message is: the channels in front of it, and the records of a
 * source that begin with them. Records are cut at each place, in batches of
 * several sizes, before a forbidden page; what is refused is refused alone, and
 * what a sink has written comes back.
 */

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "guard.h"
#include "io/sink.h"
#include "io/source.h"
#include "tap.h"

#define BATCH_MAX 8

/* What came, as text: "c1,c2[a]", and "2: why" of a record refused. */
struct out {
	char text[8192];
	size_t len;
};

static struct guard page, list_page;

static void say(struct out *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	o->len += (size_t)vsnprintf(
	    o->text + o->len, sizeof(o->text) - o->len, fmt, ap);
	va_end(ap);
}

static void
say_target(struct out *o, const struct target *t)
{
	static const char *const words[] = {"*", "", "", "-", "?"};
	size_t i;

	say(o, "%s", words[t->kind]);
	for (i = 0; i < t->n; i++)
		say(o, "%sc%llu", i > 0 ? "," : "",
		    (unsigned long long)target_list(t)[i]);
}

static void
say_message(struct out *o, struct slice m)
{
	struct span to = {(uint8_t *)o->text, o->len + 1, sizeof(o->text) - 64};
	size_t pos = 0;

	o->text[o->len] = '[';
	text_escape(TEXT_ESCAPED, m, &pos, &to);
	o->len = to.len;
	say(o, "]");
}

/* target_read, with the list no longer than it may be. */
static enum target_error
read_target(const char *record, struct target *t, size_t *at)
{
	const size_t len = strlen(record);
	const uint8_t *p = guard_end(&page, record, len);
	uint8_t *room =
	    guard_room(&list_page, TARGET_ROOM(len) * sizeof(uint64_t));

	return target_read(slice_of(p, len), t, (uint64_t *)(void *)room, at);
}

static void
reads(const char *record, const char *want, const char *name)
{
	struct out o = {.len = 0};
	struct target t;
	size_t at = 99;

	is_num(read_target(record, &t, &at), TARGET_OK, "%s: a target", name);
	say_target(&o, &t);
	is_text(o.text, want, "%s", name);
	is_text(record + at, "m", "%s: and behind its tab", name);
}

static void
refuses(const char *record, enum target_error want, size_t want_at,
    const char *name)
{
	struct target t;
	size_t at = 99;

	is_num(read_target(record, &t, &at), want, "%s is refused", name);
	if (want == TARGET_NO_NAME)
		is_num(at, want_at, "%s is refused where it stands", name);
}

static void
test_reading(void)
{
	struct target t;
	size_t at;

	reads("*\tm", "*", "a star is all");
	reads("c7\tm", "c7", "a name is one");
	reads("c9223372036854775807\tm", "c9223372036854775807",
	    "the last number there is");
	reads("c1,c7,c9\tm", "c1,c7,c9", "names are some");
	reads("c9,c1,c9,c7,c1\tm", "c1,c7,c9", "in order, and each once");
	reads("c7,c7\tm", "c7", "one that is said twice is one");
	reads("-c7\tm", "-c7", "all but one");
	reads("-c9,c7\tm", "-c7,c9", "all but some");
	refuses("", TARGET_NO_TAB, 0, "an empty record");
	refuses("c7", TARGET_NO_TAB, 0, "a name alone");
	refuses("c7 m", TARGET_NO_TAB, 0, "a blank in place of the tab");
	refuses("*", TARGET_NO_TAB, 0, "a star alone");
	refuses("\tm", TARGET_NO_NAME, 0, "no name");
	refuses("-\tm", TARGET_NO_NAME, 1, "all but none");
	refuses("c\tm", TARGET_NO_NAME, 0, "a name without its number");
	refuses("c0\tm", TARGET_NO_NAME, 0, "a channel 0");
	refuses("c01\tm", TARGET_NO_NAME, 0, "another name of the same");
	refuses("C1\tm", TARGET_NO_NAME, 0, "another letter");
	refuses("c1x\tm", TARGET_NO_NAME, 0, "more than a name");
	refuses("c9223372036854775808\tm", TARGET_NO_NAME, 0, "too large");
	refuses(
	    "c18446744073709551617\tm", TARGET_NO_NAME, 0, "one that wraps");
	refuses("c1,\tm", TARGET_NO_NAME, 3, "a comma behind the last");
	refuses(",c1\tm", TARGET_NO_NAME, 0, "a comma before the first");
	refuses("c1,*\tm", TARGET_NO_NAME, 3, "a star in a list");
	refuses("c1,-c2\tm", TARGET_NO_NAME, 3, "an exception from some");
	refuses("-*\tm", TARGET_NO_NAME, 1, "all but all");
	refuses("**\tm", TARGET_NO_NAME, 0, "two stars");
	refuses("c1 \tm", TARGET_NO_NAME, 0, "a blank behind the name");
	refuses(" c1\tm", TARGET_NO_NAME, 0, "a blank before it");
	is_num(target_read(slice_of("c1,c2\tm", 7), &t, NULL, &at),
	    TARGET_NO_ROOM, "a list wants room");
	is_num(target_read(slice_of("c1\tm", 4), &t, NULL, &at), TARGET_OK,
	    "one channel wants none");
}

static void
test_long_list(void)
{
	char *record = malloc(3 * TARGET_MAX + 8);
	struct target t;
	size_t i, at;

	for (i = 0; i <= TARGET_MAX; i++)
		memcpy(record + 3 * i, "c1,", 3);
	memcpy(record + 3 * TARGET_MAX - 1, "\tm", 3);
	is_num(read_target(record, &t, &at), TARGET_OK, "a list may be long");
	is_num(t.kind, TARGET_ONE, "and be one channel all the same");
	memcpy(record + 3 * TARGET_MAX - 1, ",c1\tm", 6);
	is_num(read_target(record, &t, &at), TARGET_LONG,
	    "but no longer than the limit");
	free(record);
}

static void
test_membership(void)
{
	uint64_t some[] = {5, 2, 9, 2}, same[] = {2, 5, 9}, other[] = {2, 5, 8};
	const struct target all = target_all(), one = target_one(2);
	struct target t = target_of(TARGET_SOME, some, 4), u;

	ok(target_has(&all, 3), "all has any channel");
	ok(target_has(&one, 2) && !target_has(&one, 3), "one has that one");
	ok(target_has(&t, 2) && target_has(&t, 5) && target_has(&t, 9),
	    "some has each of its channels");
	ok(!target_has(&t, 1) && !target_has(&t, 6) && !target_has(&t, 10),
	    "and no other");
	u = target_of(TARGET_SOME, same, 3);
	ok(target_equal(&t, &u), "the same channels are the same");
	u = target_of(TARGET_SOME, other, 3);
	ok(!target_equal(&t, &u), "others are not");
	u = target_of(TARGET_BUT, same, 3);
	ok(!target_equal(&t, &u), "nor are all others");
	ok(!target_has(&u, 5) && target_has(&u, 6),
	    "all but some has no other");
	u = target_one(3);
	ok(target_equal(&one, &one) && !target_equal(&one, &u),
	    "one is not another");
	ok(target_equal(&all, &all) && !target_equal(&all, &one),
	    "all is all alone");
	u = target_of(TARGET_BUT, some, 1);
	ok(!target_has(&u, 2) && target_has(&u, 3), "all but one has not it");
	u = target_of(TARGET_SOME, some, 0);
	ok(!target_has(&u, 2), "some of none has none");
	u = target_of(TARGET_BUT, some, 0);
	is_num(u.kind, TARGET_ALL, "all but none is all");
	u = (struct target){.kind = TARGET_NOBODY};
	ok(!target_has(&u, 2), "nobody is no channel");
	is_num(target_chan(slice_of("c12", 3)), 12, "c12 is 12");
	is_num(target_chan(slice_of("c12,", 4)), 0, "c12, is no channel");
	is_num(target_chan(slice_of("", 0)), 0, "nor is nothing");
}

/* What one call brought. */
static void
say_batch(struct out *o, const struct source *s, const struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		say_target(o, &s->notes[i].to);
		say_message(o, b->v[i]);
	}
}

/* All of it, `step` bytes at a time, behind what is refused as well. */
static void
pour(enum source_kind kind, struct slice in, size_t step, size_t batch,
    struct out *o)
{
	struct source_note notes[BATCH_MAX];
	struct slice v[BATCH_MAX];
	enum source_result r;
	struct source s;
	struct fail f;
	size_t held = 0, end = 0, used;
	bool last;

	o->len = 0;
	source_init(&s, kind, kind == SOURCE_HEX, 99, NULL);
	source_set_addressed(&s);
	s.notes = notes;
	do {
		end = in.len - end > step ? end + step : in.len;
		last = end == in.len;
		do {
			struct batch b = {v, 0, batch};
			const uint8_t *p =
			    guard_end(&page, in.p + held, end - held);

			r = source_cut(
			    &s, slice_of(p, end - held), &b, &used, &f);
			held += used;
			say_batch(o, &s, &b);
			if (r == SOURCE_BAD)
				say(o, "\n%s\n", f.what);
		} while (r == SOURCE_FULL || (r == SOURCE_BAD && !s.spent));
	} while (!last && !s.spent);
	if (!s.spent) {
		struct batch b = {v, 0, batch};
		const uint8_t *p = guard_end(&page, in.p + held, end - held);

		if (source_end(&s, slice_of(p, end - held), &b, &f) ==
		    SOURCE_BAD)
			say(o, "\n%s\n", f.what);
		say_batch(o, &s, &b);
	}
	source_release(&s);
}

static void
gives(enum source_kind kind, const char *in, size_t len, const char *want,
    const char *name)
{
	static struct out o;
	size_t step, batch, bad = 0;

	pour(kind, slice_of(in, len), SIZE_MAX, BATCH_MAX, &o);
	is_text(o.text, want, "%s", name);
	for (step = 1; step <= len; step++)
		for (batch = 1; batch <= BATCH_MAX; batch *= 2) {
			pour(kind, slice_of(in, len), step, batch, &o);
			bad += strcmp(o.text, want) != 0;
		}
	ok(bad == 0, "%s: the same however it is cut", name);
}

#define GIVES(kind, in, want, name) gives(kind, in, sizeof(in) - 1, want, name)

static void
test_records(void)
{
	GIVES(SOURCE_LINES, "c1\ta\n*\tb\tc\n-c1\td\nc2,c1\t\nc3\tlast",
	    "c1[a]*[b\\tc]-c1[d]c1,c2[]c3[last]", "a line is for whom it says");
	GIVES(SOURCE_LINES, "c1\ta\\nb\\\\n\nc1\tplain\n*\t\\\\\n",
	    "c1[a\\nb\\\\n]c1[plain]*[\\\\]", "LF and backslash are escaped");
	GIVES(SOURCE_NULL, "c1\ta\\0b\\\\0\\n\nc\0*\tx\r\0",
	    "c1[a\\x00b\\\\0\\n\\nc]*[x\\r]",
	    "and NUL before a NUL, where LF is data");
	GIVES(SOURCE_ESCAPED, "c1\ta\\x00\\t\n*\tb\n", "c1[a\\x00\\t]*[b]",
	    "escaped has its own escapes");
	GIVES(
	    SOURCE_HEX, "c1\t41 42\r\n-c1\t\n", "c1[AB]-c1[]", "hex has none");
}

static void
test_refused(void)
{
	GIVES(SOURCE_LINES, "c1\ta\nHello\n\nc1\tb\nx7\tc\n*\td\n",
	    "c1[a]\nline 2: expected a channel, a tab and a message, saw "
	    "\"Hello\"\n\n"
	    "line 3: expected a channel, a tab and a message, saw \"\"\n"
	    "c1[b]\nline 5: byte 0: expected the name of a channel, saw "
	    "\"x7\"\n*[d]",
	    "a line that names no channel is refused alone");
	GIVES(SOURCE_LINES, "c1,c2,c03\ta\nc1,c2\tb\n",
	    "\nline 1: byte 6: expected the name of a channel, saw "
	    "\"c03\"\nc1,c2[b]",
	    "so is a list with one that is none");
	GIVES(SOURCE_LINES, "c1\ta\\x41\nc1\tb\\\nc1\t\\0\nc1\tc",
	    "\nline 1: byte 4: expected \\n or \\\\, saw \"\\\\x41\"\n\n"
	    "line 2: byte 4: expected \\n or \\\\, saw \"\\\\\"\n\n"
	    "line 3: byte 3: expected \\n or \\\\, saw \"\\\\0\"\nc1[c]",
	    "so is a line with any other backslash");
	GIVES(SOURCE_NULL, "c1\t\\r\0c1\ta",
	    "\nrecord 1: byte 3: expected \\0, \\n or \\\\, saw \"\\\\r\"\n"
	    "c1[a]",
	    "and a record before a NUL");
	GIVES(SOURCE_HEX, "c1\t4\nc1\t41\nc1 41",
	    "\nline 1: byte 3: expected pairs of hexadecimal digits, saw "
	    "\"4\"\nc1[A]\nline 3: expected a channel, a tab and a message, "
	    "saw \"c1 41\"\n",
	    "and a line of hexadecimal, also the last");
}

/* The message of this channel as a sink writes it, behind to[len). */
static size_t
write_record(uint8_t *to, size_t len, size_t cap, enum sink_kind kind,
    uint64_t chan, struct slice m)
{
	struct span out = {to, len, cap};
	struct batch b = {&m, 1, 1};
	struct about_of of;
	struct sink sink;
	size_t next = 0;

	sink_init(&sink, kind, false);
	sink_set_tagged(&sink);
	about_begin(&of, chan, "");
	sink_set_whose(&sink, &of);
	if (sink_put(&sink, &b, &next, &out) != SINK_OK)
		errx(1, "a record has no room");
	return out.len;
}

/* Any messages to any channels come back as they were. */
static void
test_round_trip(uint64_t *state)
{
	static const struct {
		enum source_kind source;
		enum sink_kind sink;
	} kinds[] = {
	    {SOURCE_LINES, SINK_LINES},
	    {SOURCE_NULL, SINK_NULL},
	    {SOURCE_ESCAPED, SINK_ESCAPED},
	    {SOURCE_HEX, SINK_HEX},
	};
	static const char hard[] = "\n\\\0nn0\t\r*c1,";
	static struct out want, got;
	static uint8_t record[65536];
	unsigned i, n = rounds(3000), bad = 0;
	uint8_t bytes[40];
	size_t len, k, j;

	for (i = 0; i < n && bad == 0; i++) {
		want.len = len = 0;
		for (k = 0; k < 9; k++) {
			struct slice m = {bytes, dice_below(state, 40)};
			uint64_t chan = 1 + dice_below(state, 999);

			for (j = 0; j < m.len; j++)
				bytes[j] = dice_below(state, 3) > 0
				    ? (uint8_t)dice(state)
				    : (uint8_t)
					  hard[dice_below(state, sizeof(hard))];
			say(&want, "c%llu", (unsigned long long)chan);
			say_message(&want, m);
			len = write_record(record, len, sizeof(record),
			    kinds[i % 4].sink, chan, m);
		}
		pour(kinds[i % 4].source, slice_of(record, len),
		    1 + dice_below(state, len),
		    1 + dice_below(state, BATCH_MAX), &got);
		bad += strcmp(want.text, got.text) != 0;
	}
	ok(bad == 0, "%u lots of messages come back from a sink as they were",
	    n);
	if (bad > 0) {
		diag("want %s", want.text);
		diag("got %s", got.text);
	}
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_reading();
	test_long_list();
	test_membership();
	test_records();
	test_refused();
	test_round_trip(&state);
	guard_free(&page);
	guard_free(&list_page);
	return done_testing();
}
