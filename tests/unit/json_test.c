/*
 * A line of JSON and the message that it asks for. The line ends at a
 * forbidden page and so does the room for the message, which is as long as
 * the line and no longer.
 */

#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "io/json.h"
#include "tap.h"

struct tried {
	enum json_result result;
	const uint8_t *p;
	size_t len;
	struct json_beside beside;
	struct fail fail;
};

static struct guard line_page, out_page;
static uint64_t list[TARGET_ROOM(4 * JSON_VALUES_MAX)];
static bool strict;

static struct tried
try(const char *line, size_t len)
{
	struct tried t = {.len = 12345};
	uint8_t *to = guard_room(&out_page, len);
	const uint8_t *p = guard_end(&line_page, line, len);

	t.beside.list = list;
	t.beside.strict = strict;
	t.result = json_line(slice_of(p, len), to, &t.len, &t.beside, &t.fail);
	t.p = to;
	return t;
}

#define MESSAGE(line, want, name)                                              \
	is_message(line, sizeof(line) - 1, want, sizeof(want) - 1, name)
#define IGNORED(line, name) is_ignored(line, sizeof(line) - 1, name)
#define REFUSED(line, what, hint, name)                                        \
	is_refused(line, sizeof(line) - 1, what, hint, name)

static void
is_message(const char *line, size_t len, const char *want, size_t want_len,
    const char *name)
{
	struct tried t = try(line, len);

	is_num(t.result, JSON_LINE_MESSAGE, "%s: it is a message", name);
	is_bytes(t.p, t.len, want, want_len, "%s", name);
}

static void
is_ignored(const char *line, size_t len, const char *name)
{
	struct tried t = try(line, len);

	is_num(t.result, JSON_LINE_IGNORED, "%s", name);
}

static void
is_refused(const char *line, size_t len, const char *what, const char *hint,
    const char *name)
{
	struct tried t = try(line, len);

	is_num(t.result, JSON_LINE_BAD, "%s: it is refused", name);
	is_num(t.fail.status, STATUS_MALFORMED, "%s: with status 8", name);
	is_text(t.fail.what, what, "%s: and says why", name);
	is_text(t.fail.hint, hint, "%s: and what to try", name);
}

static void
test_messages(void)
{
	MESSAGE("{\"text\":\"Hello World\"}", "Hello World",
	    "text stands for itself");
	MESSAGE("{\"text\":\"\"}", "", "an empty text is an empty message");
	MESSAGE("{\"text\":\"a\\nb\\tc\\\\d\\\"e\\/\\u0041\"}",
	    "a\nb\tc\\d\"e/A", "escapes of JSON are undone");
	MESSAGE("{\"text\":\"\\u0000a\\u0000\"}", "\0a\0",
	    "a NUL in a text is data");
	MESSAGE("{\"text\":\"\\ud83d\\ude00 \xc3\xa9\"}",
	    "\xf0\x9f\x98\x80 \xc3\xa9",
	    "a pair of surrogates is one character");
	MESSAGE("{\"b64\":\"/wAB\"}", "\xff\0\1", "base64 gives any bytes");
	MESSAGE("{\"b64\":\"AA==\"}", "\0", "base64 may be padded");
	MESSAGE("{\"b64\":\"\"}", "", "empty base64 is an empty message");
	MESSAGE(
	    " {\"text\":\"a\"} \r", "a", "blanks around the object are none");
	MESSAGE("{\"event\":\"message\",\"chan\":\"c1\",\"dir\":\"in\",\"n\":1,"
		"\"text\":\"a\",\"t\":\"x\"}",
	    "a", "what we write is taken back");
	MESSAGE("{\"text\":\"a\",\"later\":{\"text\":[1,2]}}", "a",
	    "unknown members are ignored");
	MESSAGE("{\"dir\":8,\"text\":\"a\"}", "a",
	    "a dir that is no string is not out");
	MESSAGE("{\"text\":\"a\",\"n\":99999999999999999999999}", "a",
	    "a number of any size may stand beside a message");
}

