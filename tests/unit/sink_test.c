/*
 * Messages as people see them. What a sink writes must not depend on the room
 * that it is given, so everything is written into a large buffer and into
 * tight ones that end at a forbidden page.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "guard.h"
#include "io/json.h"
#include "io/sink.h"
#include "tap.h"

#define TEXT_MAX (1u << 20)
#define BATCH_MAX 16

/* All that a sink wrote, as the descriptor would see it. */
struct shown {
	uint8_t *p;
	size_t len;
	unsigned larges; /* how often the message itself was asked for */
	const char *broken;
};

static struct guard page;
static struct about_of of;

/* A sink, and the conversation whose messages it shows. */
static void
begin(struct sink *s, enum sink_kind kind, bool terminal)
{
	sink_init(s, kind, terminal);
	about_begin(&of, 0, "");
	s->about.of = &of;
}

static void
take(struct shown *to, const void *p, size_t len)
{
	if (to->len + len > TEXT_MAX) {
		to->broken = "it does not end";
		return;
	}
	memcpy(to->p + to->len, p, len);
	to->len += len;
}

/* Shows a batch through a buffer of `cap` bytes, of which `taken` are used. */
static void
show(struct sink *s, const struct batch *b, size_t cap, size_t taken,
    struct shown *to)
{
	struct span out = {guard_room(&page, cap), taken, cap};
	enum sink_result r = SINK_FULL;
	size_t next = 0, before, idle = 0;

	memset(out.p, 0, taken);
	while (r != SINK_OK && to->broken == NULL) {
		before = next + out.len;
		r = sink_put(s, b, &next, &out);
		if (out.len > cap || next > b->n) {
			to->broken = "it leaves its bounds";
			return;
		}
		idle =
		    r == SINK_FULL && next + out.len == before ? idle + 1 : 0;
		if (idle > 1)
			to->broken = "it does not get on";
		take(to, out.p + taken, out.len - taken);
		out.len = 0;
		taken = 0;
		if (r == SINK_LARGE) {
			to->larges++;
			take(to, b->v[next].p, b->v[next].len);
		}
	}
	if (next != b->n && to->broken == NULL)
		to->broken = "it leaves messages behind";
}

static void
shown_reset(struct shown *to)
{
	if (to->p == NULL)
		to->p = malloc(TEXT_MAX);
	if (to->p == NULL)
		abort();
	to->len = 0;
	to->larges = 0;
	to->broken = NULL;
}

/* The least room that a kind needs for messages that are not large. */
static size_t
least_room(enum sink_kind kind, bool terminal)
{
	return SINK_STEP;
}

static struct batch
batch_of(struct slice *v, size_t n)
{
	return (struct batch){v, n, n};
}

static void
gives(enum sink_kind kind, bool terminal, struct slice *v, size_t n,
    const char *want, size_t want_len, const char *name)
{
	static struct shown large, tight;
	struct batch b = batch_of(v, n);
	const char *broken;
	struct sink s;
	size_t k, bad = 0;

	shown_reset(&large);
	begin(&s, kind, terminal);
	show(&s, &b, 65536, 0, &large);
	ok(large.broken == NULL, "%s: by the rules", name);
	is_bytes(large.p, large.len, want, want_len, "%s", name);
	is_num(of.n, n, "%s: counted", name);
	for (k = 0; k < 40 && bad == 0; k++) {
		shown_reset(&tight);
		begin(&s, kind, terminal);
		show(&s, &b, least_room(kind, terminal) + k, k * 11, &tight);
		broken = tight.broken;
		bad += broken != NULL || tight.len != large.len ||
		    memcmp(tight.p, large.p, large.len) != 0;
	}
	ok(bad == 0, "%s: the same in a tight buffer", name);
}

#define GIVES(kind, terminal, v, want, name)                                   \
	gives(kind, terminal, v, sizeof(v) / sizeof((v)[0]), want,             \
	    sizeof(want) - 1, name)
#define SLICE(s)                                                               \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

