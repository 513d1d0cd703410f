/*
 * What is said to many: a feed over a pipe, and what it gives, one call after
 * the other, however the bytes arrive. Its charset, its refusals and its
 * commands stand where they stood in the input.
 */

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "talk/feed.h"
#include "tap.h"

struct subject {
	struct feed feed;
	struct feed_plan plan;
	uv_loop_t loop;
	int pipe[2]; /* its end, and ours */
	size_t most; /* messages that are taken in one go */
	/*
	 * What came: "c1[a][b]" of one run, "!3 why" of what was refused, ">c1
	 * close", and at last "." or "bad: why".
	 */
	char text[16384];
	size_t len;
	size_t runs, messages;
	uint64_t last; /* where the last message of the last run stood */
	bool over;
	bool idle; /* at some time it had nothing in hand */
};

static void say(struct subject *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct subject *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->len += (size_t)vsnprintf(
	    s->text + s->len, sizeof(s->text) - s->len, fmt, ap);
	va_end(ap);
	if (s->len >= sizeof(s->text))
		errx(1, "more was said than there is room for");
}

static void
say_target(struct subject *s, const struct target *t)
{
	static const char *const words[] = {"*", "", "", "-", "?"};
	size_t i;

	say(s, "%s", words[t->kind]);
	for (i = 0; i < t->n; i++)
		say(s, "%sc%llu", i > 0 ? "," : "",
		    (unsigned long long)target_list(t)[i]);
}

/* A run, or as much of it as is taken now; c404 is nobody. */
static void
take_run(struct subject *s)
{
	struct feed *f = &s->feed;
	size_t i;

	s->runs++;
	s->messages += f->until - f->next;
	if (f->until - f->next > 100) {
		f->next = f->until;
		return;
	}
	feed_look(f, f->until - 1);
	s->last = f->note.record;
	say_target(s, &f->to);
	for (i = 0; f->next < f->until && i < s->most; i++) {
		if (f->to.kind == TARGET_ONE && f->to.one == 404) {
			feed_skip(f);
			say(s, "?%llu", (unsigned long long)f->note.record);
		} else {
			struct slice m = f->batch.v[f->next++];

			say(s, "[%.*s]", (int)m.len, m.p);
		}
	}
	say(s, " ");
}

static void
take_command(struct subject *s)
{
	static const char *const words[] = {
	    "nothing", "close", "now", "shut", "mode", "list"};

	say(s, ">");
	say_target(s, &s->feed.to);
	say(s, " %s ", words[s->feed.source.command.asks.what]);
}

static void
on_more(struct feed *f)
{
	struct subject *s = f->owner;

	while (!s->over)
		switch (feed_next(f)) {
		case FEED_READY:
			take_run(s);
			break;
		case FEED_LATER:
			s->idle = f->work == NULL;
			return;
		case FEED_REFUSED:
			say(s, "!%llu %s ", (unsigned long long)f->note.record,
			    f->fail->what);
			break;
		case FEED_COMMAND:
			take_command(s);
			break;
		case FEED_OVER:
			say(s, ".");
			s->over = true;
			break;
		case FEED_BAD:
			say(s, "bad: %s", f->fail->what);
			s->over = true;
			break;
		}
}

static const struct json_face *
open_json(struct fail *f)
{
	(void)f;
	return &json_face;
}

static void
begin(struct subject *s, enum source_kind kind, enum feed_whom whom,
    bool addressed, const char *charset)
{
	struct fail f;

	memset(s, 0, sizeof(*s));
	s->plan = (struct feed_plan){
	    .input = kind,
	    .max = 1000,
	    .json = open_json,
	    .charset.name = charset,
	    .repeat = 1,
	    .whom = whom,
	    .addressed = addressed,
	};
	s->most = SIZE_MAX;
	if (uv_loop_init(&s->loop) != 0 || pipe(s->pipe) == -1)
		err(1, "pipe");
	if (feed_init_pipe(
		&s->feed, &s->plan, &s->loop, s->pipe[0], "it", &f) == -1)
		errx(1, "%s", f.what);
	s->feed.owner = s;
	s->feed.on_more = on_more;
	s->feed.chan = 1;
}

static void
end(struct subject *s)
{
	feed_release(&s->feed);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&s->loop) != 0)
		errx(1, "a handle is left");
}

