/*
 * Messages as JSON lines. The input is
 *
 *	batch and cuts, room, a byte for each cut, bytes
 *
 * The bytes are taken three times: as a line, which is a message or is refused
 * in words; as a message, which sink and json_line pass on unchanged, and that
 * jansson takes for one, with channel and time or without; as the text of an
 * event; and as a stream of lines, which are the same however they arrive.
 */
#include <jansson.h>

#include "check.h"
#include "io/event.h"
#include "io/json.h"
#include "pour.h"
#include "strain.h"

#define CUTS_MAX 7

static struct pour whole, split;
static struct strain strain;

/* What the sink writes of the message, read back. */
static void
check_message(struct slice m, size_t room)
{
	struct batch b = {&m, 1, 1};
	struct slice line;
	struct json_beside beside = {0};
	struct fail f;
	uint8_t *copy, *out;
	size_t len;

	strain_run(&strain, SINK_JSON, false, room, &b);
	CHECK(strain.len > 0 && strain.bytes[strain.len - 1] == '\n' &&
		memchr(strain.bytes, '\n', strain.len) ==
		    strain.bytes + strain.len - 1,
	    "a message is one line");
	line = slice_of(strain.bytes, strain.len - 1);
	copy = check_copy(line);
	out = check_alloc(line.len);
	CHECK(json_line(slice_of(copy, line.len), out, &len, &beside, &f) ==
		JSON_LINE_MESSAGE,
	    "what the sink wrote is a message: %.*s", (int)line.len, copy);
	CHECK(check_same(slice_of(out, len), m),
	    "what the sink wrote is read back unchanged: %.*s", (int)line.len,
	    copy);
	free(out);
	free(copy);
}

/* Is it a line of JSON for jansson too, with this many members? */
static void
check_valid(struct slice line, size_t members)
{
	json_error_t err;
	json_t *o;

	CHECK(line.len > 0 &&
		memchr(line.p, '\n', line.len) == line.p + line.len - 1,
	    "it is one line");
	o = json_loadb((const char *)line.p, line.len,
	    JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &err);
	CHECK(
	    o != NULL, "it is JSON: %s: %.*s", err.text, (int)line.len, line.p);
	CHECK(json_object_size(o) == members, "it has %zu members", members);
	json_decref(o);
}

static void
check_output(struct slice m, bool terminal, size_t room)
{
	struct batch b = {&m, 1, 1};
	static struct event event;
	struct about_of of;
	struct sink sink;

	strain_run(&strain, SINK_JSON, terminal, room, &b);
	check_valid(slice_of(strain.bytes, strain.len), 4);
	sink_init(&sink, SINK_JSON, terminal);
	about_begin(&of, 7, "p");
	of.time_us = m.len * 1000003;
	sink.about.of = &of;
	strain_through(&strain, &sink, room, &b);
	check_valid(slice_of(strain.bytes, strain.len), 6);
	event_begin(&event, "error", terminal);
	event_text(&event, "error", m);
	event_text(&event, "hint", slice_of(m.p, m.len / 2));
	event_number(&event, "line", m.len);
	check_valid(event_end(&event), 4);
}

static void
check_json_line(struct slice line, bool strict, size_t room)
{
	uint8_t *copy = check_copy(line), *out = check_alloc(line.len);
	struct json_beside beside = {.strict = strict};
	struct fail f;
	size_t len;

	beside.list = check_alloc(TARGET_ROOM(line.len) * sizeof(uint64_t));
	memset(&f, 0x5a, sizeof(f));
	switch (json_line(slice_of(copy, line.len), out, &len, &beside, &f)) {
	case JSON_LINE_MESSAGE:
		CHECK(len <= line.len, "a message is shorter than its line");
		CHECK(!strict || beside.to.kind != TARGET_NOBODY,
		    "a message is for somebody");
		check_message(slice_of(out, len), room);
		break;
	case JSON_LINE_COMMAND:
		CHECK(beside.what != JSON_NOTHING &&
			(beside.what == JSON_MODE || beside.mode[0] == '\0'),
		    "a command is one");
		break;
	case JSON_LINE_IGNORED:
		break;
	case JSON_LINE_BAD:
		check_fail(&f);
		break;
	}
	free(beside.list);
	free(out);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {data, size};
	struct pour_how how = {.kind = SOURCE_JSON, .max = 16u << 20};
	size_t cuts[CUTS_MAX], room;
	uint8_t b = check_byte(&in), r = check_byte(&in);

	how.cuts_n = b & CUTS_MAX;
	how.batch = 1 + (b >> 3) % POUR_BATCH_MAX;
	room = SINK_STEP + r % 64u;
	how.addressed = r & 64;
	how.cuts = cuts;
	check_cuts(&in, in.len > how.cuts_n ? in.len - how.cuts_n : 0, 1, cuts,
	    how.cuts_n);
	check_json_line(in, how.addressed, room);
	check_message(in, room);
	check_output(in, b & 128, room);
	pour_run(&split, in, &how);
	how.cuts_n = 0;
	how.batch = POUR_BATCH_MAX;
	pour_run(&whole, in, &how);
	CHECK(pour_same(&whole, &split),
	    "JSON lines are the same however they arrive: %zu and %zu", whole.n,
	    split.n);
	return 0;
}
