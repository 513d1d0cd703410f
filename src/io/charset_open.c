/*
 * Charsets by their names, and what each is like; see charset.h. iconv takes
 * a name and tells nothing of what it stands for, so it is asked.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/near.h"
#include "io/charset.h"
#include "io/cp1252.h"

#define NO_ICONV ((iconv_t)-1)

bool
charset_errors_of(const char *name, enum charset_errors *errors)
{
	static const char *const names[] = {"stop", "replace", "escape"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			*errors = (enum charset_errors)i;
			return true;
		}
	return false;
}

bool
charset_is_utf8(const char *name)
{
	return strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "UTF8") == 0;
}

/*
 * Where a mark in front of each text tells the order of the bytes. iconv would
 * put one in front of each message, and go on with the order of the last one
 * that it saw; so both orders are opened by their own names, and the mark is
 * looked at in charset.c. What says nothing is in the order of Windows.
 */
static const struct {
	const char *name, *little, *big;
} two_orders[] = {
    {"UTF-16", "UTF-16LE", "UTF-16BE"},
    {"UTF16", "UTF-16LE", "UTF-16BE"},
    {"UTF-32", "UTF-32LE", "UTF-32BE"},
    {"UTF32", "UTF-32LE", "UTF-32BE"},
};

/* What iconv makes of a text, from its initial state; false: not all of it. */
static bool
try_text(iconv_t cd, const char *text, size_t len, struct span *out)
{
	char *from = (char *)(uintptr_t)text, *to = (char *)out->p;
	size_t room = out->cap, r;

	iconv(cd, NULL, NULL, NULL, NULL);
	r = iconv(cd, &from, &len, &to, &room);
	out->len = out->cap - room;
	return r == 0;
}

/*
 * Does iconv put something else for a character that the charset lacks, and
 * count it, rather than refuse it? Systems differ.
 */
static bool
substitutes(iconv_t to)
{
	char text[] = "\xf0\x9f\x98\x80", bytes[16];
	char *from = text, *at = bytes;
	size_t len = 4, room = sizeof(bytes), r;

	iconv(to, NULL, NULL, NULL, NULL);
	r = iconv(to, &from, &len, &at, &room);
	return r != (size_t)-1 && r > 0;
}

static bool
stays(iconv_t cd, const char *text, size_t len)
{
	uint8_t bytes[256];
	struct span out = {bytes, 0, sizeof(bytes)};

	return try_text(cd, text, len, &out) && out.len == len &&
	    memcmp(bytes, text, len) == 0;
}

/* Is ASCII the same in it? Not if it has ways to say that it is not. */
static bool
has_ascii(iconv_t to, iconv_t from)
{
	static const char *const shifts[] = {"\x1b$B!!", "\x1b$A!!", "\x1b(Ja",
	    "\x1b$)C\x0e!!\x0f", "\x1b$)A\x0e!!\x0f", "\x0e!!\x0f", "~{!!~}",
	    "+AGE-"};
	char ascii[128];
	size_t i;

	for (i = 0; i < sizeof(ascii); i++)
		ascii[i] = (char)i;
	for (i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++)
		if (!stays(from, shifts[i], strlen(shifts[i])))
			return false;
	return stays(to, ascii, sizeof(ascii)) &&
	    stays(from, ascii, sizeof(ascii));
}

/*
 * What a charset is like: found out by asking. -1: it puts a mark in front of
 * a text, and is none of two_orders.
 */
static int
learn(struct charset *cs, iconv_t to, iconv_t from, struct fail *f)
{
	uint8_t bytes[64];
	struct span out = {bytes, 0, sizeof(bytes)};
	size_t one, two;

	cs->ascii = has_ascii(to, from);
	cs->substitutes = cs->way == CHARSET_SEND && substitutes(to);
	try_text(to, "AA", 2, &out);
	two = out.len;
	try_text(to, "A", 1, &out);
	one = out.len;
	if (two - one == 2 || two - one == 4)
		cs->unit = two - one;
	if (one == cs->unit || cs->unit == 1)
		return 0;
	fail_set(f, STATUS_USAGE,
	    "expected a charset that has an order of bytes, saw one that "
	    "marks each text with it");
	return fail_hint(f, "try: UTF-16LE, UTF-16BE, UTF-32LE or UTF-32BE");
}

