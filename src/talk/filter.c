/*
 * The codec as a filter; see filter.h. Two rows of six:
 *
 *	encode	reader -> source -> batch -> charset -> encoder -> writer
 *	decode	reader -> decoder -> batch -> charset -> sink -> writer
 *
 * --explain has frames in place of the last two before the writer.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "codec/decode.h"
#include "codec/diagnose.h"
#include "codec/encode.h"
#include "io/reader.h"
#include "io/writer.h"
#include "talk/explain.h"
#include "talk/filter.h"
#include "talk/frames.h"

#define BATCH 1024

struct run {
	const struct filter *plan;
	struct framing fr;
	struct slice v[BATCH];
	struct batch batch;
	struct reader reader;
	struct writer writer;
	struct source source;
	struct charset charset;
	struct batch text; /* the batch, in the other charset */
	struct encoder encoder;
	struct sink sink;
	struct frames frames;
	const char *name;   /* of the input, for errors */
	uint64_t before;    /* messages encoded before this input */
	bool shows;	    /* encode: the output is a terminal */
	struct about_of of; /* all the inputs are one conversation */
	bool ended;	    /* the output is gone, so nothing helps any more */
	struct fail *fail;
};

static int
output_failed(struct run *run)
{
	fail_set(run->fail, STATUS_IO, "stdout: %s", strerror(errno));
	run->ended = true;
	if (errno == EPIPE)
		run->fail->signal = SIGPIPE;
	return -1;
}

/* Frames on a terminal: what could drive it is escaped there, too. */
static int
show(struct run *run, struct slice in)
{
	uint8_t buf[4096];
	struct span out = {buf, 0, sizeof(buf)};
	struct iovec v;
	size_t pos = 0;
	bool done;

	do {
		out.len = 0;
		done = text_escape(TEXT_TERMINAL, in, &pos, &out);
		v = (struct iovec){out.p, out.len};
		if (out.len > 0 && fd_write_all(run->writer.fd, &v, 1) == -1)
			return output_failed(run);
	} while (!done);
	return 0;
}

static int
flush(struct run *run, struct slice more)
{
	struct slice held = slice_of(run->writer.out.p, run->writer.out.len);

	if (run->shows) {
		run->writer.out.len = 0;
		return show(run, held) == -1 ? -1 : show(run, more);
	}
	if (writer_flush(&run->writer, more) == -1)
		return output_failed(run);
	return 0;
}

static const struct slice nothing;

/* A message that cannot be sent; its number is the one within its input. */
static int
refuse(struct run *run)
{
	struct encode_fault fault = run->encoder.fault;

	if (flush(run, nothing) == -1)
		return -1;
	fault.message -= run->before;
	explain_encode(&fault, &run->fr, run->fail);
	return fail_prefix(run->fail, "%s", run->name);
}

/* text -> encoder -> writer; a full buffer is written, the rest stays. */
static int
send_text(struct run *run)
{
	struct span *out = &run->writer.out;
	struct encode_frame frame;
	enum encode_result r;
	size_t next = 0;

	for (;;) {
		r = encode(&run->encoder, &run->text, &next, out);
		if (r == ENCODE_LARGE)
			r = encode_wrap(
			    &run->encoder, run->text.v[next], &frame);
		else if (r == ENCODE_OK)
			return 0;
		else if (r == ENCODE_FULL) {
			if (flush(run, nothing) == -1)
				return -1;
			continue;
		}
		if (r == ENCODE_BAD)
			return refuse(run);
		if (span_room(out) < frame.head_len + frame.tail.len &&
		    flush(run, nothing) == -1)
			return -1;
		memcpy(out->p + out->len, frame.head, frame.head_len);
		out->len += frame.head_len;
		if (flush(run, run->text.v[next++]) == -1)
			return -1;
		memcpy(out->p, frame.tail.p, frame.tail.len);
		out->len = frame.tail.len;
	}
}

/*
 * What could not be converted, once what was good before it has been dealt
 * with, which went as r says. Always -1.
 */
static int
refuse_text(struct run *run, const struct fail *f, int r)
{
	if (r == -1 || flush(run, nothing) == -1)
		return -1;
	*run->fail = *f;
	return fail_prefix(run->fail, "%s", run->name);
}

/* batch -> charset -> text -> encoder -> writer */
static int
send_batch(struct run *run)
{
	struct fail f;

	if (charset_convert(&run->charset, &run->batch, &run->text, &f) == -1)
		return refuse_text(run, &f, send_text(run));
	return send_text(run);
}

