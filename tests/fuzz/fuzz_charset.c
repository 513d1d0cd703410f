/*
 * Messages through a charset. The input is
 *
 *	name, policy and way, a byte for each of the cuts, bytes
 *
 * The cuts divide the bytes into messages. As a batch they become what each
 * becomes by itself; as a stream they become what all of it is at once; what
 * was received without an error is sent as it came. The first of them, up to
 * a NUL, are taken as a tag, too.
 */
#include "check.h"
#include "io/charset.h"

#define CUTS 6
#define TAG_MAX 40

static const char *const names[] = {"CP1252", "UTF-8", "UTF-16LE", "UTF-16BE",
    "UTF-32LE", "ISO-8859-1", "UTF-16", "CP932", "GB18030", "ISO-2022-JP",
    "UTF-7", "EUC-KR", "CP037", "BIG5-HKSCS"};
#define NAMES (sizeof(names) / sizeof(names[0]))
#define FULL 5	    /* so many are the same there and back, whatever it is */
#define STATELESS 7 /* so many begin anew anywhere */

struct choice {
	const char *name;
	size_t number;
	enum charset_errors errors;
	enum charset_way way;
};

/* The bytes that came out, one message behind the other. */
struct kept {
	uint8_t *p;
	size_t len, n;
	int result;
	struct fail fail;
};

static struct charset
opened(const struct choice *c, enum charset_way way, bool stream)
{
	struct charset_plan p = {c->name, c->errors};
	struct charset cs;
	struct fail f;

	if (charset_open(&cs, &p, way, stream, &f) == 0)
		return cs;
	check_fail(&f);
	p.name = NULL; /* a system may lack one; then bytes pass */
	CHECK(charset_open(&cs, &p, way, stream, &f) == 0,
	    "no charset is always there");
	return cs;
}

static void
keep(struct kept *k, const struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		CHECK(b->v[i].p != NULL, "a slice points somewhere");
		k->p = realloc(k->p, k->len + b->v[i].len + 1);
		if (k->p == NULL)
			abort();
		memcpy(k->p + k->len, b->v[i].p, b->v[i].len);
		k->len += b->v[i].len;
		k->n++;
	}
}

/* `n` messages at once, each in a place of its own. */
static void
convert(struct charset *cs, const struct slice *v, size_t n, struct kept *k)
{
	struct slice copy[CUTS + 1];
	struct batch in = {copy, n, CUTS + 1}, out;
	size_t i;

	for (i = 0; i < n; i++)
		copy[i] = slice_of(check_copy(v[i]), v[i].len);
	memset(&k->fail, 0x5a, sizeof(k->fail));
	k->result = charset_convert(cs, &in, &out, &k->fail);
	CHECK(out.n <= n, "no message is invented");
	if (k->result == -1)
		check_fail(&k->fail);
	else if (!cs->stream)
		CHECK(out.n == n, "no message is lost");
	keep(k, &out);
	for (i = 0; i < n; i++)
		free((void *)(uintptr_t)copy[i].p);
}

static void
check_batch(const struct choice *c, const struct slice *v, size_t n)
{
	struct charset cs = opened(c, c->way, false), one;
	struct kept all = {0}, each = {0};
	size_t i;

	convert(&cs, v, n, &all);
	for (i = 0; i < n && each.result == 0; i++) {
		one = opened(c, c->way, false);
		convert(&one, v + i, 1, &each);
		charset_release(&one);
	}
	CHECK(all.result == each.result && all.n == each.n &&
		check_same(
		    slice_of(all.p, all.len), slice_of(each.p, each.len)),
	    "%s: a message is converted by itself", c->name);
	CHECK(c->errors == CHARSET_STOP || all.result == 0,
	    "%s: without stopping nothing stops", c->name);
	if (c->way == CHARSET_RECEIVE && cs.kind != CHARSET_NONE)
		CHECK(all.len == 0 || utf8_valid(all.p, all.len),
		    "%s: what is received is UTF-8", c->name);
	charset_release(&cs);
	free(all.p);
	free(each.p);
}

