/*
 * A file of rules and hosts to ask about: each word is a rule or is refused
 * with words; settled, the list holds what its rules hold. The hosts come
 * first, 16 bytes each, as many as the first byte says.
 */
#include <netinet/in.h>

#include "check.h"
#include "net/access.h"
#include "talk/rules.h"

#define HOSTS_MAX 8
#define RULES_MAX 256

/* The words become rules, in the list and one by one. */
static size_t
read_rules(const char *text, struct access_list *l, struct access_net *rules)
{
	const char *at = text;
	char word[64];
	size_t n = 0;

	while (n < RULES_MAX && access_word(&at, word, sizeof(word))) {
		struct fail f;
		bool good;

		CHECK(word[0] != '\0' && strpbrk(word, " \t\r\n#") == NULL,
		    "a word is one: '%s'", word);
		memset(&f, 0x5a, sizeof(f));
		good = access_parse(word, &rules[n], &f) == 0;
		if (!good) {
			check_fail(&f);
			CHECK(f.status == STATUS_USAGE, "it is wrong use");
		}
		memset(&f, 0x5a, sizeof(f));
		if (rules_check(word, &f) == -1) {
			check_fail(&f);
			CHECK(!good, "a network is a rule: '%s'", word);
		}
		if (!good)
			continue;
		CHECK(rules[n].bits <= 128, "a prefix has an end");
		CHECK(access_add(l, &rules[n]) == 0, "there is room");
		n++;
	}
	access_settle(l);
	CHECK(l->n <= n, "settled, there are no more than before");
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct sockaddr_in6 host[HOSTS_MAX];
	struct access_net rules[RULES_MAX];
	struct access_list l = {NULL, 0, 0};
	size_t hosts = check_byte(&in) % HOSTS_MAX, n, i, k;
	char *text;

	memset(host, 0, sizeof(host));
	for (i = 0; i < hosts; i++) {
		host[i].sin6_family = AF_INET6;
		for (k = 0; k < 16; k++)
			host[i].sin6_addr.s6_addr[k] = check_byte(&in);
	}
	text = check_alloc(in.len + 1);
	memcpy(text, in.p, in.len);
	text[in.len] = '\0';
	n = read_rules(text, &l, rules);
	for (i = 0; i < hosts; i++) {
		bool want = false;

		for (k = 0; k < n; k++) {
			struct access_list one = {&rules[k], 1, 1};

			want |= access_has(&one, (struct sockaddr *)&host[i]);
		}
		CHECK(access_has(&l, (struct sockaddr *)&host[i]) == want,
		    "a list holds what its rules hold");
	}
	access_list_release(&l);
	free(text);
	return 0;
}