static void
test_kinds(void)
{
	struct slice v[] = {SLICE("Hello"), SLICE(""), SLICE("a\nb\0c\xff")};

	GIVES(SINK_LINES, false, v, "Hello\n\na\nb\0c\xff\n",
	    "lines are messages, each with a newline");
	GIVES(SINK_NULL, false, v, "Hello\0\0a\nb\0c\xff\0",
	    "null puts a NUL behind each");
	GIVES(SINK_RAW, false, v, "Helloa\nb\0c\xff", "raw adds nothing");
	GIVES(SINK_NONE, false, v, "", "none writes nothing");
	GIVES(SINK_HEX, false, v,
	    "48656c6c6f\n\n610a6200"
	    "63ff\n",
	    "hex is two digits for a byte");
	GIVES(SINK_ESCAPED, false, v, "Hello\n\na\\nb\\x00c\\xff\n",
	    "escaped is one line each");
	GIVES(SINK_JSON, false, v,
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":1,\"text\":\"Hello\"}"
	    "\n"
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":2,\"text\":\"\"}\n"
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":3,\"b64\":"
	    "\"YQpiAGP/\"}\n",
	    "JSON is an object each, base64 where it is no UTF-8");
	GIVES(SINK_NULL, true, v, "Hello\\x00\n\\x00\na\nb\\x00c\\xff\\x00\n",
	    "on a terminal null shows the NUL, and begins a line behind it");
	GIVES(SINK_RAW, true, v, "Helloa\nb\\x00c\\xff",
	    "on a terminal raw adds nothing but escapes");
}

static void
test_json_text(void)
{
	struct slice v[] = {SLICE("\" \\ \n \r \t \0 \x7f \x1f \xc3\xa9 "
				  "\xf0\x9f\x98\x80")};

	GIVES(SINK_JSON, false, v,
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":1,\"text\":\""
	    "\\\" \\\\ \\n \\r \\t \\u0000 \\u007f \\u001f \xc3\xa9 "
	    "\xf0\x9f\x98\x80\"}\n",
	    "what JSON cannot hold is escaped, the rest is UTF-8");
}

static void
test_terminal(void)
{
	struct slice v[] = {
	    SLICE("plain \\ text\twith\nlines \xc3\xa9 \xe2\x82\xac"),
	    SLICE("\x1b[31mred\x1b[0m"),
	    SLICE("\x1b]52;c;eA==\x07"),
	    SLICE("hide\rshow\b"),
	    SLICE("\xc2\x9b"
		  "31m"),
	    SLICE("\x9b"
		  "31m \xff"),
	    SLICE("\xe2\x80\xae"
		  "abc"),
	    SLICE("\x7f\0"),
	};

	GIVES(SINK_LINES, true, v,
	    "plain \\ text\twith\nlines \xc3\xa9 \xe2\x82\xac\n"
	    "\\x1b[31mred\\x1b[0m\n"
	    "\\x1b]52;c;eA==\\x07\n"
	    "hide\\rshow\\x08\n"
	    "\\xc2\\x9b"
	    "31m\n"
	    "\\x9b"
	    "31m \\xff\n"
	    "\\xe2\\x80\\xae"
	    "abc\n"
	    "\\x7f\\x00\n",
	    "what could drive a terminal is escaped");
}

/* No format leads around the escapes. */
static void
test_terminal_kinds(void)
{
	struct slice v[] = {SLICE("\x1b[31m"),
	    SLICE("\xc2\x9b\xe2\x80\xae\xc3\xa9"), SLICE("\xf3\xa0\x81\x81")};

	GIVES(SINK_NULL, true, v,
	    "\\x1b[31m\\x00\n\\xc2\\x9b\\xe2\\x80\\xae\xc3\xa9\\x00\n"
	    "\\xf3\\xa0\\x81\\x81\\x00\n",
	    "what could drive a terminal is escaped in null");
	GIVES(SINK_RAW, true, v,
	    "\\x1b[31m\\xc2\\x9b\\xe2\\x80\\xae\xc3\xa9"
	    "\\xf3\\xa0\\x81\\x81",
	    "and in raw");
	GIVES(SINK_JSON, true, v,
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":1,"
	    "\"text\":\"\\u001b[31m\"}\n"
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":2,"
	    "\"text\":\"\\u009b\\u202e\xc3\xa9\"}\n"
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":3,"
	    "\"text\":\"\\udb40\\udc41\"}\n",
	    "and in JSON, in its own way");
}

