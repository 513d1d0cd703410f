/*
 * A whole conversation: what we say, what we hear, its clocks and its end,
 * over a stream that the input plays (stream_double.h). The input is
 *
 *	sixteen choices (see choose), steps of reads, writes and shuts, text
 *
 * where the text is what the peer sends and, backwards, what stdin brings.
 * However it goes: it ends, with a status and with words; what was heard is on
 * stdout, whole and in order; what left is what was to be said, in order and,
 * if all is called well, to the end; and nothing is left behind.
 *
 * Time is ours: the clock that libuv asks stands still in a turn, and jumps to
 * the next timer where nothing else is to happen.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "codec/decode.h"
#include "stream_double.h"
#include "talk/talk.h"

#define STEPS_MAX 64
#define TURNS_MAX 60000
#define FOREVER_MS (1u << 30)
#define TALKS_MAX 2

enum {
	ASK = 1,
	ECHOES = 2,
	STAY = 4,
	HALF_QUIET = 8,
	NO_OUTPUT = 16,
	DUMP = 32,
	EXPECT = 64,
	LINGER_GIVEN = 128,
};

enum input {
	INPUT_SENDS,
	INPUT_NULL,
	INPUT_FILE,
	INPUT_PIPE,
	INPUTS
};
enum output {
	OUTPUT_FILE,
	OUTPUT_PIPE,
	OUTPUT_FULL,
	OUTPUT_GONE,
	OUTPUTS
};

struct choice {
	uint8_t flags;
	enum input input;
	enum output output;
	size_t drain; /* bytes that the reader of stdout takes in a turn */
	size_t pour;  /* bytes that reach stdin in a turn */
	unsigned talks;
	unsigned stop_at; /* the turn in which the run is ended; 0: none */
	uint64_t turn_ms;
	struct stream_step reads[STEPS_MAX], writes[STEPS_MAX], shuts[4];
	size_t reads_n, writes_n, shuts_n;
	struct slice text, lines;
};

/* A growing buffer of what is expected, or seen. */
struct pile {
	uint8_t *p;
	size_t len, cap;
};

struct play {
	struct choice c;
	struct feed_plan feed_plan;
	struct talk_plan plan;
	struct log log;
	struct fail fail;
	uv_loop_t uv;
	uv_timer_t alive;
	struct chan_loop chans;
	struct feed feed;
	struct outlet outlet;
	struct talk_home home;
	struct talk talk;
	struct stream_double d;
	int in[2], out[2];
	size_t poured;
	bool is_over, overs_twice, stopped;
	bool was_ending;
	uint64_t sure_messages; /* that must have been heard */
	struct pile seen;	/* on stdout, by all conversations */
	struct pile heard;	/* what stdout was to show */
	uint8_t *reversed;
};

static const char *const mode_names[] = {"windev", "lines", "end-tag=|",
    "netstring", "u8", "fixed-header=3", "until-close", "windev,tail=|"};
static char large_text[20001];
static const char *const texts[] = {
    "", "a", "Hello World", "t|g", "two\nlines", large_text, "b", "end"};
static regex_t pattern;
static struct format same; /* says what it is given */
static struct play play;
static int file = -1, in_file = -1, null = -1;

/* Sanitizers take what REG_STARTEND is given for a string. */
#if defined(__SANITIZE_ADDRESS__)
#define CAN_EXPECT 0
#elif defined(__has_feature)
#define CAN_EXPECT !__has_feature(address_sanitizer)
#else
#define CAN_EXPECT 1
#endif

/* The clock. */

static uint64_t now_ns = 1000000000;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	switch (id) {
	case CLOCK_MONOTONIC:
#ifdef CLOCK_MONOTONIC_COARSE
	case CLOCK_MONOTONIC_COARSE:
#endif
		ts->tv_sec = (time_t)(now_ns / 1000000000);
		ts->tv_nsec = (long)(now_ns % 1000000000);
		return 0;
	default:
		return (int)syscall(SYS_clock_gettime, id, ts);
	}
}

static void
pile_add(struct pile *h, const void *p, size_t len)
{
	if (h->len + len > h->cap) {
		h->cap = 2 * (h->len + len);
		h->p = realloc(h->p, h->cap);
		if (h->p == NULL)
			abort();
	}
	if (len > 0)
		memcpy(h->p + h->len, p, len);
	h->len += len;
}

