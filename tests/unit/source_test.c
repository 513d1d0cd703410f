/*
 * What people write, and the messages that it means. Every input is given at
 * once, cut in two at each place, and byte by byte, always before a forbidden
 * page and into batches of several sizes; all of that must come to the same.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "guard.h"
#include "io/source.h"
#include "tap.h"

/* What may stand beside a message. */
#define PREFIX 65536

#define BATCH_MAX 8
#define NO_CUT SIZE_MAX

struct how {
	size_t cut;  /* where the first read ends */
	size_t step; /* each read brings so many bytes; 0: all */
	size_t batch;
};

/* What came out, as text: "[a][b]", and behind it what was refused. */
struct out {
	char text[4096];
	size_t len;
	struct fail fail;
	bool broken; /* a rule of the header */
};

struct input {
	enum source_kind kind;
	bool crlf;
	size_t max;
	struct slice in;
};

static struct guard page;

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
say_batch(struct out *o, const struct batch *b)
{
	struct span to;
	size_t i, pos;

	for (i = 0; i < b->n; i++) {
		say(o, "[");
		to = (struct span){
		    (uint8_t *)o->text, o->len, sizeof(o->text) - 64};
		pos = 0;
		o->broken |= !text_escape(TEXT_ESCAPED, b->v[i], &pos, &to);
		o->len = to.len;
		say(o, "]");
	}
}

static bool
is_bad(struct out *o, enum source_result r)
{
	if (r == SOURCE_BAD)
		say(o, " %s", o->fail.what);
	return r == SOURCE_BAD;
}

/* Gives what was not consumed and `more` behind it; *held moves. */
static bool
give(struct source *s, struct slice in, size_t *held, size_t end, size_t batch,
    struct out *o)
{
	struct slice v[BATCH_MAX];
	enum source_result r;
	struct batch b = {v, 0, batch};
	const uint8_t *p;
	size_t used;

	do {
		b.n = 0;
		p = guard_end(&page, in.p + *held, end - *held);
		r = source_cut(
		    s, slice_of(p, end - *held), &b, &used, &o->fail);
		say_batch(o, &b);
		o->broken |= used > end - *held ||
		    (r == SOURCE_FULL && b.n == 0 && used == 0);
		if (is_bad(o, r) || o->broken)
			return false;
		*held += used;
	} while (r == SOURCE_FULL);
	return true;
}

static void
run_on(struct source *s, struct slice in, struct how how, struct out *o)
{
	struct slice v[BATCH_MAX];
	struct batch b = {v, 0, how.batch};
	size_t held = 0, end = 0;
	const uint8_t *p;
	enum source_result r;

	memset(o, 0, sizeof(*o));
	while (end < in.len) {
		if (how.step > 0)
			end = end + how.step < in.len ? end + how.step : in.len;
		else if (end == 0 && how.cut > 0 && how.cut < in.len)
			end = how.cut;
		else
			end = in.len;
		if (!give(s, in, &held, end, how.batch, o))
			return;
	}
	p = guard_end(&page, in.p + held, in.len - held);
	r = source_end(s, slice_of(p, in.len - held), &b, &o->fail);
	say_batch(o, &b);
	o->broken |= r == SOURCE_FULL;
	is_bad(o, r);
}

static void
run(const struct input *q, struct how how, struct out *o)
{
	struct source s;

	source_init(&s, q->kind, q->crlf, q->max, &json_face);
	run_on(&s, q->in, how, o);
	source_release(&s);
}

/* At once it is `want`, and cut anywhere it is the same. */
static void
gives(const struct input *q, const char *want, const char *name)
{
	static struct out first, other;
	static const size_t batches[] = {1, 2, BATCH_MAX};
	size_t cut, i, bad = 0;

	run(q, (struct how){NO_CUT, 0, BATCH_MAX}, &first);
	is_text(
	    first.broken ? "a rule was broken" : first.text, want, "%s", name);
	if (q->kind == SOURCE_RAW)
		return;
	for (i = 0; i < 3 && bad == 0; i++) {
		run(q, (struct how){NO_CUT, 1, batches[i]}, &other);
		bad += strcmp(first.text, other.text) != 0 || other.broken;
		for (cut = 0; cut <= q->in.len && bad == 0; cut++) {
			run(q, (struct how){cut, 0, batches[i]}, &other);
			bad +=
			    strcmp(first.text, other.text) != 0 || other.broken;
		}
	}
	ok(bad == 0, "%s: the same however it is cut", name);
	if (bad > 0)
		diag("cut at %zu: %s", cut, other.text);
}

