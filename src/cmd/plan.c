/* From options to a plan; see plan.h. */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cmd/plan.h"
#include "talk/explain.h"

/* A message is held in memory: a larger limit helps nobody. */
#define MAX_MESSAGE_MAX (UINT64_C(1) << 40)

void
plan_init(struct plan *p)
{
	memset(p, 0, sizeof(*p));
	p->filter.input = SOURCE_LINES;
	p->filter.output = SINK_LINES;
	p->filter.json = json_open;
	p->tls_handshake_ms = UINT64_MAX;
	plan_talk_init(p);
}

void
plan_release(struct plan *p)
{
	if (p->expect != NULL)
		regfree(&p->expect_re);
	command_release(&p->run.handler.command);
	plan_tls_release(p);
	plan_door_release(p);
	if (p->has_format)
		format_release(&p->format);
	if (p->has_reply)
		format_release(&p->reply);
	explicit_bzero(p->proxy_secret, sizeof(p->proxy_secret));
}

int
set_help(struct plan *p, const char *value, struct fail *f)
{
	p->help = true;
	return 0;
}

int
set_color(struct plan *p, const char *value, struct fail *f)
{
	if (strcmp(value, "auto") == 0)
		p->color = PLAN_COLOR_AUTO;
	else if (strcmp(value, "always") == 0)
		p->color = PLAN_COLOR_ALWAYS;
	else if (strcmp(value, "never") == 0)
		p->color = PLAN_COLOR_NEVER;
	else {
		fail_set(f, STATUS_USAGE, "is no time for colours");
		return fail_hint(f, "try: auto, always or never");
	}
	return 0;
}

/* A mode as typed becomes a framing. */
static int
read_mode(const char *value, struct framing *fr, struct fail *f)
{
	enum framing_error err;
	size_t at;

	if (strcasecmp(value, "auto") == 0) {
		fail_set(f, STATUS_USAGE,
		    "expected a mode, saw one for decode alone");
		return fail_hint(f,
		    "try: wdsock decode -m auto on a sample "
		    "of the stream");
	}
	err = framing_parse(value, fr, &at);
	return err == FRAMING_OK ? 0 : explain_mode(err, value, at, f);
}

int
set_mode(struct plan *p, const char *value, struct fail *f)
{
	p->mode = value;
	p->filter.automatic = p->mode_auto && strcasecmp(value, "auto") == 0;
	if (p->filter.automatic)
		return 0;
	return read_mode(value, &p->filter.fr, f);
}

int
set_mode_in(struct plan *p, const char *value, struct fail *f)
{
	p->mode_in = value;
	return read_mode(value, &p->run.talk.in, f);
}

int
set_mode_out(struct plan *p, const char *value, struct fail *f)
{
	p->mode_out = value;
	return read_mode(value, &p->run.talk.out, f);
}

int
plan_refuse(const char *expected, const char *value, struct fail *f)
{
	char look[160];

	return fail_set(f, STATUS_USAGE, "expected %s, saw %s", expected,
	    text_look(slice_of(value, strlen(value)), 32, look, sizeof(look)));
}

int
plan_refuse_number(
    const char *noun, enum num_result r, const char *value, struct fail *f)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "a %s%s",
	    r == NUM_SMALL	 ? "larger "
		: r == NUM_LARGE ? "smaller "
				 : "",
	    noun);
	return plan_refuse(expected, value, f);
}

int
set_max_message(struct plan *p, const char *value, struct fail *f)
{
	uint64_t v;
	enum num_result r = num_size(value, 0, MAX_MESSAGE_MAX, &v);

	if (r != NUM_OK) {
		plan_refuse_number("size", r, value, f);
		return fail_hint(f,
		    "try: bytes, at most 1024G, such as "
		    "65536, 64K, 16M");
	}
	p->max = (size_t)v;
	p->has_max = true;
	return 0;
}

int
set_input(struct plan *p, const char *value, struct fail *f)
{
	p->has_input = true;
	if (source_kind_of(value, &p->filter.input))
		return 0;
	plan_refuse("a form of input", value, f);
	return fail_hint(
	    f, "try: lines, null, whole, raw, json, escaped or hex");
}

int
set_output(struct plan *p, const char *value, struct fail *f)
{
	p->has_output = true;
	if (sink_kind_of(value, &p->filter.output))
		return 0;
	plan_refuse("a form of output", value, f);
	return fail_hint(
	    f, "try: lines, null, raw, json, escaped, hex or none");
}

