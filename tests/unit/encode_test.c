/* Encoding: what the vectors do not reach, faults and limits above all. */

#include <string.h>

#include "codec/encode.h"
#include "guard.h"
#include "tap.h"

static struct framing
mode(const char *text)
{
	struct framing fr;
	size_t at;

	if (!ok(framing_parse(text, &fr, &at) == FRAMING_OK, "a mode: %s",
		text))
		memset(&fr, 0, sizeof(fr));
	return fr;
}

/* Only the length is looked at where nothing is searched or counted. */
static enum encode_result
wrap_length(const struct framing *fr, uint64_t len, struct encode_frame *frame,
    struct encode_fault *fault)
{
	static const uint8_t nothing[1];
	struct encoder e;
	enum encode_result r;

	encoder_init(&e, fr);
	r = encode_wrap(&e, slice_of(nothing, (size_t)len), frame);
	*fault = e.fault;
	return r;
}

/* Digits, one at a time. */
static size_t
decimal_oracle(uint8_t *to, uint64_t v)
{
	uint8_t turned[32];
	size_t n = 0, i;

	do
		turned[n++] = (uint8_t)('0' + v % 10);
	while ((v /= 10) > 0);
	for (i = 0; i < n; i++)
		to[i] = turned[n - 1 - i];
	return n;
}

static void
test_decimals(uint64_t *state)
{
	struct framing fr = mode("netstring");
	struct encode_frame frame;
	struct encode_fault fault;
	uint8_t want[32];
	uint64_t v, power = 1;
	unsigned i, bad = 0;
	size_t n;

	fr.max = SIZE_MAX;
	for (i = 0; i < 21000; i++) {
		if (i < 12000)
			v = i;
		else if (i < 12060) {
			v = power + i % 3 - 1;
			if (i % 3 == 2 && power < UINT64_MAX / 10)
				power *= 10;
		} else
			v = dice(state) >> dice_below(state, 64);
		n = decimal_oracle(want, v);
		want[n++] = ':';
		if (wrap_length(&fr, v, &frame, &fault) != ENCODE_OK ||
		    frame.head_len != n || memcmp(frame.head, want, n) != 0)
			bad++;
	}
	is_num(bad, 0, "lengths are written in decimal, whatever their size");
	wrap_length(&fr, UINT64_MAX, &frame, &fault);
	is_bytes(frame.head, frame.head_len, "18446744073709551615:", 21,
	    "the largest length has its twenty digits");
}

/* What must stand before and behind len bytes, each number in full. */
static size_t
head_oracle(const struct framing *fr, size_t len, uint8_t *to)
{
	size_t n = decimal_oracle(
	    to, len + (fr->mode == FRAMING_WINDEV ? fr->tag_len : 0));

	if (fr->mode == FRAMING_FIXED_HEADER)
		while (n < fr->width)
			to[n++] = ' ';
	if (fr->mode == FRAMING_WINDEV)
		to[n++] = '\r';
	to[n] = fr->mode == FRAMING_WINDEV ? '\n' : ':';
	return n + (fr->mode != FRAMING_FIXED_HEADER);
}

static void
test_every_length(const char *text)
{
	static const uint8_t payload[11000];
	struct framing fr = mode(text);
	uint8_t want[ENCODE_HEAD_MAX + 4], room[12000];
	struct encode_frame frame;
	unsigned bad = 0, bad_wrap = 0;
	struct encoder e;
	size_t len, n, next;

	encoder_init(&e, &fr);
	for (len = 0; len <= sizeof(payload); len += len < 1100 ? 1 : 97) {
		struct slice v[1] = {slice_of(payload, len)};
		struct batch b = {v, 1, 1};
		struct span out = {room, 0, sizeof(room)};

		n = head_oracle(&fr, len, want);
		next = 0;
		memset(room, 0xee, sizeof(room));
		if (encode(&e, &b, &next, &out) != ENCODE_OK ||
		    out.len != n + len + fr.tag_len ||
		    memcmp(room, want, n) != 0 ||
		    memcmp(room + n, payload, len) != 0 ||
		    memcmp(room + n + len, fr.tag, fr.tag_len) != 0)
			bad++;
		if (encode_wrap(&e, v[0], &frame) != ENCODE_OK ||
		    frame.head_len != n || memcmp(frame.head, want, n) != 0)
			bad_wrap++;
	}
	is_num(bad, 0, "%s: a message of any length has its frame", text);
	is_num(bad_wrap, 0, "%s: and so it has around it", text);
}