/* A large message is not copied by lines, null and raw. */
static void
test_large(void)
{
	static uint8_t big[SINK_LARGE_MIN + 100], want[3 * sizeof(big)];
	static const char ends[] = "\n\0";
	static struct shown got;
	struct slice v[] = {SLICE("first"), {big, SINK_LARGE_MIN - 1},
	    {big, SINK_LARGE_MIN}, {big, sizeof(big)}, SLICE("last")};
	struct batch b = batch_of(v, 4);
	size_t i, k, n;
	struct sink s;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)('a' + i % 26);
	v[3] = v[4];
	for (k = SINK_LINES; k <= SINK_RAW; k++) {
		for (i = 0, n = 0; i < 4; i++) {
			memcpy(want + n, v[i].p, v[i].len);
			n += v[i].len;
			if (k != SINK_RAW)
				want[n++] = (uint8_t)ends[k];
		}
		shown_reset(&got);
		begin(&s, (enum sink_kind)k, false);
		show(&s, &b, SINK_LARGE_MIN, 0, &got);
		ok(got.broken == NULL && got.larges == 1,
		    "a message of %d bytes and no smaller one is left to the "
		    "caller (kind %zu)",
		    SINK_LARGE_MIN, k);
		is_bytes(got.p, got.len, want, n,
		    "and what stands around it is right (kind %zu)", k);
		is_num(of.n, 4, "and counted (kind %zu)", k);
	}
}

/* In other kinds a message of any size goes through any buffer. */
static void
test_long(void)
{
	static uint8_t big[100000];
	static struct shown got;
	struct slice v[] = {{big, sizeof(big)}};
	struct batch b = batch_of(v, 1);
	struct sink s;
	size_t i;
	bool same = true;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 256);
	shown_reset(&got);
	begin(&s, SINK_HEX, false);
	show(&s, &b, SINK_STEP, 0, &got);
	is_num(got.larges, 0, "hex never leaves a message to the caller");
	is_num(got.len, 2 * sizeof(big) + 1, "a long one has all its digits");
	for (i = 0; i < sizeof(big) && same && got.len > 2 * i + 1; i++) {
		char pair[3];

		snprintf(pair, sizeof(pair), "%02x", big[i]);
		same = memcmp(got.p + 2 * i, pair, 2) == 0;
	}
	ok(same && got.broken == NULL, "and all of them are right");
}

/* The count goes on from batch to batch. */
static void
test_batches(void)
{
	static struct shown got;
	struct slice v[] = {SLICE("a"), SLICE("b")};
	struct batch b = batch_of(v, 1), none = batch_of(v, 0);
	struct sink s;
	static const char want[] =
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":1,\"text\":\"a\"}\n"
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":2,\"text\":\"a\"}\n";

	shown_reset(&got);
	begin(&s, SINK_JSON, false);
	show(&s, &b, 4096, 0, &got);
	show(&s, &none, 4096, 0, &got);
	show(&s, &b, 4096, 0, &got);
	is_bytes(got.p, got.len, want, sizeof(want) - 1,
	    "messages are numbered on from batch to batch");
}

