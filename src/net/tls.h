/*
 * TLS: what is asked for, what has come of it, and the engine that does it.
 *
 * The engine is an optional part of the program (base/module.h). It does no
 * input and no output on a connection and knows no loop: bytes go in and out
 * in memory, by struct tls_wire. Files (certificates, the key log) it opens
 * itself. What stands between it and a socket is net/stream_tls.h, which is
 * all that others need besides a plan:
 *
 *	tls_open --> tls_new(face, role, plan) --> tls_begin --> struct stream
 *
 * Nothing in here is thread-safe; there is one loop.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fail.h"
#include "base/module.h"
#include "base/slice.h"

enum tls_role {
	TLS_CLIENT,
	TLS_SERVER,
};

enum tls_version {
	TLS_DEFAULT, /* as --tls-min: 1.2; as --tls-max: the newest */
	TLS_1_0,
	TLS_1_1,
	TLS_1_2,
	TLS_1_3,
};

/* Does the server want a certificate of its clients? */
enum tls_ask {
	TLS_ASK_NOT,
	TLS_ASK_REQUEST, /* one that is shown has to be good */
	TLS_ASK_REQUIRE,
};

/*
 * A certificate of ours with its key, and what stands between it and its CA:
 * `cert` in PEM, the key in `key` or, if that is NULL, in the same file; or
 * both in `p12`.
 */
struct tls_cert {
	const char *cert;
	const char *key;
	const char *p12;
};

/*
 * What is asked for, in plain words. All of zero is a client that verifies its
 * peer by the system's CAs. The strings and arrays live as long as the struct
 * tls that is made of it.
 */
struct tls_plan {
	/* Whom to believe. */
	const char *ca;	  /* a file or a directory; NULL: the system's CAs */
	const char *name; /* to be in the certificate; NULL: the host's */
	const char *const *pins; /* "sha256:BASE64", any of them */
	size_t pins_n;
	const char *crl;
	bool insecure; /* whatever it shows */

	/* Who we are. A server has the first unless SNI names another. */
	const struct tls_cert *certs;
	size_t certs_n;
	bool self_signed;	 /* a server's, made now */
	const char *const *self; /* the names and addresses in it */
	size_t self_n;
	enum tls_ask ask; /* a server of its clients */

	/* How. */
	enum tls_version min, max;
	const char *ciphers;  /* as OpenSSL has them, of 1.3 as well */
	const char *alpn;     /* "h2,http/1.1": the first is liked best */
	const char *keylog;   /* a file; NULL: none */
	bool no_close_notify; /* the peer is known to end without one */
	/*
	 * On 1.2 and older, our close_notify goes at once. Otherwise it waits
	 * there until the peer has ended, for who sees it ends too (-N).
	 */
	bool shut_at_once;

	/*
	 * The pass phrase of a file of ours: its length, or -1 if there is
	 * none; asked for once for each file that wants one, and again at a
	 * reload. NULL: there is none.
	 */
	ssize_t (*pass)(void *owner, const char *file, char *buf, size_t cap);
	/* A line of warning for the user, without "wdsock: ". May be NULL. */
	void (*warn)(void *owner, const char *text);
	void *owner;
};

#define TLS_PIN_MAX 64 /* "sha256:", 44 characters and NUL */

/* What has come of a plan. */
struct tls_about {
	char pin[TLS_PIN_MAX]; /* of our first certificate; "": there is none */
	char subject[256];
	char names[512];
	char expires[32];
};

/*
 * How a connection is secured, for people and for programs; texts are in one
 * line, harmless on a terminal, and empty where there is nothing to tell.
 */
struct tls_facts {
	char version[16]; /* "TLSv1.3" */
	char cipher[48];
	char group[24];
	char alpn[64];
	char sni[256]; /* as a client has said it */
	bool resumed;
	/* Of the peer's certificate. */
	char subject[256];
	char issuer[256];
	char names[512]; /* its SANs: "a.example, *.b.example, 127.0.0.1" */
	char expires[32];
	char pin[TLS_PIN_MAX];
	bool verified; /* by chain and name, or by a pin */
};

/*
 * "TLSv1.3, TLS_AES_128_GCM_SHA256, X25519, ..."; buf has TLS_FACTS_TEXT bytes.
 * Returns buf.
 */
#define TLS_FACTS_TEXT 1600
char *tls_facts_text(const struct tls_facts *, char *buf);