static void
test_limit(const char *text, uint64_t limit)
{
	struct framing fr = mode(text);
	struct encode_frame frame;
	struct encode_fault fault;

	fr.max = SIZE_MAX;
	is_num(wrap_length(&fr, limit, &frame, &fault), ENCODE_OK,
	    "%s can say its largest length", text);
	is_num(frame.head_len, fr.width, "%s has its width", text);
	is_num(wrap_length(&fr, limit + 1, &frame, &fault), ENCODE_BAD,
	    "%s refuses one more", text);
	is_num(fault.code, ENCODE_ERR_HEADER, "%s blames the header", text);
	is_num(fault.limit, limit, "%s names its limit", text);
	is_num(fault.len, limit + 1, "%s names the length", text);
}

static void
test_limits(void)
{
	char text[] = "fixed-header=00";
	struct encode_frame frame;
	struct encode_fault fault;
	struct framing fr;
	uint64_t power = 1;
	unsigned w;

	test_limit("u8", 255);
	test_limit("u16be", 65535);
	test_limit("u16le", 65535);
	test_limit("u32be", UINT32_MAX);
	test_limit("u32le", UINT32_MAX);
	for (w = 1; w <= 18; w++) {
		power *= 10;
		text[13] = (char)('0' + w / 10);
		text[14] = (char)('0' + w % 10);
		test_limit(text, power - 1);
	}
	fr = mode("fixed-header=19");
	fr.max = SIZE_MAX;
	is_num(wrap_length(&fr, power, &frame, &fault), ENCODE_OK,
	    "nineteen columns hold more than eighteen nines");
	fr = mode("fixed-header=20");
	fr.max = SIZE_MAX;
	is_num(wrap_length(&fr, UINT64_MAX, &frame, &fault), ENCODE_OK,
	    "twenty columns hold any length");
	fr = mode("fixed-header=64");
	fr.max = SIZE_MAX;
	is_num(wrap_length(&fr, UINT64_MAX, &frame, &fault), ENCODE_OK,
	    "sixty-four columns hold any length");
}

static void
test_maximum(void)
{
	static const char *const modes[] = {"windev", "windev,tail=CRLF",
	    "netstring", "fixed-header", "u32be", "raw", "until-close",
	    "end-tag-buffer"};
	struct encode_frame frame;
	struct encode_fault fault;
	struct framing fr;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		fr = mode(modes[i]);
		is_num(wrap_length(&fr, fr.max, &frame, &fault), ENCODE_OK,
		    "%s sends a message of the maximum", modes[i]);
		is_num(wrap_length(&fr, fr.max + 1, &frame, &fault), ENCODE_BAD,
		    "%s refuses one byte more", modes[i]);
		is_num(fault.code, ENCODE_ERR_LONG, "%s says why", modes[i]);
		is_num(fault.limit, fr.max, "%s names the maximum", modes[i]);
		is_num(fault.len, fr.max + 1, "%s names the length", modes[i]);
	}
}

