/* The marks of other protocols: what decides at once what a stream is. */
#ifndef CODEC_MARKS_H
#define CODEC_MARKS_H

#include "codec/diagnose.h"

/*
 * Does the stream begin with the mark of TLS, HTTP, SSH, or of a decimal
 * length in UTF-16? Sets kind and big_endian of the guess.
 */
bool marks_find(struct slice in, struct diagnose_guess *);

#endif
