/*
 * Windows-1252, what programs send that call their text ANSI. As Windows has
 * it, and unlike iconv's, it has no holes: the five bytes 81 8D 8F 90 9D are
 * the controls U+0081 to U+009D of the same numbers, both ways.
 */
#ifndef IO_CP1252_H
#define IO_CP1252_H

#include <stdbool.h>

#include "base/slice.h"

/* Is this a name of it, in any case of letters? */
bool cp1252_is(const char *name);

/*
 * From UTF-8, and to it. What has been converted is taken off the front of
 * `in` and stands behind what was in `out`. 0: all of it; or a number of
 * errno.h as iconv(3) has them, E2BIG: no room in `out`; EILSEQ: in->p begins
 * with what cannot be converted; EINVAL: with a part of a character.
 */
int cp1252_from_utf8(struct slice *in, struct span *out);
int cp1252_to_utf8(struct slice *in, struct span *out);

#endif