static void
test_fault_of_tag(void)
{
	static const char text[] = "one<EOF>two";
	struct framing fr = mode("end-tag");
	struct slice v[3] = {
	    slice_of("a", 1), slice_of("b", 1), slice_of(text, strlen(text))};
	struct batch b = {v, 3, 3};
	uint8_t room[1000];
	struct span out = {room, 0, sizeof(room)};
	struct encoder e;
	size_t next = 0;

	memset(&e, 0xee, sizeof(e));
	encoder_init(&e, &fr);
	is_num(e.messages, 0, "a new encoder has encoded nothing");
	is_num(encode(&e, &b, &next, &out), ENCODE_BAD, "a tag is refused");
	is_num(next, 2, "the refused message is where we stopped");
	is_num(e.messages, 2, "what was encoded before it is counted");
	is_bytes(room, out.len, "a<EOF>b<EOF>", 12, "and is in the buffer");
	is_num(e.fault.message, 3, "the fault counts from 1");
	is_num(e.fault.offset, 3, "the fault says where the tag stands");
	is_num(e.fault.len, strlen(text), "the fault has the whole length");
	is_bytes(e.fault.look.p, e.fault.look.len, "<EOF>two", 8,
	    "the fault shows the message from the tag on");
	is_num(e.fault.limit, 0, "a tag has no limit");
}

static void
test_fault_of_units(void)
{
	struct framing fr = mode("windev,count=utf16");
	struct encode_frame frame;
	struct encode_fault fault;

	is_num(wrap_length(&fr, 3, &frame, &fault), ENCODE_BAD,
	    "half a unit is refused");
	is_num(fault.code, ENCODE_ERR_UNITS, "as half a unit");
	is_num(fault.limit, 0, "it has no limit");
	is_num(fault.len, 3, "it has its length");
	is_num(fault.message, 1, "it is the first message");
	is_num(wrap_length(&fr, 4, &frame, &fault), ENCODE_OK,
	    "whole units are sent");
}

static void
test_fault_of_second(void)
{
	struct framing fr = mode("until-close");
	struct encode_frame frame;
	struct encoder e;

	encoder_init(&e, &fr);
	encode_wrap(&e, slice_of("one", 3), &frame);
	is_num(frame.head_len + frame.tail.len, 0,
	    "nothing stands around the message of until-close");
	is_num(encode_wrap(&e, slice_of("two", 3), &frame), ENCODE_BAD,
	    "a second one is refused");
	is_num(e.fault.code, ENCODE_ERR_SECOND, "as a second one");
	is_num(e.fault.limit, 1, "the limit is one message");
	is_bytes(
	    e.fault.look.p, e.fault.look.len, "two", 3, "the fault shows it");
}

static void
test_room(const char *text)
{
	static const uint8_t payload[100] = "payload";
	struct framing fr = mode(text);
	const size_t need = ENCODE_HEAD_MAX + sizeof(payload) + FRAMING_TAG_MAX;
	struct slice v[1] = {slice_of(payload, sizeof(payload))};
	struct batch b = {v, 1, 1};
	struct guard g = {0};
	struct encoder e;
	struct span out = {guard_room(&g, need + 6), 7, need + 6};
	size_t next = 0;

	encoder_init(&e, &fr);
	memcpy(out.p, "before!", 7);
	is_num(encode(&e, &b, &next, &out), ENCODE_FULL,
	    "%s: one byte of room is missing", text);
	is_num(next + e.messages, 0, "%s: nothing was encoded", text);
	is_num(out.len, 7, "%s: nothing was written", text);
	out = (struct span){guard_room(&g, need + 7), 7, need + 7};
	memcpy(out.p, "before!", 7);
	is_num(encode(&e, &b, &next, &out), ENCODE_OK, "%s: there is just room",
	    text);
	is_num(next, 1, "%s: the message was encoded", text);
	is_num(e.messages, 1, "%s: the message was counted", text);
	ok(out.len >= 107 && memcmp(out.p, "before!", 7) == 0,
	    "%s: what stood in the buffer stays", text);
	is_num(encode(&e, &b, &next, &out), ENCODE_OK,
	    "%s: the end of the batch needs no room", text);
	guard_free(&g);
}

