/* Messages as JSON lines; see json.h. */

#include <stdbool.h>
#include <string.h>

#include <jansson.h>

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

/* The members that mean something. */
enum member {
	M_EVENT,
	M_DIR,
	M_CHAN,
	M_EXCEPT,
	M_TEXT,
	M_B64,
	M_CLOSE,
	M_SHUT,
	M_MODE,
	M_LIST,
	MEMBERS
};

static const char *const member_names[MEMBERS] = {"event", "dir", "chan",
    "except", "text", "b64", "close", "shut", "mode", "list"};

struct members {
	const json_t *v[MEMBERS]; /* NULL: it is missing */
};

/* They are few, and asking for each by its name takes longer. */
static void
find_members(json_t *object, struct members *m)
{
	const char *key;
	void *at;
	size_t i;

	memset(m, 0, sizeof(*m));
	for (at = json_object_iter(object); at != NULL;
	     at = json_object_iter_next(object, at)) {
		key = json_object_iter_key(at);
		for (i = 0; i < MEMBERS; i++)
			if (key[0] == member_names[i][0] &&
			    strcmp(key, member_names[i]) == 0)
				m->v[i] = json_object_iter_value(at);
	}
}

/* Is the member the string `want`? */
static bool
is_string(const json_t *member, const char *want)
{
	const char *got = json_string_value(member);

	return got != NULL && strcmp(got, want) == 0;
}

static bool
is_ignored(const struct members *m)
{
	if (m->v[M_EVENT] != NULL && !is_string(m->v[M_EVENT], "message"))
		return true;
	return is_string(m->v[M_DIR], "out");
}

/* The number in the name of a channel; 0: it is none. */
static uint64_t
chan_of(const json_t *name)
{
	if (!json_is_string(name))
		return 0;
	return target_chan(
	    slice_of(json_string_value(name), json_string_length(name)));
}

/* A name, or a list of names. */
static struct target
target_named(enum target_kind kind, const json_t *names, uint64_t *list)
{
	const struct target nobody = {.kind = TARGET_NOBODY};
	size_t n = json_array_size(names), i;
	uint64_t one = chan_of(names);

	if (!json_is_array(names))
		return one == 0 ? nobody : target_of(kind, &one, 1);
	for (i = 0; i < n; i++) {
		list[i] = chan_of(json_array_get(names, i));
		if (list[i] == 0)
			return nobody;
	}
	return target_of(kind, list, n);
}

/* What stands where the name of a channel is expected. */
static const char *
look_at(const json_t *v, char *buf, size_t cap)
{
	static const char *const words[] = {
	    [JSON_OBJECT] = "an object",
	    [JSON_ARRAY] = "a list",
	    [JSON_INTEGER] = "a number",
	    [JSON_REAL] = "a number",
	    [JSON_TRUE] = "true",
	    [JSON_FALSE] = "false",
	    [JSON_NULL] = "null",
	};

	if (!json_is_string(v))
		return words[v == NULL ? JSON_NULL : json_typeof(v)];
	return text_look(slice_of(json_string_value(v), json_string_length(v)),
	    32, buf, cap);
}

static int
bad_target(const char *name, const json_t *v, struct fail *f)
{
	const bool is_list = json_is_array(v);
	const json_t *bad = v;
	char look[160];
	size_t i = 0;

	if (is_list)
		while (chan_of(bad = json_array_get(v, i)) != 0)
			i++;
	fail_set(f, STATUS_MALFORMED,
	    "\"%s\": expected the name of a channel%s, saw %s", name,
	    is_list ? "" : " or a list", look_at(bad, look, sizeof(look)));
	return fail_hint(f,
	    "try: \"%s\":\"c7\", or \"%s\":[\"c1\",\"c7\"]; \"chan\":\"*\" "
	    "is all",
	    name, name);
}

/* For whom it is. */
static int
read_target(const struct members *m, struct json_beside *beside, struct fail *f)
{
	const json_t *chan = m->v[M_CHAN], *but = m->v[M_EXCEPT];
	bool all = chan == NULL || is_string(chan, "*");

	if (all && but == NULL)
		beside->to = target_all();
	else if (all)
		beside->to = target_named(TARGET_BUT, but, beside->list);
	else if (but == NULL)
		beside->to = target_named(TARGET_SOME, chan, beside->list);
	else
		beside->to = (struct target){.kind = TARGET_NOBODY};
	if (beside->to.kind != TARGET_NOBODY || !beside->strict)
		return 0;
	if (all || but == NULL)
		return bad_target(
		    member_names[all ? M_EXCEPT : M_CHAN], all ? but : chan, f);
	fail_set(f, STATUS_MALFORMED,
	    "has \"except\" and a \"chan\" that is not \"*\"");
	return fail_hint(f, "try: {\"chan\":\"*\",\"except\":\"c7\",...}");
}