static void
test_ignored(void)
{
	IGNORED("", "an empty line is ignored");
	IGNORED(" \t\r", "a blank line is ignored");
	IGNORED("{\"event\":\"open\",\"text\":\"a\"}",
	    "an event that is not message is ignored");
	IGNORED("{\"event\":\"close\",\"why\":\"closed by peer\"}",
	    "an event without a text is ignored");
	IGNORED("{\"event\":7,\"text\":\"a\"}",
	    "an event that is no string is not message");
	IGNORED("{\"event\":null,\"text\":\"a\"}", "nor is one that is null");
	IGNORED("{\"dir\":\"out\",\"text\":\"a\"}", "what went out is ignored");
	IGNORED("{\"event\":\"message\",\"dir\":\"out\",\"b64\":\"!\"}",
	    "what is ignored need not be right");
	IGNORED("{\"close\":false}", "a close that is false asks for nothing");
	IGNORED("{\"dir\":\"out\",\"close\":true}",
	    "nor is a command taken from what went out");
	IGNORED("{\"event\":\"close\",\"close\":true}", "or from an event");
}

/* A target in words: "*", "c7", "-c1,c2", "none", or "?" for no channel. */
static const char *
target_text(const struct target *t)
{
	static const char *const words[] = {"*", "", "", "-", "?"};
	static char text[256];
	size_t i, n = (size_t)sprintf(text, "%s", words[t->kind]);

	if (t->kind == TARGET_SOME && t->n == 0)
		return "none";
	for (i = 0; i < t->n; i++)
		n += (size_t)sprintf(text + n, "%sc%llu", i > 0 ? "," : "",
		    (unsigned long long)target_list(t)[i]);
	return text;
}

static void
is_command(const char *line, const char *to, enum json_asked what,
    const char *mode, const char *name)
{
	struct tried t = try(line, strlen(line));

	is_num(t.result, JSON_LINE_COMMAND, "%s: it is a command", name);
	is_text(target_text(&t.beside.to), to, "%s: for that channel", name);
	is_num(t.beside.what, what, "%s: that one", name);
	is_text(t.beside.mode, mode, "%s: and to change to that mode", name);
	is_num(t.len, 0, "%s: and no message", name);
}

static void
test_commands(void)
{
	is_command("{\"chan\":\"c1\",\"close\":true}", "c1", JSON_CLOSE, "",
	    "a close");
	is_command("{\"chan\":\"*\",\"close\":true}", "*", JSON_CLOSE, "",
	    "a close of whoever is there");
	is_command("{\"chan\":\"c1\",\"close\":\"now\"}", "c1", JSON_CLOSE_NOW,
	    "", "a close at once");
	is_command("{\"chan\":[\"c1\",\"c2\"],\"shut\":true}", "c1,c2",
	    JSON_SHUT, "", "the end of our half, of some");
	is_command(
	    "{\"list\":true}", "*", JSON_LIST, "", "who is there is asked");
	is_command("{\"chan\":\"c2\",\"mode\":\"end-tag=CRLF\"}", "c2",
	    JSON_MODE, "end-tag=CRLF", "a mode");
	is_command("{\"mode\":\"\"}", "*", JSON_MODE, "",
	    "a mode that is none, for others to refuse");
	is_command("{\"close\":false,\"list\":true}", "*", JSON_LIST, "",
	    "what is false is not asked for");
}

static void
is_said_with(const char *line, enum json_asked what, const char *name)
{
	struct tried t = try(line, strlen(line));

	is_num(t.result, JSON_LINE_MESSAGE, "%s: a message", name);
	is_bytes(t.p, t.len, "a", 1, "%s: that one", name);
	is_num(
	    t.beside.what, what, "%s: and what is asked for behind it", name);
}

