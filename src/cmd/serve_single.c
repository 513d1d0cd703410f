/* wdsock serve-single: the simplified server (serveur simplifie). */

#include <string.h>

#include "cmd/cmd.h"

/* The one word, or what was passed, or where the vendor's examples are. */
static int
read_address(struct plan *p, int argc, char **argv, struct fail *f)
{
	struct addr *at = &p->run.listen.at;

	if (argc == 1)
		return cmd_address(p, argv[0], at, f);
	switch (plan_passed(1, f)) {
	case 0:
		return cmd_address(p, CMD_ADDRESS, at, f);
	case 1:
		memset(at, 0, sizeof(*at));
		at->kind = ADDR_FD;
		at->fd = PLAN_PASSED;
		return 0;
	}
	return -1;
}

static int
run(struct plan *p, int argc, char **argv, struct fail *f)
{
	if (argc > 1) {
		fail_set(f, STATUS_USAGE,
		    "'%.128s': expected one ADDRESS, saw another", argv[1]);
		return fail_hint(f, "try: HOST:PORT in one word");
	}
	if (read_address(p, argc, argv, f) == -1 ||
	    plan_talk_finish(p, f) == -1 || plan_door_finish(p, f) == -1)
		return -1;
	p->run.log.say = cmd_say;
	p->run.log.show = cmd_show;
	p->run.talk.color = cmd_color(p->color);
	p->run.complain = cmd_complain_with(p->color);
	return run_server(&p->run, f);
}

static const struct option options[] = {
    CMD_OPTIONS_FRAMING,
    CMD_OPTIONS_MESSAGES,
    CMD_OPTIONS_LIFE,
    CMD_OPTIONS_PEOPLE,
    {0, "echo", NULL, "send back what comes",
	OPTION_IN(OPTION_FLAG, run.talk.echo)},
    {0, "reply", "FORMAT", "answer what comes with what this makes of it",
	OPTION_BY(set_reply)},
    CMD_OPTIONS_HANDLER,
    {'k', "keep", NULL, "serve the next client when one has gone",
	OPTION_IN(OPTION_FLAG, run.keep)},
    {0, "refuse-others", NULL, "close who comes while one is served",
	OPTION_IN(OPTION_FLAG, run.refuse_others)},
    {0, "accept-timeout", "DURATION", "give up waiting for a client after it",
	OPTION_IN(OPTION_DURATION, run.accept_ms)},
    CMD_OPTIONS_DOOR,
    CMD_OPTIONS_LISTEN,
    CMD_OPTIONS_SOCKET,
    CMD_OPTIONS_DATAGRAMS,
    CMD_OPTIONS_TLS,
    CMD_OPTIONS_TLS_SERVER,
    {'h', "help", NULL, "this text", OPTION_BY(set_help)},
    OPTION_END,
};

const struct cmd cmd_serve_single = {
    .name = "serve-single",
    .synopsis = "[options] [ADDRESS]",
    .summary = "the simplified server: one client (serveur simplifi\xc3\xa9)",
    .options = options,
    .run = run,
    .serves = true,
};