/* Gives it all of `in`, `step` bytes at a time, and the end. */
static void
give(struct subject *s, const char *in, size_t len, size_t step)
{
	size_t n;

	on_more(&s->feed);
	for (; len > 0 && !s->over; in += n, len -= n) {
		n = len < step ? len : step;
		if (write(s->pipe[1], in, n) != (ssize_t)n)
			err(1, "write");
		uv_run(&s->loop, UV_RUN_NOWAIT);
	}
	close(s->pipe[1]);
	while (!s->over)
		uv_run(&s->loop, UV_RUN_ONCE);
}

struct input {
	enum source_kind kind;
	enum feed_whom whom;
	bool addressed;
	const char *charset;
	const char *in;
};

static void
gives(struct input q, const char *want, const char *name)
{
	static struct subject s;

	begin(&s, q.kind, q.whom, q.addressed, q.charset);
	give(&s, q.in, strlen(q.in), SIZE_MAX);
	is_text(s.text, want, "%s", name);
	end(&s);
}

#define MANY SOURCE_LINES, FEED_MANY, true, NULL
#define JSON SOURCE_JSON, FEED_MANY, false, NULL
#define ONE SOURCE_JSON, FEED_ONE, false, NULL

static void
test_targets(void)
{
	gives((struct input){MANY,
		  "c1\ta\nc1\tb\n*\tc\nc1,c2\td\nc2,c1\te\n"
		  "-c1\tf\nc2\tg"},
	    "c1[a][b] *[c] c1,c2[d][e] -c1[f] c2[g] .",
	    "messages to the same channels are one run");
	gives((struct input){MANY, "c1\ta\nHello\nc1\tb\n"},
	    "c1[a] !2 it: line 2: expected a channel, a tab and a message, saw "
	    "\"Hello\" c1[b] .",
	    "a line without a channel is refused in its place");
	gives(
	    (struct input){MANY, "c1\ta\nc404\tb\n\nc404\tc\nc404\td\n*\te\n"},
	    "c1[a] c404?2 !3 it: line 3: expected a channel, a tab and a "
	    "message, saw \"\" c404?4?5 *[e] .",
	    "the owner knows the line of what is for nobody");
	gives(
	    (struct input){SOURCE_LINES, FEED_MANY, false, NULL, "c1\ta\nb\n"},
	    "*[c1\ta][b] .", "lines that are not addressed are for all");
	gives((struct input){MANY, "*\tHe\\nl\\\\lo\n*\tx\n"},
	    "*[He\nl\\lo][x] .", "an escape cuts no run");
}

static void
test_json(void)
{
	gives((struct input){JSON,
		  "{\"text\":\"a\"}\n{\"chan\":[\"c2\",\"c1\"],"
		  "\"text\":\"b\"}\n{\"except\":\"c1\","
		  "\"text\":\"c\"}\n{\"list\":true}\n"},
	    "*[a] c1,c2[b] -c1[c] >* list .", "JSON has the same targets");
	gives((struct input){JSON,
		  "{\"chan\":\"c1\",\"text\":\"a\",\"close\":"
		  "true}\n{\"chan\":\"c1\",\"text\":\"b\"}"},
	    "c1[a] >c1 close c1[b] .", "a close is behind its message");
	gives((struct input){JSON,
		  "{\"chan\":7,\"text\":\"a\"}\n"
		  "{\"chan\":\"c1\",\"shut\":true}\n"},
	    "!1 it: line 1: \"chan\": expected the name of a channel or a "
	    "list, saw a number >c1 shut .",
	    "what is no channel is refused");
	gives((struct input){ONE,
		  "{\"chan\":[\"c2\",\"c1\"],\"text\":\"a\"}\n"
		  "{\"except\":\"c2\",\"text\":\"b\"}\n"
		  "{\"except\":\"c1\",\"text\":\"c\"}\n"
		  "{\"chan\":\"x\",\"text\":\"d\"}\n"
		  "{\"chan\":\"c2\",\"close\":true}\n"
		  "{\"chan\":\"c1\",\"close\":true}"},
	    "*[a][b] !3 it: line 3: expected the channel c1, saw others "
	    "!4 it: line 4: expected the channel c1, saw none of that name "
	    "!5 it: line 5: expected the channel c1, saw c2 >c1 close .",
	    "the only channel gets what is for it");
}

