/*
 * Pours a stream through a source as its header demands: what was not used
 * comes again with more behind it, each time in a place of its own that is as
 * large as the bytes. What comes out is kept, to be compared.
 */
#ifndef FUZZ_POUR_H
#define FUZZ_POUR_H

#include "check.h"
#include "io/source.h"

#define POUR_BATCH_MAX 16

struct pour_how {
	enum source_kind kind;
	bool crlf;
	bool addressed;
	size_t max;
	size_t batch;	    /* capacity, 1 to POUR_BATCH_MAX */
	const size_t *cuts; /* rising, where reads end */
	size_t cuts_n;
};

struct pour {
	uint8_t *bytes; /* of all that came, one behind the other */
	size_t len, cap;
	size_t *ends; /* of each of them */
	size_t n, ends_cap;
	enum source_result result;
	struct fail fail; /* SOURCE_BAD */
};

/* Begin with a struct of zeros, which is used again and again. */
void pour_run(struct pour *, struct slice wire, const struct pour_how *);

/* Did both bring the same, and end the same way? */
bool pour_same(const struct pour *, const struct pour *);

#endif
