# What the system around a conversation does: limits, errors of accept, other
# networks, a clock that jumps, and whoever starts us and hands a socket over.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

needs() {
	local name

	for name; do
		command -v "$name" >/dev/null || skip "needs $name"
	done
}

# A network of its own, in which nothing is up.
needs_network() {
	needs unshare
	if unshare -n true 2>/dev/null; then
		ALONE=(unshare -n)
	elif unshare -rn true 2>/dev/null; then
		ALONE=(unshare -rn)
	else
		skip "needs a network namespace of its own"
	fi
}

# managed WAY...: wdsock started by manager.pl, in the background; its address
# is in A, the status of both in what `ended` asks for.
managed() {
	rm -f at pid
	perl "$SRC/tests/bats/manager.pl" "$@" >out 2>err 6>&- 8>&- &
	SERVER=$!
	PIDS="$PIDS $SERVER"
	until_true [ -s at ]
	A=$(cat at)
}

# Ticks of the processor that it has used.
ticks_of() {
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

@test "without a descriptor it says so, clients wait, and are served later" {
	body() {
		serve -k </dev/null
		# So many descriptors as it has while it waits, and no more.
		until_true waits
		n=0
		while [ -e "/proc/$SERVER/fd/$n" ]; do n=$((n + 1)); done
		prlimit --pid "$SERVER" --nofile="$n:4096"
		caller_behind send '1\r\na' half-close expect-eof
		until_true grep -q 'Too many open files' err
		err_has "$A: cannot accept: Too many open files"
		err_has 'ulimit -n'
		before=$(ticks_of "$SERVER")
		read -r -t 1.3 <>life || :
		[ "$(($(ticks_of "$SERVER") - before))" -lt 20 ]
		[ "$(grep -c 'Too many' err)" -le 3 ]
		[ ! -s out ]
		prlimit --pid "$SERVER" --nofile=4096:4096
		peer_held
		caller send '1\r\nb' half-close expect-eof
		kill "$SERVER"
		ended 143
		out_is 'a\nb\n'
	}
	waits() {
		kill -USR1 "$SERVER"
		grep -q 'waiting for a client' err
	}
	needs prlimit
	[ -d /proc/self/fd ] || skip "needs /proc"
	each
}

@test "what accept says of a client that has gone is passed over" {
	body() {
		local error

		for error in ECONNABORTED EPROTO ENETDOWN EHOSTUNREACH EINTR; do
			here "$T"
			traced "$error" 1..3
			caller send '1\r\na' half-close expect-eof
			ended 0
			out_is 'a\n'
			err_is_empty
		done
	}
	needs strace
	strace -o /dev/null true 2>/dev/null || skip "strace may not trace"
	each tcp4 unix
}

@test "what accept lacks is said, and it is tried again" {
	body() {
		local error

		for error in EMFILE ENFILE ENOBUFS ENOMEM EPERM; do
			here "$T"
			traced "$error" 1..3
			caller send '1\r\na' half-close expect-eof
			ended 0
			out_is 'a\n'
			err_has 'clients wait until that is over'
			[ "$(grep -c 'cannot accept' err)" = 1 ]
		done
	}
	needs strace
	strace -o /dev/null true 2>/dev/null || skip "strace may not trace"
	each tcp4 unix
}

# traced ERROR WHEN: serve, with these calls of accept4 failing. Who is traced
# cannot look for leaks.
traced() {
	new_ready
	ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -o strace.out -e trace=accept4 \
		-e inject=accept4:error="$1":when="$2" "$W" serve-single \
		--deadline 40 --ready-fd 7 "$HERE" </dev/null >out 2>err \
		7>"ready$READIES" 6>&- 8>&- 9>&- &
	SERVER=$!
	PIDS="$PIDS $SERVER"
	read_ready
}

@test "a listening socket that was passed has its flags, whatever ends us" {
	body() {
		managed listen "$KIND" "$W" serve-single -k --deadline 40 </dev/null
		caller send '1\r\na' half-close expect-eof
		until_true grep -qx a out
		for signal in 0 USR1; do
			kill -"$signal" "$SERVER"
		done
		until_true [ -s flags ]
		[ "$(cat flags)" = same ]
		caller send '1\r\nb' half-close expect-eof
		until_true grep -qx b out
		kill -"$END" "$(cat pid)"
		ended "$STATUS"
	}
	case_of() {
		KIND=$1 END=$2 STATUS=$3
		each "$4"
		rm -rf tcp4 unix
	}
	case_of tcp TERM 143 tcp4
	case_of tcp KILL 137 tcp4
	case_of unix INT 130 unix
	case_of unix KILL 137 unix
}

@test "the end by itself leaves a passed socket as it was, and listening" {
	body() {
		managed listen tcp "$W" serve-single --deadline 40 </dev/null
		caller send '1\r\na' half-close expect-eof
		ended 0
		out_is 'a\n'
	}
	each tcp4
}

@test "LISTEN_FDS: one socket, for us; several are refused, others ignored" {
	body() {
		local n

		for n in 2 0 -1 x ''; do
			LISTEN_FDS=$n run_bytes 2 sh -c \
				'LISTEN_PID=$$ exec "$@"' - \
				"$W" serve-single </dev/null
			err_has 'expected 1, a single socket'
			err_has fd:4
		done
		# For somebody else: as if it were not there.
		LISTEN_FDS=2 LISTEN_PID=1 run_bytes 5 wd serve-single \
			--accept-timeout 50ms "$HERE" </dev/null
		LISTEN_FDS=1 LISTEN_PID=x run_bytes 5 wd serve-single \
			--accept-timeout 50ms "$HERE" </dev/null
		# Who says which one, may have several.
		LISTEN_FDS=2 managed listen tcp "$W" serve-single \
			--deadline 40 fd:3 </dev/null
		caller send '1\r\na' half-close expect-eof
		ended 0
	}
	each tcp4
}

@test "systemd-socket-activate: the client that wakes us is served" {
	body() {
		rm -f sock
		systemd-socket-activate -l "$PWD/sock" "$W" serve-single --echo \
			--deadline 40 </dev/null >out 2>err 6>&- 8>&- 9>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true [ -S sock ]
		A=unix:sock
		caller send '3\r\nabc' expect '3\r\nabc' half-close expect-eof
		ended 0
	}
	needs systemd-socket-activate
	each unix
}

@test "a super server: each client has a server of its own as 0, 1 and 2" {
	body() {
		managed inetd 3 "$W" serve-single --echo --deadline 40 fd:0 \
			</dev/null
		caller_behind send '1\r\na' expect '1\r\na' until go \
			send '1\r\nb' expect '1\r\nb' half-close expect-eof
		caller send '5\r\nother' expect '5\r\nother' half-close \
			expect-eof
		caller half-close expect-eof
		: >go
		peer_held
		ended 0
	}
	each tcp4
}

@test "a super server: what is wrong goes to the client, and is the status" {
	body() {
		managed inetd 1 "$W" serve-single --deadline 40 fd:0 </dev/null
		caller send 'no length' read-until-eof \
			has 'expected a decimal length, saw'
		ended 8
	}
	each tcp4
}

@test "-k with one connected socket ends as its conversation did" {
	body() {
		managed inetd 1 "$W" serve-single -k --deadline 40 fd:0 </dev/null
		caller send '5\r\nab' half-close read-until-eof
		ended 7
		managed inetd 1 "$W" serve-single -k --echo --deadline 40 fd:0 \
			</dev/null
		caller send '1\r\na' expect '1\r\na' half-close expect-eof
		ended 0
	}
	each tcp4
}

@test "^Z and fg: the terminal is as before, and the conversation goes on" {
	body() {
		peer send '5\r\nready' expect '5\r\ntyped' send '5\r\nreply' \
			expect-eof
		rm -f at
		run_bytes 0 timeout 25 perl "$SRC/tests/bats/manager.pl" shell \
			"$W" connect --deadline 20 "$A" 6>&- 8>&-
		grep -q reply out
		peer_held
	}
	[ -c /dev/ptmx ] || skip "needs /dev/ptmx"
	each
}

@test "no route: status 4, in the system's words" {
	needs_network
	run_bytes 4 "${ALONE[@]}" "$W" connect 192.0.2.1:80 </dev/null
	err_has '192.0.2.1:80: cannot connect: Network is unreachable'
	needs ip
	run_bytes 4 "${ALONE[@]}" sh -c 'ip link set lo up &&
		ip route add unreachable 192.0.2.0/24 &&
		exec "$@"' - "$W" connect 192.0.2.1:80 </dev/null
	err_has '192.0.2.1:80: cannot connect: No route to host'
}

@test "bind not permitted: status 11, with what to do" {
	needs_network
	needs setpriv
	run_bytes 11 "${ALONE[@]}" setpriv --bounding-set=-net_bind_service \
		--inh-caps=-net_bind_service "$W" serve-single 80 </dev/null
	err_has '[::]:80: cannot listen: Permission denied'
	err_has 'try: a port from 1024 on, or as root'
}

# Answers A, and nothing else: `answers NAME`. The name is 127.0.0.1.
dns() {
	cat <<'END'
echo 'nameserver 127.0.0.9' >resolv.conf
mount --bind resolv.conf /etc/resolv.conf && ip link set lo up || exit 99
mkfifo dns
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp",
	LocalAddr => "127.0.0.9:53") or die; alarm 30;
	open F, ">", "dns"; close F;
	while ($from = recv $s, $q, 512, 0) {
		open F, ">", "asked"; close F;
		# The type stands behind the name, which ends with a NUL.
		$end = index($q, "\0", 12);
		next if unpack("n", substr $q, $end + 1, 2) != 1;
		next if !$ARGV[0];
		send $s, substr($q, 0, 2) . pack("n5", 0x8180, 1, 1, 0, 0) .
			substr($q, 12, $end + 5 - 12) .
			pack("n3Nn", 0xc00c, 1, 1, 9, 4) . "\x7f\0\0\1", 0, $from;
	}' "$1" &
cat dns
END
}