/* A format as typed; the last one of an option counts. */
static int
read_format(const char *value, struct format *format, bool *has, struct fail *f)
{
	if (*has)
		format_release(format);
	*has = format_init(format, value, f) == 0;
	return *has ? 0 : -1;
}

int
set_format(struct plan *p, const char *value, struct fail *f)
{
	return read_format(value, &p->format, &p->has_format, f);
}

int
set_reply(struct plan *p, const char *value, struct fail *f)
{
	return read_format(value, &p->reply, &p->has_reply, f);
}

int
set_charset(struct plan *p, const char *value, struct fail *f)
{
	struct charset cs;
	int r;

	p->filter.charset.name = value;
	r = charset_open(&cs, &p->filter.charset, CHARSET_RECEIVE, false, f);
	if (r == 0)
		charset_release(&cs);
	return r;
}

int
set_charset_errors(struct plan *p, const char *value, struct fail *f)
{
	if (charset_errors_of(value, &p->filter.charset.errors))
		return 0;
	fail_set(f, STATUS_USAGE, "is no such policy");
	return fail_hint(f, "try: stop, replace or escape");
}

int
set_null(struct plan *p, const char *value, struct fail *f)
{
	p->both = PLAN_BOTH_NULL;
	return 0;
}

int
set_json(struct plan *p, const char *value, struct fail *f)
{
	p->both = PLAN_BOTH_JSON;
	return 0;
}

int
set_crlf(struct plan *p, const char *value, struct fail *f)
{
	p->filter.crlf = true;
	return 0;
}

int
set_send(struct plan *p, const char *value, struct fail *f)
{
	if (p->filter.sends_n == PLAN_SENDS_MAX) {
		fail_set(f, STATUS_USAGE,
		    "expected at most %d of them, saw one more",
		    PLAN_SENDS_MAX);
		return fail_hint(f, "try: the messages in standard input");
	}
	p->sends[p->filter.sends_n++] = value;
	return 0;
}

/*
 * What -0 and -j say holds where --input and --output are silent; then the
 * mode has a word: raw bytes pass unchanged, and until-close takes the whole.
 */
static void
settle_formats(struct plan *p, enum framing_mode in, enum framing_mode out)
{
	struct filter *fl = &p->filter;

	if (p->both == PLAN_BOTH_NULL && !p->has_input)
		fl->input = SOURCE_NULL;
	if (p->both == PLAN_BOTH_JSON && !p->has_input)
		fl->input = SOURCE_JSON;
	if (p->has_format)
		fl->format = &p->format;
	if (p->both == PLAN_BOTH_NULL && !p->has_output)
		fl->output = SINK_NULL;
	if (p->both == PLAN_BOTH_JSON && !p->has_output)
		fl->output = SINK_JSON;
	if (p->both != PLAN_BOTH_NONE || p->datagrams)
		return;
	if (out == FRAMING_UNTIL_CLOSE && !p->has_input)
		fl->input = SOURCE_WHOLE;
	if (out == FRAMING_RAW && !p->has_input)
		fl->input = SOURCE_RAW;
	if (in == FRAMING_RAW && !p->has_output && !fl->automatic)
		fl->output = SINK_RAW;
}

int
plan_finish(struct plan *p, struct fail *f)
{
	struct filter *fl = &p->filter;
	size_t at;

	if (p->mode == NULL || fl->automatic)
		framing_parse(p->datagrams ? "raw" : "windev", &fl->fr, &at);
	if (p->has_max)
		fl->fr.max = p->max;
	if (charset_framing(&fl->charset, &fl->fr, f) == -1)
		return fail_prefix(
		    f, "--mode '%.128s'", p->mode == NULL ? "windev" : p->mode);
	if (p->has_format && p->has_output) {
		fail_set(f, STATUS_USAGE,
		    "--format and --output: expected one of them, saw both");
		return fail_hint(f, "try: --format alone");
	}
	if (fl->explain &&
	    (p->has_output || p->has_format || p->both != PLAN_BOTH_NONE)) {
		fail_set(f, STATUS_USAGE,
		    "--explain: expected no other form of output, saw one");
		return fail_hint(f, "try: --explain alone");
	}
	settle_formats(p,
	    p->mode_in == NULL ? fl->fr.mode : p->run.talk.in.mode,
	    p->mode_out == NULL ? fl->fr.mode : p->run.talk.out.mode);
	fl->sends = p->sends;
	if (fl->sends_n > 0 && fl->files_n > 0) {
		fail_set(f, STATUS_USAGE,
		    "--send and '%.128s': expected --send or files, saw both",
		    fl->files[0]);
		return fail_hint(f, "try: one after the other");
	}
	return 0;
}
