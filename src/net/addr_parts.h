/*
 * Between the parts of an address, and for nobody else: addr.c reads what
 * people type, addr_print.c shows it.
 */
#ifndef NET_ADDR_PARTS_H
#define NET_ADDR_PARTS_H

#include "net/addr.h"

enum scheme {
	SCHEME_NONE,
	SCHEME_UNIX,
	SCHEME_UNIX_DGRAM,
	SCHEME_VSOCK,
	SCHEME_UDP,
	SCHEME_TLS,
	SCHEME_FD,
};

/* The scheme whose name these bytes are, in any case. */
enum scheme addr_scheme_named(const char *p, size_t len);

/* Can a hint repeat it so that a shell takes it as one word? */
bool addr_is_offerable(const char *p, size_t len);

#endif
