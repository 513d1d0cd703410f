/* Who may come; see rules.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/addr.h"
#include "talk/rules.h"

#define READ_STEP 65536

static const char *const options[] = {
    [RULES_ALLOW] = "--allow",
    [RULES_DENY] = "--deny",
    [RULES_PROXY] = "--proxy-from",
};

struct rules_name {
	struct rules_name *next;
	enum rules_kind kind;
	char host[ADDR_HOST_MAX];
};

static bool
is_network(const char *text)
{
	return strpbrk(text, "/:") != NULL ||
	    text[strspn(text, "0123456789.")] == '\0';
}

int
rules_check(const char *text, struct fail *f)
{
	struct access_net net;

	if (text[0] == '@' && text[1] != '\0')
		return 0;
	if (text[0] == '@' || text[strcspn(text, " \t\r\n#@,")] != '\0' ||
	    strlen(text) >= ADDR_HOST_MAX) {
		fail_set(f, STATUS_USAGE,
		    "expected an address, a network, a host or @FILE, saw "
		    "another word");
		return fail_hint(f,
		    "try: one word each time, such as 192.0.2.0/24, "
		    "host.example or @/etc/hosts.allowed");
	}
	if (!is_network(text))
		return 0;
	return access_parse(text, &net, f);
}

void
rules_init(struct rules *r, uv_loop_t *loop, struct resolver *resolver)
{
	memset(r, 0, sizeof(*r));
	r->loop = loop;
	r->resolver = resolver;
}

/* What was being loaded. */
static void
drop_next(struct rules *r)
{
	struct rules_name *n, *next;
	size_t i;

	if (r->resolve != NULL)
		resolve_cancel(r->resolve);
	free(r->resolve);
	r->resolve = NULL;
	for (n = r->names; n != NULL; n = next) {
		next = n->next;
		free(n);
	}
	r->names = NULL;
	for (i = 0; i < RULES_KINDS; i++)
		access_list_release(&r->next[i]);
}

void
rules_release(struct rules *r)
{
	drop_next(r);
	access_release(&r->access);
	access_list_release(&r->proxies);
}

static void
give_up(struct rules *r)
{
	drop_next(r);
	r->on_loaded(r, &r->fail);
}

static int
no_memory(struct fail *f)
{
	return fail_set(f, STATUS_IO, "out of memory");
}

/* One word that names no file. */
static int
add_word(
    struct rules *r, enum rules_kind kind, const char *text, struct fail *f)
{
	struct access_net net;
	struct rules_name *n;

	if (rules_check(text, f) == -1)
		return -1;
	if (is_network(text)) {
		if (access_parse(text, &net, f) == -1)
			return -1;
		return access_add(&r->next[kind], &net) == 0 ? 0 : no_memory(f);
	}
	n = malloc(sizeof(*n));
	if (n == NULL)
		return no_memory(f);
	n->kind = kind;
	snprintf(n->host, sizeof(n->host), "%s", text);
	n->next = r->names;
	r->names = n;
	return 0;
}

/* A file with a NUL behind it; to be freed. NULL and errno. */
static char *
read_whole(const char *path, size_t *len)
{
	char *text = NULL, *more;
	int fd = fd_open_read(path), err;
	size_t cap = 0;
	ssize_t n;

	*len = 0;
	if (fd == -1)
		return NULL;
	for (;;) {
		if (cap - *len < READ_STEP) {
			cap = 2 * cap + READ_STEP;
			more = realloc(text, cap);
			if (more == NULL)
				break;
			text = more;
		}
		n = fd_read_some(fd, text + *len, cap - *len - 1);
		if (n > 0) {
			*len += (size_t)n;
			continue;
		}
		if (n == -1)
			break;
		close(fd);
		text[*len] = '\0';
		return text;
	}
	err = errno;
	free(text);
	close(fd);
	errno = err;
	return NULL;
}

/* The line on which `at` stands. */
static size_t
line_of(const char *text, const char *at)
{
	size_t n = 1;

	for (; text < at; text++)
		n += *text == '\n';
	return n;
}

