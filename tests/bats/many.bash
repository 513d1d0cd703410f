# For tests of serve-multi: the server with its listeners and its input, and
# clients that come and go beside one another.

load talk

# many [OPTION...]: serve-multi in the background on HERE, or on all of LISTEN,
# with what is written to descriptor 6 as its input. Its output is in out and
# err, its addresses are in ADDRESSES, the first one in A. BY is a redirection
# of a shell that has the last word on that.
many() {
	[ "${LISTEN+set}" ] || LISTEN=("$HERE")
	[ -e idle ] || idle
	rm -f ready
	mkfifo ready
	# A shell's background ignores SIGINT, nohup SIGHUP; perl takes it back.
	perl -e '$SIG{$_} = "DEFAULT" for qw(INT HUP); exec(@ARGV)' \
		sh -c "exec \"\$@\" ${BY-}" - \
		wdsock serve-multi --deadline 60 --ready-fd 7 "$@" \
		"${LISTEN[@]}" <idle >out 2>err 7>ready 6>&- 8>&- &
	SERVER=$!
	PIDS="$PIDS $SERVER"
	# It closes the descriptor behind the last address.
	timeout 20 cat ready >addresses
	mapfile -t ADDRESSES <addresses
	A=${ADDRESSES[0]-}
	[ "${#ADDRESSES[@]}" = "${#LISTEN[@]}" ] && return
	echo "expected ${#LISTEN[@]} addresses, saw:"
	cat addresses err
	return 1
}

# A line of its input.
say() {
	printf '%s\n' "$@" >&6
}

# guest NAME ACTION...: a scripted client of A in the background, until it has
# done all; what stands in the way of that is in NAME.err.
guest() {
	local name=$1
	shift

	caller "$@" >"$name.out" 2>"$name.err" 6>&- 9>&- &
	declare -g "GUEST_$name=$!"
	PIDS="$PIDS $!"
}

# What these guests had to do held to its end.
guests_held() {
	local name pid

	for name; do
		pid=GUEST_$name
		wait "${!pid}" && continue
		echo "$name:"
		cat "$name.err"
		echo "stderr of the server:"
		cat err
		return 1
	done
}

# told ERE [N]: N lines of stdout match; one, or more, without.
told() {
	local n

	n=$(grep -cE -- "$1" out) || :
	if [ $# -gt 1 ]; then [ "$n" = "$2" ]; else [ "$n" -gt 0 ]; fi
}

# The same, sooner or later.
is_told() {
	until_true told "$@" && return
	echo "stdout:"
	cut -c1-300 out | tail -20
	echo "stderr:"
	tail -20 err
	return 1
}

# opened N: so many have come; -j.
opened() {
	is_told '"event":"open"' "$1"
}

# What the server says of itself by SIGTERM; its status.
stopped() {
	kill "$SERVER"
	ended 143
}

count_fds() {
	local all=("/proc/$SERVER/fd/"*)
	echo "${#all[@]}"
}

# No more than these; whoever has closed some that it only began with has fewer.
has_fds() {
	[ "$(count_fds)" -le "$1" ] && return
	readlink "/proc/$SERVER/fd/"* | tail -n 20
	return 1
}

# A number of /proc/PID/status, in KB. A sanitizer keeps what was given back and
# has much of its own, so that there the figures are taken for none.
memory() {
	bash -c 'ulimit -v 400000 && exec "$@"' - "$W" --version \
		>sanitized 2>&1 || {
		echo 0
		return
	}
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$SERVER/status"
}

no_children() {
	[ -z "$(cat "/proc/$SERVER/task/$SERVER/children")" ]
}

# What it has used of the processor, in hundredths of a second.
cpu_used() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$SERVER/stat"
}

# as_json LINE...: what has been told but for times, peers and counters.
as_json() {
	printf '%s\n' "$@" >want
	sed -E 's/,"t":"[^"]*"//; s/,"peer":"[^"]*"//
		s/(,"(messages|bytes)_(in|out)":[0-9]*)+//' out >timeless
	diff want timeless
}
