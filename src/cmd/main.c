/* The beginning and the end of the process, and nothing between them. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

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

static int
report(const struct fail *f)
{
	if (f->signal != 0)
		die_by(f->signal);
	fprintf(stderr, "wdsock: %s\n", f->what);
	if (f->hint[0] != '\0')
		fprintf(stderr, "wdsock: %s\n", f->hint);
	return (int)f->status;
}

int
main(int argc, char **argv)
{
	struct fail f = {0};

	if (!fd_hold_standard())
		return STATUS_IO;
	if (cmd_main(argc, argv, &f) == -1)
		return report(&f);
	if (fflush(stdout) == EOF) {
		fail_set(&f, STATUS_IO, "stdout: %s", strerror(errno));
		if (errno == EPIPE)
			f.signal = SIGPIPE;
		return report(&f);
	}
	return STATUS_DONE;
}