/* With a channel JSON lines have it, and the time; each counts for itself. */
static void
test_channel(void)
{
	static struct shown got;
	struct slice v[] = {SLICE("a"), SLICE("\xff")};
	struct batch b = batch_of(v, 2);
	struct sink s;
	static const char want[] =
	    "{\"event\":\"message\",\"chan\":\"c3\",\"dir\":\"in\",\"n\":1,"
	    "\"text\":\"a\",\"t\":\"2026-01-31T12:00:00.000001Z\"}\n"
	    "{\"event\":\"message\",\"chan\":\"c3\",\"dir\":\"in\",\"n\":2,"
	    "\"b64\":\"/w==\",\"t\":\"2026-01-31T12:00:00.000001Z\"}\n";
	static const char other[] =
	    "{\"event\":\"message\",\"chan\":\"c4\",\"dir\":\"out\",\"n\":1,"
	    "\"text\":\"a\",\"t\":\"1970-01-01T00:00:00.000000Z\"}\n";

	shown_reset(&got);
	begin(&s, SINK_JSON, false);
	about_begin(&of, 3, "p");
	of.time_us = 1769860800000001;
	show(&s, &b, SINK_STEP, 0, &got);
	is_bytes(got.p, got.len, want, sizeof(want) - 1,
	    "with a channel there are its name and the time");
	shown_reset(&got);
	about_begin(&of, 4, "p");
	of.time_us = 0;
	s.about.out = true;
	b.n = 1;
	show(&s, &b, SINK_STEP, 0, &got);
	is_bytes(got.p, got.len, other, sizeof(other) - 1,
	    "the next conversation counts anew");
}

/* The same, of a conversation that is named in front of each record. */
static void
gives_tagged(enum sink_kind kind, bool terminal, const struct batch *b,
    const char *want, size_t want_len, const char *name)
{
	static struct shown large, tight;
	size_t k, bad = 0;
	struct sink s;

	for (k = 0; k < 40 && bad == 0; k++) {
		shown_reset(k == 0 ? &large : &tight);
		begin(&s, kind, terminal);
		sink_set_tagged(&s);
		about_begin(&of, 12, "p");
		sink_set_whose(&s, &of);
		show(&s, b, k == 0 ? 65536 : SINK_STEP + k, k == 0 ? 0 : k * 13,
		    k == 0 ? &large : &tight);
		bad += of.n != b->n;
		if (k == 0)
			is_bytes(
			    large.p, large.len, want, want_len, "%s", name);
		else
			bad += tight.broken != NULL || tight.len != large.len ||
			    memcmp(tight.p, large.p, large.len) != 0;
	}
	ok(bad == 0 && large.broken == NULL, "%s: the same in a tight buffer",
	    name);
}

#define GIVES_TAGGED(kind, terminal, v, want, name)                            \
	do {                                                                   \
		struct batch b_ = batch_of(v, sizeof(v) / sizeof((v)[0]));     \
		gives_tagged(                                                  \
		    kind, terminal, &b_, want, sizeof(want) - 1, name);        \
	} while (0)

static void
test_tagged(void)
{
	struct slice v[] = {SLICE("Hello"), SLICE(""),
	    SLICE("a\nc1\tforged\\n\r\t\xff\x1b"), SLICE("\0c1\tforged")};

	GIVES_TAGGED(SINK_LINES, false, v,
	    "c12\tHello\nc12\t\nc12\ta\\nc1\tforged\\\\n\r\t\xff\x1b\n"
	    "c12\t\0c1\tforged\n",
	    "in lines LF and backslash are escaped behind a channel");
	GIVES_TAGGED(SINK_NULL, false, v,
	    "c12\tHello\0c12\t\0c12\ta\nc1\tforged\\\\n\r\t\xff\x1b\0"
	    "c12\t\\0c1\tforged\0",
	    "in null NUL and backslash are");
	GIVES_TAGGED(SINK_ESCAPED, false, v,
	    "c12\tHello\nc12\t\n"
	    "c12\ta\\nc1\\tforged\\\\n\\r\\t\\xff\\x1b\n"
	    "c12\t\\x00c1\\tforged\n",
	    "escaped is what it is, behind a channel");
	v[2] = v[0];
	v[3] = v[1];
	GIVES_TAGGED(SINK_HEX, false, v,
	    "c12\t48656c6c6f\nc12\t\nc12\t48656c6c6f\nc12\t\n",
	    "and so is hex");
	GIVES_TAGGED(
	    SINK_RAW, false, v, "HelloHello", "raw is what it is, without");
	GIVES_TAGGED(SINK_NONE, false, v, "", "and none is none");
}

