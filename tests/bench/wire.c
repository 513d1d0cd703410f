/*
 * What stands on the wire: for each kind of server what is asked, published
 * and delivered. In the tables # stands for the length of the payload, and in
 * a receipt for the number of receivers.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dialect {
	const char *name;
	/* before and after the payload */
	const char *ask[2], *answer[2];
	const char *publish[2], *deliver[2];
	const char *receipt;
	const char *join, *joined;
	const char *greet, *greeted;
	const char *ping, *pong;
};

#define NATS_CONNECT "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"

static const struct dialect dialects[] = {
    {.name = "windev",
	.ask = {"#\r\n", ""},
	.answer = {"#\r\n", ""},
	.publish = {"", "\n"},
	.deliver = {"#\r\n", ""}},
    {.name = "lines",
	.ask = {"", "\n"},
	.answer = {"", "\n"},
	.publish = {"", "\n"},
	.deliver = {"", "\n"}},
    {.name = "raw",
	.ask = {"", ""},
	.answer = {"", ""},
	.publish = {"", ""},
	.deliver = {"", ""}},
    {.name = "redis",
	.ask = {"*2\r\n$4\r\nECHO\r\n$#\r\n", "\r\n"},
	.answer = {"$#\r\n", "\r\n"},
	.publish = {"*3\r\n$7\r\nPUBLISH\r\n$1\r\nb\r\n$#\r\n", "\r\n"},
	.deliver = {"*3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$#\r\n", "\r\n"},
	.receipt = ":#\r\n",
	.join = "SUBSCRIBE b\r\n",
	.joined = "$1\r\nb\r\n:1\r\n"},
    {.name = "nats",
	.ask = {"", ""},
	.answer = {"", ""},
	.publish = {"PUB b #\r\n", "\r\n"},
	.deliver = {"MSG b 1 #\r\n", "\r\n"},
	.join = NATS_CONNECT "SUB b 1\r\nPING\r\n",
	.joined = "PONG\r\n",
	.greet = NATS_CONNECT "PING\r\n",
	.greeted = "PONG\r\n",
	.ping = "PING\r\n",
	.pong = "PONG\r\n"},
};

void
payload_write(char *text, size_t size, size_t i)
{
	char number[24];
	size_t k, n;

	n = (size_t)snprintf(number, sizeof(number), "%07zu", i);
	memcpy(text, number, n < size ? n : size);
	for (k = n; k < size; k++)
		text[k] = (char)('a' + (i * 7 + k) % 26);
}

/* HEAD with the number in place of #. */
static void
fill(char *to, size_t room, const char *head, size_t number)
{
	const char *mark = strchr(head, '#');

	if (mark == NULL)
		snprintf(to, room, "%s", head);
	else
		snprintf(to, room, "%.*s%zu%s", (int)(mark - head), head,
		    number, mark + 1);
}

static void
pattern_init(struct pattern *p, const char *const around[2], size_t size)
{
	char head[128];
	size_t before, after = strlen(around[1]), i;
	char *at;

	fill(head, sizeof(head), around[0], size);
	before = strlen(head);
	p->each = before + size + after;
	p->period = p->each * WIRE_PERIOD;
	p->bytes = malloc(2 * p->period);
	if (p->bytes == NULL)
		load_die("no memory for the messages");
	for (i = 0, at = p->bytes; i < (size_t)2 * WIRE_PERIOD; i++) {
		memcpy(at, head, before);
		payload_write(at + before, size, i % WIRE_PERIOD);
		memcpy(at + before + size, around[1], after);
		at += p->each;
	}
}

void
wire_init(struct wire *w, const char *name, size_t size, size_t receivers)
{
	const struct dialect *d = dialects;
	const struct dialect *end =
	    dialects + sizeof(dialects) / sizeof(dialects[0]);

	while (d < end && strcmp(d->name, name) != 0)
		d++;
	if (d == end)
		load_die("%s: no such mode", name);
	if (size < 8)
		load_die("messages have 8 bytes or more");
	memset(w, 0, sizeof(*w));
	w->name = d->name;
	pattern_init(&w->ask, d->ask, size);
	pattern_init(&w->answer, d->answer, size);
	pattern_init(&w->publish, d->publish, size);
	pattern_init(&w->deliver, d->deliver, size);
	if (d->receipt != NULL) {
		char text[64];
		const char *around[2] = {text, ""};

		fill(text, sizeof(text), d->receipt, receivers);
		pattern_init(&w->receipt, around, 0);
	}
	w->join = d->join;
	w->joined = d->joined;
	w->greet = d->greet;
	w->greeted = d->greeted;
	w->ping = d->ping;
	w->pong = d->pong;
}

void
wire_release(struct wire *w)
{
	free(w->ask.bytes);
	free(w->answer.bytes);
	free(w->publish.bytes);
	free(w->deliver.bytes);
	free(w->receipt.bytes);
}

const char *
pattern_at(const struct pattern *p, uint64_t at, uint64_t most, size_t *n)
{
	*n = most < p->period ? (size_t)most : p->period;
	return p->bytes + at % p->period;
}

bool
pattern_is(const struct pattern *p, uint64_t at, const char *bytes, size_t n)
{
	while (n > 0) {
		size_t k;
		const char *must = pattern_at(p, at, n, &k);

		if (memcmp(must, bytes, k) != 0)
			return false;
		at += k;
		bytes += k;
		n -= k;
	}
	return true;
}