/* What is true is asked for; "close" may also be "now". */
static int
read_flag(const struct members *m, enum member i, enum json_asked *what,
    struct fail *f)
{
	static const enum json_asked asked[MEMBERS] = {
	    [M_CLOSE] = JSON_CLOSE,
	    [M_SHUT] = JSON_SHUT,
	    [M_LIST] = JSON_LIST,
	};
	const char *name = member_names[i];

	*what = JSON_NOTHING;
	if (json_is_true(m->v[i]))
		*what = asked[i];
	else if (i == M_CLOSE && is_string(m->v[i], "now"))
		*what = JSON_CLOSE_NOW;
	else if (m->v[i] != NULL && !json_is_false(m->v[i])) {
		fail_set(f, STATUS_MALFORMED, "\"%s\" is not true%s false%s",
		    name, i == M_CLOSE ? "," : " or",
		    i == M_CLOSE ? " or \"now\"" : "");
		return fail_hint(f, "try: {\"%s\":true}", name);
	}
	return 0;
}

static int
read_mode(const json_t *mode, struct json_beside *beside, struct fail *f)
{
	size_t len = json_string_length(mode);

	if (!json_is_string(mode)) {
		fail_set(f, STATUS_MALFORMED, "\"mode\" is not a string");
		return fail_hint(f, "try: {\"mode\":\"end-tag=CRLF\"}");
	}
	if (len >= sizeof(beside->mode) ||
	    strlen(json_string_value(mode)) != len) {
		fail_set(f, STATUS_MALFORMED,
		    "\"mode\" is longer than any mode, or has a NUL in it");
		return fail_hint(f, "try: wdsock help modes");
	}
	memcpy(beside->mode, json_string_value(mode), len + 1);
	return 0;
}

/* What is asked for, which is one thing at the most. */
static int
read_asked(const struct members *m, struct json_beside *beside, struct fail *f)
{
	enum member i, first = MEMBERS;
	enum json_asked what;

	for (i = M_CLOSE; i <= M_LIST; i++) {
		if (m->v[i] == NULL)
			continue;
		what = JSON_MODE;
		if (i == M_MODE ? read_mode(m->v[i], beside, f) == -1
				: read_flag(m, i, &what, f) == -1)
			return -1;
		if (what == JSON_NOTHING)
			continue;
		if (first != MEMBERS)
			return fail_set(f, STATUS_MALFORMED,
			    "has \"%s\" and \"%s\", expected one of them",
			    member_names[first], member_names[i]);
		first = i;
		beside->what = what;
	}
	return 0;
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

/* A line without a message: is anything asked for, if only in vain? */
static enum json_result
take_command(
    const struct members *m, const struct json_beside *beside, struct fail *f)
{
	size_t i;

	for (i = M_CLOSE; i <= M_LIST; i++)
		if (m->v[i] != NULL)
			return beside->what == JSON_NOTHING ? JSON_LINE_IGNORED
							    : JSON_LINE_COMMAND;
	fail_set(f, STATUS_MALFORMED,
	    "expected a member \"text\" or \"b64\", saw neither");
	fail_hint(f, "try: {\"text\":\"...\"}");
	return JSON_LINE_BAD;
}

static enum json_result
take_object(json_t *object, uint8_t *out, size_t *out_len,
    struct json_beside *beside, struct fail *f)
{
	struct members m;

	if (!json_is_object(object)) {
		fail_set(f, STATUS_MALFORMED,
		    "expected a JSON object, saw another value");
		fail_hint(f, "try: {\"text\":\"...\"}, one object in a line");
		return JSON_LINE_BAD;
	}
	find_members(object, &m);
	if (is_ignored(&m))
		return JSON_LINE_IGNORED;
	if (read_target(&m, beside, f) == -1 || read_asked(&m, beside, f) == -1)
		return JSON_LINE_BAD;
	if (m.v[M_TEXT] != NULL && m.v[M_B64] != NULL) {
		fail_set(f, STATUS_MALFORMED,
		    "has \"text\" and \"b64\", expected one of them");
		return JSON_LINE_BAD;
	}
	if (m.v[M_TEXT] != NULL)
		return take_text(m.v[M_TEXT], out, out_len, f);
	if (m.v[M_B64] != NULL)
		return take_b64(m.v[M_B64], out, out_len, f);
	return take_command(&m, beside, f);
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
	beside->to = target_all();
	beside->what = JSON_NOTHING;
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
