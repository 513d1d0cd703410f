/*
 * The vectors of tests/vectors: what stands on the wire, and the messages
 * that it means. One line each, fields separated by one TAB:
 *
 *	NAME DIR MODE MAX WIRE END MESSAGE...
 *
 * DIR is `=` both ways, `<` decode alone, `>` encode alone. MAX is a number of
 * bytes, or `-`. WIRE is escaped (\n \r \t \\ \xHH), or `-` for no bytes. A
 * MESSAGE is escaped between double quotes, a quote inside is \x22. END is
 * `ok` or what is refused, with its place:
 *
 *	ERROR@OFFSET		decode, offset in the stream
 *	cut@OFFSET:HAVE/NEED	decode, the end came inside a message
 *	ERROR#N, tag#N@OFFSET	encode, of message N, offset in the message
 *
 * and then MESSAGEs (decode) or WIRE (encode) are what came before it; for
 * encode the refused message is the last MESSAGE. A # begins a comment line.
 */
#ifndef UNIT_VECTORS_H
#define UNIT_VECTORS_H

#include "base/slice.h"
#include "codec/decode.h"
#include "codec/encode.h"

#define VECTOR_MESSAGES_MAX 32

struct vector {
	const char *name;
	const char *mode;
	bool decode, encode; /* which ways it is good for */
	struct framing fr;
	struct slice wire;
	enum decode_error decode_error;
	enum encode_error encode_error;
	uint64_t message; /* encode: the one refused, from 1 */
	uint64_t offset;  /* of the fault */
	uint64_t have, need;
	struct slice messages[VECTOR_MESSAGES_MAX];
	size_t n;
};

struct vectors {
	struct vector *v;
	size_t n;
	char **lines; /* one for each, which it points into */
};

/*
 * Reads the files named, or without a name those of $srcdir/tests/vectors. A
 * line that cannot be read ends the program with its file and number.
 */
void vectors_read(struct vectors *, int argc, char *argv[]);
void vectors_free(struct vectors *);

#endif
