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

/*
 * A standard descriptor as a loop may use it: never waited for, and its flags
 * untouched. What can be opened anew (pipes, terminals) is, without blocking;
 * a socket is asked not to wait at each call; a file never waits.
 */
enum fd_kind {
	FD_FILE,   /* cannot be polled: read and write it in turns */
	FD_OWN,	   /* opened anew, non-blocking */
	FD_SOCKET, /* MSG_DONTWAIT */
	FD_SHARED, /* only when it was announced, and little at a time */
};

struct fd {
	enum fd_kind kind;
	int fd;
	int watch;  /* what a loop polls in its place; -1 for FD_FILE */
	bool quiet; /* closed, or /dev/null: it has nothing to say */
};

/* For reading (0) or writing (1, 2); -1 and errno. Release it when done. */
int fd_take(struct fd *, int number, bool write);
void fd_release(struct fd *);

/* A pipe of our own that does not wait; fd_release closes it. */
void fd_own(struct fd *, int fd);

/*
 * What a watching descriptor (watch != fd) is to wait for: it becomes
 * readable when that is so. 0 is nothing.
 */
#define FD_WATCH_READ 1
#define FD_WATCH_WRITE 2
void fd_watch(struct fd *, int what);

/* As read and writev; EAGAIN: wait until `watch` says so. */
ssize_t fd_read_now(struct fd *, void *buf, size_t len);
ssize_t fd_write_now(struct fd *, struct iovec *v, int n);

/* As many descriptors as we may have at all. */
void fd_limit_raise(void);

#endif