static void
test_both(void)
{
	is_said_with("{\"text\":\"a\"}", JSON_NOTHING, "a text alone");
	is_said_with("{\"chan\":\"c1\",\"text\":\"a\",\"close\":true}",
	    JSON_CLOSE, "a text and a close");
	is_said_with("{\"close\":\"now\",\"b64\":\"YQ==\"}", JSON_CLOSE_NOW,
	    "a close at once stands behind its message, too");
	is_said_with("{\"mode\":\"lines\",\"text\":\"a\"}", JSON_MODE,
	    "and so does a mode");
	is_said_with("{\"text\":\"a\",\"shut\":false}", JSON_NOTHING,
	    "what is false is none");
}

static void
is_for(const char *line, const char *to, const char *name)
{
	struct tried t = try(line, strlen(line));

	is_num(t.result, JSON_LINE_MESSAGE, "%s: a message", name);
	is_text(target_text(&t.beside.to), to, "%s", name);
}

static void
test_channels(void)
{
	is_for("{\"text\":\"a\"}", "*", "no channel is all");
	is_for("{\"chan\":\"*\",\"text\":\"a\"}", "*", "so is a star");
	is_for("{\"chan\":\"c1\",\"text\":\"a\"}", "c1", "c1 is the first");
	is_for("{\"chan\":\"c9223372036854775807\",\"b64\":\"\"}",
	    "c9223372036854775807", "channels have large numbers");
	is_for("{\"chan\":\"c9223372036854775808\",\"b64\":\"\"}", "?",
	    "but not as large as that");
	is_for("{\"chan\":\"c01\",\"text\":\"a\"}", "?",
	    "a channel has one name alone");
	is_for("{\"chan\":\"c\",\"text\":\"a\"}", "?", "a number is due");
	is_for("{\"chan\":\"c0\",\"text\":\"a\"}", "?", "but not 0");
	is_for("{\"chan\":\"d1\",\"text\":\"a\"}", "?",
	    "another letter is no channel");
	is_for("{\"chan\":\"c1\\u0000\",\"text\":\"a\"}", "?",
	    "nor is what goes on behind a NUL");
	is_for("{\"chan\":\"\",\"text\":\"a\"}", "?", "nor is an empty name");
	is_for("{\"chan\":1,\"text\":\"a\"}", "?", "nor is a number");
	is_for("{\"chan\":null,\"text\":\"a\"}", "?", "nor is null");
}

static void
test_lists(void)
{
	is_for("{\"chan\":[\"c3\",\"c1\",\"c3\"],\"text\":\"a\"}", "c1,c3",
	    "a list is some, in order and each once");
	is_for("{\"chan\":[\"c7\"],\"text\":\"a\"}", "c7", "a list of one");
	is_for("{\"chan\":[],\"text\":\"a\"}", "none", "a list of none");
	is_for("{\"chan\":[\"c1\",\"*\"],\"text\":\"a\"}", "?",
	    "a star is no channel of a list");
	is_for("{\"chan\":[\"c1\",2],\"text\":\"a\"}", "?", "nor is a number");
	is_for("{\"chan\":{},\"text\":\"a\"}", "?", "an object is no list");
	is_for("{\"chan\":\"*\",\"except\":\"c7\",\"text\":\"a\"}", "-c7",
	    "all but one");
	is_for("{\"except\":[\"c9\",\"c2\"],\"text\":\"a\"}", "-c2,c9",
	    "all but some, without a star");
	is_for("{\"except\":[],\"text\":\"a\"}", "*", "all but none");
	is_for("{\"except\":\"*\",\"text\":\"a\"}", "?",
	    "all but all is nothing that may be meant");
	is_for("{\"chan\":\"c1\",\"except\":\"c2\",\"text\":\"a\"}", "?",
	    "an exception is one from all");
}

