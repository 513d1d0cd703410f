/* From options to a plan; see plan.h. */

#include <string.h>
#include <strings.h>

#include "base/num.h"
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
}

int
set_help(struct plan *p, const char *value, struct fail *f)
{
	p->help = true;
	return 0;
}

int
set_mode(struct plan *p, const char *value, struct fail *f)
{
	enum framing_error err;
	size_t at;

	p->mode = value;
	p->filter.automatic = strcasecmp(value, "auto") == 0;
	if (p->filter.automatic && p->mode_auto)
		return 0;
	if (p->filter.automatic) {
		fail_set(f, STATUS_USAGE,
		    "expected a mode, saw one for decode alone");
		return fail_hint(f,
		    "try: wdsock decode -m auto on a sample "
		    "of the stream");
	}
	err = framing_parse(value, &p->filter.fr, &at);
	return err == FRAMING_OK ? 0 : explain_mode(err, value, at, f);
}

int
set_max_message(struct plan *p, const char *value, struct fail *f)
{
	uint64_t v;
	enum num_result r = num_size(value, 0, MAX_MESSAGE_MAX, &v);

	if (r != NUM_OK) {
		fail_set(f, STATUS_USAGE, "%s", num_strerror(r));
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
	fail_set(f, STATUS_USAGE, "is no such input");
	return fail_hint(
	    f, "try: lines, null, whole, raw, json, escaped or hex");
}

int
set_output(struct plan *p, const char *value, struct fail *f)
{
	p->has_output = true;
	if (sink_kind_of(value, &p->filter.output))
		return 0;
	fail_set(f, STATUS_USAGE, "is no such output");
	return fail_hint(
	    f, "try: lines, null, raw, json, escaped, hex or none");
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
	if (p->filter.sends_n == PLAN_SENDS_MAX)
		return fail_set(f, STATUS_USAGE,
		    "is one too many, expected at most %d", PLAN_SENDS_MAX);
	p->sends[p->filter.sends_n++] = value;
	return 0;
}

/*
 * What -0 and -j say holds where --input and --output are silent; then the
 * mode has a word: raw bytes pass unchanged, and until-close takes the whole.
 */
static void
settle_formats(struct plan *p)
{
	struct filter *fl = &p->filter;

	if (p->both == PLAN_BOTH_NULL && !p->has_input)
		fl->input = SOURCE_NULL;
	if (p->both == PLAN_BOTH_JSON && !p->has_input)
		fl->input = SOURCE_JSON;
	if (p->both == PLAN_BOTH_NULL && !p->has_output)
		fl->output = SINK_NULL;
	if (p->both == PLAN_BOTH_JSON && !p->has_output)
		fl->output = SINK_JSON;
	if (p->both != PLAN_BOTH_NONE)
		return;
	if (fl->fr.mode == FRAMING_UNTIL_CLOSE && !p->has_input)
		fl->input = SOURCE_WHOLE;
	if (fl->fr.mode == FRAMING_RAW && !p->has_input)
		fl->input = SOURCE_RAW;
	if (fl->fr.mode == FRAMING_RAW && !p->has_output && !fl->automatic)
		fl->output = SINK_RAW;
}

int
plan_finish(struct plan *p, struct fail *f)
{
	struct filter *fl = &p->filter;
	size_t at;

	if (p->mode == NULL || fl->automatic)
		framing_parse("windev", &fl->fr, &at);
	if (p->has_max)
		fl->fr.max = p->max;
	settle_formats(p);
	fl->sends = p->sends;
	if (fl->sends_n > 0 && fl->files_n > 0) {
		fail_set(f, STATUS_USAGE,
		    "--send and '%s': expected --send or files, saw both",
		    fl->files[0]);
		return fail_hint(f, "try: one after the other");
	}
	return 0;
}