/* batch -> frames -> writer: the bytes as they are in the stream */
static int
show_frames(struct run *run)
{
	size_t next = 0;

	while (!frames_put(&run->frames, &run->batch, &next, &run->writer.out))
		if (flush(run, nothing) == -1)
			return -1;
	return 0;
}

/* text -> sink -> writer */
static int
show_text(struct run *run)
{
	struct slice more;
	enum sink_result r;
	size_t next = 0;

	for (;;) {
		r = sink_put(&run->sink, &run->text, &next, &run->writer.out);
		if (r == SINK_OK)
			return 0;
		more = r == SINK_LARGE ? run->text.v[next] : nothing;
		if (flush(run, more) == -1)
			return -1;
	}
}

/* batch -> charset -> text -> sink -> writer */
static int
show_batch(struct run *run)
{
	struct fail f;

	if (run->plan->explain)
		return show_frames(run);
	if (charset_convert(&run->charset, &run->batch, &run->text, &f) == -1)
		return refuse_text(run, &f, show_text(run));
	return show_text(run);
}

/* The input has ended: not inside a character? */
static int
end_of_text(struct run *run)
{
	if (charset_end(&run->charset, run->fail) == 0)
		return 0;
	return fail_prefix(run->fail, "%s", run->name);
}

/*
 * One read. 1: bytes, 0: the end, -1: fail. A stdin that is closed has
 * nothing to say.
 */
static int
fill(struct run *run)
{
	ssize_t n = reader_fill(&run->reader);

	if (n > 0) {
		about_read(&run->of);
		return 1;
	}
	if (n == 0 || (errno == EBADF && run->reader.fd == STDIN_FILENO))
		return 0;
	fail_set(run->fail, STATUS_IO, "%s", strerror(errno));
	return fail_prefix(run->fail, "%s", run->name);
}

/* What the source makes of what is there; the rest stays in the reader. */
static int
encode_held(struct run *run, bool at_end)
{
	enum source_result r;
	struct slice in;
	size_t used = 0;

	do {
		in = reader_bytes(&run->reader);
		run->batch.n = 0;
		if (at_end)
			r = source_end(
			    &run->source, in, &run->batch, run->fail);
		else
			r = source_cut(
			    &run->source, in, &run->batch, &used, run->fail);
		if (r == SOURCE_BAD)
			fail_prefix(run->fail, "%s", run->name);
		if (send_batch(run) == -1)
			return -1;
		reader_consume(&run->reader, used);
		/* Commands are for conversations. */
	} while (r == SOURCE_FULL || (r == SOURCE_COMMAND && !at_end));
	if (flush(run, nothing) == -1 || r == SOURCE_BAD)
		return -1;
	return 0;
}

static int
encode_input(struct run *run)
{
	int r;

	source_restart(&run->source);
	charset_restart(&run->charset);
	run->before = run->encoder.messages;
	while ((r = fill(run)) == 1)
		if (encode_held(run, false) == -1)
			return -1;
	if (r == -1 || encode_held(run, true) == -1)
		return -1;
	return end_of_text(run);
}

/* Decodes all that the reader holds; *seen is where it began. */
static int
decode_held(struct run *run, struct decoder *d, bool at_end)
{
	struct slice in = reader_bytes(&run->reader), seen = in;
	enum decode_result r;
	size_t used;

	do {
		used = 0;
		run->batch.n = 0;
		frames_given(&run->frames, in, d->offset);
		r = at_end ? decode_end(d, in, &run->batch)
			   : decode(d, in, &run->batch, &used);
		if (show_batch(run) == -1)
			return -1;
		reader_consume(&run->reader, used);
		in = reader_bytes(&run->reader);
	} while (r == DECODE_FULL);
	if (flush(run, nothing) == -1)
		return -1;
	if (r == DECODE_MORE)
		return 0;
	explain_decode(
	    &d->fault, &run->fr, d->messages, seen, at_end, run->fail);
	return fail_prefix(run->fail, "%s", run->name);
}

/* Reads until the first bytes tell the framing; 0, or -1 if they do not. */
static int
find_framing(struct run *run)
{
	struct diagnosis d;
	struct slice in;
	size_t max = run->plan->fr.max;
	int r;

	do {
		r = fill(run);
		if (r == -1)
			return -1;
		in = reader_bytes(&run->reader);
	} while (r == 1 && in.len < DIAGNOSE_LOOK);
	diagnose(in, r == 0, &d);
	if (in.len == 0)
		return 0;
	if (!d.sure || d.guess[0].kind != DIAGNOSE_FRAMING) {
		explain_unsure(&d, in, run->fail);
		return fail_prefix(run->fail, "%s", run->name);
	}
	run->fr = d.guess[0].fr;
	run->fr.max = max;
	return 0;
}

