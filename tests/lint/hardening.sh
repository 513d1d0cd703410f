#!/usr/bin/env bash
# The program and its modules are linked as configure was asked to: what a flag
# was meant to do is looked for in the result, since a flag that got lost says
# nothing.

. "${WDSOCK_SRC:?}/tests/lint/lint.bash"
binary=${WDSOCK:?set WDSOCK to the binary under test}

modules() {
	find "${binary%/*}" -maxdepth 1 -name 'wdsock-*.so'
}

# has TEXT FILE OPTION...: readelf, asked so, says so.
has() {
	local text=$1 file=$2
	shift 2
	readelf -W "$@" "$file" | grep -q -- "$text" ||
		echo "readelf $* $file does not say: $text"
}

# all_have TEXT OPTION...: the same of the program and of each module.
all_have() {
	local text=$1 file
	shift
	has "$text" "$binary" "$@"
	modules | while read -r file; do
		has "$text" "$file" "$@"
	done
}

executable_stack() {
	local file
	for file in "$binary" $(modules); do
		readelf -W -l "$file" | grep 'GNU_STACK.* RWE'
	done
}

# What a module shows of itself besides what the linker adds.
more_than_one_symbol() {
	local file
	modules | while read -r file; do
		[ "$(nm -D --defined-only "$file" | sed 's/.* //')" = \
			wdsock_module ] || nm -D --defined-only "$file"
	done
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

check "the program can be loaded anywhere" has 'PIE' "$binary" -d
check "its tables are read-only once it runs, and those of its modules" \
	all_have GNU_RELRO -l
check "all of them, since everything is bound at the start" \
	all_have 'BIND_NOW\|NOW' -d
check "its stack holds no code" executable_stack
check "a module has one symbol for the program" more_than_one_symbol
end_rules
