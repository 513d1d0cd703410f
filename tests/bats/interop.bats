# wdsock and the other netcats: each in both roles, 10 MB both ways at once,
# compared byte by byte, and what can only come behind a half-close.

load talk

FAMILIES=(tcp4 tcp6 unix)

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	# Bytes of every value, and lines; one of each for either side.
	perl -e 'srand(1); for my $f ("raw.a", "raw.b") {
		open(my $h, ">:raw", $f);
		print $h pack("N*", map(int(rand(2 ** 32)), 1 .. 2500));
		my $piece = pack("N*", map(int(rand(2 ** 32)), 1 .. 250000));
		print $h substr($piece, $_, 999000) for 1 .. 10;
		close($h) }'
	seq 1000000 2250000 >lines.a
	seq 3000000 4250000 | tac >lines.b
}

need() {
	command -v "$1" >/dev/null || skip "no $1"
	[ "$1" != nc ] || nc -h 2>&1 | grep -q OpenBSD ||
		skip "nc is not OpenBSD's"
}

# A port that is free now, and where a foreign server is to listen, in A.
somewhere() {
	case $T in
	tcp4) A=127.0.0.1:$(free_port AF_INET 127.0.0.1) ;;
	tcp6) A="[::1]:$(free_port AF_INET6 ::1)" ;;
	unix) A=unix:sock ;;
	esac
}

# foreign TOOL listen|call|sort: the other netcat at A, between stdin and
# stdout, or one that gives all it got to sort(1).
foreign() {
	local port=${A##*:} host=${A%:*}

	host=${host#[}
	host=${host%]}
	case $1-$2-$T in
	nc-listen-unix) set -- nc -N -lU sock ;;
	nc-listen-*) set -- nc -N -l "$host" "$port" ;;
	nc-call-unix) set -- nc -NU sock ;;
	nc-call-*) set -- nc -N "$host" "$port" ;;
	ncat-listen-unix) set -- ncat -lU sock ;;
	ncat-listen-*) set -- ncat -l "$host" "$port" ;;
	ncat-call-unix) set -- ncat -U sock ;;
	ncat-call-*) set -- ncat "$host" "$port" ;;
	socat-listen-unix) set -- socat -t 20 - UNIX-LISTEN:sock ;;
	socat-listen-tcp4)
		set -- socat -t 20 - TCP4-LISTEN:"$port",bind="$host",reuseaddr
		;;
	socat-listen-tcp6)
		set -- socat -t 20 - \
			TCP6-LISTEN:"$port",bind=["$host"],reuseaddr
		;;
	socat-call-unix) set -- socat -t 20 - UNIX-CONNECT:sock ;;
	socat-call-tcp4) set -- socat -t 20 - TCP4:"$A" ;;
	socat-call-tcp6) set -- socat -t 20 - TCP6:"$A" ;;
	socat-sort-unix) set -- socat -t 20 UNIX-LISTEN:sock SYSTEM:sort ;;
	socat-sort-tcp4)
		set -- socat -t 20 \
			TCP4-LISTEN:"$port",bind="$host",reuseaddr SYSTEM:sort
		;;
	socat-sort-tcp6)
		set -- socat -t 20 \
			TCP6-LISTEN:"$port",bind=["$host"],reuseaddr SYSTEM:sort
		;;
	esac
	exec timeout -k 1 25 "$@" 6>&- 8>&- 9>&-
}

# foreign_server TOOL listen|sort FILE: it listens, in the background, and says
# what is in the file; what it gets goes to the file theirs.
foreign_server() {
	somewhere
	foreign "$1" "$2" <"$3" >theirs 2>theirs.err &
	OTHER=$!
	PIDS="$PIDS $OTHER"
}

other_ended() {
	local got=0

	wait "$OTHER" || got=$?
	[ "$got" = 0 ] && return
	echo "the other side ended with $got:"
	cat theirs.err
	return 1
}

