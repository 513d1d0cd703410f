# What every file of tests begins with: the binary under test, a directory of
# its own, and ways to ask for bytes, for standard error and for a status.

setup() {
	W=${WDSOCK:?set WDSOCK to the binary under test}
	SRC=${WDSOCK_SRC:?set WDSOCK_SRC to the top of the sources}
	cd "$BATS_TEST_TMPDIR" || return
	PATH=${W%/*}:$PATH
}

# Skips a test that gives JSON lines to a program which was built without.
needs_json() {
	! wdsock --version | grep -q '^JSON input: this wdsock was built without' ||
		skip "no JSON input in this build"
}

# run_bytes STATUS COMMAND...: stdout goes to the file out, stderr to err.
run_bytes() {
	local want=$1 got=0
	shift
	"$@" >out 2>err || got=$?
	if [ "$got" != "$want" ]; then
		echo "status $got, expected $want: $*"
		echo "stdout:"
		od -An -c out | head -20
		echo "stderr:"
		cat err
		return 1
	fi
}

# out_is TEXT: what stdout was, TEXT being escaped as for printf.
out_is() {
	# shellcheck disable=SC2059
	printf "$1" >want
	cmp out want && return
	echo "expected:"
	od -An -c want | head -20
	echo "seen:"
	od -An -c out | head -20
	return 1
}

# err_is LINE...: all that stderr says.
err_is() {
	printf '%s\n' "$@" >want
	diff want err
}

err_has() {
	grep -qF -- "$1" err && return
	echo "expected in stderr: $1"
	cat err
	return 1
}

err_is_empty() {
	[ ! -s err ] && return
	cat err
	return 1
}