static void
test_tagged_terminal(void)
{
	struct slice v[] = {
	    SLICE("a\nc1\tforged\\n\r\x1b[31m\xc3\xa9"), SLICE("b\0\nc1\tx")};

	GIVES_TAGGED(SINK_LINES, true, v,
	    "c12\ta\\nc1\tforged\\\\n\\r\\x1b[31m\xc3\xa9\n"
	    "c12\tb\\x00\\nc1\tx\n",
	    "on a terminal nobody begins a line but the sink");
	GIVES_TAGGED(SINK_NULL, true, v,
	    "c12\ta\\nc1\tforged\\\\n\\r\\x1b[31m\xc3\xa9\\x00\n"
	    "c12\tb\\x00\\nc1\tx\\x00\n",
	    "nor in null");
}

/* JSON and formats have their own word for the channel. */
static void
test_tagged_not(void)
{
	struct slice v[] = {SLICE("a\nb")};
	struct format f;
	struct fail fail;
	static struct shown got;
	struct batch b = batch_of(v, 1);
	struct sink s;

	format_init(&f, "%c %m\\n", &fail);
	begin(&s, SINK_LINES, false);
	sink_set_format(&s, &f);
	sink_set_tagged(&s);
	about_begin(&of, 5, "");
	sink_set_whose(&s, &of);
	shown_reset(&got);
	show(&s, &b, SINK_STEP, 0, &got);
	is_bytes(got.p, got.len, "c5 a\nb\n", 7, "a format has no other tag");
	format_release(&f);
	begin(&s, SINK_JSON, false);
	sink_set_tagged(&s);
	shown_reset(&got);
	show(&s, &b, SINK_STEP, 0, &got);
	ok(got.len > 0 && got.p[0] == '{', "nor has JSON");
}

/* One after the other, each with its own name. */
static void
test_tagged_others(void)
{
	static const char want[] = "c1\ta\nc18446744073709551615\ta\nc1\ta\n";
	static struct shown got;
	struct slice v[] = {SLICE("a")};
	struct batch b = batch_of(v, 1);
	struct about_of first, last;
	struct sink s;

	begin(&s, SINK_LINES, false);
	sink_set_tagged(&s);
	about_begin(&first, 1, "");
	about_begin(&last, UINT64_MAX, "");
	shown_reset(&got);
	sink_set_whose(&s, &first);
	show(&s, &b, SINK_STEP, 0, &got);
	sink_set_whose(&s, &last);
	show(&s, &b, SINK_STEP, 0, &got);
	sink_set_whose(&s, &first);
	show(&s, &b, SINK_STEP, 0, &got);
	is_bytes(got.p, got.len, want, sizeof(want) - 1,
	    "each record has the name of its own channel");
	is_num(first.n, 2, "and each channel counts its own");
	is_num(last.n, 1, "however high its number");
}

/* A time stands before the channel. */
static void
test_tagged_stamped(void)
{
	static const char *const want = "c7\ta\\nb\n";
	static struct shown got;
	struct slice v[] = {SLICE("a\nb")};
	struct batch b = batch_of(v, 1);
	struct stamp stamp;
	struct sink s;
	size_t time_len;

	stamp_init(&stamp, STAMP_ABSOLUTE);
	begin(&s, SINK_LINES, false);
	sink_set_tagged(&s);
	s.stamp = &stamp;
	about_begin(&of, 7, "");
	sink_set_whose(&s, &of);
	shown_reset(&got);
	show(&s, &b, SINK_STEP, 0, &got);
	time_len = strlen(stamp.text);
	ok(got.len == time_len + strlen(want) &&
		memcmp(got.p, stamp.text, time_len) == 0 &&
		memcmp(got.p + time_len, want, strlen(want)) == 0,
	    "a time stands before the channel");
}

