/* --dump; see dump.h. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "talk/dump.h"

#define COLUMNS 16

void
dump_bytes(bool out, uint64_t offset, struct slice bytes,
    void (*say)(void *, const char *line), void *owner)
{
	char line[128];
	size_t i, k, n;
	int at;

	for (i = 0; i < bytes.len; i += COLUMNS) {
		n = bytes.len - i < COLUMNS ? bytes.len - i : COLUMNS;
		at = snprintf(line, sizeof(line), "%c %08" PRIx64 " ",
		    out ? '>' : '<', offset + i);
		for (k = 0; k < COLUMNS; k++) {
			if (k < n)
				at += snprintf(line + at,
				    sizeof(line) - (size_t)at, "%s%02x",
				    k == COLUMNS / 2 ? "  " : " ",
				    bytes.p[i + k]);
			else
				at += snprintf(line + at,
				    sizeof(line) - (size_t)at, "%s  ",
				    k == COLUMNS / 2 ? "  " : " ");
		}
		at += snprintf(line + at, sizeof(line) - (size_t)at, "  ");
		for (k = 0; k < n; k++) {
			uint8_t c = bytes.p[i + k];

			line[at++] = c >= 0x20 && c < 0x7f ? (char)c : '.';
		}
		line[at] = '\0';
		say(owner, line);
	}
}