/* What the input chooses. */

static size_t
choose_steps(struct slice *in, struct stream_step *v, size_t n, bool reading)
{
	static const size_t sizes[] = {
	    1, 2, 3, 5, 8, 13, 40, 100, 1000, 5000, 16384, SIZE_MAX};
	static const int errs[] = {ECONNRESET, EPIPE, ETIMEDOUT, EIO};
	size_t i;
	uint8_t b;

	for (i = 0; i < n; i++) {
		b = check_byte(in);
		v[i] = (struct stream_step){.act = STREAM_ACT_BYTES};
		if (b < 192) {
			v[i].n = sizes[b % 12];
			v[i].times = b / 48 * 5;
		} else if (b < 240) {
			v[i].act = STREAM_ACT_AGAIN;
			v[i].times = b % 16;
		} else {
			v[i].act = reading && b < 248 ? STREAM_ACT_TRUNCATED
						      : STREAM_ACT_FAILED;
			v[i].err = errs[b % 4];
			return i + 1;
		}
	}
	return n;
}

static void
choose_modes(struct play *p, uint8_t b)
{
	size_t at;

	framing_parse(mode_names[b % 8], &p->plan.in, &at);
	framing_parse(mode_names[b / 8 % 8], &p->plan.out, &at);
	if (b & 64)
		p->plan.in.max = 100;
	if (b & 128)
		p->plan.out = p->plan.in;
}

static void
choose_clocks(struct talk_plan *p, uint8_t b, uint8_t c)
{
	static const uint64_t idle[] = {0, 0, 5, 300};
	static const uint64_t reply[] = {0, 0, 3, 50};
	static const uint64_t linger[] = {0, 2, 250, 250};
	static const uint64_t quit[] = {UINT64_MAX, UINT64_MAX, 0, 4};
	static const uint64_t interval[] = {0, 0, 0, 1};

	p->idle_ms = idle[b & 3];
	p->reply_ms = reply[b >> 2 & 3];
	p->linger_ms = linger[b >> 4 & 3];
	p->quit_ms = quit[b >> 6 & 3];
	p->interval_ms = interval[c & 3];
}

static void
choose_feed(struct play *p, uint8_t b, uint8_t c)
{
	p->c.input = (enum input)(b % INPUTS);
	p->feed_plan.input = SOURCE_LINES;
	p->feed_plan.max = 16u << 20;
	p->feed_plan.sends = texts + (c & 7);
	p->feed_plan.sends_n =
	    p->c.input == INPUT_SENDS ? 1 + b / 4 % (8 - (c & 7u)) : 0;
	p->feed_plan.repeat = 1 + (c >> 3 & 3);
	p->plan.on_open = texts + (c >> 5);
	p->plan.on_open_n = b / 32 % 2;
}

static void
choose(struct play *p, struct slice in)
{
	static const uint64_t counts[] = {0, 0, 0, 1, 2, 5, 100, 2000};
	static const size_t marks[] = {8u << 20, 1, 100, 30000};
	static const size_t some[] = {1, 7, 100, 5000};
	struct choice *c = &p->c;
	uint8_t b, d;
	size_t i;

	c->flags = b = check_byte(&in);
	p->plan.ask = b & ASK;
	p->plan.echo = b & ECHOES;
	p->plan.stay = b & STAY;
	p->plan.half_quiet = b & HALF_QUIET;
	p->plan.no_output = b & NO_OUTPUT;
	p->plan.dump = b & DUMP;
	p->plan.expect = b & EXPECT && CAN_EXPECT ? &pattern : NULL;
	p->plan.expect_text = "a";
	p->plan.linger_given = b & LINGER_GIVEN;
	choose_modes(p, check_byte(&in));
	b = check_byte(&in);
	choose_clocks(&p->plan, b, check_byte(&in));
	b = check_byte(&in);
	choose_feed(p, b, check_byte(&in));
	b = check_byte(&in);
	p->plan.count = counts[b & 7];
	p->plan.queue_max = marks[b >> 3 & 3];
	c->output = (enum output)(b >> 5 & 3);
	c->talks = 1 + (b >> 7);
	b = check_byte(&in);
	c->drain = some[b & 3];
	c->pour = some[b >> 2 & 3];
	p->d.unacked = b & 16 ? 100 : b & 32 ? -1 : 0;
	p->d.broken = b & 64;
	c->turn_ms = b >> 7;
	c->stop_at = check_byte(&in);
	b = check_byte(&in);
	d = check_byte(&in);
	c->reads_n = choose_steps(&in, c->reads, b % STEPS_MAX, true);
	c->writes_n = choose_steps(&in, c->writes, d % STEPS_MAX, false);
	c->shuts_n = choose_steps(&in, c->shuts, d >> 6, false);
	/* A role answers with what has come, in one way or the other. */
	p->plan.reply = p->plan.echo && b & 64 ? &same : NULL;
	c->text = in;
	p->reversed = check_alloc(in.len);
	for (i = 0; i < in.len; i++)
		p->reversed[i] = in.p[in.len - 1 - i];
	c->lines = slice_of(p->reversed, in.len);
}