#define GIVES(kind, crlf, max, in, want, name)                                 \
	gives(&(struct input){kind, crlf, max,                                 \
		  {(const uint8_t *)(in), sizeof(in) - 1}},                    \
	    want, name)

static void
test_plain(void)
{
	GIVES(SOURCE_LINES, false, 99, "Hello\nWorld\n", "[Hello][World]",
	    "a line is a message");
	GIVES(SOURCE_LINES, false, 99, "Hello\nWorld", "[Hello][World]",
	    "a last line without its end is one too");
	GIVES(SOURCE_LINES, false, 99, "\n\nx\n\n", "[][][x][]",
	    "an empty line is an empty message");
	GIVES(SOURCE_LINES, false, 99, "", "", "no line is no message");
	GIVES(SOURCE_LINES, false, 99, "a\r\nb\0c\xff\n",
	    "[a\\r][b\\x00c\\xff]", "CR, NUL and any byte are data in a line");
	GIVES(SOURCE_LINES, true, 99, "a\r\nb\nc\r\r\n\r\nd\re\r",
	    "[a][b][c\\r][][d\\re]", "with crlf a CR before the LF is none");
	GIVES(SOURCE_NULL, false, 99, "a\nb\0c\0\0d", "[a\\nb][c][][d]",
	    "a NUL ends a message");
	GIVES(SOURCE_NULL, true, 99, "a\r\0b\r\n\0", "[a\\r][b\\r\\n]",
	    "crlf is for lines alone");
	GIVES(SOURCE_WHOLE, false, 99, "a\nb\n\0", "[a\\nb\\n\\x00]",
	    "the whole is one message");
	GIVES(SOURCE_WHOLE, true, 99, "a\r\n", "[a\\r\\n]",
	    "crlf leaves the whole as it is");
	GIVES(SOURCE_WHOLE, false, 99, "", "[]",
	    "the whole is one message even if it is empty");
	GIVES(SOURCE_RAW, false, 99, "a\nb\n", "[a\\nb\\n]",
	    "what a read brings is a message in raw");
	GIVES(SOURCE_RAW, false, 99, "", "", "no bytes are none in raw");
}

static void
test_texts(void)
{
	GIVES(SOURCE_ESCAPED, false, 99, "a\\nb\nc\\\\d\\x00\n\n",
	    "[a\\nb][c\\\\d\\x00][]", "escapes stand for bytes");
	GIVES(SOURCE_ESCAPED, true, 99, "a\\r\r\nb", "[a\\r][b]",
	    "an escaped CR is data with crlf too");
	GIVES(SOURCE_ESCAPED, false, 99, "ok\na\\qb\nnext\n",
	    "[ok] line 2: byte 1: expected \\n, \\r, \\t, \\\\ or \\xHH, saw "
	    "\"\\\\qb\"",
	    "a bad escape is refused with its line and place");
	GIVES(SOURCE_ESCAPED, false, 99, "\\x4\n",
	    " line 1: byte 0: expected \\n, \\r, \\t, \\\\ or \\xHH, saw "
	    "\"\\\\x4\"",
	    "an escape that is cut is refused");
	GIVES(SOURCE_HEX, false, 99, "48656c6C6f\n00 ff\tfe\n\n",
	    "[Hello][\\x00\\xff\\xfe][]", "hexadecimal stands for bytes");
	GIVES(SOURCE_HEX, true, 99, "41\r\n42", "[A][B]",
	    "hexadecimal lines may end in CRLF");
	GIVES(SOURCE_HEX, false, 99, "41\n42 4\n",
	    "[A] line 2: byte 3: expected pairs of hexadecimal digits, saw "
	    "\"4\"",
	    "half a byte is refused");
	GIVES(SOURCE_HEX, false, 99, "41\n\n42\n0x4142434445464748\n",
	    "[A][][B] line 4: byte 0: expected pairs of hexadecimal digits, "
	    "saw \"0x414243\"...",
	    "what is not hexadecimal is shown, the beginning of it");
}

static void
test_json(void)
{
	GIVES(SOURCE_JSON, false, 99,
	    "{\"text\":\"a\\nb\"}\n{\"b64\":\"/w==\"}\n{\"text\":\"\"}",
	    "[a\\nb][\\xff][]", "a JSON object is a message");
	GIVES(SOURCE_JSON, false, 99,
	    "\n{\"event\":\"open\"}\n{\"text\":\"a\"}\n  \r\n"
	    "{\"dir\":\"out\",\"text\":\"b\"}\n{\"text\":\"c\"}\n",
	    "[a][c]", "records that make no message are passed over");
	GIVES(SOURCE_JSON, false, 99,
	    "{\"text\":\"a\"}\n\n{\"event\":\"open\"}\n{}\n{\"text\":\"b\"}\n",
	    "[a] line 4: expected a member \"text\" or \"b64\", saw neither",
	    "and counted, so that a line's number is right");
	GIVES(SOURCE_JSON, false, 99, "{\"text\":\"a\"}\n[1]",
	    "[a] line 2: expected a JSON object, saw another value",
	    "a last line without its end may be wrong too");
}

