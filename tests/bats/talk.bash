# For tests that talk: peers, servers, and each case over each transport.
#
# A case is a function, body, that `each` runs once for each transport, all at
# the same time, each in a directory of its own. There T is the transport and
# HERE an address to listen on; A becomes the address of whom it has started.

load helper

# What all else is bounded by; bats needs one of these two to do it.
if command -v pkill >/dev/null || command -v ps >/dev/null; then
	BATS_TEST_TIMEOUT=90
fi

TRANSPORTS=(tcp4 tcp6 unix abstract) # and tls, where the program has it
DATAGRAMS=(udp4 udp6 unix-dgram abstract-dgram)

have_ipv6() {
	perl -MSocket=:all -e 'my $s; socket($s, AF_INET6, SOCK_STREAM, 0) &&
		bind($s, pack_sockaddr_in6(0, inet_pton(AF_INET6, "::1")))
		or exit(1)'
}

TLSPEER=$WDSOCK_BUILD/tests/bats/tlspeer
CERTS=$WDSOCK_BUILD/tests/bats/certs

# The program has TLS, and so have the tests.
have_tls() {
	[ -x "$TLSPEER" ] && command -v openssl >/dev/null &&
		"$W" --version | grep -q '^TLS: .*OpenSSL'
}

# The certificates in CERTS; tests/bats/certs.pl says which there are.
make_certs() {
	[ "$CERTS/made" -nt "$SRC/tests/bats/certs.pl" ] ||
		perl "$SRC/tests/bats/certs.pl" "$CERTS"
}

# What the case starts shows a certificate, or believes in its CA: it need not
# know that it is over TLS. The program remains the process that was started.
over_tls() {
	mkdir -p ../tls-bin
	cat >../tls-bin/wdsock <<-END
		#!/bin/sh
		command=\$1
		shift
		case \$command in
		connect) set -- --tls-ca '$CERTS/ca.pem' "\$@" ;;
		serve-*) set -- --tls-cert '$CERTS/good.pem' \\
			--tls-key '$CERTS/good.key' "\$@" ;;
		esac
		exec '$W' "\$command" "\$@"
	END
	chmod +x ../tls-bin/wdsock
	W=$BATS_TEST_TMPDIR/tls-bin/wdsock
	PATH=$BATS_TEST_TMPDIR/tls-bin:$PATH
}

here() {
	case $1 in
	tcp4) HERE=127.0.0.1:0 ;;
	tcp6) HERE='[::1]:0' ;;
	tls | bare-tls) HERE=tls:127.0.0.1:0 ;;
	unix) HERE=unix:sock ;;
	abstract) HERE=unix:@wdsock-test-$BASHPID-$RANDOM$RANDOM ;;
	udp4) HERE=udp:127.0.0.1:0 ;;
	udp6) HERE='udp:[::1]:0' ;;
	unix-dgram) HERE=unix-dgram:sock ;;
	abstract-dgram)
		HERE=unix-dgram:@wdsock-test-$BASHPID-$RANDOM$RANDOM
		;;
	esac
}

# A port that is free now, for a server that cannot say its own.
free_port() {
	perl -MSocket=:all -e '
		my ($family, $ip) = ($ARGV[0] eq "AF_INET" ? AF_INET : AF_INET6,
			$ARGV[1]);
		my $n = inet_pton($family, $ip);
		socket(my $s, $family, SOCK_STREAM, 0) or die;
		bind($s, $family == AF_INET ? pack_sockaddr_in(0, $n)
			: pack_sockaddr_in6(0, $n)) or die;
		my $name = getsockname($s);
		print(($family == AF_INET ? unpack_sockaddr_in($name)
			: unpack_sockaddr_in6($name))[0])' "$1" "$2"
}

# What begins each transport's run, and each test that has but one.
begin() {
	T=$1
	here "$1"
	[[ $1 != *tls ]] || make_certs
	[ "$1" != tls ] || over_tls
	PIDS=
	READIES=0
	mkfifo life
	# Its only holder for writing; peers see its end with ours.
	exec 8<>life
	trap end_all EXIT
}

# Only what this shell has started, by its id.
end_all() {
	local pid

	for pid in $PIDS; do
		kill "$pid" 2>/dev/null || :
	done
}

# One transport's run in the background; its errexit is its own.
run_over() {
	(
		trap - ERR DEBUG RETURN
		set -eE
		mkdir "$1"
		cd "$1"
		begin "$1"
		body
	) >"$1.log" 2>&1 3>&- &
}