/* What is around it: stdin, stdout, a loop. */

static void
make_pipe(int v[2])
{
	if (pipe(v) == -1)
		abort();
#ifdef F_SETPIPE_SZ
	fcntl(v[1], F_SETPIPE_SZ, 4096);
#endif
}

static void
empty_file(int fd, struct slice s)
{
	if (ftruncate(fd, 0) == -1 || lseek(fd, 0, SEEK_SET) == -1 ||
	    write(fd, s.p, s.len) != (ssize_t)s.len ||
	    lseek(fd, 0, SEEK_SET) == -1)
		abort();
}

static void
open_input(struct play *p)
{
	p->in[0] = p->in[1] = -1;
	switch (p->c.input) {
	case INPUT_SENDS:
	case INPUT_NULL:
	case INPUTS:
		dup2(null, STDIN_FILENO);
		break;
	case INPUT_FILE:
		empty_file(in_file, p->c.lines);
		dup2(in_file, STDIN_FILENO);
		break;
	case INPUT_PIPE:
		make_pipe(p->in);
		dup2(p->in[0], STDIN_FILENO);
		close(p->in[0]);
		fcntl(p->in[1], F_SETFL, O_NONBLOCK);
		break;
	}
}

static int
open_output(struct play *p)
{
	p->out[0] = p->out[1] = -1;
	switch (p->c.output) {
	case OUTPUT_FILE:
	case OUTPUTS:
		empty_file(file, slice_of("", 0));
		return p->out[1] = dup(file);
	case OUTPUT_FULL:
		return p->out[1] = open("/dev/full", O_WRONLY);
	case OUTPUT_PIPE:
	case OUTPUT_GONE:
		make_pipe(p->out);
		fcntl(p->out[0], F_SETFL, O_NONBLOCK);
		return p->out[1];
	}
	return -1;
}

