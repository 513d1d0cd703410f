/* A stream over another one, secured by TLS; see stream_tls.h. */

#include <stdlib.h>

#include "net/stream_tls.h"

struct tls {
	const struct tls_face *face;
	struct tls_config *config;
};

struct tls *
tls_new(const struct tls_face *face, enum tls_role role,
    const struct tls_plan *plan, struct tls_about *about, struct fail *f)
{
	fail_set(f, STATUS_TLS, "TLS: not yet");
	return NULL;
}

int
tls_reload(struct tls *t, struct tls_about *about, struct fail *f)
{
	return t->face->config_reload(t->config, about, f);
}

void
tls_free(struct tls *t)
{
	free(t);
}

struct tls_wait *
tls_begin(struct tls *t, uv_loop_t *loop, struct stream *lower,
    const struct tls_peer *peer, uint64_t limit_ms, tls_done *on_done,
    void *owner, struct fail *f)
{
	fail_set(f, STATUS_TLS, "TLS: not yet");
	return NULL;
}

void
tls_cancel(struct tls_wait *w)
{
}

bool
stream_tls_facts(const struct stream *s, struct tls_facts *facts)
{
	return false;
}