/* No such charset: what there is, and what may have been meant. Always -1. */
static int
unknown(const char *name, struct fail *f)
{
	static const char *const common[] = {"CP1252", "WINDOWS-1252", "UTF-8",
	    "UTF-16LE", "UTF-16BE", "UTF-16", "UTF-32LE", "UTF-32BE",
	    "ISO-8859-1", "ISO-8859-2", "ISO-8859-5", "ISO-8859-7",
	    "ISO-8859-9", "ISO-8859-15", "LATIN1", "ASCII", "CP437", "CP850",
	    "CP852", "CP1250", "CP1251", "CP1253", "CP1254", "CP1255", "CP1256",
	    "CP1257", "CP932", "SHIFT_JIS", "EUC-JP", "GB18030", "GBK", "BIG5",
	    "EUC-KR", "KOI8-R", "MACINTOSH"};
	const char *near =
	    near_of(name, common, sizeof(common) / sizeof(common[0]));

	fail_set(f, STATUS_USAGE,
	    "expected the name of a charset, saw none that is known here");
	if (near != NULL)
		return fail_hint(f, "try: %s; iconv -l lists all", near);
	return fail_hint(f,
	    "try: CP1252 (which Windows calls ANSI), UTF-16LE (which it calls "
	    "Unicode), CP850, ISO-8859-1; iconv -l lists all");
}

/* iconv takes more than names: a locale's (none), and orders behind a slash. */
static bool
is_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL &&
	    strcasecmp(name, "CHAR") != 0 && strcasecmp(name, "WCHAR_T") != 0;
}

static void
close_iconv(iconv_t cd)
{
	if (cd != NO_ICONV)
		iconv_close(cd);
}

/* Both directions are opened to learn from, and one is kept. */
static int
open_iconv(
    struct charset *cs, const char *name, const char *big, struct fail *f)
{
	iconv_t to, from = NO_ICONV;
	int r = -1;

	cs->big = NO_ICONV;
	to = iconv_open(name, "UTF-8");
	if (to != NO_ICONV)
		from = iconv_open("UTF-8", name);
	if (from != NO_ICONV && big != NULL && cs->way == CHARSET_RECEIVE)
		cs->big = iconv_open("UTF-8", big);
	if (from == NO_ICONV && errno == EINVAL)
		unknown(cs->name, f);
	else if (from == NO_ICONV)
		fail_set(
		    f, STATUS_IO, "charset %s: %s", cs->name, strerror(errno));
	else
		r = learn(cs, to, from, f);
	if (r == -1) {
		close_iconv(to);
		close_iconv(from);
		close_iconv(cs->big);
		return -1;
	}
	cs->little = cs->way == CHARSET_SEND ? to : from;
	close_iconv(cs->way == CHARSET_SEND ? from : to);
	cs->two_orders = cs->big != NO_ICONV;
	cs->kind = CHARSET_ICONV;
	charset_restart(cs);
	return 0;
}

static int
open_name(struct charset *cs, struct fail *f)
{
	size_t i;

	for (i = 0; i < sizeof(two_orders) / sizeof(two_orders[0]); i++)
		if (strcasecmp(cs->name, two_orders[i].name) == 0)
			return open_iconv(
			    cs, two_orders[i].little, two_orders[i].big, f);
	if (!is_name(cs->name))
		return unknown(cs->name, f);
	return open_iconv(cs, cs->name, NULL, f);
}

int
charset_open(struct charset *cs, const struct charset_plan *p,
    enum charset_way way, bool stream, struct fail *f)
{
	memset(cs, 0, sizeof(*cs));
	cs->name = p->name;
	cs->errors = p->errors;
	cs->way = way;
	cs->stream = stream;
	cs->unit = 1;
	cs->ascii = true;
	if (p->name == NULL)
		return 0;
	if (cp1252_is(p->name))
		cs->kind = CHARSET_CP1252;
	else if (charset_is_utf8(p->name))
		cs->kind = CHARSET_UTF8;
	else
		return open_name(cs, f);
	return 0;
}

void
charset_release(struct charset *cs)
{
	if (cs->kind == CHARSET_ICONV) {
		close_iconv(cs->little);
		close_iconv(cs->big);
	}
	free(cs->join.p);
	free(cs->arena.p);
	free(cs->v);
	memset(cs, 0, sizeof(*cs));
}

void
charset_restart(struct charset *cs)
{
	cs->messages = 0;
	cs->carry_len = 0;
	cs->ordered = false;
	cs->cd = cs->little;
	if (cs->kind == CHARSET_ICONV)
		iconv(cs->cd, NULL, NULL, NULL, NULL);
}