/* A large message is copied only where something in it is escaped. */
static void
test_tagged_large(void)
{
	static uint8_t big[SINK_LARGE_MIN], want[2 * SINK_LARGE_MIN];
	static const uint8_t odd[] = {'a', '\n', '\\', '\0'};
	static struct shown got;
	struct slice v[] = {{big, sizeof(big)}, SLICE("last")};
	struct batch b = batch_of(v, 2);
	size_t i, k, n, at;
	struct sink s;

	for (k = 0; k < 8; k++) {
		const bool nul = k >= 4;
		const uint8_t c = odd[k % 4];
		const bool plain = c != '\\' && c != (nul ? '\0' : '\n');

		memset(big, 'x', sizeof(big));
		at = k * 1000;
		big[at] = c;
		n = (size_t)sprintf((char *)want, "c3\t");
		for (i = 0; i < sizeof(big); i++) {
			if (i == at && !plain)
				want[n++] = '\\';
			want[n++] = i != at || plain ? big[i]
			    : c == '\n'		     ? 'n'
			    : c == '\0'		     ? '0'
						     : '\\';
		}
		n += (size_t)sprintf((char *)want + n, "%cc3\tlast%c",
		    nul ? 0 : '\n', nul ? 0 : '\n');
		shown_reset(&got);
		begin(&s, nul ? SINK_NULL : SINK_LINES, false);
		sink_set_tagged(&s);
		about_begin(&of, 3, "");
		sink_set_whose(&s, &of);
		show(&s, &b, SINK_STEP + k, 0, &got);
		ok(got.broken == NULL && got.larges == plain,
		    "a large message is %s if a byte of it is %02x%s",
		    plain ? "left to the caller" : "copied", c,
		    nul ? ", in null" : "");
		is_bytes(got.p, got.len, want, n, "and what is shown is right");
	}
}

/* A format, plain or not, in any room and with large messages. */
static void
test_format(void)
{
	static const char *const formats[] = {
	    "<%m>\\n", "<%m>%%\\n", "%n:%m %l\\n"};
	static char big[SINK_LARGE_MIN + 1], want[3 * SINK_LARGE_MIN];
	static struct shown got;
	const char *texts[] = {"a", "", big, "b"};
	struct slice v[4];
	struct batch b = batch_of(v, 4);
	struct format f;
	struct fail fail;
	struct sink s;
	size_t i, k, n, room;

	memset(big, 'x', SINK_LARGE_MIN);
	for (i = 0; i < 3; i++) {
		format_init(&f, formats[i], &fail);
		for (k = n = 0; k < 4; k++) {
			v[k] = slice_of(texts[k], strlen(texts[k]));
			n += i < 2 ? (size_t)sprintf(want + n, "<%s>%s\n",
					 texts[k], i == 0 ? "" : "%")
				   : (size_t)sprintf(want + n, "%zu:%s %zu\n",
					 k + 1, texts[k], v[k].len);
		}
		for (room = SINK_STEP; room < 70000; room += 68000) {
			shown_reset(&got);
			begin(&s, SINK_LINES, false);
			sink_set_format(&s, &f);
			show(&s, &b, room, room - 1, &got);
			ok(got.broken == NULL, "'%s': by the rules",
			    formats[i]);
			is_bytes(got.p, got.len, want, n,
			    "'%s': in %zu bytes of room", formats[i], room);
			is_num(got.larges, 1, "a large message is not copied");
			is_num(of.n, 4, "and all are counted");
		}
		format_release(&f);
	}
}

static void
test_names(void)
{
	static const char *const names[] = {
	    "lines", "null", "raw", "json", "escaped", "hex", "none"};
	enum sink_kind kind;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ok(sink_kind_of(names[i], &kind) && kind == (enum sink_kind)i,
		    "%s is a kind of output", names[i]);
	kind = SINK_HEX;
	ok(!sink_kind_of("whole", &kind), "an input's kind is none");
	ok(!sink_kind_of("he", &kind), "nor is an abbreviation");
	is_num(kind, SINK_HEX, "what is none leaves the kind alone");
}

