/*
 * Addresses as people type them, and as they are shown.
 *
 *	HOST:PORT  [V6%SCOPE]:PORT  PORT  :PORT  unix:PATH  unix:@ABSTRACT
 *	udp:HOST:PORT  tls:HOST:PORT  tls:unix:PATH  fd:N
 *	unix-dgram:PATH  unix-dgram:@ABSTRACT  vsock:CID:PORT  vsock:PORT
 *
 * Behind tls: and udp: any form of the first four may stand. Parsing asks no
 * resolver: a host stays a word. A port that is a word is looked up among the
 * services of this machine at once.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fail.h"

#define ADDR_HOST_MAX 256
/*
 * The longest text that addr_print and addr_name write, with the NUL: a Unix
 * name of which each byte is escaped.
 */
#define ADDR_TEXT_MAX 512

enum addr_kind {
	ADDR_TCP,
	ADDR_UDP,
	ADDR_UNIX,
	ADDR_UNIX_DGRAM,
	ADDR_VSOCK,
	ADDR_FD, /* a socket that somebody else opened */
};

#define ADDR_CID_ANY UINT32_MAX

/*
 * Members that the kind has no use for are zero, fd is -1, and so is every
 * byte behind a name: two equal addresses have equal members.
 */
struct addr {
	enum addr_kind kind;
	bool tls;
	/*
	 * TCP, UDP; empty: none was given. UTF-8 without blanks, / [ ] and
	 * what a terminal obeys; a colon is in it only if it is IPv6, then
	 * without brackets and perhaps with %SCOPE.
	 */
	char host[ADDR_HOST_MAX];
	uint16_t port;
	/* UNIX, UNIX_DGRAM; sun_path[0] == 0: abstract */
	struct sockaddr_un un;
	socklen_t un_len;
	uint32_t cid; /* VSOCK; ADDR_CID_ANY: none was given */
	uint32_t vsock_port;
	int fd;
};

/*
 * Reads one word. 0, or -1 and a usage error that names it, says what was
 * expected and offers a form that works; then *addr is not written.
 */
int addr_parse(const char *text, struct addr *, struct fail *);

/* The same where what has no scheme is of this kind: ADDR_TCP, ADDR_UDP. */
int addr_parse_as(
    enum addr_kind plain, const char *text, struct addr *, struct fail *);

/*
 * HOST and PORT as two words: the host may be a bare IPv6 address, and one in
 * brackets is taken as well. Otherwise as above.
 */
int addr_parse_two(enum addr_kind plain, const char *host, const char *port,
    struct addr *, struct fail *);

/* Do datagrams go there? Of a descriptor (fd:N) nothing is said. */
bool addr_is_datagrams(const struct addr *);

/*
 * As one would type it, so that addr_parse reads the same; the bytes of a
 * Unix name are not escaped. buf has ADDR_TEXT_MAX bytes; returns buf.
 */
char *addr_print(const struct addr *, char *buf);

/*
 * A socket's address, numeric, as a client would type it: an IPv4 address
 * mapped into IPv6 is shown as IPv4, an unnamed Unix peer as "unix:". A peer
 * chooses its Unix name: what is not printable is escaped as text_escape does.
 * No udp: or tls: in front, and no -dgram behind unix. buf has ADDR_TEXT_MAX
 * bytes; returns buf.
 */
char *addr_name(const struct sockaddr *, socklen_t, char *buf);

#endif