static void
test_large(void)
{
	static uint8_t big[ENCODE_LARGE_MIN];
	static uint8_t
	    room[ENCODE_LARGE_MIN + ENCODE_HEAD_MAX + FRAMING_TAG_MAX];
	struct framing fr = mode("netstring");
	struct slice v[2] = {
	    slice_of(big, sizeof(big) - 1), slice_of(big, sizeof(big))};
	struct batch b = {v, 2, 2};
	struct span out = {room, 0, sizeof(room)};
	struct encoder e;
	size_t next = 0;

	memset(big, 'x', sizeof(big));
	encoder_init(&e, &fr);
	is_num(encode(&e, &b, &next, &out), ENCODE_LARGE,
	    "a large message is left to encode_wrap");
	is_num(next, 1, "one byte less is not large");
	is_num(out.len, 6 + sizeof(big) - 1 + 1, "and fits the buffer");
	is_num(encode(&e, &b, &next, &out), ENCODE_LARGE,
	    "large is said whatever room there is");
	is_num(e.messages, 1, "it was not encoded");
	fr.max = 10;
	is_num(encode(&e, &b, &next, &out), ENCODE_LARGE,
	    "a large message over the maximum is large first");
}

static void
test_frame(void)
{
	struct framing fr = mode("windev,tail=CRLF");
	struct encode_frame frame;
	struct encoder e;

	encoder_init(&e, &fr);
	is_num(encode_wrap(&e, slice_of("hello", 5), &frame), ENCODE_OK,
	    "a message is wrapped");
	is_bytes(frame.head, frame.head_len, "7\r\n", 3, "it has its header");
	is_bytes(frame.tail.p, frame.tail.len, "\r\n", 2, "it has its tail");
	ok(frame.tail.p == fr.tag, "the tail points into the framing");
	is_num(e.messages, 1, "a wrapped message is counted");
}

/* Where would a reader see the first tag, if the tag follows the message? */
static size_t
tag_oracle(const struct framing *fr, const uint8_t *m, size_t len)
{
	uint8_t all[300 + FRAMING_TAG_MAX];
	size_t i;

	memcpy(all, m, len);
	memcpy(all + len, fr->tag, fr->tag_len);
	for (i = 0; (i & fr->tag_align) != 0 ||
	     memcmp(all + i, fr->tag, fr->tag_len) != 0;
	     i++)
		continue;
	return i;
}

static void
test_tags_by_chance(uint64_t *state)
{
	unsigned i, n = rounds(20000), bad = 0, seen[2] = {0, 0};
	struct framing fr = mode("end-tag");
	struct encode_frame frame;
	struct guard g = {0};
	struct encoder e;
	uint8_t m[40], *p;
	size_t len, k, want;

	for (i = 0; i < n; i++) {
		fr.tag_len = 1 + dice_below(state, 6);
		for (k = 0; k < fr.tag_len; k++)
			fr.tag[k] = (uint8_t)('a' + dice_below(state, 2));
		fr.tag_align = (const size_t[]){0, 0, 1, 3}[i % 4];
		len = dice_below(state, 12) & ~fr.tag_align;
		for (k = 0; k < len; k++)
			m[k] = (uint8_t)('a' + dice_below(state, 2));
		p = guard_end(&g, m, len);
		want = tag_oracle(&fr, p, len);
		encoder_init(&e, &fr);
		seen[want < len]++;
		if (encode_wrap(&e, slice_of(p, len), &frame) !=
		    (want < len ? ENCODE_BAD : ENCODE_OK))
			bad++;
		else if (want < len &&
		    (e.fault.offset != want || e.fault.code != ENCODE_ERR_TAG))
			bad++;
	}
	guard_free(&g);
	ok(seen[0] > 0 && seen[1] > 0, "both with and without a tag was tried");
	is_num(bad, 0, "refused is exactly what a reader would cut too early");
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_decimals(&state);
	test_every_length("windev");
	test_every_length("windev,tail=CRLF");
	test_every_length("netstring");
	test_every_length("fixed-header=5");
	test_every_length("fixed-header");
	test_limits();
	test_maximum();
	test_fault_of_tag();
	test_fault_of_units();
	test_fault_of_second();
	test_room("windev");
	test_room("end-tag=CRLF");
	test_room("raw");
	test_large();
	test_frame();
	test_tags_by_chance(&state);
	return done_testing();
}