needs_dns() {
	unshare -m -n true 2>/dev/null || skip "needs a namespace of its own"
	needs ip
}

@test "a name whose AAAA never comes listens on its A" {
	needs_dns
	{
		dns
		cat <<'END'
mkfifo ready
wdsock serve-single --deadline 20 --ready-fd 7 a.example:0 7>ready \
	</dev/null >out 2>err &
server=$!
# glibc asks twice, five seconds each.
read -t 4 at <ready || { kill $!; echo "it waits for AAAA"; }
echo "$at" >at
wdsock connect --send hello "$at" </dev/null
wait $server
got=$?
kill %1
exit $got
END
	} >script
	timeout 30 unshare -m -n bash script yes </dev/null
	[[ $(cat at) =~ ^127\.0\.0\.1:[0-9]+$ ]]
	out_is 'hello\n'
}

@test "a server says that it waits for its own address" {
	needs_dns
	{
		dns
		cat <<'END'
wdsock serve-single --deadline 2s a.example:0 </dev/null >out 2>err &
server=$!
# Who asks hears signals already.
until [ -e asked ]; do
	kill -0 $server || break
	read -t 0.02 <>dns
done
until grep -q 'waiting for the address of a.example$' err; do
	kill -USR1 $server || break
	read -t 0.02 <>dns
done
wait $server
got=$?
kill %1
exit $got
END
	} >script
	got=0
	timeout 30 unshare -m -n bash script '' </dev/null || got=$?
	[ "$got" = 5 ]
	err_has 'timeout: --deadline of 2 s has run out, waiting for the address of a.example'
}

@test "a clock that jumps moves no timeout" {
	body() {
		local jumping=(env LD_PRELOAD="$PWD/clock.so"
			CLOCK_FILE="$PWD/asked" ASAN_OPTIONS="$asan")

		cc -D_GNU_SOURCE -shared -fPIC -o clock.so \
			"$SRC/tests/torture/clock.c"
		# It does jump, by a day.
		[ "$("${jumping[@]}" date +%s)" -gt "$(($(date +%s) + 80000))" ]
		rm asked
		peer wait 300 send '1\r\na' wait 300 send '1\r\nb' wait 20000
		within 1500 15000 run_bytes 5 "${jumping[@]}" timeout 20 "$W" \
			connect -v --idle 1200ms --deadline 20s "$A" </dev/null
		out_is 'a\nb\n'
		err_has 'timeout: --idle of 1.2 s'
		[ -e asked ]
		# The time in the last line is what has passed.
		grep -Eq 'queued; [1-9]\.[0-9]{3} s' err
	}
	needs cc
	asan="${ASAN_OPTIONS:-}:verify_asan_link_order=0"
	each tcp4 unix
}
