/* wdsock serve-single: the simplified server (serveur simplifie). */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cmd/cmd.h"

#define FIRST_PASSED_FD 3

/* A service manager has passed us a socket (LISTEN_FDS, LISTEN_PID). */
static bool
was_passed(struct addr *at)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	uint64_t n, id;

	if (fds == NULL || pid == NULL ||
	    num_parse(pid, 0, UINT32_MAX, &id) != NUM_OK ||
	    (pid_t)id != getpid() || num_parse(fds, 1, 1024, &n) != NUM_OK)
		return false;
	memset(at, 0, sizeof(*at));
	at->kind = ADDR_FD;
	at->fd = FIRST_PASSED_FD;
	return true;
}

static int
run(struct plan *p, int argc, char **argv, struct fail *f)
{
	struct addr *at = &p->run.listen.at;

	if (argc > 1) {
		fail_set(f, STATUS_USAGE,
		    "'%.128s': expected one ADDRESS, saw another", argv[1]);
		return fail_hint(f, "try: HOST:PORT in one word");
	}
	if (argc == 1 && addr_parse(argv[0], at, f) == -1)
		return -1;
	if (argc == 0 && !was_passed(at) &&
	    addr_parse(CMD_ADDRESS, at, f) == -1)
		return -1;
	if (cmd_needs_later(at, f) == -1 || plan_talk_finish(p, f) == -1)
		return -1;
	p->run.log.say = cmd_say;
	p->run.complain = cmd_complain;
	return run_server(&p->run, f);
}

static const struct option options[] = {
    CMD_OPTIONS_FRAMING,
    CMD_OPTIONS_MESSAGES,
    CMD_OPTIONS_LIFE,
    {0, "echo", NULL, "send back what comes",
	OPTION_IN(OPTION_FLAG, run.talk.echo)},
    {'k', "keep", NULL, "serve the next client when one has gone",
	OPTION_IN(OPTION_FLAG, run.keep)},
    {0, "refuse-others", NULL, "close who comes while one is served",
	OPTION_IN(OPTION_FLAG, run.refuse_others)},
    {0, "accept-timeout", "DURATION", "give up waiting for a client after it",
	OPTION_IN(OPTION_DURATION, run.accept_ms)},
    {0, "backlog", "N", "how many may wait to be accepted (4096)",
	OPTION_IN(OPTION_COUNT, backlog)},
    {0, "ready-fd", "N", "write the address there, then close it",
	OPTION_IN(OPTION_TEXT, ready_fd)},
    {0, "socket-mode", "MODE", "of the file of a Unix socket, octal",
	OPTION_IN(OPTION_TEXT, socket_mode)},
    CMD_OPTIONS_SOCKET,
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
