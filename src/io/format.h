/*
 * A format: how people want to see a message, as a text with directives. It
 * is taken apart once, and then written down for each message.
 *
 *	%m	the message		%n	its number, from 1 on
 *	%l	its length in bytes	%c	the channel
 *	%x	in hexadecimal		%p	the peer
 *	%e	escaped			%d	the direction, in or out
 *	%b	in base64		%t	the time, ISO 8601, UTC
 *	%j	as a member of JSON,	%T	seconds since the epoch
 *		"text" or "b64"		%r	since the conversation began
 *	%%	a percent sign		%D	since the message before
 *
 * Behind the sign may stand - (to the left), 0 (zeros before a number), a
 * width in characters, and for what shows the message a dot and how many of
 * its bytes are shown, where no character is cut in two. In the text around,
 * \n \r \t \\ \0 \xHH are what they are elsewhere. What the text does not say
 * is not written: no newline either.
 */
#ifndef IO_FORMAT_H
#define IO_FORMAT_H

#include "base/fail.h"
#include "io/about.h"

#define FORMAT_WIDTH_MAX 4096
#define FORMAT_LARGE_MIN 16384 /* from here on %m is not copied for a pipe */

/* What there is; %% is not among them. */
struct format_directive {
	char letter;
	enum {
		FORMAT_OF_MESSAGE, /* shows its bytes: takes .N */
		FORMAT_OF_NUMBER,  /* takes zeros */
		FORMAT_OF_WORD,
	} of;
	const char *what;
};
extern const struct format_directive format_directives[];
extern const size_t format_directives_count;

struct format_piece {
	char directive; /* its letter, or 0: text */
	bool left, zero;
	unsigned width;
	bool cut; /* of the message, `most` bytes are shown */
	unsigned most;
	struct slice text; /* of the format's own */
};

struct format {
	struct format_piece *v;
	size_t n;
	uint8_t *text;
};

/* Who is to see it decides what is done to the bytes of the message. */
enum format_for {
	FORMAT_FOR_PIPE,     /* nothing; large ones are left to the caller */
	FORMAT_FOR_TERMINAL, /* what could drive it is escaped */
	FORMAT_FOR_PEER,     /* nothing; all is copied */
};

enum format_result {
	FORMAT_DONE,  /* all of it is in the buffer */
	FORMAT_FULL,  /* no room; empty the buffer and come again */
	FORMAT_LARGE, /* write the buffer, then the message; come again */
};

/* Where it stands in one message; all zeros: at its beginning. */
struct format_at {
	size_t piece;
	int stage;   /* of the piece */
	size_t pos;  /* in what it shows */
	size_t pad;  /* characters that fill its width */
	bool named;  /* %j: what it begins with is written */
	bool binary; /* %j: the message is not UTF-8 */
};

/*
 * -1 and a usage error that says at which byte; nothing is held then. The
 * result is released with format_release.
 */
int format_init(struct format *, const char *text, struct fail *);
void format_release(struct format *);

/* Behind FORMAT_DONE *at is at the beginning again. A buffer of TEXT_STEP
 * bytes gets it on. */
enum format_result format_put(const struct format *, struct format_at *,
    struct about *, struct slice message, enum format_for, struct span *out);

/*
 * Is it the message once, as it is, and short texts before and behind it? Then
 * these are given, and are the format's.
 */
bool format_is_plain(
    const struct format *, struct slice *before, struct slice *behind);

#endif