# each [TRANSPORT...]: body over each of them, or over all.
each() {
	local t failed='' pids=()

	if [ $# = 0 ]; then
		set -- "${TRANSPORTS[@]}"
		! have_tls || set -- "$@" tls
	fi
	for t; do
		[[ $t != *6 ]] || have_ipv6 || continue
		run_over "$t"
		pids+=("$t:$!")
	done
	for t in "${pids[@]}"; do
		wait "${t#*:}" || failed+=" ${t%:*}"
	done
	for t in $failed; do
		echo "--- over $t:"
		cat "$t.log"
	done
	[ -z "$failed" ]
}

# A command that must come to an end.
wd() {
	timeout -k 1 25 "$W" "$@" 6>&- 8>&-
}

new_ready() {
	READIES=$((READIES + 1))
	mkfifo "ready$READIES"
	exec 9<>"ready$READIES"
}

read_ready() {
	if ! read -r -t 20 A <&9; then
		echo "it does not listen"
		cat peer.err err 2>/dev/null
		return 1
	fi
	exec 9>&-
}

# peer_options [--NAME VALUE]...: those of peer.pl, in OPTIONS, and how many
# words they are in TAKEN. What --tls says is for tlspeer, which shows a good
# certificate if it says nothing of one.
peer_options() {
	local way=$1 tls=$TLSPEER
	shift
	OPTIONS=(--life life)
	TAKEN=0
	while [[ ${1-} == --* ]]; do
		case $1 in
		--tls) tls+=" $2" ;;
		*) OPTIONS+=("$1" "$2") ;;
		esac
		shift 2
		TAKEN=$((TAKEN + 2))
	done
	[ "$way" = connect ] || [[ $tls == *' cert='* ]] ||
		tls+=" cert=$CERTS/good.pem key=$CERTS/good.key"
	OPTIONS+=(--tls "$tls")
}

# peer [OPTION...] ACTION...: a scripted server; its address is in A.
peer() {
	peer_options listen "$@"
	shift "$TAKEN"
	new_ready
	perl "$SRC/tests/bats/peer.pl" "${OPTIONS[@]}" \
		--ready "ready$READIES" listen "$HERE" "$@" \
		>peer.out 2>peer.err 6>&- 8>&- 9>&- &
	PEER=$!
	PIDS="$PIDS $PEER"
	read_ready
}

# caller [OPTION...] ACTION...: a scripted client of A, to its end.
caller() {
	peer_options connect "$@"
	shift "$TAKEN"
	perl "$SRC/tests/bats/peer.pl" "${OPTIONS[@]}" connect "$A" "$@" \
		6>&- 8>&-
}

# datagrams WAY ADDRESS ACTION...: a scripted peer of datagrams, to its end.
datagrams() {
	perl "$SRC/tests/bats/datagrams.pl" --life life "$@" 6>&- 8>&- 9>&-
}

# datagrams_behind ACTION...: one that is bound, in the background; its address
# is in A. peer_held waits for it.
datagrams_behind() {
	new_ready
	datagrams --ready "ready$READIES" bind "$HERE" "$@" \
		>peer.out 2>peer.err &
	PEER=$!
	PIDS="$PIDS $PEER"
	read_ready
}

# The same in the background; peer_held waits for it.
caller_behind() {
	caller "$@" >peer.out 2>peer.err 6>&- &
	PEER=$!
	PIDS="$PIDS $PEER"
}

# The peer's script has held to its end.
peer_held() {
	wait "$PEER" && return
	echo "the peer's script did not hold:"
	cat peer.err
	[ ! -e err ] || { echo "stderr:"; cat err; }
	return 1
}

# serve ARGUMENT...: serve-single in the background, stdin as it is here; its
# output is in out and err, its address in A.
serve() {
	new_ready
	wdsock serve-single --deadline 40 --ready-fd 7 "$@" "$HERE" \
		<&0 >out 2>err 7>"ready$READIES" 6>&- 8>&- 9>&- &
	SERVER=$!
	PIDS="$PIDS $SERVER"
	read_ready
}

# behind COMMAND...: wdsock in the background, its output in out and err.
behind() {
	local command=$1
	shift
	wdsock "$command" --deadline 40 "$@" <&0 >out 2>err 6>&- 8>&- &
	SERVER=$!
	PIDS="$PIDS $SERVER"
}

# ended STATUS: what `serve` or `behind` has started ends so.
ended() {
	local got=0

	wait "$SERVER" || got=$?
	[ "$got" = "$1" ] && return
	echo "status $got, expected $1; stderr:"
	cat err
	return 1
}

# A pipe that somebody holds open and that says nothing: <idle. What is written
# to descriptor 6 comes, and its end with the end of that.
idle() {
	mkfifo idle
	exec 6<>idle
}

now_ms() {
	date +%s%3N
}

# within FROM TO COMMAND...: it takes so many milliseconds.
within() {
	local from=$1 to=$2 before took
	shift 2
	before=$(now_ms)
	"$@" || return
	took=$(($(now_ms) - before))
	[ "$took" -ge "$from" ] && [ "$took" -le "$to" ] && return
	echo "it took $took ms, expected $from to $to: $*"
	return 1
}

# until_true COMMAND...: tried again until it holds; twenty seconds at most.
until_true() {
	local end=$(($(date +%s) + 20))

	until "$@" >until.log 2>&1; do
		if [ "$(date +%s)" -ge "$end" ]; then
			echo "never true: $*"
			cat until.log
			return 1
		fi
		read -r -t 0.02 <>life || :
	done
}

# err_like ERE: a line of stderr matches.
err_like() {
	grep -qE -- "$1" err && return
	echo "expected in stderr: $1"
	cat err
	return 1
}
