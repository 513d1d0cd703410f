/*
 * Runs over datagrams. A server has no clients to accept: its conversation
 * begins as soon as it is bound, and is one with whoever speaks.
 */

#include <stdio.h>
#include <unistd.h>

#include "net/dgram.h"
#include "talk/run.h"

void
run_talk_datagrams(struct run *run, int fd, bool borrowed,
    const struct stream_peer *to, const char *name)
{
	run_talk_over(
	    run, stream_dgram_new(&run->loop, fd, borrowed, to, false), name);
}

static void
begin(struct run *run, int fd, bool borrowed)
{
	run_announce(run);
	if (run->over) {
		if (!borrowed)
			close(fd);
		return;
	}
	run_await_clock(run);
	run_talk_datagrams(run, fd, borrowed, NULL, run->listener.name);
}

void
run_serve_datagrams(struct run *run, const union resolve_sockaddr *where)
{
	int fd =
	    listener_bind(&run->listener, &run->plan->listen, where, run->fail);

	if (fd == -1)
		run_end(run, run->fail->status);
	else
		begin(run, fd, false);
}

void
run_adopt_datagrams(struct run *run, int fd)
{
	listener_name_datagrams(&run->listener, fd);
	begin(run, fd, true);
}
