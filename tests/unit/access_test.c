/* Who may connect: each form of a rule, and each bit of a prefix. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/access.h"
#include "tap.h"

static struct sockaddr_storage
peer(const char *text)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&ss;

	memset(&ss, 0, sizeof(ss));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		ss.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		ss.ss_family = AF_INET6;
	else
		ss.ss_family = AF_UNIX;
	return ss;
}

static bool
admits(const struct access *a, const char *text)
{
	struct sockaddr_storage ss = peer(text);

	return access_admits(a, (struct sockaddr *)(void *)&ss);
}

static void
add(struct access_list *l, const char *text)
{
	struct access_net net;
	struct fail f;

	ok(access_parse(text, &net, &f) == 0 && access_add(l, &net) == 0,
	    "a rule: %s", text);
	access_settle(l);
}

static void
test_refused(const char *text)
{
	struct access_net net;
	struct fail f = {0};

	is_num(access_parse(text, &net, &f), -1, "'%s' is no network", text);
	is_num(f.status, STATUS_USAGE, "'%s' is a usage error", text);
	ok(strstr(f.what, ", saw ") != NULL && f.hint[0] != '\0',
	    "which says what was seen and what to try");
}

static void
test_rules(void)
{
	struct access a;

	access_init(&a);
	ok(admits(&a, "192.0.2.7") && admits(&a, "::1") && admits(&a, "unix"),
	    "without rules everybody may come");
	add(&a.deny, "192.0.2.0/24");
	ok(!admits(&a, "192.0.2.7"), "a network is denied");
	ok(!admits(&a, "::ffff:192.0.2.7"), "also by its mapped address");
	ok(admits(&a, "192.0.3.7") && admits(&a, "2001:db8::1"),
	    "and no other one");
	a.only = true;
	ok(!admits(&a, "192.0.3.7") && admits(&a, "unix"),
	    "a list of those who may come that is empty allows nobody");
	add(&a.allow, "192.0.0.0/8");
	add(&a.allow, "2001:db8::/32");
	ok(admits(&a, "192.0.3.7") && admits(&a, "2001:db8:9::1"),
	    "where some are allowed they may come");
	ok(!admits(&a, "193.0.3.7") && !admits(&a, "2001:db9::1"),
	    "and nobody else");
	ok(!admits(&a, "192.0.2.7"), "to deny is stronger than to allow");
	ok(admits(&a, "unix"), "a peer without an address is not subject");
	access_release(&a);
	add(&a.deny, "::ffff:192.0.2.0/120");
	ok(!admits(&a, "192.0.2.9"), "a mapped rule is one of IPv4");
	access_release(&a);
	add(&a.deny, "0.0.0.0/0");
	ok(!admits(&a, "8.8.8.8") && admits(&a, "::1"),
	    "all of IPv4 is not IPv6");
	access_release(&a);
	add(&a.deny, "::/0");
	ok(!admits(&a, "8.8.8.8") && !admits(&a, "::1"),
	    "all of IPv6 holds IPv4, which is mapped into it");
	access_release(&a);
}

/* With n bits the address that differs in bit n is in, in bit n - 1 is not. */
static void
test_bits(void)
{
	struct access_net net;
	struct access a;
	unsigned bits, wrong = 0, k;
	char text[64];

	for (bits = 0; bits <= 128; bits++) {
		struct sockaddr_storage ss = peer("2001:db8::7");
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&ss;
		struct fail f;

		snprintf(text, sizeof(text), "2001:db8::7/%u", bits);
		access_init(&a);
		wrong += access_parse(text, &net, &f) != 0;
		access_add(&a.deny, &net);
		access_settle(&a.deny);
		for (k = 0; k < 128; k++) {
			v6->sin6_addr.s6_addr[k / 8] ^=
			    (uint8_t)(0x80 >> k % 8);
			wrong += access_admits(&a, (struct sockaddr *)&ss) !=
			    (k < bits);
			v6->sin6_addr.s6_addr[k / 8] ^=
			    (uint8_t)(0x80 >> k % 8);
		}
		access_release(&a);
	}
	ok(wrong == 0, "every bit of every prefix counts, and none behind it");
}

static void
test_words(void)
{
	const char *text = "# ours\n192.0.2.1 192.0.2.2\t#x\r\n\n ::1#y\nz";
	char buf[16], all[80] = "", cut[4];

	while (access_word(&text, buf, sizeof(buf))) {
		strlcat(all, buf, sizeof(all));
		strlcat(all, "|", sizeof(all));
	}
	is_text(all, "192.0.2.1|192.0.2.2|::1|z|",
	    "a file has words, and comments");
	text = "abcdef g";
	ok(access_word(&text, cut, sizeof(cut)) && strcmp(cut, "abc") == 0 &&
		access_word(&text, cut, sizeof(cut)) && strcmp(cut, "g") == 0,
	    "a word that is too long is cut, and does not become two");
}

static void
test_many(void)
{
	struct access a;
	struct access_net net;
	struct fail f;
	char text[32];
	int i;

	access_init(&a);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		access_parse(text, &net, &f);
		access_add(&a.deny, &net);
	}
	access_settle(&a.deny);
	ok(!admits(&a, "10.0.0.0") && !admits(&a, "10.0.3.249") &&
		admits(&a, "10.0.3.250"),
	    "a thousand rules are a thousand rules");
	access_release(&a);
}

/* Settled, a list says of each host what all of its rules say of it. */
static void
test_settled(void)
{
	struct access_net rules[40];
	struct access_list l = {NULL, 0, 0};
	uint64_t state = dice_seed();
	unsigned round, wrong = 0, i;
	char text[32];
	struct fail f;

	for (round = 0; round < rounds(500); round++) {
		size_t n = dice_below(&state, 40);
		struct sockaddr_storage ss;
		bool want = false;

		for (i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "10.%d.%d.0/%d",
			    (int)dice_below(&state, 4),
			    (int)dice_below(&state, 256),
			    (int)dice_below(&state, 33));
			access_parse(text, &rules[i], &f);
			access_add(&l, &rules[i]);
		}
		access_settle(&l);
		snprintf(text, sizeof(text), "10.%d.%d.%d",
		    (int)dice_below(&state, 4), (int)dice_below(&state, 256),
		    (int)dice_below(&state, 2));
		ss = peer(text);
		for (i = 0; i < n; i++) {
			struct access_list one = {&rules[i], 1, 1};

			want |= access_has(&one, (struct sockaddr *)&ss);
		}
		wrong += access_has(&l, (struct sockaddr *)&ss) != want;
		access_list_release(&l);
	}
	ok(wrong == 0, "settled, a list holds what its rules hold");
}

int
main(void)
{
	test_refused("");
	test_refused("host");
	test_refused("192.0.2.0/33");
	test_refused("2001:db8::/129");
	test_refused("192.0.2.0/");
	test_refused("192.0.2/24");
	test_refused("192.0.2.0/-1");
	test_refused("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb");
	test_rules();
	test_bits();
	test_words();
	test_many();
	test_settled();
	return done_testing();
}
