/*
 * The door: what stands between accept(2) and "a client is here".
 *
 * It has several places to listen, each with an address of its own. They are
 * opened in their order, all of them or none, announced together, and from
 * then on whoever comes to any of them is looked at, and is let in or turned
 * away:
 *
 *	resolve --> open all --> announce --> on_open
 *
 *	accept --> (PROXY header) --> rules and limits --> (TLS) --> (program)
 *	  |               |                 |                |        |    |
 *	  '---------------'-----------------'----------------'--------'    v
 *	                     on_denied                                 on_client
 *
 * Nobody holds up another one. Who needs neither a header nor a handshake nor a
 * program is let in at once, without memory of the door's. What a client is
 * counted for it is until door_left.
 *
 * Of handshakes there are only so many at a time; who comes then stands in
 * line, and as long as anybody does, one that takes unusually long is ended.
 *
 * A place of datagrams has nobody to let in: its descriptor is handed over. A
 * descriptor that was passed to us (fd:N) and is connected is a client that
 * whoever passed it has let in.
 */
#ifndef TALK_DOOR_H
#define TALK_DOOR_H

#include "base/log.h"
#include "chan/listen.h"
#include "io/charset.h"
#include "net/forwarded.h"
#include "net/stream.h"
#include "talk/ask.h"
#include "talk/farewell.h"
#include "talk/guests.h"
#include "talk/rules.h"

struct door_place {
	struct listen_plan listen;
	struct framing in, out;
};

struct door_plan {
	const struct door_place *places; /* at least one */
	size_t places_n;
	int ready_fd; /* gets the addresses; -1: none */

	struct rules_plan rules;
	/* 0: as many as come. At the door they count as well. */
	uint64_t clients_max;
	uint64_t per_ip_max;
	bool count; /* how many there are from where, also without limit */

	/*
	 * Everybody begins with a header of the PROXY protocol, or with rules
	 * of RULES_PROXY, those whose socket's address is in them: the others
	 * are then direct clients, or with `proxied` are turned away.
	 */
	bool proxied;
	uint64_t header_ms; /* how long it may take; not 0 */

	uint64_t handshake_ms; /* of TLS; not 0 */

	struct ask_plan ask;

	/*
	 * Words are for those who can read them: at a place with TLS, for who
	 * is turned away behind the handshake.
	 */
	enum farewell_kind deny_with;
	const char *deny_text; /* of FAREWELL_WORDS: a message */
	struct charset_plan charset;
};

/* Who is there; what it points to is good until the callback returns. */
struct door_client {
	/*
	 * The owner's: non-blocking, close-on-exec. Of one who is denied it may
	 * be closed by now: -1.
	 */
	int fd;
	bool borrowed; /* but for this: it was passed to us, connected */
	/* With TLS: the owner's, and the descriptor is the stream's. */
	struct stream *stream;
	size_t which; /* of the places */
	enum stream_socket_kind kind;
	/* As forwarded, if it is; otherwise of the socket. */
	const struct sockaddr *peer;
	socklen_t peer_len;
	const struct forwarded *forwarded; /* or NULL */
	struct guest *guest;		   /* for door_left */
};

struct door_post; /* a place as it is now */
struct visitor;	  /* one who is looked at */
TAILQ_HEAD(visitor_list, visitor);

enum door_visitor_state {
	DOOR_VISITOR_HEADER, /* it has to say whose it is */
	DOOR_VISITOR_LINE,   /* there are many handshakes before its own */
	DOOR_VISITOR_SHAKE,
	DOOR_VISITOR_ASK,   /* a program is asked */
	DOOR_VISITOR_READY, /* once the door goes on */
	DOOR_VISITOR_STATES,
};

struct door {
	/* Set by the owner before door_start. */
	/*
	 * All is open and was announced. Nobody is let in before door_resume;
	 * on_datagrams comes behind this.
	 */
	void (*on_open)(struct door *);
	void (*on_client)(struct door *, const struct door_client *);
	/* The descriptor is the owner's, unless it was passed to us. */
	void (*on_datagrams)(
	    struct door *, size_t which, int fd, bool borrowed);
	/* Turned away, or gone before; the descriptor is the door's. */
	void (*on_denied)(
	    struct door *, const struct door_client *, const char *why);
	/* Something is wrong, and it goes on. */
	void (*on_trouble)(struct door *, const struct fail *);
	/*
	 * It does not go on: a place cannot be opened, or listens no longer.
	 * Everything is closed; the status is that of a run.
	 */
	void (*on_failed)(struct door *, const struct fail *);
	void *owner;
	const struct log *log;
	const struct process_origin *origin; /* with plan->ask */
	struct tls *tls; /* for places with TLS; lives as long as the door */

	/* How things are. */
	uint64_t inside;  /* and who is looked at */
	uint64_t waiting; /* those alone */
	uint64_t denied;  /* since the beginning */

	/* The door's own. */
	const struct door_plan *plan;
	uv_loop_t *loop;
	struct door_post *posts;
	size_t opened; /* posts that are */
	struct rules rules;
	struct resolver *resolver;
	struct resolve resolve;
	bool by_proxy; /* there are rules of RULES_PROXY */
	struct guests guests;
	struct farewells farewells;
	struct asks asks;
	char asked[ADDR_TEXT_MAX]; /* of whom a program is told */
	struct visitor_list visitors[DOOR_VISITOR_STATES]; /* oldest first */
	uv_timer_t clock;				   /* of headers */
	uv_timer_t line;     /* of those who stand in it */
	size_t handshakes;   /* that are under way */
	bool told_handshake; /* that one failed */
	bool alive;	     /* between door_start and door_close */
	bool ready;	     /* all is open */
	bool paused;	     /* nobody is let in */
};

/*
 * Begins. The plan, the loop and the resolver live as long as the door. All
 * that goes wrong comes by on_failed, perhaps before this returns.
 */
void door_start(
    struct door *, const struct door_plan *, uv_loop_t *, struct resolver *);

/* Does any place wait for clients? */
bool door_listens(const struct door *);

/* The place's address as a client would type it; "" before it is open. */
const char *door_name(const struct door *, size_t which);

/* The client's, for people; buf has ADDR_TEXT_MAX bytes. Returns buf. */
char *door_client_name(
    const struct door *, const struct door_client *, char *buf);

/* Who comes waits in the backlog, or stands at the door. */
void door_pause(struct door *);
void door_resume(struct door *);

/*
 * A client whose descriptor has just been closed. Where descriptors were short
 * it makes room, so that all places try again at once.
 */
void door_left(struct door *, struct guest *);

/*
 * One that on_client gave, and that cannot be served now: it stands at the
 * door, in front of all others, and comes again with door_resume. The door is
 * paused.
 */
void door_wait(struct door *, const struct door_client *);

/* One that on_client gave, and that is not wanted: as if it were denied. */
void door_deny(struct door *, const struct door_client *, const char *why);

/*
 * Somebody of whom the door sees nothing, such as a peer of datagrams: NULL,
 * and it is counted until door_left; or why it may not come in.
 */
const char *door_admit(struct door *, const struct sockaddr *, struct guest **);

/*
 * Files of rules are read again, and names asked for again. Whoever is inside
 * stays there. If anything is wrong, on_trouble says it and nothing changes.
 */
void door_reload(struct door *);

/*
 * Closes the places, removes files of Unix sockets, and turns everybody away
 * who is not yet inside. May be called twice, at any time, and of zeros.
 */
void door_close(struct door *);

/* Its memory, when the loop is over. */
void door_release(struct door *);

#endif
