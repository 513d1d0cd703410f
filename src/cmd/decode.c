/* wdsock decode: framed streams in, their messages out. */

#include <unistd.h>

#include "cmd/cmd.h"

static int
run(struct plan *p, int argc, char **argv, struct fail *f)
{
	p->filter.files = (const char *const *)argv;
	p->filter.files_n = (size_t)argc;
	p->filter.complain = cmd_complain_with(p->color);
	p->filter.terminal = isatty(STDOUT_FILENO) == 1;
	if (plan_finish(p, f) == -1)
		return -1;
	return filter_decode(&p->filter, f);
}

static const struct option options[] = {
    {'m', "mode", "MODE", "the framing to read; auto finds it out",
	OPTION_BY(set_mode)},
    {0, "max-message", "SIZE", "refuse longer messages (16M)",
	OPTION_BY(set_max_message)},
    CMD_OPTIONS_CHARSET,
    {0, "output", "FORMAT", "lines null raw json escaped hex none",
	OPTION_BY(set_output)},
    {0, "format", "FORMAT", "messages as this says; see help formats",
	OPTION_BY(set_format)},
    {'0', "null", NULL, "messages end with NUL", OPTION_BY(set_null)},
    {'j', "json", NULL, "messages are JSON lines", OPTION_BY(set_json)},
    {0, "explain", NULL, "a line for each frame: offset, header, payload",
	OPTION_IN(OPTION_FLAG, filter.explain)},
    CMD_OPTION_COLOR,
    {'h', "help", NULL, "this text", OPTION_BY(set_help)},
    OPTION_END,
};

const struct cmd cmd_decode = {
    .name = "decode",
    .synopsis = "[options] [FILE ...]",
    .summary = "take messages out of frames",
    .options = options,
    .run = run,
    .mode_auto = true,
};
