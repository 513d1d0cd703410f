/*
 * The rules of descriptors. 0, 1 and 2 belong to whoever started us: their
 * flags are never changed, and nothing of ours ever takes their places.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * Called first of all in main. A standard descriptor that is closed gets a
 * holder, opened the wrong way round, so that whoever reads or writes it sees
 * EBADF as if it were still closed. Returns false if that failed.
 */
bool fd_hold_standard(void);

/* A file opened for reading, close-on-exec; -1 and errno. */
int fd_open_read(const char *path);

/*
 * read and writev for a descriptor that may be one of 0, 1, 2 and may have
 * been made non-blocking by others: they wait until something can be done, and
 * EINTR and EAGAIN are not seen outside. fd_write_all writes everything and
 * may change the vectors. -1 and errno on an error.
 */
ssize_t fd_read_some(int fd, void *buf, size_t len);
int fd_write_all(int fd, struct iovec *v, int n);

#endif