/* There and back is the same. */
static void
check_back(const struct choice *c, struct slice m)
{
	struct choice strict = *c;
	struct charset from, to;
	struct kept there = {0}, back = {0};
	struct slice text;

	if (c->number >= FULL)
		return;
	strict.errors = CHARSET_STOP;
	from = opened(&strict, CHARSET_RECEIVE, false);
	to = opened(&strict, CHARSET_SEND, false);
	convert(&from, &m, 1, &there);
	if (there.result == 0) {
		text = slice_of(there.p, there.len);
		convert(&to, &text, 1, &back);
		CHECK(back.result == 0 &&
			check_same(slice_of(back.p, back.len), m),
		    "%s: what was received is sent as it came", c->name);
	}
	charset_release(&from);
	charset_release(&to);
	free(there.p);
	free(back.p);
}

/* However it is cut, a stream becomes the same. */
static void
check_stream(
    const struct choice *c, const struct slice *v, size_t n, struct slice whole)
{
	struct charset cut, at_once;
	struct kept a = {0}, b = {0};
	struct fail f;
	size_t i;

	if (c->number >= STATELESS || c->errors == CHARSET_STOP)
		return;
	cut = opened(c, c->way, true);
	at_once = opened(c, c->way, true);
	for (i = 0; i < n; i++)
		convert(&cut, v + i, 1, &a);
	convert(&at_once, &whole, 1, &b);
	CHECK(check_same(slice_of(a.p, a.len), slice_of(b.p, b.len)),
	    "%s: a stream is the same however it is cut", c->name);
	CHECK(charset_end(&cut, &f) == charset_end(&at_once, &f),
	    "%s: and ends in the same way", c->name);
	charset_release(&cut);
	charset_release(&at_once);
	free(a.p);
	free(b.p);
}

static void
check_tag(const struct choice *c, struct slice tag, const char *mode)
{
	struct charset_plan p = {c->name, c->errors};
	char text[TAG_MAX * 4 + 32], print[FRAMING_TEXT_MAX];
	struct framing fr, old;
	struct fail f;
	size_t at;

	snprintf(text, sizeof(text), "%s%.*s", mode, (int)tag.len, tag.p);
	if (framing_parse(text, &fr, &at) != FRAMING_OK)
		return;
	old = fr;
	memset(&f, 0x5a, sizeof(f));
	if (charset_framing(&p, &fr, &f) == -1) {
		check_fail(&f);
		return;
	}
	CHECK(fr.tag_len <= FRAMING_TAG_MAX, "a tag keeps to its limit");
	CHECK(fr.tag_len > 0 || old.tag_len == 0, "a tag is not lost");
	check_line(framing_print(&fr, print), sizeof(print));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {data, size}, v[CUTS + 1], tag;
	struct choice c;
	const uint8_t *end;
	size_t cuts[CUTS], at = 0, i;
	uint8_t b;

	c.number = check_byte(&in) % NAMES;
	c.name = names[c.number];
	b = check_byte(&in);
	c.errors = (enum charset_errors)(b % 3);
	c.way = b & 0x80 ? CHARSET_SEND : CHARSET_RECEIVE;
	check_cuts(&in, in.len > CUTS ? in.len - CUTS : 0, 1, cuts, CUTS);
	for (i = 0; i < CUTS; i++) {
		size_t to = cuts[i] < in.len ? cuts[i] : in.len;

		v[i] = slice_of(in.p + at, to - at);
		at = to;
	}
	v[CUTS] = slice_of(in.p + at, in.len - at);
	check_batch(&c, v, CUTS + 1);
	check_stream(&c, v, CUTS + 1, in);
	check_back(&c, in);
	end = in.len > 0 ? memchr(in.p, '\0', in.len) : NULL;
	tag = slice_of(in.p, end == NULL ? in.len : (size_t)(end - in.p));
	if (tag.len > TAG_MAX)
		tag.len = TAG_MAX;
	check_tag(&c, tag, "end-tag=");
	check_tag(&c, tag, "windev,count=utf16,tail=");
	check_tag(&c, tag, "windev,count=chars,tail=");
	return 0;
}
