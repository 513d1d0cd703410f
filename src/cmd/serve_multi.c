/* wdsock serve-multi: the standard server (serveur standard). */

#include <string.h>

#include "cmd/cmd.h"

static bool
is_datagrams(const struct door_place *place)
{
	return addr_is_datagrams(&place->listen.at);
}

/* The options are looked at as those of a stream, if there is one. */
static void
choose_address(struct plan *p)
{
	size_t i = 0;

	while (i < p->places_n && is_datagrams(&p->places[i]))
		i++;
	p->run.listen.at = p->places[i < p->places_n ? i : 0].listen.at;
}

static int
run(struct plan *p, int argc, char **argv, struct fail *f)
{
	p->many = true;
	if (plan_addresses(p, argc, argv, f) == -1)
		return -1;
	choose_address(p);
	if (plan_talk_finish(p, f) == -1 || plan_door_finish(p, f) == -1 ||
	    plan_many_finish(p, f) == -1)
		return -1;
	p->run.log.say = cmd_say;
	p->run.log.show = cmd_show;
	p->run.talk.color = cmd_color(p->color);
	p->run.complain = cmd_complain_with(p->color);
	return run_many(&p->run, f);
}

static const struct option options[] = {
    CMD_OPTIONS_FRAMING,
    CMD_OPTIONS_MESSAGES,
    {0, "addressed", NULL, "input lines begin with CHANNEL and a tab",
	OPTION_IN(OPTION_FLAG, addressed)},
    {0, "no-channel", NULL, "output records do not begin with one",
	OPTION_IN(OPTION_FLAG, no_channel)},
    CMD_OPTIONS_SERVER,
    {0, "header-timeout", "DURATION", "end who takes longer for a message",
	OPTION_BY(set_header_timeout)},
    {0, "first-message-timeout", "DURATION", "end who says nothing so long",
	OPTION_IN(OPTION_DURATION, run.many.first_ms)},
    {0, "queue", "SIZE", "what may wait for a client (8M)",
	OPTION_BY(set_queue)},
    {0, "slow", "HOW", "who is further behind: close (default), drop, wait",
	OPTION_BY(set_slow)},
    {0, "memory", "SIZE", "of all queues and unfinished messages (1G)",
	OPTION_BY(set_memory)},
    CMD_OPTIONS_PEOPLE,
    {0, "echo", NULL, "send back what comes",
	OPTION_IN(OPTION_FLAG, run.talk.echo)},
    {0, "relay", NULL, "send what comes to all others",
	OPTION_IN(OPTION_FLAG, run.many.relay)},
    {0, "reply", "FORMAT", "answer what comes with what this makes of it",
	OPTION_BY(set_reply)},
    CMD_OPTIONS_HANDLER,
    {0, "max-handlers", "N", "so many processes at a time; others wait",
	OPTION_IN(OPTION_COUNT, run.many.handlers_max)},
    {0, "each", "COMMAND", "one process that answers for all channels",
	OPTION_BY(set_each)},
    {0, "status-socket", "PATH", "tells who is there whoever connects to it",
	OPTION_IN(OPTION_TEXT, run.many.status_path)},
    CMD_OPTIONS_DOOR,
    CMD_OPTIONS_LIMITS,
    CMD_OPTIONS_LISTEN,
    CMD_OPTIONS_SOCKET,
    CMD_OPTIONS_DATAGRAMS,
    CMD_OPTIONS_TLS,
    CMD_OPTIONS_TLS_SERVER,
    {'h', "help", NULL, "this text", OPTION_BY(set_help)},
    OPTION_END,
};

const struct cmd cmd_serve_multi = {
    .name = "serve-multi",
    .synopsis = "[options] [[MODE@]ADDRESS ...]",
    .summary = "the standard server: many clients (serveur standard)",
    .options = options,
    .run = run,
    .serves = true,
};
