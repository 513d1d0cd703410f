/* Reading in large pieces; see reader.h. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "io/reader.h"

void
reader_init(struct reader *r, int fd)
{
	memset(r, 0, sizeof(*r));
	r->fd = fd;
}

void
reader_release(struct reader *r)
{
	free(r->buf);
	memset(r, 0, sizeof(*r));
}

/*
 * Makes room for one read. What is left of a message is moved to the front
 * only when the room behind it is used up, since it may be large.
 */
static bool
make_room(struct reader *r)
{
	size_t held = r->end - r->start, cap;
	uint8_t *buf;

	if (held > 0 && r->cap - r->end >= READER_READ)
		return true;
	if (held > 0 && r->start > 0)
		memmove(r->buf, r->buf + r->start, held);
	r->start = 0;
	r->end = held;
	if (r->cap - held >= READER_READ)
		return true;
	cap = 2 * (held > READER_READ ? held : READER_READ);
	buf = realloc(r->buf, cap);
	if (buf == NULL)
		return false;
	r->buf = buf;
	r->cap = cap;
	return true;
}

ssize_t
reader_fill(struct reader *r)
{
	size_t room;
	ssize_t n;

	if (!make_room(r))
		return -1;
	room = r->cap - r->end;
	n = fd_read_some(
	    r->fd, r->buf + r->end, room < READER_READ ? room : READER_READ);
	if (n > 0)
		r->end += (size_t)n;
	return n;
}

ssize_t
reader_fill_now(struct reader *r, struct fd *fd)
{
	size_t room;
	ssize_t n;

	if (!make_room(r))
		return -1;
	room = r->cap - r->end;
	n = fd_read_now(
	    fd, r->buf + r->end, room < READER_READ ? room : READER_READ);
	if (n > 0)
		r->end += (size_t)n;
	return n;
}

struct slice
reader_bytes(const struct reader *r)
{
	if (r->buf == NULL)
		return slice_of("", 0);
	return slice_of(r->buf + r->start, r->end - r->start);
}

void
reader_consume(struct reader *r, size_t n)
{
	r->start += n;
}
