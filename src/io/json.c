/* Messages as JSON lines; see json.h. */

#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "base/num.h"
#include "base/text.h"
#include "io/json.h"

static bool
is_blank(struct slice line)
{
	size_t i;

	for (i = 0; i < line.len; i++)
		if (memchr(" \t\r", line.p[i], 3) == NULL)
			return false;
	return true;
}

/* Is the member the string `want`? */
static bool
is_string(const json_t *member, const char *want)
{
	const char *got = json_string_value(member);

	return got != NULL && strcmp(got, want) == 0;
}

static bool
is_ignored(const json_t *object)
{
	const json_t *event = json_object_get(object, "event");

	if (event != NULL && !is_string(event, "message"))
		return true;
	return is_string(json_object_get(object, "dir"), "out");
}

/* The number in the name of a channel. */
static uint64_t
chan_of(const json_t *chan)
{
	const char *name = json_string_value(chan);
	uint64_t n;

	if (chan == NULL || is_string(chan, "*"))
		return JSON_ANYONE;
	if (name == NULL || name[0] != 'c' || name[1] == '0' ||
	    json_string_length(chan) != strlen(name) ||
	    num_parse(name + 1, 1, INT64_MAX, &n) != NUM_OK)
		return JSON_NOBODY;
	return n;
}

/* What is asked for in place of a message. */
static enum json_result
take_command(const json_t *object, struct json_beside *beside, struct fail *f)
{
	const json_t *close = json_object_get(object, "close");
	const json_t *mode = json_object_get(object, "mode");
	size_t len = json_string_length(mode);

	if (close != NULL && mode != NULL) {
		fail_set(f, STATUS_MALFORMED,
		    "has \"close\" and \"mode\", expected one of them");
		return JSON_LINE_BAD;
	}
	if (mode != NULL && !json_is_string(mode)) {
		fail_set(f, STATUS_MALFORMED, "\"mode\" is not a string");
		fail_hint(f, "try: {\"mode\":\"end-tag=CRLF\"}");
		return JSON_LINE_BAD;
	}
	if (close != NULL && !json_is_boolean(close)) {
		fail_set(f, STATUS_MALFORMED, "\"close\" is not true or false");
		fail_hint(f, "try: {\"close\":true}");
		return JSON_LINE_BAD;
	}
	if (json_is_false(close))
		return JSON_LINE_IGNORED;
	if (len >= sizeof(beside->mode) ||
	    (mode != NULL && strlen(json_string_value(mode)) != len)) {
		fail_set(f, STATUS_MALFORMED,
		    "\"mode\" is longer than any mode, or has a NUL in it");
		fail_hint(f, "try: wdsock help modes");
		return JSON_LINE_BAD;
	}
	beside->close = close != NULL;
	if (mode != NULL)
		memcpy(beside->mode, json_string_value(mode), len + 1);
	return JSON_LINE_COMMAND;
}

static enum json_result
take_text(const json_t *text, uint8_t *out, size_t *out_len, struct fail *f)
{
	if (!json_is_string(text)) {
		fail_set(f, STATUS_MALFORMED, "\"text\" is not a string");
		fail_hint(f, "try: {\"text\":\"...\"}");
		return JSON_LINE_BAD;
	}
	*out_len = json_string_length(text);
	memcpy(out, json_string_value(text), *out_len);
	return JSON_LINE_MESSAGE;
}

static enum json_result
take_b64(const json_t *b64, uint8_t *out, size_t *out_len, struct fail *f)
{
	struct slice s;
	size_t at;

	if (!json_is_string(b64)) {
		fail_set(f, STATUS_MALFORMED, "\"b64\" is not a string");
		fail_hint(f, "try: {\"b64\":\"...\"}");
		return JSON_LINE_BAD;
	}
	s = slice_of(json_string_value(b64), json_string_length(b64));
	switch (text_unbase64(s, out, out_len, &at)) {
	case TEXT_OK:
		return JSON_LINE_MESSAGE;
	case TEXT_CUT:
		fail_set(f, STATUS_MALFORMED,
		    "\"b64\" has %zu characters, expected groups of four",
		    s.len);
		break;
	case TEXT_BAD:
		fail_set(f, STATUS_MALFORMED,
		    "\"b64\" has a character at %zu that base64 has not", at);
		break;
	}
	fail_hint(f, "try: the alphabet A-Z a-z 0-9 + / and = at the end");
	return JSON_LINE_BAD;
}

