/*
 * Who may connect: lists of networks. An IPv4 address that is mapped into IPv6
 * is the IPv4 address, in rules and in peers.
 *
 *	192.0.2.7   192.0.2.0/24   2001:db8::/32   ::ffff:192.0.2.0/120
 *
 * Peers that have no IP address (Unix sockets) are not subject to it: who may
 * open them is what the file's mode says.
 *
 * A list is filled (access_add), settled once, and then asked, in a time that
 * hardly depends on its length.
 */
#ifndef NET_ACCESS_H
#define NET_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/fail.h"

struct access_net {
	uint8_t address[16]; /* IPv4 is mapped */
	uint8_t bits;	     /* of the 128 */
};

struct access_list {
	struct access_net *v;
	size_t n, cap;
};

struct access {
	/* Who is not in `allow` may not come, and be it empty. */
	bool only;
	struct access_list allow;
	struct access_list deny; /* is stronger */
};

void access_init(struct access *);
void access_release(struct access *);

/* Reads one network. 0, or -1 and a usage error that does not name it. */
int access_parse(const char *text, struct access_net *, struct fail *);

/* The network of one host. False if it has no IP address. */
bool access_host(const struct sockaddr *, struct access_net *);

/* 0, or -1: out of memory. */
int access_add(struct access_list *, const struct access_net *);

/* All are added: puts them in order, without those that others hold. */
void access_settle(struct access_list *);

/* Of a settled list; false for a peer that has no IP address. */
bool access_has(const struct access_list *, const struct sockaddr *);

/* Gives its memory back; it is empty then. */
void access_list_release(struct access_list *);

/*
 * The next word of a list in a file: blanks and line ends divide words, from
 * # to the end of the line is comment. Moves *text; false: no more. A word
 * that does not fit in buf is cut, and no network then.
 */
bool access_word(const char **text, char *buf, size_t cap);

bool access_admits(const struct access *, const struct sockaddr *);

#endif
