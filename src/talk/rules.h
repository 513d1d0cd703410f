/*
 * Who may come, as people say it: words of --allow, --deny and --proxy-from
 * become lists of networks.
 *
 *	192.0.2.7   192.0.2.0/24   2001:db8::/32	as they stand
 *	host.example	all addresses that it has now
 *	@FILE		a file of such words; # begins a comment
 *
 * What has a slash, a colon, or only digits and dots is a network, or wrong;
 * neither those nor the name of a host begin with an @. In a file @ is no word.
 *
 * Files are read, and names are asked for, when the rules are loaded: all of
 * them then replace those before, or none does.
 */
#ifndef TALK_RULES_H
#define TALK_RULES_H

#include "net/access.h"
#include "net/resolve.h"

enum rules_kind {
	RULES_ALLOW,
	RULES_DENY,
	RULES_PROXY,
	RULES_KINDS,
};

struct rules_word {
	enum rules_kind kind;
	const char *text;
};

struct rules_plan {
	const struct rules_word *words;
	size_t n;
};

struct rules_name; /* a host that has still to be asked for */

struct rules {
	/*
	 * Set by the owner. The new rules are in force (NULL), or the fail says
	 * what is wrong with them, and those before still are: STATUS_USAGE, a
	 * word; STATUS_IO, a file; STATUS_RESOLVE, a name.
	 */
	void (*on_loaded)(struct rules *, const struct fail *);
	void *owner;

	/* In force. */
	struct access access;
	struct access_list proxies;

	/* The rules' own. */
	uv_loop_t *loop;
	struct resolver *resolver;
	struct access_list next[RULES_KINDS];
	bool only;
	struct rules_name *names; /* a list */
	struct resolve *resolve;  /* while a name is asked for */
	bool asking;
	bool broken; /* for this reason: */
	struct fail fail;
};

/* Is it a word? -1 and a usage error that does not name it. */
int rules_check(const char *text, struct fail *);

/* Begins; the loop and the resolver live longer. */
void rules_init(struct rules *, uv_loop_t *, struct resolver *);

/*
 * on_loaded comes, perhaps before this returns. What was being loaded before
 * is forgotten.
 */
void rules_load(struct rules *, const struct rules_plan *);

/* Nothing comes any more. May be called twice, and of zeros. */
void rules_release(struct rules *);

#endif
