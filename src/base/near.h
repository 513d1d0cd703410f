/* What somebody may have meant who typed something else. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <stddef.h>

#define NEAR_MAX 32 /* longer words are not compared */

/*
 * The name among names[0..n) that is nearest to what was typed: one that it
 * begins, or one that is a few letters away; NULL if none is near.
 */
const char *near_of(const char *typed, const char *const *names, size_t n);

#endif
