/*
 * What has been read from a descriptor and not yet been used.
 *
 * The buffer belongs to the reader; a slice of it is valid until the next
 * reader_fill. It grows with what arrives: room for one read, and while a
 * message stays unfinished, twice what is there.
 */
#ifndef IO_READER_H
#define IO_READER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/slice.h"

#define READER_READ (256u << 10)

struct reader {
	int fd; /* never closed here */
	uint8_t *buf;
	size_t start; /* first byte that has not been consumed */
	size_t end;
	size_t cap;
};

void reader_init(struct reader *, int fd);
void reader_release(struct reader *);

/*
 * One read(2) behind what is there. The number of bytes, 0 at the end, or -1
 * with errno (ENOMEM if the buffer could not grow).
 */
ssize_t reader_fill(struct reader *);

/* The same without waiting: -1 and EAGAIN if nothing has come. */
struct fd;
ssize_t reader_fill_now(struct reader *, struct fd *);

struct slice reader_bytes(const struct reader *);
void reader_consume(struct reader *, size_t n);

#endif
