/* Writing in large pieces; see writer.h. */

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "io/writer.h"

int
writer_init(struct writer *w, int fd)
{
	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->out.p = malloc(WRITER_BUFFER);
	if (w->out.p == NULL)
		return -1;
	w->out.cap = WRITER_BUFFER;
	return 0;
}

void
writer_release(struct writer *w)
{
	free(w->out.p);
	memset(w, 0, sizeof(*w));
}

int
writer_flush(struct writer *w, struct slice more)
{
	union {
		const void *theirs;
		void *ours;
	} base = {.theirs = more.p}; /* iovec has no const; writev only reads */
	struct iovec v[2] = {
	    {w->out.p, w->out.len},
	    {base.ours, more.len},
	};

	w->out.len = 0;
	return fd_write_all(w->fd, v, 2);
}
