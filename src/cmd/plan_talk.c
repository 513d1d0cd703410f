/*
 * From options to a plan, for the commands that talk; see plan.h. What is a
 * matter of several options together is settled here.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "cmd/plan.h"

#define QUEUE_MAX (256u << 10)
#define LINGER_CLIENT_MS 250
#define LINGER_SERVER_MS 10000
#define RETRY_MAX_MS 30000
#define KEEPALIVE_MAX_MS (32767 * 1000) /* TCP_KEEPIDLE */
#define GRACE_MS 2000
#define HEADER_MS 10000
#define ACCEPT_CMD_MS 5000

void
plan_talk_init(struct plan *p)
{
	p->run.talk.linger_ms = UINT64_MAX;
	p->run.talk.quit_ms = UINT64_MAX;
	p->run.talk.queue_max = QUEUE_MAX;
	p->run.dial.opts = sock_opts_default;
	p->run.door.ready_fd = -1;
	p->run.door.header_ms = HEADER_MS;
	p->run.door.ask.limit_ms = ACCEPT_CMD_MS;
	p->run.retry_max_ms = RETRY_MAX_MS;
	p->run.listen.mode = (mode_t)-1;
	p->run.handler.grace_ms = GRACE_MS;
	plan_many_init(p);
	p->backlog = 4096;
	p->repeat = 1;
}

int
set_on_open(struct plan *p, const char *value, struct fail *f)
{
	struct talk_plan *t = &p->run.talk;

	if (t->on_open_n == PLAN_ON_OPEN_MAX) {
		fail_set(f, STATUS_USAGE,
		    "expected at most %d of them, saw one more",
		    PLAN_ON_OPEN_MAX);
		return fail_hint(f, "try: fewer, and the rest as input");
	}
	p->on_open[t->on_open_n++] = value;
	return 0;
}

int
set_expect(struct plan *p, const char *value, struct fail *f)
{
	char why[128];
	int err;

	if (p->expect != NULL)
		regfree(&p->expect_re);
	p->expect = NULL;
	/* Our side is UTF-8 whatever the locale; this is where it tells. */
	setlocale(LC_CTYPE, "C.UTF-8");
	err = regcomp(&p->expect_re, value, REG_EXTENDED | REG_NOSUB);
	if (err != 0) {
		regerror(err, &p->expect_re, why, sizeof(why));
		fail_set(f, STATUS_USAGE,
		    "expected a regular expression, saw one with a fault: %s",
		    why);
		return fail_hint(f,
		    "try: quotes around it, and a backslash "
		    "before what is to be plain");
	}
	p->expect = value;
	return 0;
}

int
set_verbose(struct plan *p, const char *value, struct fail *f)
{
	p->verbose++;
	return 0;
}

int
set_timestamps(struct plan *p, const char *value, struct fail *f)
{
	if (stamp_kind_of(value, &p->timestamps))
		return 0;
	fail_set(f, STATUS_USAGE, "is no such kind of time");
	return fail_hint(f, "try: absolute, start or delta");
}

/* A number that an option holds as text; 0 if there is none. */
static int
read_number(const char *option, const char *text, uint64_t max, int *out,
    struct fail *f)
{
	enum num_result r;
	uint64_t v;

	if (text == NULL)
		return 0;
	r = num_parse(text, 0, max, &v);
	if (r == NUM_OK) {
		*out = (int)v;
		return 0;
	}
	plan_refuse_number("number", r, text, f);
	fail_prefix(f, "%s '%.64s'", option, text);
	return fail_hint(
	    f, "try: a number from 0 to %llu", (unsigned long long)max);
}

/* A duration that the kernel keeps in fewer bits than we do. */
static int
check_duration(const char *option, uint64_t ms, uint64_t max_ms, struct fail *f)
{
	if (ms <= max_ms)
		return 0;
	fail_set(f, STATUS_USAGE, "%s: expected at most %.15g s, saw %.15g s",
	    option, (double)max_ms / 1000, (double)ms / 1000);
	return fail_hint(f, "the kernel takes no more; try: %s 2h", option);
}

