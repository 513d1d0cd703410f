#!/bin/sh
# Numbers what is said, and sends it back.
tab=$(printf '\t')
n=0
while IFS= read -r line; do
	n=$((n + 1))
	printf '%s\t%d: %s\n' "${line%%"$tab"*}" "$n" "${line#*"$tab"}"
done
