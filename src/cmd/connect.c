/* wdsock connect: the client. */

#include "cmd/cmd.h"

static bool
has_no_port(const struct addr *to)
{
	switch (to->kind) {
	case ADDR_TCP:
	case ADDR_UDP:
		return to->port == 0;
	case ADDR_VSOCK:
		return to->vsock_port == 0;
	case ADDR_UNIX:
	case ADDR_UNIX_DGRAM:
	case ADDR_FD:
		break;
	}
	return false;
}

static int
run(struct plan *p, int argc, char **argv, struct fail *f)
{
	struct addr *to = &p->run.dial.to;

	if (argc > 2) {
		fail_set(f, STATUS_USAGE,
		    "'%.128s': expected ADDRESS, or HOST and PORT, saw more",
		    argv[2]);
		return fail_hint(f, "try: wdsock connect localhost:8000");
	}
	if (argc == 2 &&
	    addr_parse_two(
		p->udp ? ADDR_UDP : ADDR_TCP, argv[0], argv[1], to, f) == -1)
		return -1;
	if (argc < 2 &&
	    cmd_address(p, argc == 1 ? argv[0] : CMD_ADDRESS, to, f) == -1)
		return -1;
	if (has_no_port(to)) {
		fail_set(f, STATUS_USAGE,
		    "'%.128s': expected a port from 1 on, saw 0",
		    argv[argc - 1]);
		return fail_hint(f, "try: the port that the server told");
	}
	if (plan_talk_finish(p, f) == -1)
		return -1;
	p->run.log.say = cmd_say;
	p->run.log.show = cmd_show;
	p->run.talk.color = cmd_color(p->color);
	p->run.complain = cmd_complain_with(p->color);
	return run_client(&p->run, f);
}

static const struct option options[] = {
    CMD_OPTIONS_FRAMING,
    CMD_OPTIONS_MESSAGES,
    CMD_OPTIONS_LIFE,
    CMD_OPTIONS_PEOPLE,
    CMD_OPTIONS_HANDLER,
    {0, "connect-timeout", "DURATION", "give up connecting after it",
	OPTION_IN(OPTION_DURATION, run.connect_ms)},
    {0, "retry", "N", "connect again, up to N times",
	OPTION_IN(OPTION_COUNT, run.retry)},
    {0, "retry-max", "DURATION", "the longest pause between attempts (30s)",
	OPTION_IN(OPTION_DURATION, run.retry_max_ms)},
    {'z', "zero", NULL, "connect, say so with -v, and end",
	OPTION_IN(OPTION_FLAG, run.only_connect)},
    {'s', "source", "ADDRESS", "the address to come from",
	OPTION_IN(OPTION_TEXT, source)},
    {'p', "source-port", "PORT", "the port to come from",
	OPTION_IN(OPTION_TEXT, source_port)},
    {'x', "proxy", "ADDRESS", "go through this proxy",
	OPTION_IN(OPTION_TEXT, proxy)},
    {'X', "proxy-kind", "KIND", "4, 5 (SOCKS, the default) or connect (HTTP)",
	OPTION_IN(OPTION_TEXT, proxy_kind)},
    {0, "proxy-auth", "FILE", "a file with USER:PASSWORD",
	OPTION_IN(OPTION_TEXT, proxy_auth)},
    {'n', "numeric", NULL, "ask no resolver",
	OPTION_IN(OPTION_FLAG, run.dial.numeric)},
    CMD_OPTIONS_SOCKET,
    CMD_OPTIONS_DATAGRAMS,
    CMD_OPTIONS_TLS,
    CMD_OPTIONS_TLS_CLIENT,
    {'h', "help", NULL, "this text", OPTION_BY(set_help)},
    OPTION_END,
};

const struct cmd cmd_connect = {
    .name = "connect",
    .synopsis = "[options] [ADDRESS | HOST PORT]",
    .summary = "connect to a server and exchange messages",
    .options = options,
    .run = run,
};