/* -s and -p. */
static int
finish_source(struct plan *p, struct fail *f)
{
	struct dial_plan *d = &p->run.dial;
	int port = 0;

	if ((p->source_port != NULL || p->source != NULL) && d->to.un_len > 0) {
		fail_set(f, STATUS_USAGE,
		    "%s: expected an address of the network to connect to, "
		    "saw a Unix socket",
		    p->source != NULL ? "-s" : "-p");
		return fail_hint(f, "try: without it");
	}
	if (read_number("-p", p->source_port, 65535, &port, f) == -1)
		return -1;
	d->source_port = (uint16_t)port;
	d->has_source = p->source_port != NULL || p->source != NULL;
	d->source.sa.sa_family = AF_UNSPEC;
	if (p->source == NULL)
		return 0;
	if (inet_pton(AF_INET, p->source, &d->source.v4.sin_addr) == 1)
		d->source.v4.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, p->source, &d->source.v6.sin6_addr) == 1)
		d->source.v6.sin6_family = AF_INET6;
	else {
		plan_refuse("a numeric address of this machine", p->source, f);
		fail_prefix(f, "-s '%.128s'", p->source);
		return fail_hint(f, "try: ip -br addr");
	}
	return 0;
}

/* The first line of a file: USER:PASSWORD. */
static int
read_secret(struct plan *p, struct fail *f)
{
	ssize_t n;
	int fd = fd_open_read(p->proxy_auth);

	n = fd == -1
	    ? -1
	    : fd_read_some(fd, p->proxy_secret, sizeof(p->proxy_secret) - 1);
	if (n == -1)
		fail_set(f, STATUS_IO, "--proxy-auth %s: %s", p->proxy_auth,
		    strerror(errno));
	if (fd != -1)
		close(fd);
	if (n == -1)
		return -1;
	p->proxy_secret[n] = '\0';
	p->proxy_secret[strcspn(p->proxy_secret, "\r\n")] = '\0';
	if (strchr(p->proxy_secret, ':') == NULL) {
		fail_set(f, STATUS_USAGE,
		    "--proxy-auth %.128s: expected USER:PASSWORD in its first "
		    "line, saw no colon",
		    p->proxy_auth);
		return fail_hint(f, "try: another file");
	}
	return 0;
}

/* -x, -X and where the credentials come from. */
static int
finish_proxy(struct plan *p, struct fail *f)
{
	struct dial_plan *d = &p->run.dial;
	const char *env = getenv("WDSOCK_PROXY_AUTH");
	char text[ADDR_TEXT_MAX], *colon;
	enum proxy_kind kind = PROXY_SOCKS5;

	if (p->proxy_kind != NULL && !proxy_kind_of(p->proxy_kind, &kind)) {
		plan_refuse("4, 5 or connect", p->proxy_kind, f);
		fail_prefix(f, "-X '%.64s'", p->proxy_kind);
		return fail_hint(f, "try: -X 5");
	}
	if (p->proxy == NULL)
		return 0;
	if (p->proxy[0] == '\0') {
		fail_set(f, STATUS_USAGE,
		    "-x '': expected the address of a proxy, saw no word");
		return fail_hint(f, "try: -x HOST:PORT, or without -x");
	}
	if (d->to.kind != ADDR_TCP) {
		fail_set(f, STATUS_USAGE,
		    "-x '%.128s': expected a TCP address to connect to, saw %s",
		    p->proxy, addr_print(&d->to, text));
		return fail_hint(f, "try: without -x");
	}
	d->proxy = kind;
	/* As in nc: without a port it is the one that is usual. */
	snprintf(text, sizeof(text), "%s%s", p->proxy,
	    strchr(p->proxy, ':') != NULL ? ""
		: d->proxy == PROXY_HTTP  ? ":3128"
					  : ":1080");
	if (addr_parse(text, &d->proxy_at, f) == -1)
		return fail_prefix(f, "-x");
	if (d->proxy_at.kind != ADDR_TCP || d->proxy_at.tls) {
		plan_refuse("the TCP address of a proxy", p->proxy, f);
		fail_prefix(f, "-x '%.128s'", p->proxy);
		return fail_hint(f, "try: -x HOST:PORT");
	}
	if (p->proxy_auth != NULL) {
		if (read_secret(p, f) == -1)
			return -1;
	} else if (env != NULL)
		snprintf(p->proxy_secret, sizeof(p->proxy_secret), "%s", env);
	if (p->proxy_secret[0] == '\0')
		return 0;
	colon = strchr(p->proxy_secret, ':');
	if (colon != NULL) {
		*colon = '\0';
		d->proxy_password = colon + 1;
	}
	d->proxy_user = p->proxy_secret;
	return 0;
}

