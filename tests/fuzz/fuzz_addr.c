/*
 * Any text as an address, and as a host before a port: what is read is shown
 * so that the same is read again, and what is refused is refused in words. Any
 * bytes as the address of a socket have a name that can be shown.
 */
#include "check.h"
#include "net/addr.h"
#include "net/idn.h"

/* The form of a host that DNS and proxies are told. */
static void
check_ascii(const char *host)
{
	char *out = check_alloc(IDN_MAX), *again = check_alloc(IDN_MAX);
	char why[128];
	size_t i;

	if (idn_to_ascii(host, out, why, sizeof(why)) != NULL) {
		check_line(why, sizeof(why));
		CHECK(why[0] != '\0', "a refusal has words: %s", host);
	} else {
		for (i = 0; out[i] != '\0'; i++)
			CHECK((unsigned char)out[i] < 0x80, "ASCII: %s", out);
		CHECK(i < IDN_MAX, "a name fits: %s", host);
		CHECK(idn_to_ascii(out, again, why, sizeof(why)) == NULL &&
			strcmp(again, out) == 0,
		    "an ASCII form stays: %s, %s", host, out);
	}
	free(again);
	free(out);
}

static void
check_accepted(const struct addr *a)
{
	char *text = check_alloc(ADDR_TEXT_MAX);
	char *again = check_alloc(ADDR_TEXT_MAX);
	struct addr back;
	struct fail f;

	CHECK(a->kind == ADDR_FD || a->fd == -1,
	    "only fd: has a descriptor, not %d", (int)a->kind);
	CHECK(!a->tls || a->kind == ADDR_TCP || a->kind == ADDR_UNIX,
	    "TLS has a stream below");
	if (a->un_len == 0) {
		check_line(a->host, sizeof(a->host));
		check_ascii(a->host);
	}
	CHECK(a->kind == ADDR_VSOCK || (a->cid == 0 && a->vsock_port == 0),
	    "only vsock: has the number of a machine");
	CHECK(a->un_len <= sizeof(a->un), "a Unix name fits");
	CHECK(addr_print(a, text) == text, "addr_print returns its buffer");
	CHECK(addr_parse(text, &back, &f) == 0,
	    "what is shown is an address: %s: %s", text, f.what);
	CHECK(a->kind == back.kind && a->tls == back.tls &&
		a->port == back.port && a->fd == back.fd &&
		a->un_len == back.un_len && a->cid == back.cid &&
		a->vsock_port == back.vsock_port &&
		memcmp(a->host, back.host, sizeof(a->host)) == 0 &&
		memcmp(&a->un, &back.un, sizeof(a->un)) == 0,
	    "an address that is shown is read as the same one: %s", text);
	CHECK(strcmp(addr_print(&back, again), text) == 0,
	    "a canonical form stays: %s, %s", text, again);
	if (a->un_len > 0) {
		addr_name((const struct sockaddr *)&a->un, a->un_len, again);
		check_line(again, ADDR_TEXT_MAX);
	}
	free(again);
	free(text);
}

static void
check_result(int result, const struct addr *a, const struct fail *f)
{
	struct addr blank;

	if (result == 0) {
		check_accepted(a);
		return;
	}
	CHECK(result == -1, "a refusal is -1");
	memset(&blank, 0xa5, sizeof(blank));
	CHECK(memcmp(a, &blank, sizeof(blank)) == 0,
	    "an address that is refused is not written");
	check_fail(f);
	CHECK(f->hint[0] != '\0', "there is something to try: %s", f->what);
	CHECK(f->status == STATUS_USAGE, "a bad address is a usage error");
}

static void
check_name(const uint8_t *data, size_t size)
{
	char *text = check_alloc(ADDR_TEXT_MAX);
	struct sockaddr_storage sa;

	if (size > sizeof(sa))
		size = sizeof(sa);
	memset(&sa, 0, sizeof(sa));
	if (size > 0)
		memcpy(&sa, data, size);
	addr_name((struct sockaddr *)&sa, (socklen_t)size, text);
	check_line(text, ADDR_TEXT_MAX);
	CHECK(text[0] != '\0', "every socket has a name");
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr a;
	struct fail f;
	char *text;
	int r;

	check_name(data, size);
	size = size > 0 ? strnlen((const char *)data, size) : 0;
	text = check_alloc(size + 1);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(&a, 0xa5, sizeof(a));
	memset(&f, 0x5a, sizeof(f));
	r = addr_parse(text, &a, &f);
	check_result(r, &a, &f);
	memset(&a, 0xa5, sizeof(a));
	memset(&f, 0x5a, sizeof(f));
	r = addr_parse_two(ADDR_TCP, text, "8000", &a, &f);
	check_result(r, &a, &f);
	free(text);
	return 0;
}
