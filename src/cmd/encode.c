/* wdsock encode: messages in, framed streams out. */

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
	return filter_encode(&p->filter, f);
}

static const struct option options[] = {
    {'m', "mode", "MODE", "the framing to write; see wdsock help modes",
	OPTION_BY(set_mode)},
    {0, "max-message", "SIZE", "refuse longer messages (16M)",
	OPTION_BY(set_max_message)},
    CMD_OPTIONS_CHARSET,
    {0, "input", "FORMAT", "lines null whole raw json escaped hex",
	OPTION_BY(set_input)},
    {'0', "null", NULL, "messages end with NUL", OPTION_BY(set_null)},
    {'j', "json", NULL, "messages are JSON lines", OPTION_BY(set_json)},
    {0, "crlf", NULL, "a CR before LF is not part of a line",
	OPTION_BY(set_crlf)},
    {0, "send", "TEXT", "a message; all --send are the whole input",
	OPTION_BY(set_send)},
    CMD_OPTION_COLOR,
    {'h', "help", NULL, "this text", OPTION_BY(set_help)},
    OPTION_END,
};

const struct cmd cmd_encode = {
    .name = "encode",
    .synopsis = "[options] [FILE ...]",
    .summary = "put messages into frames",
    .options = options,
    .run = run,
};