static int
add_words(struct rules *r, enum rules_kind kind, const char *text,
    const char *path, struct fail *f)
{
	const char *at = text;
	char word[ADDR_HOST_MAX + 1];

	while (access_word(&at, word, sizeof(word))) {
		if (word[0] == '@')
			fail_set(f, STATUS_USAGE,
			    "'%.64s': expected no file in a file, saw one",
			    word);
		else if (add_word(r, kind, word, f) == 0)
			continue;
		else if (f->status == STATUS_USAGE)
			fail_prefix(f, "'%.64s'", word);
		return fail_prefix(
		    f, "%.256s: line %zu", path, line_of(text, at));
	}
	return 0;
}

static int
add_file(
    struct rules *r, enum rules_kind kind, const char *path, struct fail *f)
{
	size_t len;
	char *text = read_whole(path, &len);
	int got;

	if (text == NULL)
		return fail_set(
		    f, STATUS_IO, "%.256s: %s", path, strerror(errno));
	if (strlen(text) != len) {
		fail_set(f, STATUS_USAGE,
		    "%.256s: line %zu: expected text, saw a NUL", path,
		    line_of(text, text + strlen(text)));
		got = fail_hint(f, "try: a file of addresses, one on a line");
	} else
		got = add_words(r, kind, text, path, f);
	free(text);
	return got;
}

/* All is known: it is in force. */
static void
settle(struct rules *r)
{
	size_t i;

	for (i = 0; i < RULES_KINDS; i++)
		access_settle(&r->next[i]);
	access_release(&r->access);
	access_list_release(&r->proxies);
	r->access.only = r->only;
	r->access.allow = r->next[RULES_ALLOW];
	r->access.deny = r->next[RULES_DENY];
	r->proxies = r->next[RULES_PROXY];
	memset(r->next, 0, sizeof(r->next));
	drop_next(r);
	r->on_loaded(r, NULL);
}

static int
add_addresses(struct rules *r, enum rules_kind kind,
    const union resolve_sockaddr *v, size_t n)
{
	struct access_net net;
	size_t i;

	for (i = 0; i < n; i++)
		if (!access_host(&v[i].sa, &net) ||
		    access_add(&r->next[kind], &net) == -1)
			return -1;
	return 0;
}

static void ask_all(struct rules *);

static void
on_answer(struct resolve *a)
{
	struct rules *r = a->owner;
	struct rules_name *n = r->names;

	if (!a->done4 || !a->done6)
		return;
	resolve_cancel(a);
	if (a->n4 + a->n6 == 0)
		r->broken = fail_set(&r->fail, STATUS_RESOLVE,
				"%s %s: cannot resolve: %s", options[n->kind],
				n->host, a->why) == -1;
	else if (add_addresses(r, n->kind, a->v4, a->n4) == -1 ||
	    add_addresses(r, n->kind, a->v6, a->n6) == -1)
		r->broken = no_memory(&r->fail) == -1;
	r->names = n->next;
	free(n);
	free(a);
	r->resolve = NULL;
	if (!r->asking)
		ask_all(r);
}

/* One after the other: whoever waits for them waits for all. */
static void
ask_all(struct rules *r)
{
	r->asking = true;
	while (r->names != NULL && r->resolve == NULL && !r->broken) {
		r->resolve = calloc(1, sizeof(*r->resolve));
		if (r->resolve == NULL) {
			r->broken = no_memory(&r->fail) == -1;
			break;
		}
		r->resolve->on_answer = on_answer;
		r->resolve->owner = r;
		resolve_start(
		    r->resolve, r->resolver, r->loop, r->names->host, 0);
	}
	r->asking = false;
	if (r->broken)
		give_up(r);
	else if (r->names == NULL)
		settle(r);
}

/* One word of the command line. */
static int
add(struct rules *r, const struct rules_word *w, struct fail *f)
{
	int got = w->text[0] == '@' ? add_file(r, w->kind, w->text + 1, f)
				    : add_word(r, w->kind, w->text, f);

	return got == 0 ? 0 : fail_prefix(f, "%s", options[w->kind]);
}

void
rules_load(struct rules *r, const struct rules_plan *p)
{
	size_t i;

	drop_next(r);
	r->only = r->broken = false;
	for (i = 0; i < p->n && !r->broken; i++) {
		r->only |= p->words[i].kind == RULES_ALLOW;
		r->broken = add(r, &p->words[i], &r->fail) == -1;
	}
	ask_all(r);
}
