/*
 * Any text as a mode: what is read is written so that it is read again, and
 * what is refused is refused at a place in the text, in words.
 */
#include "check.h"
#include "codec/framing.h"
#include "talk/explain.h"

static void
check_equal(const struct framing *a, const struct framing *b)
{
	CHECK(a->mode == b->mode && a->count == b->count &&
		a->width == b->width && a->big_endian == b->big_endian &&
		a->open_end == b->open_end && a->max == b->max,
	    "a mode that is printed is read as the same one");
	CHECK(check_same(
		  slice_of(a->tag, a->tag_len), slice_of(b->tag, b->tag_len)),
	    "a tag that is printed is read as the same one");
}

static void
check_accepted(const struct framing *fr)
{
	char *text = check_alloc(FRAMING_TEXT_MAX);
	char *again = check_alloc(FRAMING_TEXT_MAX);
	struct framing back;
	size_t at;

	CHECK(fr->tag_len <= FRAMING_TAG_MAX && fr->width <= FRAMING_WIDTH_MAX,
	    "a mode keeps to its limits");
	framing_print(fr, text);
	check_line(text, FRAMING_TEXT_MAX);
	CHECK(strchr(text, '@') == NULL, "a mode can stand before an address");
	CHECK(framing_parse(text, &back, &at) == FRAMING_OK,
	    "what is printed is a mode: %s", text);
	check_equal(fr, &back);
	CHECK(strcmp(framing_print(&back, again), text) == 0,
	    "a canonical form stays: %s, %s", text, again);
	CHECK(strncmp(text, framing_name_of(fr)->name,
		  strlen(framing_name_of(fr)->name)) == 0,
	    "%s begins with its name", text);
	free(again);
	free(text);
}

static void
check_refused(enum framing_error err, const char *text, size_t at)
{
	struct fail f;

	CHECK(at <= strlen(text), "an error is in the text");
	CHECK(at == 0 || text[at - 1] == '=' || text[at - 1] == ',',
	    "an error stands where a word begins");
	memset(&f, 0x5a, sizeof(f));
	CHECK(explain_mode(err, text, at, &f) == -1, "explain_mode returns -1");
	check_fail(&f);
	CHECK(f.status == STATUS_USAGE, "a bad mode is a usage error");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct framing fr, blank;
	enum framing_error err;
	char *text;
	size_t at = SIZE_MAX;

	size = size > 0 ? strnlen((const char *)data, size) : 0;
	text = check_alloc(size + 1);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(&fr, 0xa5, sizeof(fr));
	memset(&blank, 0xa5, sizeof(blank));
	err = framing_parse(text, &fr, &at);
	if (err == FRAMING_OK)
		check_accepted(&fr);
	else {
		CHECK(memcmp(&fr, &blank, sizeof(fr)) == 0,
		    "a mode that is refused is not written");
		check_refused(err, text, at);
	}
	free(text);
	return 0;
}