static void
test_limits(void)
{
	GIVES(SOURCE_LINES, false, 4, "abcd\nabcd\n", "[abcd][abcd]",
	    "a line of exactly the limit passes");
	GIVES(SOURCE_LINES, true, 4, "abcd\r\nabcd\r\n", "[abcd][abcd]",
	    "with crlf the CR is not counted");
	GIVES(SOURCE_LINES, false, 4, "abcd\nabcdef\nx\n",
	    "[abcd] line 2: expected at most 4 bytes, saw more",
	    "a longer line is refused with its number");
	GIVES(SOURCE_LINES, false, 4, "a\nb\nabcdefgh",
	    "[a][b] line 3: expected at most 4 bytes, saw more",
	    "one that does not end is too");
	GIVES(SOURCE_NULL, false, 4, "abcd\0abcdef\0",
	    "[abcd] record 2: expected at most 4 bytes, saw more",
	    "a long record is refused");
	GIVES(SOURCE_WHOLE, false, 4, "abcd", "[abcd]",
	    "the whole may have exactly the limit");
	GIVES(SOURCE_WHOLE, false, 4, "abcdef",
	    " input 1: expected at most 4 bytes, saw more",
	    "a whole that is longer is refused");
	GIVES(SOURCE_ESCAPED, false, 4, "\\x41\\x42\\x43\\x44\n", "[ABCD]",
	    "escapes are not counted, what they stand for is");
	GIVES(SOURCE_HEX, false, 4, "41 42 43 44\n", "[ABCD]",
	    "and so are hexadecimal digits");
	GIVES(SOURCE_JSON, false, 4,
	    "{\"text\":\"\\u0041\\u0042\\u0043\\u0044\",\"t\":\"x\"}\n",
	    "[ABCD]", "and members that stand beside the text");
}

static void
test_hints(void)
{
	static const struct {
		struct input q;
		const char *hint;
	} cases[] = {
	    {{SOURCE_LINES, false, 1, {(const uint8_t *)"abc\n", 4}},
		"try: a larger --max-message"},
	    {{SOURCE_ESCAPED, false, 9, {(const uint8_t *)"\\q\n", 3}},
		"try: a backslash is written \\\\"},
	    {{SOURCE_HEX, false, 9, {(const uint8_t *)"q\n", 2}}, ""},
	    {{SOURCE_JSON, false, 9, {(const uint8_t *)"{}\n", 3}},
		"try: {\"text\":\"...\"}"},
	};
	static struct out o;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(&cases[i].q, (struct how){NO_CUT, 0, BATCH_MAX}, &o);
		is_num(o.fail.status, STATUS_MALFORMED,
		    "an input that cannot be one has status 8");
		is_text(o.fail.hint, cases[i].hint, "and what to try: '%s'",
		    cases[i].hint);
	}
}

/* What stood in the batch before the call is not touched. */
static void
test_behind_batch(void)
{
	struct slice v[4], mine = slice_of("mine", 4);
	struct batch b = {v, 0, 4};
	struct source s;
	struct fail f;
	size_t used;

	source_init(&s, SOURCE_HEX, false, 99, NULL);
	batch_add(&b, mine.p, mine.len);
	is_num(source_cut(&s, slice_of("41\n42\n4q\n43\n", 12), &b, &used, &f),
	    SOURCE_BAD, "a record that is refused ends the batch");
	is_num(b.n, 3, "which holds what came before");
	ok(b.v[0].p == mine.p && b.v[0].len == 4,
	    "behind what stood there already");
	is_bytes(b.v[1].p, b.v[1].len, "A", 1, "the first message is kept");
	is_bytes(b.v[2].p, b.v[2].len, "B", 1, "and the second one");
	is_num(s.records, 3, "what was refused has been looked at");
	source_release(&s);
	ok(s.arena == NULL, "a released source owns nothing");
}