/* Any bytes, more often such as text is made of. */
static size_t
throw_message(uint64_t *state, uint8_t *p, size_t cap)
{
	static const char *const pieces[] = {"\xc3\xa9", "\xe2\x82\xac",
	    "\xf0\x9f\x98\x80", "\"", "\\", "\n", "\r\n", "Hello", "\\u0041",
	    "\xef\xbf\xbf", "\xed\x9f\xbf", "\xc2\x80", "\x7f", "</"};
	size_t n = 0, len, want = dice_below(state, cap);
	bool text = dice_below(state, 2);
	const char *piece;

	while (n < want) {
		piece = pieces[dice_below(
		    state, sizeof(pieces) / sizeof(pieces[0]))];
		len = strlen(piece);
		if (dice_below(state, 2) == 0 && len <= want - n) {
			memcpy(p + n, piece, len);
			n += len;
		} else {
			p[n++] = (uint8_t)dice_below(state, text ? 128 : 256);
		}
	}
	return n;
}

/* Is it one line that jansson takes, with the members that it must have? */
static const char *
broken_json(struct slice line, json_int_t n)
{
	const char *broken = NULL;
	json_error_t err;
	json_t *o;

	if (line.len == 0 || line.p[line.len - 1] != '\n' ||
	    memchr(line.p, '\n', line.len - 1) != NULL)
		return "not one line";
	o = json_loadb((const char *)line.p, line.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &err);
	if (o == NULL)
		return "no JSON";
	if (json_integer_value(json_object_get(o, "n")) != n)
		broken = "another number";
	if (!json_is_string(json_object_get(o, "text")) &&
	    !json_is_string(json_object_get(o, "b64")))
		broken = "no message";
	if (json_object_size(o) != 4)
		broken = "not four members";
	json_decref(o);
	return broken;
}

/* JSON out, JSON in: the same bytes. */
static void
test_round_trip(uint64_t *state)
{
	static struct shown got;
	static uint8_t bytes[300], back[4096];
	unsigned i, n = rounds(10000);
	struct slice v[1];
	struct batch b = batch_of(v, 1);
	const char *broken = NULL;
	struct slice line;
	struct json_beside beside = {0};
	size_t len = 0, back_len;
	struct sink s;
	struct fail f;

	for (i = 0; i < n && broken == NULL; i++) {
		begin(&s, SINK_JSON, i % 2);
		of.n = i;
		len = throw_message(state, bytes, i % 8 ? 40 : sizeof(bytes));
		v[0] = slice_of(bytes, len);
		shown_reset(&got);
		show(&s, &b, SINK_STEP + dice_below(state, 600), 0, &got);
		line = slice_of(got.p, got.len);
		broken = got.broken != NULL
		    ? got.broken
		    : broken_json(line, (json_int_t)i + 1);
		if (broken != NULL)
			break;
		if (json_line(slice_of(line.p, line.len - 1), back, &back_len,
			&beside, &f) != JSON_LINE_MESSAGE)
			broken = "refused on the way back";
		else if (back_len != len || memcmp(back, bytes, len) != 0)
			broken = "other bytes on the way back";
	}
	ok(broken == NULL,
	    "%u messages by chance come back from JSON as they "
	    "were",
	    n);
	if (broken != NULL) {
		diag("%s", broken);
		diag_bytes("message", bytes, len);
		diag_bytes("line", got.p, got.len);
	}
}

/* What is behind the tag of the record at p; the byte behind the record. */
static const uint8_t *
untag(const uint8_t *p, const uint8_t *stop, uint8_t end, uint8_t *back,
    size_t *len)
{
	*len = 0;
	if (stop - p < 4 || memcmp(p, "c45\t", 4) != 0)
		return NULL;
	for (p += 4; p < stop && *p != end; p++) {
		uint8_t c = *p;

		if (c == '\\') {
			if (++p == stop)
				return NULL;
			c = *p == 'n' && end == '\n' ? '\n'
			    : *p == '0' && end == 0  ? '\0'
						     : *p;
			if (*p == '\\' ? c != '\\' : c == *p)
				return NULL;
		}
		back[(*len)++] = c;
	}
	return p == stop ? NULL : p + 1;
}

