/*
 * What the codec found, in words: it gives enums and offsets, people get what
 * was expected, what was seen, and what to try.
 */
#ifndef TALK_EXPLAIN_H
#define TALK_EXPLAIN_H

#include "base/fail.h"
#include "codec/decode.h"
#include "codec/diagnose.h"
#include "codec/encode.h"

/* A mode string that framing_parse refused at `at`. Always -1. */
int explain_mode(
    enum framing_error, const char *text, size_t at, struct fail *);

/*
 * A stream that cannot be decoded. `seen` are bytes of it that begin with a
 * message and hold the one that was refused; `at_end`: it ends behind them;
 * `good`: how many messages of the stream came before that one. Always -1.
 */
int explain_decode(const struct decode_fault *, const struct framing *,
    uint64_t good, struct slice seen, bool at_end, struct fail *);

/* A message that cannot be sent. Always -1. */
int explain_encode(
    const struct encode_fault *, const struct framing *, struct fail *);

/* `-m auto` could not tell. Always -1. */
int explain_unsure(const struct diagnosis *, struct slice seen, struct fail *);

#endif
