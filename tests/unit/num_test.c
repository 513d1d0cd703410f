/* Numbers, sizes and durations as people type them. */

#include <inttypes.h>

#include "base/num.h"
#include "tap.h"

struct row {
	const char *text;
	uint64_t min, max;
	enum num_result result;
	uint64_t value;
};

typedef enum num_result parser(const char *, uint64_t, uint64_t, uint64_t *);

static const char *
name_of(enum num_result r)
{
	static const char *const names[] = {"is a number", "is empty",
	    "is not a number", "is too small", "is too large"};

	return names[-r];
}

static void
check(const char *name, parser *parse, const struct row *row)
{
	uint64_t v = 4711;
	enum num_result r = parse(row->text, row->min, row->max, &v);

	is_num(r, row->result, "%s of '%s' in %" PRIu64 " to %" PRIu64 " %s",
	    name, row->text, row->min, row->max, name_of(row->result));
	ok(v == (row->result == NUM_OK ? row->value : 4711),
	    "%s of '%s' writes %s", name, row->text,
	    row->result == NUM_OK ? "the value" : "nothing");
}

static const struct row plain[] = {
    {"0", 0, 9, NUM_OK, 0},
    {"7", 0, 9, NUM_OK, 7},
    {"9", 0, 9, NUM_OK, 9},
    {"10", 0, 9, NUM_LARGE, 0},
    {"5", 5, 9, NUM_OK, 5},
    {"4", 5, 9, NUM_SMALL, 0},
    {"0", 1, 9, NUM_SMALL, 0},
    {"007", 0, 9, NUM_OK, 7},
    {"000", 0, 9, NUM_OK, 0},
    {"0000000000000000000000000000000000000000000000008", 0, 9, NUM_OK, 8},
    {"65535", 0, 65535, NUM_OK, 65535},
    {"65536", 0, 65535, NUM_LARGE, 0},
    {"4294967296", 0, UINT64_C(1) << 40, NUM_OK, UINT64_C(1) << 32},
    {"9223372036854775807", 0, INT64_MAX, NUM_OK, INT64_MAX},
    {"9223372036854775808", 0, INT64_MAX, NUM_LARGE, 0},
    {"18446744073709551616", 0, INT64_MAX, NUM_LARGE, 0},
    {"18446744073709551621", 0, 9, NUM_LARGE, 0},
    {"99999999999999999999999999999999999999999", 0, 9, NUM_LARGE, 0},
    {"", 0, 9, NUM_EMPTY, 0},
    {"x", 0, 9, NUM_BAD, 0},
    {"5x", 0, 9, NUM_BAD, 0},
    {"5k", 0, INT64_MAX, NUM_BAD, 0},
    {" 5", 0, 9, NUM_BAD, 0},
    {"5 ", 0, 9, NUM_BAD, 0},
    {"+5", 0, 9, NUM_BAD, 0},
    {"-1", 0, 9, NUM_BAD, 0},
    {"0x5", 0, 9, NUM_BAD, 0},
    {"5.0", 0, 9, NUM_BAD, 0},
    {"5\n", 0, 9, NUM_BAD, 0},
    {" ", 0, 9, NUM_BAD, 0},
};

static const struct row sizes[] = {
    {"0", 0, 9, NUM_OK, 0},
    {"5", 0, 9, NUM_OK, 5},
    {"1k", 0, INT64_MAX, NUM_OK, 1024},
    {"1K", 0, INT64_MAX, NUM_OK, 1024},
    {"3KiB", 0, INT64_MAX, NUM_OK, 3072},
    {"3kib", 0, INT64_MAX, NUM_OK, 3072},
    {"16M", 0, INT64_MAX, NUM_OK, 16 << 20},
    {"16MiB", 0, INT64_MAX, NUM_OK, 16 << 20},
    {"2g", 0, INT64_MAX, NUM_OK, UINT64_C(2) << 30},
    {"2GiB", 0, INT64_MAX, NUM_OK, UINT64_C(2) << 30},
    {"0k", 0, 9, NUM_OK, 0},
    {"0k", 1, 9, NUM_SMALL, 0},
    {"001k", 0, 2048, NUM_OK, 1024},
    {"1k", 0, 1024, NUM_OK, 1024},
    {"1k", 1025, 4096, NUM_SMALL, 0},
    {"1k", 0, 1023, NUM_LARGE, 0},
    {"8589934591g", 0, INT64_MAX, NUM_OK, UINT64_C(8589934591) << 30},
    {"8589934592g", 0, INT64_MAX, NUM_LARGE, 0},
    {"17179869185g", 0, INT64_MAX, NUM_LARGE, 0},
    {"9007199254740992k", 0, INT64_MAX, NUM_LARGE, 0},
    {"18446744073709551617k", 0, INT64_MAX, NUM_LARGE, 0},
    {"", 0, 9, NUM_EMPTY, 0},
    {"k", 0, INT64_MAX, NUM_BAD, 0},
    {"KiB", 0, INT64_MAX, NUM_BAD, 0},
    {"1kb", 0, INT64_MAX, NUM_BAD, 0},
    {"1ki", 0, INT64_MAX, NUM_BAD, 0},
    {"1kibs", 0, INT64_MAX, NUM_BAD, 0},
    {"1 k", 0, INT64_MAX, NUM_BAD, 0},
    {"1t", 0, INT64_MAX, NUM_BAD, 0},
    {"1kk", 0, INT64_MAX, NUM_BAD, 0},
    {"1.5k", 0, INT64_MAX, NUM_BAD, 0},
    {"-1k", 0, INT64_MAX, NUM_BAD, 0},
};