/* Any bytes come back from lines and null with a tag, and nothing else. */
static void
test_tagged_round_trip(uint64_t *state)
{
	static uint8_t bytes[BATCH_MAX][700], back[TEXT_MAX];
	static struct shown got;
	struct slice v[BATCH_MAX];
	unsigned i, bad = 0;
	const uint8_t *p;
	size_t n, k, len;
	struct batch b;
	struct sink s;

	for (i = 0; i < rounds(3000) && bad == 0; i++) {
		n = dice_below(state, BATCH_MAX + 1);
		for (k = 0; k < n; k++)
			v[k] = slice_of(bytes[k],
			    throw_message(state, bytes[k],
				i % 3 ? 40 : sizeof(bytes[k])));
		b = batch_of(v, n);
		begin(&s, i % 2 ? SINK_NULL : SINK_LINES, false);
		sink_set_tagged(&s);
		about_begin(&of, 45, "");
		sink_set_whose(&s, &of);
		shown_reset(&got);
		show(&s, &b, SINK_STEP + dice_below(state, 3000), 0, &got);
		p = got.p;
		for (k = 0; k < n && p != NULL; k++) {
			p = untag(p, got.p + got.len, i % 2 ? '\0' : '\n', back,
			    &len);
			bad += len != v[k].len ||
			    (len > 0 && memcmp(back, v[k].p, len) != 0);
		}
		bad += got.broken != NULL || p != got.p + got.len || of.n != n;
	}
	ok(bad == 0, "any bytes come back from the records of a channel");
}

/* Any batch, any kind, any room: the same bytes. */
static void
test_any_room(uint64_t *state)
{
	static struct shown large, tight;
	static uint8_t bytes[BATCH_MAX][700];
	struct slice v[BATCH_MAX];
	enum sink_kind kind = SINK_LINES;
	unsigned i, bad = 0;
	size_t n, k, cap = 0;
	struct batch b;
	struct sink s;

	for (i = 0; i < rounds(3000) && bad == 0; i++) {
		bool terminal = i % 2;

		n = dice_below(state, BATCH_MAX + 1);
		for (k = 0; k < n; k++)
			v[k] = slice_of(bytes[k],
			    throw_message(state, bytes[k], sizeof(bytes[k])));
		kind = (enum sink_kind)dice_below(state, SINK_NONE + 1);
		b = batch_of(v, n);
		shown_reset(&large);
		begin(&s, kind, terminal);
		show(&s, &b, 128u << 10, 0, &large);
		shown_reset(&tight);
		begin(&s, kind, terminal);
		cap = (kind <= SINK_RAW ? 700u : (size_t)SINK_STEP) +
		    dice_below(state, 100);
		show(&s, &b, cap, dice_below(state, cap + 1), &tight);
		bad += large.broken != NULL || tight.broken != NULL ||
		    large.len != tight.len ||
		    memcmp(large.p, tight.p, large.len) != 0 || of.n != n;
	}
	ok(bad == 0, "any batch is shown the same in any room");
	if (bad > 0)
		diag("kind %d, room %zu: %s", kind, cap,
		    tight.broken == NULL ? "other bytes" : tight.broken);
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_kinds();
	test_json_text();
	test_terminal();
	test_terminal_kinds();
	test_large();
	test_long();
	test_batches();
	test_channel();
	test_tagged();
	test_tagged_terminal();
	test_tagged_not();
	test_tagged_others();
	test_tagged_stamped();
	test_tagged_large();
	test_format();
	test_names();
	test_round_trip(&state);
	test_tagged_round_trip(&state);
	test_any_room(&state);
	guard_free(&page);
	return done_testing();
}
