/*
 * Which framing do these bytes speak? A pure guess at the first bytes of a
 * stream, for error texts and for `-m auto`. It runs the real decoders over
 * the bytes, looks for the marks of other protocols first, and says so where
 * it is not sure.
 */
#ifndef CODEC_DIAGNOSE_H
#define CODEC_DIAGNOSE_H

#include "base/slice.h"
#include "codec/decode.h"
#include "codec/framing.h"

#define DIAGNOSE_LOOK 4096 /* more than this is not looked at */

enum diagnose_kind {
	DIAGNOSE_FRAMING,     /* `fr` */
	DIAGNOSE_WINDEV_OFF,  /* windev, whose lengths are `off` too large
				  (or too small: then `off` is negative) */
	DIAGNOSE_WINDEV_NEAR, /* windev, but for a header that is not digits
				  and CR LF: a sign, a blank, 0x, 21 digits */
	DIAGNOSE_BOM,	      /* a byte order mark before what `fr` says */
	/* From here on the bytes are another protocol's. */
	DIAGNOSE_WINDEV_UTF16, /* windev, whose digits are UTF-16; big_endian */
	DIAGNOSE_TLS,
	DIAGNOSE_HTTP,
	DIAGNOSE_SSH,
};

/* How much speaks for a guess. Two grades ahead of the next is a lot. */
enum diagnose_grade {
	DIAGNOSE_NOTHING,  /* no guess at all */
	DIAGNOSE_FAINT,	   /* many a text looks so by chance */
	DIAGNOSE_POSSIBLE, /* some do */
	DIAGNOSE_FAIR,	   /* from here on it may be sure: no contradiction */
	DIAGNOSE_LIKELY,   /* it explains all the bytes, others may as well */
	DIAGNOSE_STRONG,   /* it explains more than chance would */
	DIAGNOSE_CLEAR,	   /* and does so repeatedly */
	DIAGNOSE_CERTAIN,  /* lengths that add up */
};

struct diagnose_guess {
	enum diagnose_kind kind;
	struct framing fr;	   /* FRAMING, WINDEV_OFF, WINDEV_NEAR, BOM */
	int off;		   /* WINDEV_OFF: -2 to 2, never 0 */
	bool big_endian;	   /* WINDEV_UTF16 */
	unsigned messages;	   /* whole ones in the bytes looked at */
	enum diagnose_grade grade; /* never NOTHING */
};

struct diagnosis {
	unsigned n;	 /* guesses, the best first; 0: nothing is known */
	bool sure;	 /* the first one stands out */
	uint64_t behind; /* good messages that stand before what is guessed
			    at; 0 if it is about the stream */
	struct diagnose_guess guess[2];
};

/*
 * `in` begins where the stream, or a message, begins. at_end: the stream ends
 * behind it, so that a message that is not complete counts against a guess.
 */
void diagnose(struct slice in, bool at_end, struct diagnosis *);

/*
 * The same of bytes that a decoder for `fr` refused behind `good` messages:
 * only guesses that can help there are left, so never `fr` itself, nothing
 * for a stream that ends too early behind good messages, and only another
 * protocol for a message that is too long. `seen` begins with a message and
 * holds the one refused.
 */
void diagnose_fault(const struct decode_fault *, const struct framing *fr,
    uint64_t good, struct slice seen, bool at_end, struct diagnosis *);

#endif
