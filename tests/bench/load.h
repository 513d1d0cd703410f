/*
 * The load that servers are measured with: one process, one epoll, nothing but
 * libc. load.c says how it is called; each role has a file of its own.
 *
 * What is received is compared with what must come, byte by byte: a server
 * that is fast because it loses or mixes something is no measure. All messages
 * are of one length, and which one comes at which byte of a stream is known
 * beforehand, so that the comparing is a memcmp and sending copies nothing.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

/* After so many messages the text of them begins again. */
#define WIRE_PERIOD 4096
/* Reads and writes are of this size where there is so much. */
#define LOAD_BLOCK ((size_t)256 * 1024)
/* A server that says nothing for so long while we wait has failed. */
#define LOAD_PATIENCE_MS 10000

/* ---- load.c */

struct load {
	const char *role;
	const char *address;
	size_t clients;
	size_t depth;	  /* messages under way on one connection */
	size_t size;	  /* bytes of a payload */
	const char *mode; /* name of a dialect */
	double seconds;
	uint64_t messages; /* of each sender */
	pid_t server;	   /* whose CPU and memory count, or 0 */
	const char *feed;  /* what the server reads its news from, or NULL */
	size_t verify;	   /* of so many reads one is looked at (broadcast) */
	uint64_t window;   /* bytes that the slowest may be behind */
};

/* Says why on stderr, and ends the program with 1. */
_Noreturn void load_die(const char *, ...)
    __attribute__((format(printf, 1, 2)));

/* ---- wire.c: what stands on the wire, for each kind of server */

/* WIRE_PERIOD messages one after the other, twice, so that from any place in
 * the first half a whole period lies in one piece. */
struct pattern {
	char *bytes;
	size_t each;   /* bytes of one message */
	size_t period; /* bytes of all of them, once */
};

struct wire {
	const char *name;
	struct pattern ask, answer;	 /* echo */
	struct pattern publish, deliver; /* broadcast */
	struct pattern receipt; /* what a publisher gets; no bytes: nothing */
	const char *join, *joined;   /* a receiver says, and hears at the end */
	const char *greet, *greeted; /* the same of a publisher */
	const char *ping, *pong; /* what may come between any two messages */
};

/* The dialect of this name for payloads of SIZE bytes (at least 8); a
 * publication has RECEIVERS of them. Dies if there is no such dialect. */
void wire_init(struct wire *, const char *name, size_t size, size_t receivers);
void wire_release(struct wire *);

/* Is what stands at byte AT of the stream of P, and is N bytes long, BYTES? */
bool pattern_is(
    const struct pattern *p, uint64_t at, const char *bytes, size_t n);

/* What is to be sent at byte AT, at most MOST bytes; *N is how many lie here,
 * a whole period or less. */
const char *pattern_at(
    const struct pattern *p, uint64_t at, uint64_t most, size_t *n);

/* The payload alone, without anything around it, is message I of the period:
 * SIZE bytes to TEXT. */
void payload_write(char *text, size_t size, size_t i);

/* ---- meter.c: time, and what the server used */

struct meter {
	double seconds; /* of the clock */
	double own;	/* of our CPU */
	double server;	/* of the CPU of the server and of all it started */
};

/* Seconds of the clock. */
double meter_now(void);

/* What it is now; with BEGIN, since then. PID 0: no server. */
void meter_read(struct meter *, pid_t pid);
void meter_since(struct meter *, const struct meter *begin, pid_t pid);

/* Bytes that a process and all that it started have on heaps and stacks
 * (what they share in proportion); *PROCESSES of them, may be NULL. */
uint64_t meter_memory(pid_t, size_t *processes);

/* How many sockets they have open. */
size_t meter_sockets(pid_t);
/* Until these are LEAST, and do not get more: what was connected is accepted,
 * too. One that starts processes has some in each. */
void meter_accepted(pid_t, size_t least);

/* One line of NAME=VALUE, the first words of each report. MESSAGES may be of
 * any unit; times per message are in microseconds. */
void meter_print(const struct load *, const struct meter *, const char *unit,
    uint64_t messages);

/* ---- crowd.c: many connections */

struct member {
	int fd;
	uint32_t lead; /* its stream begins with this message of the pattern */
	uint32_t ignored; /* bytes of a ping that are in */
	uint64_t due;	  /* bytes that may be sent in all, */
	uint64_t sent;	  /* that were, */
	uint64_t got;	  /* and that came */
};

struct crowd {
	struct member *members;
	size_t n, most;
	int epoll;
};

void crowd_init(struct crowd *, size_t most);
/* Closes all, by a reset: no port stays behind. */
void crowd_release(struct crowd *);

/* A connection to ADDRESS (127.0.0.1:PORT), from the Ith place of 127.0.x.y.
 * With WAIT it is established, else under way. It does not block. */
int crowd_dial(const char *address, size_t i, bool wait);

/* One more member, and it is listened to. Dies if it cannot be had. */
struct member *crowd_join(struct crowd *, const char *address);

/* Sends HELLO and reads until what came ends with LAST. */
void crowd_greet(struct member *, const char *hello, const char *last);

/* Which of EVENTS are there; dies if none comes in LOAD_PATIENCE_MS. */
size_t crowd_wait(const struct crowd *, struct epoll_event *events, int max);

/* Whether the member is told that it may write. */
void crowd_writable(const struct crowd *, struct member *, bool);

/* From now on its calls block, at most LOAD_PATIENCE_MS. */
void member_block(struct member *);

/* Sends what of PATTERN is due; false if not all went. */
bool member_send(struct member *, const struct pattern *);

/* ---- the roles; each prints its line */

void echo_run(const struct load *);   /* echo.c: many, for some seconds */
void trip_run(const struct load *);   /* one, as fast as it goes */
void hold_run(const struct load *);   /* many that say nothing */
void churn_run(const struct load *);  /* churn.c: connect, close */
void cast_run(const struct load *);   /* cast.c: one speaks, all hear */
void ingest_run(const struct load *); /* ingest.c: all speak */
void lines_run(const struct load *);  /* what the server made of that */

/* bare.c: servers that do nothing else, the floor: "echo" gives all back,
 * "sink" reads and forgets, "news" gives stdin to all. Says its address on
 * descriptor 3. Does not return. */
_Noreturn void bare_run(const char *kind);

#endif
