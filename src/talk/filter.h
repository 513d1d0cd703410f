/*
 * The codec as a filter: stdin or files to stdout, no socket. What is complete
 * leaves with each read, in one write.
 */
#ifndef TALK_FILTER_H
#define TALK_FILTER_H

#include "base/fail.h"
#include "codec/framing.h"
#include "io/charset.h"
#include "io/sink.h"
#include "io/source.h"

struct filter {
	struct framing fr;
	struct charset_plan charset;
	bool automatic;		/* decode: find the framing out */
	enum source_kind input; /* encode */
	json_opener *json;	/* encode: asked with SOURCE_JSON */
	bool crlf;
	enum sink_kind output;	     /* decode */
	const struct format *format; /* decode: in place of output; or NULL */
	bool explain;		     /* decode: show the frames (frames.h) */
	bool terminal;		     /* stdout is one */
	const char *const *files;    /* "-" is stdin; none: stdin */
	size_t files_n;
	const char *const *sends; /* encode: these are all of the input */
	size_t sends_n;
	/* What is wrong with one input; the next one is then taken up. */
	void (*complain)(const struct fail *);
};

/*
 * 0, or -1 and the fail. What was in order before an error has been written.
 * Each file is an input of its own: an error in one is told to complain, and
 * in the end the fail has the worst status of them and no words. An error of
 * the output ends it all at once and is told by the fail alone.
 */
int filter_encode(const struct filter *, struct fail *);
int filter_decode(const struct filter *, struct fail *);

#endif
