/* The beginning and the end of the process, and nothing between them. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/cmd.h"

/* Dies by the signal even if it was ignored or blocked when we began. */
static void
die_by(int sig)
{
	sigset_t set;

	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Leaves without waiting for a thread that hangs in a resolver. */
static int
leave(const struct fail *f, int status)
{
	if (f->leave_now) {
		fflush(stdout);
		_exit(status);
	}
	return status;
}

static int
report(const struct fail *f, cmd_complain_fn *complain)
{
	if (f->signal != 0)
		die_by(f->signal);
	complain(f);
	return leave(f, f->exit != 0 ? f->exit : (int)f->status);
}

int
main(int argc, char **argv)
{
	cmd_complain_fn *complain = cmd_complain;
	struct fail f = {0};

	if (!fd_hold_standard()) {
		fail_set(&f, STATUS_IO,
		    "expected stdin, stdout and stderr, saw one closed: "
		    "/dev/null in its place: %s",
		    strerror(errno));
		return report(&f, complain);
	}
	if (cmd_main(argc, argv, &complain, &f) == -1)
		return report(&f, complain);
	if (fflush(stdout) == EOF) {
		fail_set(&f, STATUS_IO, "stdout: %s", strerror(errno));
		if (errno == EPIPE)
			f.signal = SIGPIPE;
		return report(&f, complain);
	}
	return leave(&f, STATUS_DONE);
}
