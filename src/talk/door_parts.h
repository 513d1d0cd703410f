/*
 * Between door.c (who comes and goes), door_open.c (the places), door_visit.c
 * (those who are not let in at once), and door_secure.c (their handshakes).
 */
#ifndef TALK_DOOR_PARTS_H
#define TALK_DOOR_PARTS_H

#include "talk/door.h"
#include "talk/secure.h"

/* What a place has become. */
enum door_post_kind {
	DOOR_LISTENS,
	DOOR_DATAGRAMS,
	DOOR_CONNECTED,
};

struct door_post {
	struct door *door;
	size_t which;
	enum door_post_kind what;
	struct listener l; /* of datagrams: a name and a file */
	enum stream_socket_kind kind;
	int fd; /* what is to be handed over; -1: nothing */
	bool borrowed;
	uint8_t *words; /* --deny-with, as they go over the wire */
	size_t words_len;
};

struct visitor {
	TAILQ_ENTRY(visitor) link;
	struct door *door;
	struct door_client client;
	struct sockaddr_storage peer; /* the socket's */
	struct forwarded forwarded;
	enum door_visitor_state state;
	uint64_t until_ms;
	uint8_t *head; /* what has come of its header */
	size_t head_len;
	bool polls;
	bool gone;
	int handles; /* that are not yet closed */
	uv_poll_t poll;
	struct tls_wait *handshake;
	struct tls_facts *facts; /* for the program that is asked */
	struct ask ask;
};

/* door.c */

/* It does not go on. Always the last thing that is done with it. */
void door_fail(struct door *, const struct fail *);

/* Not this one. */
void door_turn_away(struct door *, const struct door_client *, const char *why);

/* Has this place TLS? */
bool door_is_secured(const struct door *, size_t which);

/* Looks at whom it is by now known who it is: NULL, or why it may not. */
const char *door_objection(struct door *, struct door_client *);

/* The callbacks of listeners. */
void door_on_accept(
    struct listener *, int fd, const struct sockaddr *, socklen_t);
void door_on_short(struct listener *, int err);
void door_on_broken(struct listener *, int err);

/* door_open.c */

/* Opens the places from `which` on, and goes on from there. */
void door_open_from(struct door *, size_t which);

/* Closes them all, and removes their files. */
void door_close_posts(struct door *);

/* door_visit.c */

void door_visit_init(struct door *);

/* Somebody who has to say first whose it is, or who is to be asked about. */
void door_visit(
    struct door *, const struct door_client *, enum door_visitor_state);

/* Lets those in who are ready, until the door pauses. */
void door_visit_resume(struct door *);

/* All of them go. */
void door_visit_close(struct door *);

/* It stands with others now, behind them. */
void door_visit_move(struct visitor *, enum door_visitor_state);

/* The rules, and the handshake if there is one, are behind it. */
void door_visit_pass(struct visitor *);

void door_visit_turn_away(struct visitor *, const char *why);

/* door_secure.c */

void door_secure_init(struct door *);

/* It stands in line. */
void door_secure(struct visitor *);

/* It goes, and its handshake with it: its descriptor is closed. */
void door_secure_cancel(struct visitor *);

#endif
