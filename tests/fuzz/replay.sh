#!/bin/sh
# The stored inputs once more, with the compiler's sanitizers watching: builds
# the replay programs, and nothing else, in $WDSOCK_BUILD/build-asan and runs
# them. Speaks TAP. `make clean` removes that directory.

src=${WDSOCK_SRC:?set WDSOCK_SRC to the top of the sources}
build=${WDSOCK_BUILD:?set WDSOCK_BUILD to the top of the build}

# We are not part of the make that runs us.
unset MAKEFLAGS MFLAGS MAKELEVEL CDPATH
make=${MAKE:-make}
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export ASAN_OPTIONS UBSAN_OPTIONS

skip()
{
	echo "1..0 # SKIP the corpora under sanitizers: $*"
	exit 0
}

# variable NAME: as this build's Makefile has it.
variable()
{
	sed -n "s/^$1 = *//p" "$build/Makefile"
}

# This build's configuration, and the sanitizers; $1: its words, quoted. What
# the compiler warns of is another build's affair.
configure()
{
	eval "set -- $1"
	"$src/configure" -q "$@" --disable-werror --enable-sanitizers \
	    CC="$cc" CFLAGS='-g -O1'
}

make_replays()
{
	# shellcheck disable=SC2086 # names without blanks
	"$make" -s -j2 $programs
}

# try WORD...: runs it; if it fails, that is what has gone wrong.
try()
{
	"$@" >build.log 2>&1 </dev/null && return
	sed 's/^/# /' build.log
	echo "not ok 1 - the replay programs can be built with sanitizers"
	echo "1..1"
	exit 1
}

[ -z "$(variable SAN_CFLAGS)$(variable COV_CFLAGS)" ] ||
	skip "this build is instrumented itself"
cc=$(variable CC)
dir=$build/build-asan
mkdir -p "$dir" && cd "$dir" || exit 1
echo 'int main(void) { return 0; }' >probe.c
# shellcheck disable=SC2086 # the compiler may be words
if ! $cc -fsanitize=address,undefined -o probe probe.c >/dev/null 2>&1 ||
    ! ./probe 2>/dev/null; then
	skip "the compiler has none"
fi

words=$("$build/config.status" --config)
if [ ! -f Makefile ] || [ -n "$(find "$src/configure" -newer config.status)" ] ||
    [ "$words $cc" != "$(cat words 2>/dev/null)" ]; then
	try configure "$words"
	printf '%s\n' "$words $cc" >words
fi
programs=
for file in "$src"/tests/fuzz/fuzz_*.c; do
	name=${file##*/fuzz_}
	programs="$programs tests/fuzz/replay_${name%.c}"
done
try make_replays

n=0
status=0
srcdir=$src
export srcdir
for program in $programs; do
	n=$((n + 1))
	if "./$program" >out 2>&1; then
		echo "ok $n - ${program##*/} under sanitizers"
	else
		status=1
		echo "not ok $n - ${program##*/} under sanitizers"
		sed 's/^/# /' out
	fi
done
echo "1..$n"
exit $status
