#!/usr/bin/env bash
# The form that clang-format does not see, and that it is obeyed.

. "${WDSOCK_SRC:?}/tests/lint/lint.bash"

sources() {
	find src tests -name '*.[ch]' | sort
}

long_functions() {
	sources | xargs awk '
		FNR == 1 { open = 0 }
		/^{/ { open = FNR }
		/^}/ { if (open && FNR - open > 80)
			print FILENAME ":" open ": a function of " FNR - open " lines"
			open = 0 }'
}

long_files() {
	find src -name '*.[ch]' -exec awk 'END {
		if (NR > 600) print FILENAME ": " NR " lines" }' {} \;
}

long_lines() {
	sources | while read -r file; do
		expand "$file" | awk -v file="$file" '
			# What a test expects to be said stands in one piece.
			file ~ /^tests/ && /"/ { next }
			length > 80 { print file ":" FNR ": " length " columns" }'
	done
}

left_open() {
	grep -nE '\b(TODO|FIXME|XXX|HACK)\b' -r src man completions bootstrap \
		Makefile.am configure.ac README.md
}

sleeps() {
	grep -nE '(^|[^a-z_])(sleep|usleep)[ (]' -r tests | grep -v '^tests/lint/'
}

first_block() {
	sources | while read -r file; do
		head -1 "$file" | grep -q '^/\*' || echo "$file: no block at the top"
	done
}

tests_of_use() {
	# A test file that Makefile.am does not name never runs.
	find tests/bats tests/lint -name '*.bats' -o -name '*.sh' -path '*lint*' |
		while read -r file; do
			grep -qF "$file" Makefile.am || echo "$file: not in Makefile.am"
		done
	find tests/unit -name '*_test.c' | while read -r file; do
		grep -qF "${file%.c}" Makefile.am || echo "$file: not in Makefile.am"
	done
}

unformatted() {
	sources | xargs clang-format --dry-run 2>&1 | grep warning: | head -20
}

rule "functions have at most 80 lines" long_functions
rule "files have at most 600 lines" long_files
rule "lines have at most 80 columns" long_lines
rule "nothing is left open in the text" left_open
rule "no test sleeps" sleeps
rule "each file begins by saying what lives in it" first_block
rule "every test is in Makefile.am" tests_of_use
if clang-format --version 2>/dev/null | grep -q 'version 14'; then
	rule "clang-format has nothing to say" unformatted
else
	skip_rule "clang-format has nothing to say" "no clang-format 14"
fi
end_rules