static enum json_result
take_object(const json_t *object, uint8_t *out, size_t *out_len,
    struct json_beside *beside, struct fail *f)
{
	const json_t *text = json_object_get(object, "text");
	const json_t *b64 = json_object_get(object, "b64");

	if (!json_is_object(object)) {
		fail_set(f, STATUS_MALFORMED,
		    "expected a JSON object, saw another value");
		fail_hint(f, "try: {\"text\":\"...\"}, one object in a line");
		return JSON_LINE_BAD;
	}
	if (is_ignored(object))
		return JSON_LINE_IGNORED;
	beside->chan = chan_of(json_object_get(object, "chan"));
	if (text != NULL && b64 != NULL) {
		fail_set(f, STATUS_MALFORMED,
		    "has \"text\" and \"b64\", expected one of them");
		return JSON_LINE_BAD;
	}
	if (text != NULL)
		return take_text(text, out, out_len, f);
	if (b64 != NULL)
		return take_b64(b64, out, out_len, f);
	if (json_object_get(object, "close") != NULL ||
	    json_object_get(object, "mode") != NULL)
		return take_command(object, beside, f);
	fail_set(f, STATUS_MALFORMED,
	    "expected a member \"text\" or \"b64\", saw neither");
	fail_hint(f, "try: {\"text\":\"...\"}");
	return JSON_LINE_BAD;
}

/* jansson quotes the line in its errors, so these are escaped as well. */
static const char *
escape_error(const char *text, char *buf, size_t cap)
{
	struct span out = {(uint8_t *)buf, 0, cap - 1};
	size_t pos = 0;

	text_escape(TEXT_ESCAPED, slice_of(text, strlen(text)), &pos, &out);
	buf[out.len] = '\0';
	return buf;
}

/*
 * What the parser refused. A line that begins as an object is one that has an
 * error somewhere; any other is none at all.
 */
static enum json_result
refuse(struct slice line, const json_error_t *err, struct fail *f)
{
	char look[160], why[256];
	size_t i = 0;

	while (i < line.len && memchr(" \t\r", line.p[i], 3) != NULL)
		i++;
	fail_set(f, STATUS_MALFORMED, "expected %s, saw %s (%s at byte %d)",
	    line.p[i] == '{' ? "valid JSON" : "a JSON object",
	    text_look(line, 32, look, sizeof(look)),
	    escape_error(err->text, why, sizeof(why)), err->position);
	fail_hint(f,
	    "try: {\"text\":\"...\"}; for plain lines, no -j "
	    "and no --input json");
	return JSON_LINE_BAD;
}

/*
 * Has the line more values than a message needs? Each takes the parser some
 * forty times the byte that it may have in the line, so they are counted
 * before it is asked: whatever opens or divides, outside of strings.
 */
static bool
has_many_values(struct slice line)
{
	size_t i, values = 0;
	bool in_string = false;

	if (line.len <= JSON_VALUES_MAX)
		return false;
	for (i = 0; i < line.len && values <= JSON_VALUES_MAX; i++) {
		uint8_t c = line.p[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string)
			values += c == ',' || c == '[' || c == '{';
	}
	return values > JSON_VALUES_MAX;
}

enum json_result
json_line(struct slice line, uint8_t *out, size_t *out_len,
    struct json_beside *beside, struct fail *f)
{
	enum json_result r;
	json_error_t err;
	json_t *object;

	*out_len = 0;
	beside->chan = JSON_ANYONE;
	beside->close = false;
	beside->mode[0] = '\0';
	if (is_blank(line))
		return JSON_LINE_IGNORED;
	if (has_many_values(line)) {
		fail_set(f, STATUS_MALFORMED,
		    "expected at most %d values in an object, saw more",
		    JSON_VALUES_MAX);
		fail_hint(f, "try: {\"text\":\"...\"} and little beside it");
		return JSON_LINE_BAD;
	}
	/* Numbers are ignored, so a large one must not be an error. */
	object = json_loadb((const char *)line.p, line.len,
	    JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL |
		JSON_REJECT_DUPLICATES,
	    &err);
	if (object == NULL)
		return refuse(line, &err, f);
	r = take_object(object, out, out_len, beside, f);
	json_decref(object);
	return r;
}

const struct json_face json_face = {
    .line = json_line,
};

const struct module json_module = {
    .version = MODULE_VERSION,
    .name = "json",
    .with = "jansson " JANSSON_VERSION,
    .face = &json_face,
};
