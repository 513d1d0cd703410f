/*
 * What the words on the command line ask for. Options write into it one by
 * one; plan_finish then settles what they mean together.
 */
#ifndef CMD_PLAN_H
#define CMD_PLAN_H

#include <limits.h>

#include "base/num.h"
#include "cmd/phrase.h"
#include "talk/filter.h"
#include "talk/run.h"

#define PLAN_SENDS_MAX 4096
#define PLAN_ON_OPEN_MAX 64

enum plan_both {
	PLAN_BOTH_NONE,
	PLAN_BOTH_NULL, /* -0 */
	PLAN_BOTH_JSON, /* -j */
};

enum plan_color {
	PLAN_COLOR_AUTO,
	PLAN_COLOR_ALWAYS,
	PLAN_COLOR_NEVER,
};

struct plan {
	struct filter filter;
	const char *mode; /* as typed, or NULL */
	size_t max;	  /* --max-message */
	bool has_max;
	bool mode_auto; /* the command takes -m auto */
	bool has_input;
	bool has_output;
	bool has_format, has_reply;
	struct format format; /* --format */
	struct format reply;  /* --reply */
	enum plan_both both;
	const char *sends[PLAN_SENDS_MAX];
	bool help;
	enum plan_color color;
	bool serving;  /* the command is a server's */
	bool standard; /* the conversation is over stdin or stdout */

	/* Of connect and serve-single, as typed; plan_talk_finish reads it. */
	struct run_plan run;
	const char *mode_in, *mode_out;
	const char *on_open[PLAN_ON_OPEN_MAX];
	const char *expect;
	regex_t expect_re;
	const char *source, *source_port;
	const char *proxy, *proxy_kind, *proxy_auth;
	char proxy_secret[512]; /* USER NUL PASSWORD */
	const char *tos, *socket_mode, *ready_fd;
	uint64_t w_ms, keepalive_ms, user_timeout_ms, count, repeat, backlog;
	bool count_one;
	bool v4, v6;
	bool udp;	/* -u */
	bool datagrams; /* that is what the address is for */
	unsigned verbose;
	enum stamp_kind timestamps;
	struct stamp out_stamp, err_stamp; /* one for each stream of lines */
	const char *handler_option; /* --exec or --sh, whichever it was */

	/* TLS; what options write at once is in run.secure.tls. */
	bool tls; /* at all addresses */
	struct phrases phrases;
	const char **tls_pins;
	size_t tls_pins_n;
	struct tls_cert *tls_certs;
	size_t tls_certs_n;
	char **tls_names; /* in a certificate that we make */
	size_t tls_names_n;
	char tls_host[ADDR_HOST_MAX], tls_name[ADDR_HOST_MAX];
	uint64_t tls_handshake_ms; /* UINT64_MAX: none was given */

	/* Of serve-multi. */
	bool many;
	bool addressed, no_channel, has_slow;
	uint64_t queue, memory;
	struct talk_plan *talks; /* one for each place */

	/* Of a server: who may come, and where to. */
	struct rules_word *rules;
	size_t rules_n, rules_cap;
	struct door_place *places; /* of serve-multi; see plan_addresses */
	const char **place_words;  /* of those with a MODE@, as typed */
	size_t places_n;
};

void plan_init(struct plan *);
void plan_talk_init(struct plan *); /* a part of it */
void plan_release(struct plan *);

/* "expected ..., saw VALUE", a usage error without a hint. Always -1. */
int plan_refuse(const char *expected, const char *value, struct fail *);

/*
 * A number as typed that is none, or too small or too large; `noun` is what
 * it should have been, a "size". Always -1.
 */
int plan_refuse_number(
    const char *noun, enum num_result, const char *value, struct fail *);

/* 0, or -1 and a usage error. */
int plan_finish(struct plan *, struct fail *);

/*
 * The same for the commands that talk: the address has been read into
 * run.dial.to or run.listen.at.
 */
int plan_talk_finish(struct plan *, struct fail *);
int plan_handler_finish(struct plan *, struct fail *); /* a part of it */

/*
 * The sockets that a service manager has passed us, by the rules of
 * sd_listen_fds: how many there are from PLAN_PASSED on. LISTEN_PID says for
 * whom; what is not for us is as if it were not there. -1 and a usage error
 * for more than `max`.
 */
#define PLAN_PASSED 3
#define PLAN_PASSED_MAX (INT_MAX - PLAN_PASSED)
int plan_passed(int max, struct fail *);

