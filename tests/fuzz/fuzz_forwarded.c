/*
 * A header of the PROXY protocol, whole and as it grows byte by byte: what
 * comes of it is the same, no more of it is used than there is, and never more
 * than a header may have. A refusal has words.
 */
#include "check.h"
#include "net/addr.h"
#include "net/forwarded.h"

/* An address that it has may be shown, and is no longer than its room. */
static void
check_address(const struct sockaddr_storage *ss, socklen_t len)
{
	char name[ADDR_TEXT_MAX];

	CHECK(len <= sizeof(*ss), "an address fits: %u", (unsigned)len);
	if (len > 0)
		addr_name((const struct sockaddr *)ss, len, name);
}

static enum forwarded_step
read_some(struct slice in, struct forwarded *p, size_t *used)
{
	uint8_t *copy = check_copy(in);
	enum forwarded_step step;
	struct fail f;

	memset(&f, 0x5a, sizeof(f));
	memset(p, 0xa5, sizeof(*p));
	*used = SIZE_MAX;
	step = forwarded_read(slice_of(copy, in.len), p, used, &f);
	if (step == FORWARDED_BAD) {
		check_fail(&f);
		CHECK(f.status == STATUS_MALFORMED, "what is no header is bad");
	} else if (step == FORWARDED_DONE) {
		CHECK(*used > 0 && *used <= in.len && *used <= FORWARDED_MAX,
		    "a header is as long as it is: %zu", *used);
		check_address(&p->from, p->from_len);
		check_address(&p->to, p->to_len);
	} else
		CHECK(in.len < FORWARDED_MAX, "a header has an end");
	free(copy);
	return step;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct forwarded whole, part;
	enum forwarded_step step, then;
	size_t used, used_then, n;

	step = read_some(in, &whole, &used);
	for (n = 0; n <= in.len && n <= FORWARDED_MAX; n++) {
		then = read_some(slice_of(in.p, n), &part, &used_then);
		if (then != FORWARDED_MORE)
			break;
	}
	if (step == FORWARDED_MORE)
		CHECK(n > in.len, "who waits for all has not had enough");
	if (step == FORWARDED_DONE) {
		CHECK(then == FORWARDED_DONE && n == used && used_then == used,
		    "it is whole with its last byte: %zu, %zu", n, used);
		CHECK(memcmp(&whole, &part, sizeof(whole)) == 0,
		    "what stands behind it changes nothing");
	}
	if (step == FORWARDED_BAD)
		CHECK(then == FORWARDED_BAD, "what is bad stays bad");
	return 0;
}