static void
test_strict(void)
{
	strict = true;
	REFUSED("{\"chan\":[\"c1\",7],\"text\":\"a\"}",
	    "\"chan\": expected the name of a channel, saw a number",
	    "try: \"chan\":\"c7\", or \"chan\":[\"c1\",\"c7\"]; \"chan\":\"*\" "
	    "is all",
	    "a list with a number");
	REFUSED("{\"except\":null,\"close\":true}",
	    "\"except\": expected the name of a channel or a list, saw null",
	    "try: \"except\":\"c7\", or \"except\":[\"c1\",\"c7\"]; "
	    "\"chan\":\"*\" is all",
	    "an exception that is none");
	REFUSED("{\"chan\":\"seven\",\"text\":\"a\"}",
	    "\"chan\": expected the name of a channel or a list, saw "
	    "\"seven\"",
	    "try: \"chan\":\"c7\", or \"chan\":[\"c1\",\"c7\"]; "
	    "\"chan\":\"*\" is all",
	    "a word that is no channel");
	REFUSED("{\"chan\":\"c1\",\"except\":\"c2\",\"text\":\"a\"}",
	    "has \"except\" and a \"chan\" that is not \"*\"",
	    "try: {\"chan\":\"*\",\"except\":\"c7\",...}",
	    "an exception from one");
	is_for("{\"chan\":[\"c1\",\"c2\"],\"text\":\"a\"}", "c1,c2",
	    "what is right stays so");
	strict = false;
}

static void
test_refused(void)
{
	static const char object[] = "try: {\"text\":\"...\"}, one object in a "
				     "line",
			  text[] = "try: {\"text\":\"...\"}",
			  b64[] = "try: the alphabet A-Z a-z 0-9 + / and = at "
				  "the end";

	REFUSED("[1]", "expected a JSON object, saw another value", object,
	    "an array");
	REFUSED("7", "expected a JSON object, saw another value", object,
	    "a number");
	REFUSED("\"a\"", "expected a JSON object, saw another value", object,
	    "a string");
	REFUSED("{}", "expected a member \"text\" or \"b64\", saw neither",
	    text, "an empty object");
	REFUSED("{\"event\":\"message\"}",
	    "expected a member \"text\" or \"b64\", saw neither", text,
	    "an event without its message");
	REFUSED("{\"text\":\"a\",\"b64\":\"YQ==\"}",
	    "has \"text\" and \"b64\", expected one of them", "",
	    "both in one object");
	REFUSED("{\"close\":1}", "\"close\" is not true, false or \"now\"",
	    "try: {\"close\":true}", "a close that is a number");
	REFUSED("{\"shut\":\"now\"}", "\"shut\" is not true or false",
	    "try: {\"shut\":true}", "a shut that is a word");
	REFUSED("{\"text\":\"a\",\"list\":0}", "\"list\" is not true or false",
	    "try: {\"list\":true}", "what is asked for beside a message");
	REFUSED("{\"mode\":1}", "\"mode\" is not a string",
	    "try: {\"mode\":\"end-tag=CRLF\"}", "a mode that is a number");
	REFUSED("{\"mode\":\"\\u0000\"}",
	    "\"mode\" is longer than any mode, or has a NUL in it",
	    "try: wdsock help modes", "a mode with a NUL");
	REFUSED("{\"mode\":\"lines\",\"close\":true}",
	    "has \"close\" and \"mode\", expected one of them", "",
	    "two commands");
	REFUSED("{\"list\":true,\"text\":\"a\",\"shut\":true}",
	    "has \"shut\" and \"list\", expected one of them", "",
	    "two commands beside a message");
	REFUSED("{\"text\":null}", "\"text\" is not a string", text,
	    "a text that is null");
	REFUSED("{\"b64\":1}", "\"b64\" is not a string",
	    "try: {\"b64\":\"...\"}", "base64 that is a number");
	REFUSED("{\"b64\":\"YQ=\"}",
	    "\"b64\" has 3 characters, expected groups of four", b64,
	    "base64 without its padding");
	REFUSED("{\"b64\":\"YQ=!\"}",
	    "\"b64\" has a character at 2 that base64 has not", b64,
	    "base64 with another character");
	REFUSED("{\"b64\":\"YR==\"}",
	    "\"b64\" has a character at 1 that base64 has not", b64,
	    "base64 with bits left over");
}

