/*
 * Text for a peer that does not speak UTF-8, and from it. Our side is UTF-8
 * whatever the locale says; iconv(3) knows the others, cp1252.h what Windows
 * calls ANSI.
 *
 *	source --> charset --> encoder ...... decoder --> charset --> sink
 *
 * Each message is converted by itself, from the charset's initial state, and
 * nothing is added to it, no byte order mark either. Only in a stream without
 * boundaries, where a message is what one read brought, does a character that
 * is cut wait for the next one.
 *
 * Memory follows the messages of one batch, times what they grow by: at most
 * three where text is converted, more where bytes are written as escapes.
 */
#ifndef IO_CHARSET_H
#define IO_CHARSET_H

#include <iconv.h>
#include <stdbool.h>

#include "base/fail.h"
#include "base/slice.h"
#include "codec/framing.h"

/* What becomes of that which cannot be converted. */
enum charset_errors {
	CHARSET_STOP,	 /* it is an error */
	CHARSET_REPLACE, /* U+FFFD, or ? where the charset has no U+FFFD */
	CHARSET_ESCAPE,	 /* a byte is \xHH, a character \u{HHHH} */
};

struct charset_plan {
	const char *name; /* NULL: none, and bytes pass as they are */
	enum charset_errors errors;
};

enum charset_way {
	CHARSET_SEND,	 /* from UTF-8 */
	CHARSET_RECEIVE, /* to UTF-8 */
};

/* Who knows it. */
enum charset_kind {
	CHARSET_NONE, /* bytes pass */
	CHARSET_UTF8,
	CHARSET_CP1252, /* cp1252.h */
	CHARSET_ICONV,
};

#define CHARSET_CARRY 8 /* bytes of a character that is cut */

struct charset {
	/* The charset's own. */
	const char *name;
	enum charset_errors errors;
	enum charset_way way;
	bool stream;
	enum charset_kind kind;
	iconv_t cd; /* CHARSET_ICONV: one of these two */
	iconv_t little, big;
	bool two_orders;   /* a mark in front may tell which */
	bool ordered;	   /* in a stream: it has been looked for */
	size_t unit;	   /* bytes of its shortest character: 1, 2, 4 */
	bool ascii;	   /* ASCII is the same in it */
	bool substitutes;  /* iconv puts another character for one it lacks */
	uint64_t messages; /* converted so far */
	uint8_t carry[CHARSET_CARRY];
	size_t carry_len;
	struct span join;  /* the carry and what goes on with it */
	struct span arena; /* what the messages of one batch became */
	struct slice *v;
	size_t cap;
};

/*
 * One direction; release it when done. `stream`: a character may be cut where
 * a message ends. -1 and the fail: there is no such charset (STATUS_USAGE), or
 * no memory.
 */
int charset_open(struct charset *, const struct charset_plan *,
    enum charset_way, bool stream, struct fail *);
void charset_release(struct charset *);

/* Another input or conversation begins: its messages are counted from 1. */
void charset_restart(struct charset *);

/*
 * *out is what the batch becomes: slices of `in` where nothing changes, the
 * others the charset's own and valid until the next call, with a NUL behind
 * the last one. -1: one message cannot be converted; *out has those before it,
 * and the fail names it by its number, the offset and the bytes, or there is
 * no memory.
 */
int charset_convert(
    struct charset *, const struct batch *in, struct batch *out, struct fail *);

/*
 * The stream has ended: 0, or -1 and the fail if that was inside a character,
 * whatever else becomes of errors (STATUS_TRUNCATED, STATUS_MALFORMED).
 */
int charset_end(const struct charset *, struct fail *);

/*
 * What the charset makes of a mode, as it was read: the characters of an end
 * tag or a tail become its bytes, which then stand where a character may, and
 * count=chars counts those of the charset. Also without a charset this is
 * where a framing is looked at as a whole: -1 and a usage error if it cannot
 * be.
 */
int charset_framing(
    const struct charset_plan *, struct framing *, struct fail *);

/* Is this a name of UTF-8? */
bool charset_is_utf8(const char *name);

/* "stop", "replace", "escape"; false if there is no such word. */
bool charset_errors_of(const char *name, enum charset_errors *);

#endif
