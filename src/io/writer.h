/*
 * A descriptor to be written in large pieces. Others fill `out`; one flush is
 * one write. A large payload is not copied: it leaves right behind what is in
 * the buffer, from where it lies.
 */
#ifndef IO_WRITER_H
#define IO_WRITER_H

#include "base/slice.h"

#define WRITER_BUFFER (512u << 10)

struct writer {
	int fd; /* never closed here */
	struct span out;
};

/* -1 with errno ENOMEM if there is no buffer to be had. */
int writer_init(struct writer *, int fd);
void writer_release(struct writer *);

/* Writes all that is in the buffer, and then `more`; -1 with errno. */
int writer_flush(struct writer *, struct slice more);

#endif