static const struct {
	const char *text;
	enum num_result result;
	uint64_t ms;
} durations[] = {
    {"0", NUM_OK, 0},
    {"2", NUM_OK, 2000},
    {"2s", NUM_OK, 2000},
    {"500ms", NUM_OK, 500},
    {"1m", NUM_OK, 60000},
    {"1h", NUM_OK, 3600000},
    {"007", NUM_OK, 7000},
    {"0h", NUM_OK, 0},
    {".5", NUM_OK, 500},
    {"0.5", NUM_OK, 500},
    {"1.25s", NUM_OK, 1250},
    {"1.5m", NUM_OK, 90000},
    {"0.1h", NUM_OK, 360000},
    {"1.5ms", NUM_OK, 2},
    {"0.000s", NUM_OK, 0},
    {"0.001s", NUM_OK, 1},
    {"0.0001s", NUM_OK, 1},
    {"0.999999999999h", NUM_OK, 3600000},
    {"0.0000000000000000000000000000001s", NUM_OK, 1},
    {"0.1000000000000000000000000000000s", NUM_OK, 100},
    {"0.1000000000000000000000000000001s", NUM_OK, 101},
    {"9007199254740992ms", NUM_OK, UINT64_C(1) << 53},
    {"9007199254740991.5ms", NUM_OK, UINT64_C(1) << 53},
    {"9007199254740.992", NUM_OK, UINT64_C(1) << 53},
    {"9007199254740992.1ms", NUM_LARGE, 0},
    {"9007199254740993ms", NUM_LARGE, 0},
    {"9007199254740.993", NUM_LARGE, 0},
    {"9007199254741", NUM_LARGE, 0},
    {"99999999999999999999999999999999999h", NUM_LARGE, 0},
    {"18446744073709551616ms", NUM_LARGE, 0},
    {"", NUM_EMPTY, 0},
    {".", NUM_BAD, 0},
    {"5.", NUM_BAD, 0},
    {"5.s", NUM_BAD, 0},
    {"s", NUM_BAD, 0},
    {".s", NUM_BAD, 0},
    {"ms", NUM_BAD, 0},
    {"5x", NUM_BAD, 0},
    {"5S", NUM_BAD, 0},
    {"5 s", NUM_BAD, 0},
    {"5ss", NUM_BAD, 0},
    {"5msx", NUM_BAD, 0},
    {"5d", NUM_BAD, 0},
    {"-1", NUM_BAD, 0},
    {"+1", NUM_BAD, 0},
    {" 1", NUM_BAD, 0},
    {"1 ", NUM_BAD, 0},
    {"1.5.5", NUM_BAD, 0},
    {"1,5", NUM_BAD, 0},
    {"1e3", NUM_BAD, 0},
    {"1m30s", NUM_BAD, 0},
    {"0x5", NUM_BAD, 0},
};

static void
check_durations(void)
{
	enum num_result r;
	uint64_t ms;
	size_t i;

	for (i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		ms = 4711;
		r = num_duration(durations[i].text, &ms);
		is_num(r, durations[i].result, "a duration of '%s' %s",
		    durations[i].text, name_of(durations[i].result));
		is_num(ms, r == NUM_OK ? durations[i].ms : 4711,
		    "a duration of '%s' writes %s", durations[i].text,
		    r == NUM_OK ? "the value" : "nothing");
	}
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		check("a number", num_parse, &plain[i]);
		if (plain[i].text[0] != '5' || plain[i].text[1] != 'k')
			check("a size", num_size, &plain[i]);
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check("a size", num_size, &sizes[i]);
	check_durations();
	return done_testing();
}