/* --socket-mode, in octal. */
static int
read_mode_bits(struct plan *p, struct fail *f)
{
	const char *text = p->socket_mode;
	size_t len;

	if (text == NULL)
		return 0;
	len = strspn(text, "01234567");
	if (len > 0 && len <= 8 && text[len] == '\0' &&
	    strtol(text, NULL, 8) <= 0777) {
		p->run.listen.mode = (mode_t)strtol(text, NULL, 8);
		return 0;
	}
	plan_refuse("an octal mode from 0 to 0777", text, f);
	fail_prefix(f, "--socket-mode '%.32s'", text);
	return fail_hint(f, "try: 0600 or 0660");
}

static int
finish_sockets(struct plan *p, struct fail *f)
{
	struct sock_opts *o = &p->run.dial.opts;

	if (read_number("--tos", p->tos, 255, &o->tos, f) == -1 ||
	    read_number("--ready-fd", p->ready_fd, INT_MAX,
		&p->run.door.ready_fd, f) == -1)
		return -1;
	if (p->run.door.ready_fd != -1 &&
	    fcntl(p->run.door.ready_fd, F_GETFD) == -1) {
		fail_set(f, STATUS_USAGE,
		    "--ready-fd %d: expected a descriptor that is open, saw "
		    "one that is closed",
		    p->run.door.ready_fd);
		return fail_hint(f, "try: --ready-fd 3 3>file");
	}
	if (check_duration(
		"--keepalive", p->keepalive_ms, KEEPALIVE_MAX_MS, f) == -1 ||
	    check_duration("--user-timeout", p->user_timeout_ms, INT_MAX, f) ==
		-1)
		return -1;
	o->keepalive_s = (unsigned)((p->keepalive_ms + 999) / 1000);
	o->user_timeout_ms = (unsigned)p->user_timeout_ms;
	if (p->v4 && p->v6)
		return fail_set(f, STATUS_USAGE,
		    "-4 and -6: expected one of them, saw both");
	p->run.dial.family = p->v4 ? RESOLVE_V4
	    : p->v6		   ? RESOLVE_V6
				   : RESOLVE_ANY;
	p->run.listen.family = p->run.dial.family;
	p->run.listen.opts = *o;
	p->run.listen.backlog = (int)(p->backlog > 65535 ? 65535 : p->backlog);
	p->run.listen.seqpacket = p->run.dial.seqpacket;
	return read_mode_bits(p, f);
}

/* What both directions speak, unless they differ. */
static int
finish_framing(struct plan *p, struct fail *f)
{
	struct talk_plan *t = &p->run.talk;
	const struct framing fr = p->filter.fr;

	t->charset = p->filter.charset;
	if (p->mode_in == NULL)
		t->in = fr;
	else if (charset_framing(&t->charset, &t->in, f) == -1)
		return fail_prefix(f, "--mode-in '%.128s'", p->mode_in);
	if (p->mode_out == NULL)
		t->out = fr;
	else if (charset_framing(&t->charset, &t->out, f) == -1)
		return fail_prefix(f, "--mode-out '%.128s'", p->mode_out);
	t->in.max = t->out.max = fr.max;
	return 0;
}

static void
finish_clocks(struct plan *p)
{
	struct run_plan *r = &p->run;

	/* -w is both, as in nc; each alone is stronger. */
	if (p->w_ms > 0 && r->connect_ms == 0)
		r->connect_ms = p->w_ms;
	if (p->w_ms > 0 && r->talk.idle_ms == 0)
		r->talk.idle_ms = p->w_ms;
	r->talk.linger_given = r->talk.linger_ms != UINT64_MAX;
	if (!r->talk.linger_given)
		r->talk.linger_ms =
		    p->serving || r->handler.command.argv != NULL
		    ? LINGER_SERVER_MS
		    : LINGER_CLIENT_MS;
}

/* Raw bytes that nothing looks at need not come through our memory. */
static void
finish_pass(struct plan *p)
{
	struct talk_plan *t = &p->run.talk;
	/* A line of JSON may ask for another mode, whatever was begun with. */
	bool looked_at = t->ask || t->echo || t->dump || t->expect != NULL ||
	    t->count > 0 || p->both != PLAN_BOTH_NONE ||
	    t->charset.name != NULL || p->filter.input == SOURCE_JSON;

	t->pass_in = !looked_at && t->in.mode == FRAMING_RAW &&
	    p->run.output == SINK_RAW && !p->has_output && !p->has_format &&
	    !t->no_output;
	t->pass_out = !looked_at && t->out.mode == FRAMING_RAW &&
	    p->filter.input == SOURCE_RAW && !p->has_input && !p->has_max &&
	    p->filter.sends_n == 0 && p->repeat == 1 && t->interval_ms == 0 &&
	    !t->track; /* what never left is for the next connection */
}