/*
 * The facts by name, for the environment of programs: VERSION, CIPHER, GROUP,
 * ALPN, SNI, RESUMED (0, 1), VERIFIED (0, 1), PEER_SUBJECT, PEER_ISSUER,
 * PEER_NAMES, PEER_EXPIRES, PEER_PIN. Empty ones are left out; how many.
 */
#define TLS_PAIRS 12
struct tls_pair {
	const char *name;
	const char *value; /* in the facts, or static */
};
size_t tls_facts_pairs(const struct tls_facts *, struct tls_pair v[TLS_PAIRS]);

/*
 * The engine's face. It is used by stream_tls.c and tests alone.
 */

enum {
	TLS_END = 0,	/* close_notify has come */
	TLS_WANT = -1,	/* more of the peer has to come in */
	TLS_CUT = -2,	/* the peer ended without close_notify */
	TLS_FAILED = -3 /* the engine's fail says why */
};

/*
 * Between an engine and who moves its bytes. The engine takes all of `in`
 * before it says TLS_WANT, and puts behind `out`, which it makes longer as
 * need be (realloc); whoever moves the bytes empties it, and frees it.
 */
struct tls_wire {
	struct slice in;
	bool in_ended; /* nothing comes behind `in` */
	struct span out;
};

struct tls_config; /* certificates and rules: of a client, or of a server */
struct tls_engine; /* one connection's */

/* To whom a connection goes, or from whom it comes; good until it is made. */
struct tls_peer {
	/*
	 * The host as typed, a client's: it is verified and told to the server
	 * (SNI; not if it is an address). NULL: there is none, as with a Unix
	 * socket, and the plan has to have a name, a pin or `insecure`.
	 */
	const char *host;
	/* Names it in errors; a client's sessions are kept by it. */
	const char *text;
};

struct tls_face {
	/*
	 * Reads all files of the plan. NULL and a fail: STATUS_USAGE for what
	 * cannot be meant, STATUS_IO for a file, STATUS_TLS for what is in it.
	 */
	struct tls_config *(*config_new)(enum tls_role, const struct tls_plan *,
	    struct tls_about *, struct fail *);
	/* Reads them again. -1 and a fail: then all is as before. */
	int (*config_reload)(
	    struct tls_config *, struct tls_about *, struct fail *);
	/* All its engines are gone. */
	void (*config_free)(struct tls_config *);

	/* NULL and a fail. The wire lives as long as the engine. */
	struct tls_engine *(*engine_new)(struct tls_config *,
	    const struct tls_peer *, struct tls_wire *, struct fail *);
	/* 1: it is done; TLS_WANT; TLS_FAILED, also if the peer ended. */
	int (*handshake)(struct tls_engine *);
	/* What the handshake waits for: "the ServerHello". Static. */
	const char *(*waiting)(const struct tls_engine *);
	/* > 0 bytes, or one of the above. */
	ssize_t (*read)(struct tls_engine *, void *, size_t);
	/* Bytes that can be read without any coming in. */
	size_t (*pending)(const struct tls_engine *);
	/*
	 * How many bytes must come in before anything can be read; never 0.
	 * `held` becomes how many of that record have come in.
	 */
	size_t (*missing)(const struct tls_engine *, size_t *held);
	/* All of it is put on the wire: 0, or TLS_FAILED. */
	int (*write)(struct tls_engine *, const void *, size_t);
	/* Puts close_notify on the wire, once. */
	int (*shut)(struct tls_engine *);
	/* Can one half be closed alone? From 1.3 on. */
	bool (*has_halves)(const struct tls_engine *);
	void (*facts)(const struct tls_engine *, struct tls_facts *);
	/* Why it failed; NULL: it has not. */
	const struct fail *(*fail)(const struct tls_engine *);
	void (*engine_free)(struct tls_engine *);
	const char *library; /* "OpenSSL 3.0.22 25 Aug 2026" */
};

/* In tls_openssl.c, so never named but where that is linked. */
extern const struct tls_face tls_face;
extern const struct module tls_module;

/* How this program has the part. */
extern const struct part tls_part;

/*
 * The face, loaded if need be; NULL and the fail of part_open. Who may want it
 * is handed the function, and so only loads it if he does.
 */
typedef const struct tls_face *tls_opener(struct fail *);
tls_opener tls_open;

#endif
