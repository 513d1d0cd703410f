/* What a reader holds of a pipe: it grows, moves and forgets as it must. */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/reader.h"
#include "tap.h"

/* A pipe whose writing never waits for the reader. */
static void
open_pipe(int fd[2])
{
	if (pipe(fd) == -1 || fcntl(fd[1], F_SETFL, O_NONBLOCK) == -1)
		err(1, "pipe");
}

static void
put(int fd, const void *p, size_t len)
{
	if (write(fd, p, len) != (ssize_t)len)
		err(1, "write to a pipe");
}

static void
holds(const struct reader *r, const char *want, const char *name)
{
	struct slice s = reader_bytes(r);

	is_bytes(s.p, s.len, want, strlen(want), "%s", name);
}

static void
test_partial(void)
{
	struct reader r;
	int fd[2];

	open_pipe(fd);
	reader_init(&r, fd[0]);
	is_num(reader_bytes(&r).len, 0, "a new reader holds nothing");
	ok(r.buf == NULL, "and owns no buffer");
	put(fd[1], "5\r\nHello5\r\nWo", 13);
	is_num(reader_fill(&r), 13, "a read says how many bytes came");
	holds(&r, "5\r\nHello5\r\nWo", "what came is there");
	reader_consume(&r, 8);
	holds(&r, "5\r\nWo", "what was consumed is gone");
	put(fd[1], "rld", 3);
	is_num(reader_fill(&r), 3, "the next read says its own number");
	holds(&r, "5\r\nWorld", "what was not consumed stands before it");
	reader_consume(&r, 8);
	is_num(reader_bytes(&r).len, 0, "all may be consumed");
	close(fd[1]);
	is_num(reader_fill(&r), 0, "the end is 0");
	is_num(reader_fill(&r), 0, "and stays so");
	is_num(reader_bytes(&r).len, 0, "nothing came with it");
	reader_release(&r);
	ok(r.buf == NULL && r.cap == 0, "a released reader owns nothing");
	ok(fcntl(fd[0], F_GETFD) != -1, "and has not closed the descriptor");
	close(fd[0]);
}

/* The bytes of a stream that can be told from one another. */
static uint8_t
stream_byte(size_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static bool
is_stream(struct slice s, size_t from)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] != stream_byte(from + i))
			return false;
	return true;
}

static void
put_stream(int fd, size_t from, size_t len)
{
	uint8_t block[4096];
	size_t i;

	for (i = 0; i < len; i++)
		block[i] = stream_byte(from + i);
	put(fd, block, len);
}

/* Nothing is consumed, so the message only grows. */
static void
test_growth(void)
{
	const size_t total = 5 * READER_READ;
	size_t n = 0, most = 0;
	struct reader r;
	bool same = true, room = true, sized = true;
	int fd[2];

	open_pipe(fd);
	reader_init(&r, fd[0]);
	while (n < total) {
		put_stream(fd[1], n, 4096);
		sized = sized && reader_fill(&r) == 4096;
		n += 4096;
		room = room && r.cap <= 4 * READER_READ + 2 * n;
		same = same && reader_bytes(&r).len == n;
		if (r.cap > most)
			most = r.cap;
	}
	ok(sized, "a message that does not end is read on");
	ok(same, "and kept whole");
	ok(is_stream(reader_bytes(&r), 0), "byte for byte");
	ok(room, "the buffer follows what has arrived (%zu of %zu)", most, n);
	reader_consume(&r, n - 10);
	put_stream(fd[1], n, 100);
	is_num(reader_fill(&r), 100, "a large buffer is used again");
	is_num(r.cap, most, "without growing");
	ok(reader_bytes(&r).len == 110 && is_stream(reader_bytes(&r), n - 10),
	    "the bytes that were left are moved right");
	reader_release(&r);
	close(fd[0]);
	close(fd[1]);
}

/* Many reads, of which most is consumed: the buffer stays as it is. */
static void
test_steady(uint64_t *state)
{
	size_t written = 0, used = 0, n, first = 0;
	unsigned i, rounds_n = rounds(2000);
	bool same = true, steady = true;
	struct reader r;
	int fd[2];

	open_pipe(fd);
	reader_init(&r, fd[0]);
	for (i = 0; i < rounds_n && same && steady; i++) {
		n = 1 + dice_below(state, 4096);
		put_stream(fd[1], written, n);
		written += n;
		same = reader_fill(&r) == (ssize_t)n &&
		    reader_bytes(&r).len == written - used &&
		    is_stream(reader_bytes(&r), used);
		if (i == 0)
			first = r.cap;
		steady = r.cap == first;
		n = written - used;
		n = n > 10000 ? n : dice_below(state, n + 1);
		reader_consume(&r, n);
		used += n;
	}
	ok(same, "a stream stays whole, however it is consumed");
	ok(steady, "and its buffer does not grow");
	reader_release(&r);
	close(fd[0]);
	close(fd[1]);
}

static void
test_one_read(void)
{
	struct reader r;
	char path[] = "/tmp/reader_test.XXXXXX";
	int fd = mkstemp(path);

	if (fd == -1 || unlink(path) == -1 ||
	    ftruncate(fd, 3 * READER_READ) == -1)
		err(1, "%s", path);
	reader_init(&r, fd);
	is_num(reader_fill(&r), READER_READ, "a read has its measure");
	is_num(reader_fill(&r), READER_READ, "and the next one too");
	is_num(reader_bytes(&r).len, 2 * READER_READ, "both are there");
	reader_release(&r);
	close(fd);
}

static void
test_errors(void)
{
	struct reader r;
	int fd[2];

	open_pipe(fd);
	close(fd[0]);
	reader_init(&r, fd[0]);
	errno = 0;
	is_num(reader_fill(&r), -1, "a descriptor that is closed is an error");
	is_num(errno, EBADF, "of that name");
	is_num(reader_bytes(&r).len, 0, "which brings no bytes");
	reader_release(&r);
	close(fd[1]);

	open_pipe(fd);
	if (fcntl(fd[0], F_SETFL, O_NONBLOCK) == -1)
		err(1, "fcntl");
	put(fd[1], "abc", 3);
	reader_init(&r, fd[0]);
	is_num(
	    reader_fill(&r), 3, "a pipe that never blocks is read as others");
	close(fd[1]);
	is_num(reader_fill(&r), 0, "and so is its end");
	holds(&r, "abc", "which takes nothing away");
	reader_release(&r);
	close(fd[0]);
}

/* Last of all, since it takes the program's own stdin. */
static void
test_closed_stdin(void)
{
	struct reader r;

	close(STDIN_FILENO);
	reader_init(&r, STDIN_FILENO);
	errno = 0;
	is_num(
	    reader_fill(&r), -1, "a stdin that is closed is told from its end");
	is_num(errno, EBADF, "by its error");
	reader_release(&r);
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_partial();
	test_growth();
	test_steady(&state);
	test_one_read();
	test_errors();
	test_closed_stdin();
	return done_testing();
}