/*
 * --timestamps: before each message where one is a line for people, and
 * before each line of -v and --dump. What programs read stays as it is.
 */
static int
finish_timestamps(struct plan *p, struct fail *f)
{
	struct run_plan *r = &p->run;
	/* A format says its own. */
	bool lines = !r->talk.no_output && r->format == NULL &&
	    r->handler.command.argv == NULL &&
	    (r->output == SINK_LINES || r->output == SINK_ESCAPED ||
		r->output == SINK_HEX);

	if (p->timestamps == STAMP_NONE)
		return 0;
	if (!lines && p->verbose == 0 && !r->talk.dump) {
		fail_set(f, STATUS_USAGE,
		    "--timestamps: expected lines that a time can stand "
		    "before, saw another form of output");
		return fail_hint(
		    f, "try: --output lines, escaped or hex, or -v, or --dump");
	}
	stamp_init(&p->out_stamp, p->timestamps);
	p->err_stamp = p->out_stamp;
	r->stamp = lines ? &p->out_stamp : NULL;
	r->log.stamp = &p->err_stamp;
	return 0;
}

int
plan_talk_finish(struct plan *p, struct fail *f)
{
	struct run_plan *r = &p->run;
	const struct addr *at = p->serving ? &r->listen.at : &r->dial.to;
	bool packets; /* they have boundaries also with raw */

	p->datagrams = plan_has_datagrams(p);
	if (plan_finish(p, f) == -1 || plan_check_datagrams(p, f) == -1 ||
	    plan_tls_finish(p, f) == -1 || finish_source(p, f) == -1 ||
	    finish_proxy(p, f) == -1 || finish_sockets(p, f) == -1)
		return -1;
	if (p->repeat == 0) {
		fail_set(f, STATUS_USAGE,
		    "--repeat '0': expected how often the input is said, saw "
		    "never");
		return fail_hint(f, "try: </dev/null, which says nothing");
	}
	if (finish_framing(p, f) == -1)
		return -1;
	if (p->has_reply && r->talk.echo) {
		fail_set(f, STATUS_USAGE,
		    "--echo and --reply: expected one of them, saw both");
		return fail_hint(f, "try: --reply alone");
	}
	if (p->has_reply) {
		r->talk.echo = true;
		r->talk.reply = &p->reply;
	}
	finish_clocks(p);
	packets = p->datagrams || r->dial.seqpacket;
	/* Started by inetd, stdin and stdout are the conversation itself. */
	p->standard = (at->kind == ADDR_FD && at->fd <= STDOUT_FILENO);
	r->feed = (struct feed_plan){
	    .input = p->filter.input,
	    .crlf = p->filter.crlf,
	    .max = p->filter.fr.max,
	    .json = p->filter.json,
	    .charset = r->talk.charset,
	    .stream = r->talk.out.mode == FRAMING_RAW && !packets &&
		p->filter.input == SOURCE_RAW && p->filter.sends_n == 0,
	    .sends = p->sends,
	    .sends_n = p->filter.sends_n,
	    .repeat = p->repeat,
	    .quiet = p->standard && p->filter.sends_n == 0,
	    .whom = p->serving && p->filter.input == SOURCE_JSON &&
		    p->filter.sends_n == 0
		? FEED_ONE
		: FEED_PEER,
	};
	r->talk.stream = r->talk.in.mode == FRAMING_RAW && !packets;
	r->output = p->filter.output;
	r->format = p->filter.format;
	r->talk.on_open = p->on_open;
	r->talk.count = p->count_one ? 1 : p->count;
	r->talk.expect = p->expect == NULL ? NULL : &p->expect_re;
	r->talk.expect_text = p->expect;
	r->talk.no_output = p->standard ||
	    (r->talk.echo && !p->has_output && !p->has_format &&
		p->both == PLAN_BOTH_NONE);
	r->talk.track = r->retry > 0;
	r->dial.log = &r->log;
	plan_settle_datagrams(p);
	finish_pass(p);
	r->log.level = p->verbose > 1 ? LOG_CHATTY
	    : p->verbose == 1	      ? LOG_VERBOSE
				      : LOG_QUIET;
	if (finish_timestamps(p, f) == -1)
		return -1;
	return plan_handler_finish(p, f);
}