/* The words of the parser are its own; ours stand around them. */
static void
test_no_json(void)
{
	static const struct {
		const char *line;
		size_t len;
		const char *what;
	} cases[] = {
	    {"Hello", 5, "expected a JSON object, saw \"Hello\" ("},
	    {"{\"text\":\"a\"", 11,
		"expected valid JSON, saw \"{\"text\":\"a\"\" ("},
	    {"{\"text\":\"a\"}x", 13, "expected valid JSON, saw "},
	    {"{\"text\":\"\xff\"}", 12, "expected valid JSON, saw "},
	    {"{\"text\":\"\\ud800\"}", 17, "expected valid JSON, saw "},
	    {" {\"n\":1e999}", 12,
		"expected valid JSON, saw \" {\"n\":1e999}\" (real number "
		"overflow near"},
	    {"{\"text\":\"a\",\"text\":\"b\"}", 23,
		"expected valid JSON, saw \"{\"text\":\"a\",\"text\":\"b\"}\" "
		"(duplicate object key near"},
	    {"\0", 1, "expected a JSON object, saw \"\\x00\" ("},
	    {"{", 1, "expected valid JSON, saw \"{\" ("},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tried t = try(cases[i].line, cases[i].len);
		size_t n = strlen(cases[i].what);

		is_num(t.result, JSON_LINE_BAD, "what is no JSON is refused");
		is_num(t.len, 0, "and gives no bytes");
		t.fail.what[n] = '\0';
		is_text(t.fail.what, cases[i].what, "and is shown");
		is_text(t.fail.hint,
		    "try: {\"text\":\"...\"}; for plain lines, no -j and no "
		    "--input json",
		    "with what to try");
	}
}

/* {"text":"a","x":[0,0,...]} with `n` commas, brackets and braces in it. */
static size_t
line_of_values(char *to, size_t n, const char *value)
{
	size_t len, i;

	len = (size_t)sprintf(to, "{\"text\":\"a\",\"x\":[0");
	for (i = 3; i < n; i++)
		len += (size_t)sprintf(to + len, ",%s", value);
	return len + (size_t)sprintf(to + len, "]}");
}

static void
test_values(void)
{
	static char line[4 * JSON_VALUES_MAX];
	struct tried t;
	size_t len;

	t = try(line, line_of_values(line, JSON_VALUES_MAX, "0"));
	is_num(t.result, JSON_LINE_MESSAGE, "a line may have many values");
	t = try(line, line_of_values(line, JSON_VALUES_MAX + 1, "0"));
	is_num(t.result, JSON_LINE_BAD, "but no more than the limit");
	is_num(t.fail.status, STATUS_MALFORMED, "too many have status 8");
	is_text(t.fail.what,
	    "expected at most 65536 values in an object, saw more",
	    "and it says why");

	memset(line, ',', sizeof(line));
	memcpy(line, "{\"text\":\"\\\"", 11);
	len = sizeof(line);
	memcpy(line + len - 2, "\"}", 2);
	t = try(line, len);
	is_num(
	    t.result, JSON_LINE_MESSAGE, "what stands in a string is no value");
	is_num(t.len, len - 12, "and all of it is the message");
}

int
main(void)
{
	test_messages();
	test_values();
	test_ignored();
	test_commands();
	test_both();
	test_channels();
	test_lists();
	test_strict();
	test_refused();
	test_no_json();
	guard_free(&line_page);
	guard_free(&out_page);
	return done_testing();
}
