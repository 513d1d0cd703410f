/*
 * The PROXY protocol, versions 1 and 2: what a load balancer puts in front of
 * a connection to say whose it is. Pure: bytes in, addresses out.
 *
 *	PROXY TCP4 192.0.2.7 198.51.100.1 50000 80 CR LF
 *	CR LF CR LF NUL CR LF QUIT LF, 0x21, family, length, addresses
 *
 * It is never guessed: whoever expects it refuses all else.
 */
#ifndef NET_FORWARDED_H
#define NET_FORWARDED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/fail.h"
#include "base/slice.h"

/* The longest header that is accepted: version 2 with its extensions. */
#define FORWARDED_MAX 4096

enum forwarded_step {
	FORWARDED_MORE, /* all of `in` belongs to the header, and it goes on */
	FORWARDED_DONE, /* *used bytes were the header */
	FORWARDED_BAD,	/* fail says what was expected and seen */
};

struct forwarded {
	/* AF_UNSPEC: the balancer speaks for itself, or does not know. */
	struct sockaddr_storage from, to;
	socklen_t from_len, to_len;
};

/* `in` is all that has come so far. */
enum forwarded_step forwarded_read(
    struct slice in, struct forwarded *, size_t *used, struct fail *);

#endif