/*
 * The words of serve-multi, each ADDRESS or MODE@ADDRESS, become p->places;
 * without a word, all the sockets that were passed to us, or CMD_ADDRESS. What
 * stands before an @ is a mode if it is one; of several @ the first counts
 * that has a mode before it. A tag that holds one is written \x40. The first
 * address is also that of run.listen. -1 and a usage error.
 */
int plan_addresses(struct plan *, int argc, char **argv, struct fail *);

/*
 * After plan_talk_finish: what the options say together about the door, and
 * about each place, into run.door. A place without a mode of its own has that
 * of -m; datagrams are raw. 0, or -1 and a usage error, or one of STATUS_IO
 * for a program that is not there.
 */
int plan_door_finish(struct plan *, struct fail *);

/*
 * After that: the rest of what only serve-multi has. 0, or -1 and a usage
 * error.
 */
void plan_many_init(struct plan *);
int plan_many_finish(struct plan *, struct fail *);

/* Gives back what these have taken. */
void plan_door_release(struct plan *);

/*
 * A part of it, for TLS: --tls is the same as tls: before each address. The
 * optional part is opened if there is such an address, and only then.
 */
int plan_tls_finish(struct plan *, struct fail *);
void plan_tls_release(struct plan *);

/*
 * The addresses of all commands alike: serve-multi has several. Is one of
 * datagrams?
 */
size_t plan_addresses_n(const struct plan *);
bool plan_is_datagrams(const struct addr *);

/*
 * Parts of it, for datagrams: does the address have them; are the options
 * such as they can be there; what they mean there.
 */
bool plan_has_datagrams(const struct plan *);
int plan_check_datagrams(struct plan *, struct fail *);
void plan_settle_datagrams(struct plan *);

/*
 * Setters for the option table. `value` is as typed and outlives the plan; an
 * error names neither the option nor the value, which option.c puts in front.
 */
int set_help(struct plan *, const char *value, struct fail *);
int set_mode(struct plan *, const char *value, struct fail *);
int set_max_message(struct plan *, const char *value, struct fail *);
int set_input(struct plan *, const char *value, struct fail *);
int set_output(struct plan *, const char *value, struct fail *);
int set_charset(struct plan *, const char *value, struct fail *);
int set_charset_errors(struct plan *, const char *value, struct fail *);
int set_format(struct plan *, const char *value, struct fail *);
int set_reply(struct plan *, const char *value, struct fail *);
int set_null(struct plan *, const char *value, struct fail *);
int set_json(struct plan *, const char *value, struct fail *);
int set_crlf(struct plan *, const char *value, struct fail *);
int set_send(struct plan *, const char *value, struct fail *);
int set_mode_in(struct plan *, const char *value, struct fail *);
int set_mode_out(struct plan *, const char *value, struct fail *);
int set_on_open(struct plan *, const char *value, struct fail *);
int set_expect(struct plan *, const char *value, struct fail *);
int set_timestamps(struct plan *, const char *value, struct fail *);
int set_color(struct plan *, const char *value, struct fail *);
int set_verbose(struct plan *, const char *value, struct fail *);
int set_join(struct plan *, const char *value, struct fail *);
int set_ttl(struct plan *, const char *value, struct fail *);
int set_exec(struct plan *, const char *value, struct fail *);
int set_sh(struct plan *, const char *value, struct fail *);
int set_allow(struct plan *, const char *value, struct fail *);
int set_deny(struct plan *, const char *value, struct fail *);
int set_proxy_from(struct plan *, const char *value, struct fail *);
int set_deny_with(struct plan *, const char *value, struct fail *);
int set_slow(struct plan *, const char *value, struct fail *);
int set_queue(struct plan *, const char *value, struct fail *);
int set_memory(struct plan *, const char *value, struct fail *);
int set_each(struct plan *, const char *value, struct fail *);
int set_header_timeout(struct plan *, const char *value, struct fail *);
int set_accept_cmd(struct plan *, const char *value, struct fail *);
int set_tls_pin(struct plan *, const char *value, struct fail *);
int set_tls_cert(struct plan *, const char *value, struct fail *);
int set_tls_key(struct plan *, const char *value, struct fail *);
int set_tls_p12(struct plan *, const char *value, struct fail *);
int set_tls_client(struct plan *, const char *value, struct fail *);
int set_tls_min(struct plan *, const char *value, struct fail *);
int set_tls_max(struct plan *, const char *value, struct fail *);

#endif