# Until somebody listens: nothing is said before the connection stands.
patient() {
	wd connect --retry 400 --retry-max 20ms "$@"
}

# connects TOOL MODE [OPTION]: we call it.
connects() {
	tool=$1
	mode=$2
	option=${3:--N}
	need "$1"
	body() {
		foreign_server "$tool" listen "$BATS_FILE_TMPDIR/$mode.a"
		patient -m "$mode" "$option" "$A" \
			<"$BATS_FILE_TMPDIR/$mode.b" >ours 2>err
		other_ended
		cmp ours "$BATS_FILE_TMPDIR/$mode.a"
		cmp theirs "$BATS_FILE_TMPDIR/$mode.b"
	}
	each "${FAMILIES[@]}"
}

# serves TOOL MODE: it calls us.
serves() {
	tool=$1
	mode=$2
	need "$1"
	body() {
		serve -m "$mode" <"$BATS_FILE_TMPDIR/$mode.a"
		(foreign "$tool" call) <"$BATS_FILE_TMPDIR/$mode.b" \
			>theirs 2>theirs.err
		ended 0
		cmp out "$BATS_FILE_TMPDIR/$mode.b"
		cmp theirs "$BATS_FILE_TMPDIR/$mode.a"
	}
	each "${FAMILIES[@]}"
}

# sort(1) says nothing before its input has ended. (An ncat that listens ends
# its command when the client's half closes: it has no late reply.)
reply_behind_our_half_close() {
	tool=$1
	need "$1"
	body() {
		foreign_server "$tool" sort /dev/null
		printf 'b\nc\na\n' >in
		patient -m lines "$A" <in >out 2>err
		out_is 'a\nb\nc\n'
		other_ended
	}
	each "${FAMILIES[@]}"
}

# Much of it is still on its way back when they have said all of it.
echo_behind_their_half_close() {
	tool=$1
	need "$1"
	body() {
		serve --echo -m lines </dev/null
		(foreign "$tool" call) <"$BATS_FILE_TMPDIR/lines.a" \
			>theirs 2>theirs.err
		ended 0
		cmp theirs "$BATS_FILE_TMPDIR/lines.a"
	}
	each "${FAMILIES[@]}"
}

# An nc that listens gives up what it has still to say when its client closes
# its half: so we keep ours open to the end, and ask it for no late reply.

@test "wdsock connect and an nc that listens: 10 MB of bytes each way" {
	connects nc raw --stay
}

@test "wdsock connect and an nc that listens: 10 MB of lines each way" {
	connects nc lines --stay
}

@test "wdsock connect and an ncat that listens: 10 MB of bytes each way" {
	connects ncat raw
}

@test "wdsock connect and an ncat that listens: 10 MB of lines each way" {
	connects ncat lines
}

@test "wdsock connect and a socat that listens: 10 MB of bytes each way" {
	connects socat raw
}

@test "wdsock connect and a socat that listens: 10 MB of lines each way" {
	connects socat lines
}

@test "wdsock serve-single and an nc that calls: 10 MB of bytes each way" {
	serves nc raw
}

@test "wdsock serve-single and an nc that calls: 10 MB of lines each way" {
	serves nc lines
}

@test "wdsock serve-single and an ncat that calls: 10 MB of bytes each way" {
	serves ncat raw
}

@test "wdsock serve-single and an ncat that calls: 10 MB of lines each way" {
	serves ncat lines
}

@test "wdsock serve-single and a socat that calls: 10 MB of bytes each way" {
	serves socat raw
}

@test "wdsock serve-single and a socat that calls: 10 MB of lines each way" {
	serves socat lines
}

@test "socat's reply behind our half-close is received" {
	reply_behind_our_half_close socat
}

@test "what we echo behind nc's half-close is received" {
	echo_behind_their_half_close nc
}

@test "what we echo behind ncat's half-close is received" {
	echo_behind_their_half_close ncat
}

@test "what we echo behind socat's half-close is received" {
	echo_behind_their_half_close socat
}