static void
close_if_open(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* The other ends of stdin and stdout. True: something was done. */
static bool
move_bytes(struct play *p)
{
	uint8_t buf[5000];
	bool moved = false;
	size_t left;
	ssize_t n;

	if (p->in[1] != -1) {
		left = p->c.lines.len - p->poured;
		n = write(p->in[1], p->c.lines.p + p->poured,
		    left < p->c.pour ? left : p->c.pour);
		if (n > 0)
			p->poured += (size_t)n;
		if (p->poured == p->c.lines.len)
			close_if_open(&p->in[1]);
		moved = n >= 0;
	}
	if (p->out[0] != -1) {
		n = read(p->out[0], buf, p->c.drain);
		if (n > 0)
			pile_add(&p->seen, buf, (size_t)n);
		if (p->c.output == OUTPUT_GONE && p->seen.len > 5)
			close_if_open(&p->out[0]);
		moved = moved || n > 0;
	}
	return moved;
}

/* The conversation. */

static struct play *
play_of(struct talk *t)
{
	return (void *)((char *)t - offsetof(struct play, talk));
}

static void
on_over(struct talk *t)
{
	struct play *p = play_of(t);

	p->overs_twice = p->overs_twice || p->is_over;
	p->is_over = true;
}

static void
on_dump(struct talk *t, const char *line)
{
	(void)t;
	check_line(line, DUMP_LINE_MAX);
}

static void
on_alive(uv_timer_t *timer)
{
	(void)timer;
}

/*
 * What the bytes that were read until now must have led to, as long as nothing
 * else has begun to end it.
 */
static void
note_state(struct play *p)
{
	struct talk *t = &p->talk;

	if (p->was_ending || p->is_over)
		return;
	p->was_ending = t->ending;
	if (t->ending)
		return;
	p->sure_messages = t->chan.counts.messages_in;
	CHECK(
	    t->heard == t->chan.counts.messages_in || t->heard == p->plan.count,
	    "what came is heard");
}

/* One turn of the loop, and of all who are around it. */
static void
turn(struct play *p)
{
	bool moved;
	int ms;

	uv_run(&p->uv, UV_RUN_NOWAIT);
	note_state(p);
	moved = move_bytes(p);
	ms = uv_backend_timeout(&p->uv);
	if (!moved && ms > 0 && p->chans.dirty == NULL) {
		CHECK(p->is_over || (unsigned)ms < FOREVER_MS / 2,
		    "it goes on: life %d %d %d, reading %d, writing %d",
		    (int)p->talk.life.input, (int)p->talk.life.ours,
		    p->talk.life.theirs_closed, (int)p->talk.chan.reading,
		    (int)p->talk.chan.writing);
		now_ns += (uint64_t)ms * 1000000;
	} else
		now_ns += p->c.turn_ms * 1000000;
}

static void
begin_run(struct play *p)
{
	if (uv_loop_init(&p->uv) != 0)
		abort();
	uv_timer_init(&p->uv, &p->alive);
	uv_timer_start(&p->alive, on_alive, FOREVER_MS, 0);
	chan_loop_init(&p->chans, &p->uv);
	open_input(p);
	if (feed_init(&p->feed, &p->feed_plan, &p->uv, &p->fail) == -1 ||
	    outlet_init(&p->outlet, &p->uv, open_output(p), SINK_LINES) == -1)
		abort();
	p->log.level = LOG_QUIET;
	p->home.log = &p->log;
	p->home.chans = &p->chans;
	p->home.on_over = on_over;
	p->home.on_dump = on_dump;
	talk_home_init(&p->home);
}

static void
begin_talk(struct play *p)
{
	static const struct stream_step end[] = {{.act = STREAM_ACT_END}};
	struct stream_double *d = &p->d;
	struct choice *c = &p->c;
	struct stream *s;

	d->in = c->text;
	/* At the last the peer closes, so all must come to an end. */
	if (c->reads_n == 0 || c->reads[c->reads_n - 1].act <= STREAM_ACT_AGAIN)
		c->reads[c->reads_n++] = end[0];
	d->reads = (struct stream_script){.v = c->reads, .n = c->reads_n};
	d->writes = (struct stream_script){.v = c->writes, .n = c->writes_n};
	d->shuts = (struct stream_script){.v = c->shuts, .n = c->shuts_n};
	s = stream_double_new(d, &p->uv);
	if (s == NULL)
		abort();
	p->is_over = p->was_ending = false;
	p->sure_messages = 0;
	talk_release(&p->talk);
	memset(&p->talk, 0, sizeof(p->talk));
	p->talk.home = &p->home;
	p->talk.plan = &p->plan;
	p->talk.feed = &p->feed;
	p->talk.outlet = &p->outlet;
	talk_begin(&p->talk, s, "peer");
}

static void
close_handle(uv_handle_t *h, void *unused)
{
	(void)unused;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

/* As a run ends, whatever the conversation does just then. */
static void
end_run(struct play *p)
{
	int turns;

	outlet_flush(&p->outlet);
	if (!p->is_over) {
		talk_cut(&p->talk, STATUS_DONE, &p->fail);
		talk_abandon(&p->talk);
	}
	feed_release(&p->feed);
	outlet_close(&p->outlet);
	chan_loop_release(&p->chans);
	uv_walk(&p->uv, close_handle, NULL);
	for (turns = 0; uv_run(&p->uv, UV_RUN_NOWAIT) != 0; turns++)
		CHECK(turns < 100, "the handles close");
	CHECK(uv_loop_close(&p->uv) == 0, "no handle is left");
	CHECK(p->d.gone, "the stream is closed");
}

/* What it should have come to. */

/* One message more on the wire, if it can be. */
static void
say(struct pile *wire, struct encoder *e, struct slice m,
    enum encode_result *fate)
{
	struct encode_frame f;

	if (*fate != ENCODE_BAD)
		*fate = encode_wrap(e, m, &f);
	if (*fate == ENCODE_BAD)
		return;
	pile_add(wire, f.head, f.head_len);
	pile_add(wire, m.p, m.len);
	pile_add(wire, f.tail.p, f.tail.len);
}

/* The messages in what was read, as stdout shows them; gives their number. */
static uint64_t
expect_heard(struct play *p, struct pile *wire, struct encoder *e,
    enum encode_result *fate)
{
	struct slice v[1], in = slice_of(p->d.in.p, p->d.in_at);
	struct batch b = {v, 0, 1};
	struct decoder d;
	enum decode_result r;
	uint64_t n = 0;
	size_t used;

	decoder_init(&d, &p->plan.in);
	do {
		b.n = 0;
		r = decode(&d, in, &b, &used);
		in = slice_of(in.p + used, in.len - used);
		if (r == DECODE_MORE && b.n == 0 && p->d.read_end == STREAM_END)
			r = decode_end(&d, in, &b);
		else if (r == DECODE_MORE && b.n == 1)
			r = DECODE_FULL;
		if (b.n == 0 || n == p->talk.heard)
			continue;
		n++;
		pile_add(&p->heard, v[0].p, v[0].len);
		pile_add(&p->heard, "\n", 1);
		say(wire, e, v[0], fate);
	} while (r == DECODE_FULL);
	return n;
}

static struct slice
text_of(const char *s)
{
	return slice_of(s, strlen(s));
}

/* The lines of stdin. */
static void
expect_lines(struct play *p, struct pile *wire, struct encoder *e,
    enum encode_result *fate)
{
	const uint8_t *at = p->c.lines.p, *end = at + p->c.lines.len, *lf;

	while (at < end) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL)
			lf = end;
		say(wire, e, slice_of(at, (size_t)(lf - at)), fate);
		at = lf + 1;
	}
}