static int
decode_input(struct run *run)
{
	struct decoder d;
	int r;

	run->fr = run->plan->fr;
	if (run->plan->automatic && find_framing(run) == -1)
		return -1;
	charset_restart(&run->charset);
	decoder_init(&d, &run->fr);
	frames_init(&run->frames, &run->fr);
	do {
		if (decode_held(run, &d, false) == -1)
			return -1;
	} while ((r = fill(run)) == 1);
	if (r == -1 || decode_held(run, &d, true) == -1)
		return -1;
	return end_of_text(run);
}

/* One named file, "-", or stdin. */
static int
one_file(struct run *run, const char *file, int (*input)(struct run *))
{
	bool is_stdin = file == NULL || strcmp(file, "-") == 0;
	int fd = STDIN_FILENO, r;

	run->name = is_stdin ? "stdin" : file;
	if (!is_stdin)
		fd = fd_open_read(file);
	if (fd == -1) {
		fail_set(run->fail, STATUS_IO, "%s", strerror(errno));
		return fail_prefix(run->fail, "%s", run->name);
	}
	reader_init(&run->reader, fd);
	r = input(run);
	reader_release(&run->reader);
	if (!is_stdin)
		close(fd);
	return r;
}

/* What one cannot give keeps nobody from the others. */
static int
all_files(struct run *run, int (*input)(struct run *))
{
	const struct filter *plan = run->plan;
	enum status worst = STATUS_DONE;
	size_t i;

	if (plan->files_n == 0)
		return one_file(run, NULL, input);
	for (i = 0; i < plan->files_n; i++) {
		if (one_file(run, plan->files[i], input) == 0)
			continue;
		if (run->ended)
			return -1;
		worst = status_worse(worst, run->fail->status);
		plan->complain(run->fail);
	}
	if (worst == STATUS_DONE)
		return 0;
	return fail_set(run->fail, worst, "%s", "");
}

/* --send: the texts are the messages. */
static int
encode_sends(struct run *run)
{
	const struct filter *plan = run->plan;
	size_t i;

	run->name = "--send";
	for (i = 0; i < plan->sends_n; i++) {
		run->batch.n = 0;
		batch_add(&run->batch, (const uint8_t *)plan->sends[i],
		    strlen(plan->sends[i]));
		if (send_batch(run) == -1)
			return -1;
	}
	return flush(run, nothing);
}

static int
run_init(struct run *run, const struct filter *plan, enum charset_way way,
    bool stream, struct fail *f)
{
	run->plan = plan;
	run->fail = f;
	run->fr = plan->fr;
	run->batch = (struct batch){run->v, 0, BATCH};
	run->before = 0;
	run->shows = run->ended = false;
	if (charset_open(&run->charset, &plan->charset, way, stream, f) == -1)
		return -1;
	if (writer_init(&run->writer, STDOUT_FILENO) == 0)
		return 0;
	charset_release(&run->charset);
	return fail_set(f, STATUS_IO, "out of memory");
}

int
filter_encode(const struct filter *plan, struct fail *f)
{
	const bool stream = plan->fr.mode == FRAMING_RAW &&
	    plan->input == SOURCE_RAW && plan->sends_n == 0;
	const struct json_face *json = NULL;
	struct run run;
	int r;

	if (plan->input == SOURCE_JSON && plan->sends_n == 0) {
		json = plan->json(f);
		if (json == NULL)
			return -1;
	}
	if (run_init(&run, plan, CHARSET_SEND, stream, f) == -1)
		return -1;
	run.shows = plan->terminal;
	source_init(&run.source, plan->input, plan->crlf, plan->fr.max, json);
	encoder_init(&run.encoder, &run.fr);
	if (plan->sends_n > 0)
		r = encode_sends(&run);
	else
		r = all_files(&run, encode_input);
	source_release(&run.source);
	charset_release(&run.charset);
	writer_release(&run.writer);
	return r;
}

int
filter_decode(const struct filter *plan, struct fail *f)
{
	struct run run;
	int r;

	if (run_init(&run, plan, CHARSET_RECEIVE, plan->fr.mode == FRAMING_RAW,
		f) == -1)
		return -1;
	sink_init(&run.sink, plan->output, plan->terminal);
	if (plan->format != NULL)
		sink_set_format(&run.sink, plan->format);
	about_begin(&run.of, 0, "");
	run.sink.about.of = &run.of;
	r = all_files(&run, decode_input);
	charset_release(&run.charset);
	writer_release(&run.writer);
	return r;
}
