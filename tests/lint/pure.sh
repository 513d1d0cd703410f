#!/usr/bin/env bash
# The codec calls nothing but memory and string functions, and no room keeps
# state of its own: shown by what the linker sees.

. "${WDSOCK_SRC:?}/tests/lint/lint.bash"
cd "${WDSOCK_BUILD:?}" || exit 1

# Objects of the codec and those of base that it may lean on.
pure_objects() {
	find . -path './src/codec/*.o' -o -path './src/base/text.o' \
		-o -path './src/base/utf8.o' -o -path './src/base/safe.o'
}

instrumented() {
	pure_objects | xargs nm 2>/dev/null |
		grep -qE '__(asan|ubsan|gcov|sanitizer|llvm)_'
}

foreign_calls() {
	pure_objects | xargs nm | awk '
		$1 == "U" { wanted[$2] = 1; next }
		NF == 3 { here[$3] = 1 }
		END { for (s in wanted) if (!(s in here)) print s }' |
		grep -vE '^_*(mem(cpy|move|set|cmp|chr|mem)|str(len|chr|cmp|cspn|spn|str|ncasecmp))(_chk)?$' |
		grep -vE '^(__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)$'
}

count_objects() {
	[ "$(pure_objects | wc -l)" -ge 6 ] || pure_objects
}

# Variables that can be written: .data and .bss of every object but main's.
variables() {
	find . -path './src/*.o' ! -path './src/cmd/main.o' -print0 |
		xargs -0 nm -A | grep -E ' [bBdDC] ' |
		grep -vE '\.data\.rel\.ro| d \.LC|[dD] (__compound_literal|\.L)' |
		while IFS= read -r line; do
			object=${line%%:*}
			name=${line##* }
			# Constant tables of pointers live in .data.rel.ro and
			# are read-only once the program runs.
			objdump -t "$object" | grep -w -- "$name" |
				grep -q '\.data\.rel\.ro' || echo "$line"
		done
}

rule "the objects of the codec are there to be looked at" count_objects
if instrumented; then
	skip_rule "the codec calls nothing but memory and string functions" \
		"this build is instrumented"
	skip_rule "no room keeps state at file scope" "this build is instrumented"
else
	rule "the codec calls nothing but memory and string functions" foreign_calls
	rule "no room keeps state at file scope" variables
fi
end_rules
