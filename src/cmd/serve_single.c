/* wdsock serve-single: the simplified server (serveur simplifie). */

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cmd/cmd.h"

#define FIRST_PASSED_FD 3

/*
 * Has a service manager passed us a socket, by the rules of sd_listen_fds?
 * LISTEN_PID says for whom; what is not for us is as if it were not there. 1:
 * it has. More than one is not ours to choose from. -1 and a usage error.
 */
static int
was_passed(struct addr *at, struct fail *f)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	uint64_t n, id;

	if (fds == NULL || pid == NULL ||
	    num_parse(pid, 1, INT_MAX, &id) != NUM_OK || (pid_t)id != getpid())
		return 0;
	if (num_parse(fds, 1, INT_MAX - FIRST_PASSED_FD, &n) != NUM_OK ||
	    n > 1) {
		fail_set(f, STATUS_USAGE,
		    "LISTEN_FDS: expected 1, a single socket, saw '%.32s'",
		    fds);
		return fail_hint(f,
		    "try: one ListenStream= for it, or fd:3, fd:4 ... to say "
		    "which one");
	}
	/* Nobody that we start is to have it. */
	fcntl(FIRST_PASSED_FD, F_SETFD, FD_CLOEXEC);
	memset(at, 0, sizeof(*at));
	at->kind = ADDR_FD;
	at->fd = FIRST_PASSED_FD;
	return 1;
}

/* The one word, or what was passed, or where the vendor's examples are. */
static int
read_address(struct plan *p, int argc, char **argv, struct fail *f)
{
	struct addr *at = &p->run.listen.at;

	if (argc == 1)
		return cmd_address(p, argv[0], at, f);
	switch (was_passed(at, f)) {
	case 0:
		return cmd_address(p, CMD_ADDRESS, at, f);
	case 1:
		return 0;
	}
	return -1;
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
	if (read_address(p, argc, argv, f) == -1 ||
	    cmd_needs_later(at, f) == -1 || plan_talk_finish(p, f) == -1)
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
    {0, "backlog", "N", "how many may wait to be accepted (4096)",
	OPTION_IN(OPTION_COUNT, backlog)},
    {0, "ready-fd", "N", "write the address there, then close it",
	OPTION_IN(OPTION_TEXT, ready_fd)},
    {0, "socket-mode", "MODE", "of the file of a Unix socket, octal",
	OPTION_IN(OPTION_TEXT, socket_mode)},
    CMD_OPTIONS_SOCKET,
    CMD_OPTIONS_DATAGRAMS,
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