static void
test_restart(void)
{
	static struct out o;
	struct how how = {NO_CUT, 0, BATCH_MAX};
	struct source s;

	source_init(&s, SOURCE_ESCAPED, false, 99, NULL);
	run_on(&s, slice_of("a\nb\nc", 5), how, &o);
	is_text(o.text, "[a][b][c]", "an input ends its last message");
	is_num(s.records, 3, "records are counted");
	source_restart(&s);
	is_num(s.records, 0, "a new input begins at its first line");
	run_on(&s, slice_of("d\n\\q\n", 5), how, &o);
	is_text(o.text,
	    "[d] line 2: byte 0: expected \\n, \\r, \\t, \\\\ or \\xHH, saw "
	    "\"\\\\q\"",
	    "and counts its own lines");
	source_restart(&s);
	run_on(&s, slice_of("e\n", 2), how, &o);
	is_text(o.text, "[e]", "an error of the one before is forgotten");
	source_release(&s);
	source_init(&s, SOURCE_NULL, false, 99, NULL);
	run_on(&s, slice_of("f\0g\n", 4), how, &o);
	is_text(o.text, "[f][g\\n]", "a source may be initialised again");
	source_release(&s);
}

/* Each read of raw is a message of its own. */
static void
test_raw_reads(void)
{
	static struct out o;
	struct input q = {SOURCE_RAW, false, 2, {(const uint8_t *)"abcdef", 6}};

	run(&q, (struct how){NO_CUT, 4, 1}, &o);
	is_text(o.text, "[abcd][ef]",
	    "raw has as many messages as there were reads, of any length");
}

static void
test_names(void)
{
	static const char *const names[] = {
	    "lines", "null", "whole", "raw", "json", "escaped", "hex"};
	enum source_kind kind;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ok(source_kind_of(names[i], &kind) &&
			kind == (enum source_kind)i,
		    "%s is a kind of input", names[i]);
	kind = SOURCE_HEX;
	ok(!source_kind_of("line", &kind), "an abbreviation is none");
	ok(!source_kind_of("", &kind), "and neither is nothing");
	is_num(kind, SOURCE_HEX, "what is none leaves the kind alone");
}

/* Lines of any kind, some of them wrong, cut by chance. */
static void
test_chance(uint64_t *state)
{
	static const char *const pieces[] = {"\n", "\r\n", "41", "4", "\\x41",
	    "\\n", "\\", "{\"text\":\"a\"}", "{}", " ", "\"", "abc", "0"};
	static struct out one, two;
	unsigned i, bad = 0;
	uint8_t buf[96];
	struct how how;
	struct input q = {0};

	for (i = 0; i < rounds(20000) && bad == 0; i++) {
		size_t n = 0, len, want = dice_below(state, 80);

		while (n < want) {
			const char *p = pieces[dice_below(
			    state, sizeof(pieces) / sizeof(pieces[0]))];

			len = strlen(p);
			memcpy(buf + n, p, len);
			n += len;
		}
		q = (struct input){(enum source_kind)dice_below(state, 7),
		    i % 2, 1 + dice_below(state, 40), {buf, n}};
		if (q.kind == SOURCE_RAW)
			continue;
		how = (struct how){dice_below(state, n + 1),
		    dice_below(state, 5), 1 + dice_below(state, BATCH_MAX)};
		run(&q, (struct how){NO_CUT, 0, BATCH_MAX}, &one);
		run(&q, how, &two);
		bad +=
		    one.broken || two.broken || strcmp(one.text, two.text) != 0;
	}
	ok(bad == 0, "any input comes to the same however it is cut");
	if (bad > 0) {
		diag_bytes("input", q.in.p, q.in.len);
		diag("kind %d, crlf %d, max %zu, cut %zu, step %zu, batch %zu",
		    q.kind, q.crlf, q.max, how.cut, how.step, how.batch);
		diag("%s, then %s", one.text, two.text);
	}
}

/* One call with all of the input; *in moves over what was used. */
static enum source_result
cut(struct source *s, struct slice *in, struct batch *b, struct fail *f)
{
	enum source_result r;
	size_t used;

	b->n = 0;
	r = source_cut(s, slice_of(guard_end(&page, in->p, in->len), in->len),
	    b, &used, f);
	in->p += used;
	in->len -= used;
	return r;
}

static void
is_noted(const struct source_note *n, uint64_t record, uint64_t chan,
    const char *name)
{
	is_num(n->record, record, "%s: its line", name);
	is_num(n->to.kind, chan == 0 ? TARGET_ALL : TARGET_ONE,
	    "%s: for one or for all", name);
	is_num(chan == 0 ? 0 : n->to.one, chan, "%s: its channel", name);
}

