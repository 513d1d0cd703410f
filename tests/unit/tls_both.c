/* A client and a server of TLS in memory; see tls_both.h. */

#include <stdlib.h>
#include <string.h>

#include "tls_both.h"

bool
tls_both_config(struct tls_both *p, const struct tls_plan *client,
    const struct tls_plan *server)
{
	memset(p, 0, sizeof(*p));
	p->server.config = tls_face.config_new(
	    TLS_SERVER, server, &p->server.about, &p->server.fail);
	p->client.config = tls_face.config_new(
	    TLS_CLIENT, client, &p->client.about, &p->client.fail);
	return p->server.config != NULL && p->client.config != NULL;
}

static bool
begin(struct tls_side *s, const char *host)
{
	const struct tls_peer peer = {.host = host, .text = "peer"};

	s->shaken = TLS_WANT;
	s->engine = tls_face.engine_new(s->config, &peer, &s->wire, &s->fail);
	return s->engine != NULL;
}

static void
go_on(struct tls_side *s)
{
	if (s->shaken == TLS_WANT)
		s->shaken = tls_face.handshake(s->engine);
	if (s->shaken == TLS_FAILED)
		s->fail = *tls_face.fail(s->engine);
}

bool
tls_both_begin(struct tls_both *p, const char *host)
{
	if (!begin(&p->server, NULL) || !begin(&p->client, host))
		return false;
	go_on(&p->client);
	return true;
}

size_t
tls_both_hand(struct tls_side *from, struct tls_side *to, size_t n)
{
	const size_t left = from->wire.out.len - from->at;

	if (n > left)
		n = left;
	if (n == 0)
		return 0;
	to->wire.in = slice_of(from->wire.out.p + from->at, n);
	go_on(to);
	n -= to->wire.in.len;
	to->wire.in.len = 0;
	from->at += n;
	return n;
}

bool
tls_both_shake(struct tls_both *p, size_t n)
{
	size_t moved;

	do {
		moved = tls_both_hand(&p->client, &p->server, n);
		moved += tls_both_hand(&p->server, &p->client, n);
	} while (moved > 0 &&
	    (p->client.shaken == TLS_WANT || p->server.shaken == TLS_WANT));
	return p->client.shaken == 1 && p->server.shaken == 1;
}

bool
tls_both_say(struct tls_side *from, struct tls_side *to, const void *p,
    size_t len, size_t step)
{
	uint8_t *got = malloc(len + 1);
	size_t have = 0, n;
	ssize_t r = TLS_WANT;

	if (got == NULL || tls_face.write(from->engine, p, len) != 0) {
		free(got);
		return false;
	}
	while (have < len && from->at < from->wire.out.len) {
		n = from->wire.out.len - from->at;
		if (n > step)
			n = step;
		to->wire.in = slice_of(from->wire.out.p + from->at, n);
		from->at += n;
		do {
			r = tls_face.read(
			    to->engine, got + have, len + 1 - have);
			if (r > 0)
				have += (size_t)r;
		} while (r > 0);
		if (r != TLS_WANT)
			break;
	}
	n = (size_t)(have == len && memcmp(got, p, len) == 0);
	free(got);
	return n == 1;
}

static void
end(struct tls_side *s)
{
	if (s->engine != NULL)
		tls_face.engine_free(s->engine);
	free(s->wire.out.p);
	memset(&s->wire, 0, sizeof(s->wire));
	s->engine = NULL;
	s->at = 0;
}

void
tls_both_end(struct tls_both *p)
{
	end(&p->client);
	end(&p->server);
}

void
tls_both_release(struct tls_both *p)
{
	tls_both_end(p);
	if (p->client.config != NULL)
		tls_face.config_free(p->client.config);
	if (p->server.config != NULL)
		tls_face.config_free(p->server.config);
}