static void
test_charset(void)
{
	gives((struct input){SOURCE_LINES, FEED_MANY, true, "CP1252",
		  "c1\ta\nc2\t\xe4\xb8\x80\nc2\tb\nc3\tc\nc3\t\xe4\xb8\x81\n"
		  "Hello\nc3\td"},
	    "c1[a] !2 it: message 2: byte 0: expected a character that CP1252 "
	    "has, saw U+4E00 (\"\xe4\xb8\x80\") c2[b] c3[c] !5 it: message 4: "
	    "byte 0: expected a character that CP1252 has, saw U+4E01 "
	    "(\"\xe4\xb8\x81\") !6 it: line 6: expected a channel, a tab and a "
	    "message, saw \"Hello\" c3[d] .",
	    "what the charset has not is refused alone, and the rest goes on");
	gives((struct input){SOURCE_LINES, FEED_MANY, true, "CP1252",
		  "c1\ta\xc3\xa9\nc1\tb\nc2\t\xc3\xa9\n"},
	    "c1[a\xe9][b] c2[\xe9] .", "what it has keeps its target");
}

#define LONG "it: line 3: expected at most 1000 bytes, saw more"

static void
test_end(void)
{
	static char in[4096];
	char want[256];

	memset(in, 'x', sizeof(in) - 1);
	memcpy(in, "a\nb\n", 4);
	memcpy(in + sizeof(in) - 6, "\nc\nd", 5);
	snprintf(want, sizeof(want), "*[a][b] bad: %s", LONG);
	gives((struct input){SOURCE_LINES, FEED_PEER, false, NULL, in}, want,
	    "a line that is too long is the end, behind what came before");
	snprintf(want, sizeof(want), "*[a][b] !3 %s *[c] *[d] .", LONG);
	gives((struct input){SOURCE_LINES, FEED_MANY, false, NULL, in}, want,
	    "among many it is refused alone");
	in[sizeof(in) - 6] = in[sizeof(in) - 4] = 'x';
	snprintf(want, sizeof(want), "*[a][b] !3 %s .", LONG);
	gives((struct input){SOURCE_LINES, FEED_MANY, false, NULL, in}, want,
	    "so is one that ends with the input");
	gives((struct input){MANY, ""}, ".", "nothing is nothing");
}

/* A batch in portions: what stands behind is not given twice. */
static void
test_portions(void)
{
	static const char in[] = "c1\ta\nc1\tb\nc1\tc\n*\td\n*\te\nx\nc2\tf\n";
	static struct subject s, other;

	begin(&s, SOURCE_LINES, FEED_MANY, true, NULL);
	s.most = 2;
	give(&s, in, sizeof(in) - 1, SIZE_MAX);
	is_num(s.last, 7, "where a message of a run stood is known");
	is_text(s.text,
	    "c1[a][b] c1[c] *[d][e] !6 it: line 6: expected a channel, a tab "
	    "and a message, saw \"x\" c2[f] .",
	    "a run that is taken in parts goes on where it was");
	end(&s);
	begin(&s, SOURCE_LINES, FEED_MANY, true, NULL);
	begin(&other, SOURCE_LINES, FEED_MANY, true, NULL);
	s.most = other.most = 1;
	give(&s, in, sizeof(in) - 1, 1);
	give(&other, in, sizeof(in) - 1, SIZE_MAX);
	is_text(s.text, other.text, "byte by byte it is the same");
	end(&s);
	end(&other);
}

/* 3000 plain lines are three runs, with nothing looked at. */
static void
test_plain(void)
{
	static struct subject s;
	static char in[3000 * 2];
	size_t i;

	for (i = 0; i < sizeof(in); i += 2)
		memcpy(in + i, "x\n", 2);
	begin(&s, SOURCE_LINES, FEED_MANY, false, NULL);
	give(&s, in, sizeof(in), SIZE_MAX);
	is_num(s.messages, 3000, "each line is a message");
	is_num(s.runs, 3, "a run is as long as a batch");
	end(&s);
}

static void
test_size(void)
{
	static struct subject s;

	ok(sizeof(struct feed) < 2048, "a feed is small");
	begin(&s, SOURCE_LINES, FEED_MANY, true, NULL);
	on_more(&s.feed);
	ok(s.idle && s.feed.source.arena == NULL,
	    "and has nothing in hand before something has come");
	if (write(s.pipe[1], "c1\ta\\n\nc1,c2\tb\nc1", 18) != 18)
		err(1, "write");
	s.idle = false;
	while (!s.idle)
		uv_run(&s.loop, UV_RUN_ONCE);
	is_text(s.text, "c1[a\n] c1,c2[b] ", "what has come is said");
	ok(s.feed.work == NULL && s.feed.source.arena == NULL &&
		s.feed.source.lists == NULL,
	    "and then it has nothing in hand again");
	close(s.pipe[1]);
	end(&s);
}

int
main(void)
{
	test_targets();
	test_json();
	test_charset();
	test_end();
	test_portions();
	test_plain();
	test_size();
	return done_testing();
}