/* A command ends the batch, and a bad line does not end the source. */
static void
test_commands(void)
{
	static const char text[] = "{\"text\":\"a\"}\n\n"
				   "{\"text\":\"b\",\"chan\":\"c2\"}\n"
				   "{\"mode\":\"lines\",\"chan\":\"c1\"}\n"
				   "{\"close\":true}\njunk\n"
				   "{\"text\":\"c\"}\n{\"close\":true}";
	struct source_note notes[BATCH_MAX];
	struct slice v[BATCH_MAX], in = slice_of(text, sizeof(text) - 1);
	struct batch b = {v, 0, BATCH_MAX};
	struct source s;
	struct fail f;

	source_init(&s, SOURCE_JSON, false, 99, &json_face);
	s.notes = notes;
	is_num(cut(&s, &in, &b, &f), SOURCE_COMMAND, "a command ends a batch");
	is_num(b.n, 2, "which holds the messages before it");
	is_noted(&notes[0], 1, 0, "the first message");
	is_noted(&notes[1], 3, 2, "the second one");
	is_noted(&s.command.note, 4, 1, "the command");
	is_text(s.command.asks.mode, "lines", "with the mode it asks for");
	is_num(s.command.asks.what, JSON_MODE, "and for nothing else");
	is_num(cut(&s, &in, &b, &f), SOURCE_COMMAND, "another one follows");
	ok(s.command.asks.what == JSON_CLOSE && b.n == 0,
	    "with nothing between");
	is_text(s.command.asks.mode, "", "and says what it says alone");
	is_num(cut(&s, &in, &b, &f), SOURCE_BAD, "a line that is none is bad");
	is_noted(&s.command.note, 6, 0, "it");
	ok(!s.spent && b.n == 0, "but is not the end");
	is_num(cut(&s, &in, &b, &f), SOURCE_MORE, "the next line is taken");
	is_num(b.n, 1, "and is a message");
	is_noted(&notes[0], 7, 0, "that one");
	b.n = 0;
	is_num(source_end(&s, in, &b, &f), SOURCE_COMMAND,
	    "the last line may be a command");
	source_restart(&s);
	in = slice_of("{\"text\":\"a\"}\nx\n", 15);
	cut(&s, &in, &b, &f);
	is_num(s.command.note.record, 2, "a new input counts anew");
	source_release(&s);

	source_init(&s, SOURCE_WHOLE, false, 1, NULL);
	in = slice_of("abc\n", 4);
	cut(&s, &in, &b, &f);
	ok(s.spent, "behind a whole that is too long there is nothing");
	is_num(s.command.note.record, 1, "and it is known");
	source_release(&s);
}

/* What is too long is refused as soon as it is, and skipped as it comes. */
static void
test_skipped(void)
{
	static const char *const parts[] = {
	    "c1\tone\nc1\t", "xxxxxxxxxx", "xxxx\nc2\ttwo\nc", "2\tend\n"};
	const char *const record[] = {"one", "two", "end"};
	char line[PREFIX + 64], held[PREFIX + 256];
	struct slice v[4], in;
	struct batch b = {v, 0, 4};
	struct fail f;
	struct source s;
	size_t i, n = 0, len = 0, used, bad = 0, most = 0;

	memset(line, 'x', sizeof(line));
	source_init(&s, SOURCE_LINES, false, 4, NULL);
	source_set_addressed(&s);
	for (i = 0; i < 4; i++) {
		memcpy(held + len, parts[i], strlen(parts[i]));
		len += strlen(parts[i]);
		if (i == 0) {
			memcpy(held + len, line, sizeof(line));
			len += sizeof(line);
		}
		do {
			b.n = 0;
			in = slice_of(held, len);
			bad += source_cut(&s, in, &b, &used, &f) == SOURCE_BAD;
			for (; b.n > 0; n++, b.n--)
				is_bytes(b.v[0].p, b.v[0].len, record[n], 3,
				    "%s", record[n]);
			memmove(held, held + used, len - used);
			len -= used;
		} while (used > 0);
		most = len > most ? len : most;
	}
	is_num(n, 3, "the lines around one that is too long are taken");
	is_num(bad, 1, "it is refused once");
	is_text(f.what, "line 2: expected at most 65544 bytes, saw more",
	    "as soon as it is too long");
	is_num(s.records, 4, "and is a record like others");
	ok(most < 10, "nothing of it is kept, %zu", most);
	source_restart(&s);
	source_release(&s);
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_plain();
	test_texts();
	test_json();
	test_commands();
	test_skipped();
	test_limits();
	test_hints();
	test_behind_batch();
	test_restart();
	test_raw_reads();
	test_names();
	test_chance(&state);
	guard_free(&page);
	return done_testing();
}