/* All that is to be said on the wire, if nothing comes between. */
static void
expect_said(struct play *p, struct pile *wire, struct encoder *e,
    enum encode_result *fate)
{
	uint64_t round;
	size_t i;

	encoder_init(e, &p->plan.out);
	for (i = 0; i < p->plan.on_open_n; i++)
		say(wire, e, text_of(p->plan.on_open[i]), fate);
	if (p->plan.echo || p->c.input == INPUT_NULL)
		return;
	for (round = 0; round < p->feed_plan.repeat; round++)
		if (p->c.input == INPUT_SENDS)
			for (i = 0; i < p->feed_plan.sends_n; i++)
				say(wire, e, text_of(p->feed_plan.sends[i]),
				    fate);
		else
			expect_lines(p, wire, e, fate);
}

static bool
is_begin_of(const uint8_t *p, size_t len, const struct pile *whole)
{
	return len <= whole->len && (len == 0 || memcmp(p, whole->p, len) == 0);
}

static void
check_said(struct play *p, const struct pile *wire, bool refused)
{
	struct stream_double *d = &p->d;
	enum status s = p->talk.status;

	CHECK(is_begin_of(d->out, d->out_len, wire),
	    "%zu bytes left that were to be said, of %zu", d->out_len,
	    wire->len);
	if (s != STATUS_DONE || p->talk.life.enough || p->stopped)
		return;
	CHECK(!refused, "what cannot be sent is no success");
	CHECK(d->out_len == wire->len, "%zu bytes of %zu left, and status 0",
	    d->out_len, wire->len);
}

static void
read_output(struct play *p)
{
	uint8_t buf[4096];
	int fd = p->out[0];
	ssize_t n;

	if (p->c.output == OUTPUT_FILE) {
		fd = file;
		lseek(fd, 0, SEEK_SET);
		p->seen.len = 0;
	}
	while (fd != -1 && (n = read(fd, buf, sizeof(buf))) > 0)
		pile_add(&p->seen, buf, (size_t)n);
}

