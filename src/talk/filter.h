/*
 * The codec as a filter: stdin or files to stdout, no socket. What is complete
 * leaves with each read, in one write.
 */
#ifndef TALK_FILTER_H
#define TALK_FILTER_H

#include "base/fail.h"
#include "codec/framing.h"
#include "io/sink.h"
#include "io/source.h"

struct filter {
	struct framing fr;
	bool automatic;		/* decode: find the framing out */
	enum source_kind input; /* encode */
	bool crlf;
	enum sink_kind output;	  /* decode */
	bool terminal;		  /* stdout is one */
	const char *const *files; /* "-" is stdin; none: stdin */
	size_t files_n;
	const char *const *sends; /* encode: these are all of the input */
	size_t sends_n;
};

/*
 * 0, or -1 and the fail. What was in order before an error has been written.
 * Each file is decoded as a stream of its own; for encoding they are one
 * input, in which each file ends its last message.
 */
int filter_encode(const struct filter *, struct fail *);
int filter_decode(const struct filter *, struct fail *);

#endif
