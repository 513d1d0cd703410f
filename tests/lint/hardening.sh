#!/usr/bin/env bash
# The program is linked as configure was asked to: what a flag was meant to do
# is looked for in the result, since a flag that got lost says nothing.

. "${WDSOCK_SRC:?}/tests/lint/lint.bash"
binary=${WDSOCK:?set WDSOCK to the binary under test}

# has TEXT OPTION...: readelf, asked so, says so.
has() {
	local text=$1
	shift
	readelf -W "$@" "$binary" | grep -q -- "$text" ||
		echo "readelf $* does not say: $text"
}

executable_stack() {
	readelf -W -l "$binary" | grep 'GNU_STACK.* RWE'
}

why=
if [ "$(sed -n 's/^HARDENING = //p' "${WDSOCK_BUILD:?}/Makefile")" != yes ]; then
	why="this build is not hardened"
elif ! command -v readelf >/dev/null; then
	why="no readelf"
elif ! readelf -h "$binary" >/dev/null 2>&1; then
	why="no ELF file"
fi

# check NAME COMMAND...: a rule for builds that can have it.
check() {
	if [ -n "$why" ]; then
		skip_rule "$1" "$why"
	else
		rule "$@"
	fi
}

check "the program can be loaded anywhere" has 'PIE' -d
check "its tables are read-only once it runs" has GNU_RELRO -l
check "all of them, since everything is bound at the start" \
	has 'BIND_NOW\|NOW' -d
check "its stack holds no code" executable_stack
end_rules