static void
check_heard(struct play *p, uint64_t n)
{
	struct talk *t = &p->talk;

	CHECK(n == t->heard, "%ju messages were heard of %ju", (uintmax_t)n,
	    (uintmax_t)t->heard);
	CHECK(t->heard >= p->sure_messages ||
		(p->plan.count > 0 && t->heard == p->plan.count),
	    "what came before the end is heard");
	CHECK(p->plan.count == 0 || t->heard <= p->plan.count,
	    "no more is heard than asked for");
	read_output(p);
	CHECK(is_begin_of(p->seen.p, p->seen.len, &p->heard),
	    "what is shown was heard");
	if (p->plan.no_output)
		CHECK(p->seen.len == 0, "nothing is shown unasked");
	else if (t->status != STATUS_IO && !p->stopped &&
	    p->c.output != OUTPUT_GONE)
		CHECK(p->seen.len == p->heard.len,
		    "what was heard is shown: %zu bytes of %zu, status %d",
		    p->seen.len, p->heard.len, (int)t->status);
}

static void
check_talk(struct play *p, unsigned which)
{
	enum encode_result fate = ENCODE_OK, echo_fate = ENCODE_OK;
	struct pile said = {NULL, 0, 0}, echo = {NULL, 0, 0};
	struct talk *t = &p->talk;
	struct encoder e;
	uint64_t n;

	CHECK(p->d.wrong[0] == '\0', "the stream's rule: %s", p->d.wrong);
	CHECK(!p->overs_twice, "it is over once");
	CHECK((unsigned)t->status < STATUS_COUNT, "status %d", (int)t->status);
	if (p->is_over && t->status != STATUS_DONE) {
		CHECK(
		    talk_fail(t)->status == t->status, "a fail has the status");
		check_fail(talk_fail(t));
	}
	expect_said(p, &said, &e, &fate);
	n = expect_heard(p, &echo, &e, &echo_fate);
	check_heard(p, n);
	if (p->plan.echo && fate != ENCODE_BAD) {
		pile_add(&said, echo.p, echo.len);
		fate = echo_fate;
	}
	/* A second one says what the first one left. */
	if (which == 0)
		check_said(p, &said, fate == ENCODE_BAD);
	free(said.p);
	free(echo.p);
}

static void
run(struct play *p)
{
	unsigned i, turns;

	begin_run(p);
	for (i = 0; i < p->c.talks && !p->stopped; i++) {
		stream_double_release(&p->d);
		if (i > 0)
			memset(&p->d, 0, sizeof(p->d));
		begin_talk(p);
		for (turns = 1; !p->is_over && !p->stopped; turns++) {
			turn(p);
			p->stopped = turns == p->c.stop_at && !p->is_over;
			CHECK(turns < TURNS_MAX, "it comes to an end");
		}
		if (!p->stopped)
			check_talk(p, i);
		if (p->talk.status == STATUS_IO)
			break;
	}
	end_run(p);
	if (p->stopped)
		check_talk(p, i - 1);
	talk_release(&p->talk);
}

static void
init(void)
{
	uv_loop_t uv;

	if (file != -1)
		return;
	signal(SIGPIPE, SIG_IGN);
	memset(large_text, 'x', sizeof(large_text) - 1);
	if (format_init(&same, "%m", &play.fail) == -1)
		abort();
	if (regcomp(&pattern, "a", REG_NOSUB) != 0)
		abort();
	null = open("/dev/null", O_RDONLY);
	file = fileno(tmpfile());
	in_file = fileno(tmpfile());
	uv_loop_init(&uv); /* what libuv keeps, it has after this */
	uv_loop_close(&uv);
}

/* The number that a descriptor would get now. */
static int
lowest_free(void)
{
	int fd = dup(null);

	close(fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play *p = &play;
	int before;

	init();
	before = lowest_free();
	memset(p, 0, sizeof(*p));
	choose(p, slice_of(data, size));
	run(p);
	stream_double_release(&p->d);
	free(p->seen.p);
	free(p->heard.p);
	free(p->reversed);
	close_if_open(&p->in[1]);
	close_if_open(&p->out[0]);
	close_if_open(&p->out[1]);
	dup2(null, STDIN_FILENO);
	CHECK(lowest_free() == before, "no descriptor is left open");
	return 0;
}
