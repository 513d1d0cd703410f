/*
 * The framings that an input can choose, one byte for the mode and one for
 * --max-message. New ones go to the end, or the corpora change their meaning.
 */
#ifndef FUZZ_MODES_H
#define FUZZ_MODES_H

#include "check.h"
#include "codec/framing.h"

static const char *const modes[] = {"windev", "windev,count=chars",
    "windev,count=utf16", "windev,tail=NUL", "windev,tail=CRLF",
    "windev,count=chars,tail=CRLF", "windev,count=chars,tail=\\xa9",
    "windev,count=chars,tail=\\x82\\xac",
    "windev,count=chars,tail=\\xe2\\x82\\xac",
    "windev,count=utf16,tail=\\x00\\x00", "windev,count=utf16,tail=CRLF",
    "windev,tail=0123456789abcdef0123456789abcdef", "end-tag", "end-tag=CRLF",
    "end-tag=LF", "end-tag=NUL", "end-tag=aa", "end-tag=ab", "end-tag=aab",
    "end-tag=aba", "end-tag=abab", "end-tag=\\r\\n\\r\\n",
    "end-tag=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "end-tag-buffer", "end-tag-buffer=aa", "end-tag-buffer=CRLF", "raw",
    "fixed-header", "fixed-header=1", "fixed-header=2", "fixed-header=4",
    "fixed-header=8", "fixed-header=20", "fixed-header=25", "until-close",
    "lines", "netstring", "u8", "u16be", "u16le", "u32be", "u32le"};

static inline void
modes_pick(struct slice *in, struct framing *fr)
{
	static const size_t max[] = {FRAMING_MAX_DEFAULT, 1, 2, 3, 4, 7, 16, 63,
	    64, 65, 255, 256, 1000, 4096, 65536, 1u << 30};
	const size_t modes_n = sizeof(modes) / sizeof(modes[0]);
	const char *mode = modes[check_byte(in) % modes_n];
	size_t at;

	CHECK(framing_parse(mode, fr, &at) == FRAMING_OK, "%s is a mode", mode);
	fr->max = max[check_byte(in) % (sizeof(max) / sizeof(max[0]))];
}

#endif
