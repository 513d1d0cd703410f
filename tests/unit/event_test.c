/*
 * Events: each is a line that jansson takes, with the members that were added
 * and in their order, whatever bytes their texts hold.
 */

#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "io/event.h"
#include "tap.h"

static struct event event;

static void
test_line(void)
{
	static const char want[] =
	    "{\"event\":\"close\",\"chan\":\"c1\",\"why\":\"a \\\"b\\\"\\n\\u001b\","
	    "\"status\":0,\"bytes_in\":18446744073709551615}\n";
	struct slice line;

	event_begin(&event, "close", false);
	event_text(&event, "chan", slice_of("c1", 2));
	event_text(&event, "why", slice_of("a \"b\"\n\x1b", 7));
	event_number(&event, "status", 0);
	event_number(&event, "bytes_in", UINT64_MAX);
	line = event_end(&event);
	is_bytes(line.p, line.len, want, sizeof(want) - 1,
	    "members stand in the order in which they came");
}

static void
test_terminal(void)
{
	static const char want[] =
	    "{\"event\":\"open\",\"peer\":\"\\u202e\"}\n";
	struct slice line;

	event_begin(&event, "open", true);
	event_text(&event, "peer", slice_of("\xe2\x80\xae", 3));
	line = event_end(&event);
	is_bytes(line.p, line.len, want, sizeof(want) - 1,
	    "on a terminal what could drive it is escaped");
}

static void
test_no_utf8(void)
{
	static const char want[] =
	    "{\"event\":\"open\",\"peer\":\"unix:\\\\xff\\\\n\"}\n";
	struct slice line;

	event_begin(&event, "open", false);
	event_text(&event, "peer", slice_of("unix:\xff\n", 7));
	line = event_end(&event);
	is_bytes(line.p, line.len, want, sizeof(want) - 1,
	    "what is not UTF-8 is escaped");
}

/* Is it a line of JSON? */
static bool
is_json(struct slice line)
{
	json_error_t err;
	json_t *o = json_loadb((const char *)line.p, line.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &err);
	bool good = o != NULL && line.p[line.len - 1] == '\n' &&
	    memchr(line.p, '\n', line.len - 1) == NULL;

	json_decref(o);
	return good;
}

static void
test_long(void)
{
	static uint8_t text[4 * EVENT_MAX];
	struct slice line;
	size_t i;

	for (i = 0; i + 3 <= sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	event_begin(&event, "error", false);
	event_text(&event, "error", slice_of(text, i));
	event_text(&event, "hint", slice_of(text, i));
	event_number(&event, "line", 7);
	line = event_end(&event);
	ok(line.len <= EVENT_MAX && is_json(line),
	    "what is too long is cut, between characters");
}

static void
test_chance(uint64_t *state)
{
	static uint8_t text[3000];
	unsigned i, bad = 0;
	size_t n, k;

	for (i = 0; i < rounds(5000) && bad == 0; i++) {
		event_begin(&event, "error", i % 2);
		n = dice_below(state, i % 8 ? 50 : sizeof(text));
		for (k = 0; k < n; k++)
			text[k] = (uint8_t)dice_below(state, i % 3 ? 128 : 256);
		event_text(&event, "a", slice_of(text, n));
		event_text(&event, "b", slice_of(text, n / 2));
		event_number(&event, "c", i);
		bad += !is_json(event_end(&event));
	}
	ok(bad == 0, "any bytes make a line of JSON");
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_line();
	test_terminal();
	test_no_utf8();
	test_long();
	test_chance(&state);
	return done_testing();
}
