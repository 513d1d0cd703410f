/*
 * A framing: how messages are marked off in a stream of bytes.
 *
 * One struct describes every mode with its parameters. It is plain data, is
 * copied freely, and never changes while a decoder or an encoder refers to
 * it. This room is pure: no I/O, no allocation, no state but the caller's;
 * it calls memory and string functions alone. The bytes of each mode are laid
 * down in wdsock-framing(7), which is normative.
 */
#ifndef CODEC_FRAMING_H
#define CODEC_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMING_TAG_MAX 64    /* bytes of an end tag or of a tail */
#define FRAMING_WIDTH_MAX 64  /* columns of a fixed header */
#define FRAMING_DIGITS_MAX 20 /* digits of a length, leading zeros included */
#define FRAMING_MAX_DEFAULT (16u << 20)

enum framing_mode {
	FRAMING_WINDEV,		/* decimal length, CR LF, payload */
	FRAMING_END_TAG,	/* payload, tag */
	FRAMING_END_TAG_BUFFER, /* the same, where the tag ends a read */
	FRAMING_RAW,		/* no boundaries; a message is one read */
	FRAMING_FIXED_HEADER,	/* decimal length in a fixed width, payload */
	FRAMING_UNTIL_CLOSE,	/* the whole stream is one message */
	FRAMING_LINES,		/* payload, LF; the last LF may be missing */
	FRAMING_NETSTRING,	/* decimal length, colon, payload, comma */
	FRAMING_BINARY,		/* binary length, payload */
};

/* What the length of FRAMING_WINDEV counts. */
enum framing_count {
	FRAMING_COUNT_BYTES,
	FRAMING_COUNT_CHARS, /* code points of UTF-8 */
	FRAMING_COUNT_UTF16, /* units of 16 bits */
};

struct framing {
	enum framing_mode mode;
	enum framing_count count; /* WINDEV */
	uint8_t tag[FRAMING_TAG_MAX];
	size_t tag_len; /* what stands behind a payload; WINDEV: the tail */
	/*
	 * Bit i: tag[i] was written \xHH and means this byte. The others are
	 * characters, which a charset may turn into other bytes.
	 */
	uint64_t tag_bytes;
	/*
	 * Bits that are 0 in the offset, within its message, at which a tag
	 * begins: 0, or where characters are units of 2 or 4 bytes, 1 or 3;
	 * a payload that is sent is then made of whole units.
	 */
	size_t tag_align;
	unsigned width;	 /* FIXED_HEADER: columns; BINARY: bytes, 1, 2, 4 */
	bool big_endian; /* BINARY */
	bool open_end; /* END_TAG, LINES: what ends without a tag is one too */
	size_t max;    /* the largest payload, in bytes */
};

enum framing_error {
	FRAMING_OK = 0,
	FRAMING_ERR_MODE,     /* no such mode */
	FRAMING_ERR_PARAM,    /* no such parameter for this mode */
	FRAMING_ERR_NO_VALUE, /* this mode takes no value */
	FRAMING_ERR_EMPTY,    /* an empty tag, tail, width or value */
	FRAMING_ERR_ESCAPE,   /* a backslash that begins no escape */
	FRAMING_ERR_TAG_LONG, /* over FRAMING_TAG_MAX bytes */
	FRAMING_ERR_WIDTH,    /* not 1 to FRAMING_WIDTH_MAX */
	FRAMING_ERR_COUNT,    /* not bytes, chars or utf16 */
	FRAMING_ERR_TWICE,    /* a parameter stands there twice */
};

/*
 * Reads a mode as people type it ("windev,count=utf16", "end-tag=CRLF",
 * "SocketMarqueurFin"), in any case of letters. On an error, *at is where in
 * the text the word begins that was refused, and *fr is not written. fr->max
 * is set to its default.
 */
enum framing_error framing_parse(
    const char *text, struct framing *fr, size_t *at);

/*
 * Is the tail made of whole units, where those are counted? It cannot be told
 * before its characters have become bytes, so framing_parse does not ask.
 */
bool framing_tail_fits(const struct framing *fr);

/*
 * Writes the mode as framing_parse would read it, in its canonical form; a
 * character of a tag that cannot be shown is written \xHH. Needs
 * FRAMING_TEXT_MAX bytes; returns buf.
 */
#define FRAMING_TEXT_MAX (FRAMING_TAG_MAX * 4 + 64)
char *framing_print(const struct framing *fr, char *buf);

/* What people may type and what it means, for help and for suggestions. */
struct framing_name {
	const char *name;    /* "end-tag" */
	const char *param;   /* "=TAG", or "" */
	const char *english; /* WLanguage constant, or NULL */
	const char *french;  /* the same in French, or NULL */
	const char *wire;    /* one line: what stands on the wire */
};
extern const struct framing_name framing_names[];
extern const size_t framing_names_count;

/* The entry of framing_names that describes this framing. */
const struct framing_name *framing_name_of(const struct framing *fr);

#endif
