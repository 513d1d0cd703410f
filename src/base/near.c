/* The nearest word; see near.h. */

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/near.h"

#define BEGUN_MIN 2    /* letters that begin a name */
#define DISTANCE_MAX 4 /* farther is not near */

/*
 * How many letters to change, add or drop to turn one into the other, in any
 * case of letters.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NEAR_MAX + 1], la = strlen(a), lb = strlen(b);
	size_t i, j, diagonal, above;

	if (la > NEAR_MAX || lb > NEAR_MAX)
		return SIZE_MAX;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			above = row[j];
			row[j] = diagonal +
			    (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
			if (above + 1 < row[j])
				row[j] = above + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			diagonal = above;
		}
	}
	return row[lb];
}

const char *
near_of(const char *typed, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t i, d, len = strlen(typed), least = len / 3 + 1;

	/* What is only begun means what it begins: the shortest such name. */
	for (i = 0; len >= BEGUN_MIN && i < n; i++)
		if (strncasecmp(typed, names[i], len) == 0 &&
		    (best == NULL || strlen(names[i]) < strlen(best)))
			best = names[i];
	if (best != NULL)
		return best;
	if (least > DISTANCE_MAX)
		least = DISTANCE_MAX;
	for (i = 0; i < n; i++) {
		d = distance(typed, names[i]);
		if (d <= least && (best == NULL || d < least)) {
			best = names[i];
			least = d;
		}
	}
	return best;
}
