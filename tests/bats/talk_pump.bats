# Raw bytes pass unchanged, whoever moves them: the pump where it can, reading
# and writing where it cannot or where --input and --output say so.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

PUMPED=(-m raw)
PLAIN=(-m raw --input raw --output raw)

# bytes N FILE: by chance, so that nothing can change places unseen.
bytes() {
	head -c "$1" /dev/urandom >"$2"
}

# both_ways FUNCTION ARGUMENT...: once with each, RAW being the options.
both_ways() {
	local RAW

	echo "pumped: $*"
	RAW=("${PUMPED[@]}")
	"$@"
	echo "read and written: $*"
	RAW=("${PLAIN[@]}")
	"$@"
}

# A listener of our own once more.
again() {
	here "$T"
	rm -f sock
}

# nonblocking HANDLE COMMAND...: with O_NONBLOCK on STDIN or STDOUT.
nonblocking() {
	perl -e 'use Fcntl; my $h = shift eq "STDIN" ? \*STDIN : \*STDOUT;
		fcntl($h, F_SETFL, fcntl($h, F_GETFL, 0) | O_NONBLOCK);
		exec @ARGV' "$@"
}

# over_socket STDIN|STDOUT COMMAND...: it is one end of a pair.
over_socket() {
	perl -MSocket -e '
		my $in = shift eq "STDIN";
		socketpair A, B, AF_UNIX, SOCK_STREAM, 0 or die;
		my $pid = fork;
		if (!$pid) {
			close A;
			open STDIN, "<&", \*B if $in;
			open STDOUT, ">&", \*B if !$in;
			close B;
			exec @ARGV or die;
		}
		close B;
		my ($from, $to) = $in ? (\*STDIN, \*A) : (\*A, \*STDOUT);
		$SIG{PIPE} = "IGNORE";
		while (sysread $from, my $b, 65536) {
			for (my $n = 0; $n < length $b;) {
				$n += syswrite($to, $b, length($b) - $n, $n)
					// last;
			}
		}
		shutdown A, 1;
		waitpid $pid, 0;
		exit $? >> 8' "$@"
}

# The bytes of the file in, from a stdin of each kind.
say_from() {
	local kind=$1
	shift
	case $kind in
	file) wd "$@" <in ;;
	position)
		exec 5<in
		perl -e 'sysseek STDIN, 1000, 0 or die' <&5
		wd "$@" <&5
		exec 5<&-
		;;
	pipe) wd "$@" < <(cat in) ;;
	dribble)
		wd "$@" < <(perl -e '$| = 1; while (sysread STDIN, $b, 70001) {
			print $b; select undef, undef, undef, 0.003 }' <in)
		;;
	fifo)
		mkfifo fifo
		cat in >fifo 6>&- 8>&- &
		wd "$@" <fifo
		rm fifo
		;;
	nonblocking) nonblocking STDIN timeout 25 "$W" "$@" < <(cat in) ;;
	socket) over_socket STDIN timeout 25 "$W" "$@" <in ;;
	empty) wd "$@" <empty ;;
	null) wd "$@" -N </dev/null ;;
	closed) wd "$@" -N <&- ;;
	esac
}

# What comes, to a stdout of each kind, and from there into the file out.
hear_to() {
	local kind=$1 got=0
	shift
	case $kind in
	file) wd "$@" >out || got=$? ;;
	position)
		printf 0123456789 >out
		exec 5<>out
		perl -e 'sysseek STDOUT, 10, 0 or die' >&5
		wd "$@" >&5 || got=$?
		exec 5>&-
		;;
	append)
		printf 0123456789 >out
		wd "$@" >>out || got=$?
		;;
	pipe)
		{ wd "$@" || echo $? >failed; } | cat >out
		;;
	slow)
		{ wd "$@" || echo $? >failed; } |
			perl -e 'while (sysread STDIN, $b, 30011) { print $b;
			select undef, undef, undef, 0.001 }' >out
		;;
	fifo)
		mkfifo fifo
		cat fifo >out 6>&- 8>&- &
		wd "$@" >fifo || got=$?
		wait $!
		rm fifo
		;;
	nonblocking)
		{ nonblocking STDOUT timeout 25 "$W" "$@" || echo $? >failed; } |
			cat >out
		;;
	socket) over_socket STDOUT timeout 25 "$W" "$@" >out || got=$? ;;
	null) wd "$@" >/dev/null || got=$? ;;
	esac
	[ ! -e failed ] && return "$got"
}

# traced COMMAND...: the calls that move bytes are in the file calls.
traced() {
	strace -f -qq -s 8 -o calls -e trace=splice,read,readv,recvfrom,write,writev,sendmsg \
		timeout -k 1 25 "$W" "$@" 6>&- 8>&- 9>&-
}

need_splice() {
	grep -q HAVE_SPLICE.1 "$WDSOCK_BUILD/config.h" ||
		skip "no splice(2) here"
}

need_strace() {
	# Where one traces, nobody else can look for leaks.
	export ASAN_OPTIONS="detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
	command -v strace >/dev/null || skip "no strace"
	strace -o calls -e trace=none true 2>/dev/null ||
		skip "strace may not trace here"
	need_splice
}

# How often one of these calls, a|b, moved something.
calls() {
	grep -cE "^[0-9]+ +($1)\(.*= [1-9]" calls || :
}

# no_calls NAMES: and which of them did, if any.
no_calls() {
	! grep -v MSG_PEEK calls | grep -E "^[0-9]+ +($1)\(.*= [1-9]"
}

@test "bytes of each kind of stdin arrive unchanged, pumped or read" {
	body() {
		local kind

		: >empty
		bytes 3000007 in
		for kind in file position pipe dribble fifo nonblocking socket \
			empty null closed; do
			both_ways arrives "$kind"
		done
	}
	arrives() {
		again
		peer read-until-eof print got
		say_from "$1" connect "${RAW[@]}" "$A" >out 2>err
		peer_held
		case $1 in
		empty | null | closed) [ ! -s got ] ;;
		position) tail -c +1001 in | cmp got - ;;
		*) cmp got in ;;
		esac
		[ ! -s out ] && [ ! -s err ]
	}
	each
}

@test "bytes come unchanged to each kind of stdout, pumped or written" {
	body() {
		local kind

		bytes 3000007 in
		{ printf 0123456789 && cat in; } >behind
		for kind in file position append pipe slow fifo nonblocking \
			socket null; do
			both_ways comes "$kind"
		done
	}
	comes() {
		again
		peer file in close
		: >out
		hear_to "$1" connect "${RAW[@]}" "$A" </dev/null 2>err
		peer_held
		case $1 in
		position | append) cmp out behind ;;
		null) [ ! -s out ] ;;
		*) cmp out in ;;
		esac
		[ ! -s err ]
	}
	each
}

@test "each side of two of us says 30 MB at once, by pipes and files" {
	body() {
		bytes 30000000 in
		both_ways file_to_file
		both_ways pipe_to_pipe
	}
	file_to_file() {
		again
		serve "${RAW[@]}" <in
		wd connect "${RAW[@]}" "$A" <in >client.out
		ended 0
		cmp in out
		cmp in client.out
	}
	pipe_to_pipe() {
		again
		serve "${RAW[@]}" < <(cat in)
		wd connect "${RAW[@]}" "$A" < <(cat in) | cat >client.out
		ended 0
		cmp in out
		cmp in client.out
	}
	each tcp4 unix
}

@test "splice moves the bytes, in both directions, and nothing else does" {
	need_strace
	body() {
		local way

		bytes 3000000 in
		for way in file pipe; do
			again
			serve -m raw -N </dev/null
			case $way in
			file) traced connect -m raw "$A" <in ;;
			pipe) traced connect -m raw "$A" < <(cat in) ;;
			esac
			ended 0
			cmp in out
			[ "$(calls splice)" -gt 0 ]
			# What ends stdin is read, and brings nothing.
			no_calls 'sendmsg|recvfrom'
		done
		for way in file pipe null; do
			again
			peer file in
			case $way in
			file) traced connect -m raw "$A" </dev/null >out ;;
			pipe) traced connect -m raw "$A" </dev/null | cat >out ;;
			null) traced connect -m raw "$A" </dev/null >/dev/null ;;
			esac
			[ "$way" = null ] || cmp in out
			[ "$(calls splice)" -gt 0 ]
			no_calls 'writev|recvfrom'
		done
	}
	each "${TRANSPORTS[@]}"
}

@test "what is looked at, or cannot be spliced, is read and written" {
	need_strace
	body() {
		bytes 300000 in
		not_spliced -m raw --input raw --output raw
		not_spliced -m raw --dump
		not_spliced -m raw --count 999999
		not_spliced -m raw --expect .
		not_spliced -m raw --output hex --input whole
		not_spliced -m raw -j --input raw
		not_spliced -m raw --output raw --max-message 1M
		not_spliced -m raw --output raw --repeat 2
		not_spliced -m raw --output raw --retry 1
		not_spliced -m raw --output raw --interval 1ms
		not_spliced -m lines --max-message 1M
	}
	not_spliced() {
		again
		peer read 1000 file in half-close read-until-eof
		traced connect "$@" "$A" <in >out 2>err || :
		echo "with $*"
		no_calls splice
	}
	each tcp4
}

@test "a borrowed connection, packets, a socket or an appended file: no splice" {
	need_strace
	body() {
		bytes 300000 in
		again
		peer file in
		traced connect -m raw "$A" </dev/null >>out
		cmp in out
		no_calls splice
		again
		peer file in
		over_socket STDOUT strace -f -qq -s 8 -o calls -e trace=splice \
			"$W" connect -m raw "$A" </dev/null >out
		cmp in out
		no_calls splice
		again
		peer file in
		perl -MIO::Socket::INET -e '
			my $s = IO::Socket::INET->new(shift) or die;
			open my $f, "<&=", fileno $s;
			use Fcntl;
			fcntl($f, F_SETFD, 0);
			exec @ARGV, "fd:" . fileno $s' "$A" \
			strace -f -qq -s 8 -o calls -e trace=splice \
			"$W" connect -m raw </dev/null >out
		cmp in out
		no_calls splice
	}
	each tcp4
}

@test "through a proxy it is pumped, once the proxy has let it" {
	body() {
		bytes 3000000 in
		peer read-until '\r\n\r\n' send 'HTTP/1.0 200 OK\r\n\r\n' \
			file in read-until-eof print got
		wd connect -m raw -X connect -x "$A" 127.0.0.9:8080 <in >out
		cmp in out
		# The request stands in front.
		tail -c 3000000 got | cmp - in
		[ "$(head -c 7 got)" = CONNECT ]
	}
	each tcp4
}

@test "/dev/full and a stdout that is closed: status 10, and words" {
	body() {
		both_ways refuses
	}
	refuses() {
		local got=0

		again
		peer send abc wait 20000
		wd connect "${RAW[@]}" "$A" </dev/null >/dev/full 2>err || got=$?
		[ "$got" = 10 ]
		err_has 'stdout: No space left on device'
		again
		peer send abc wait 20000
		got=0
		wd connect "${RAW[@]}" "$A" </dev/null >&- 2>err || got=$?
		[ "$got" = 10 ]
		err_has 'stdout: '
	}
	each
}

@test "a disk that fills up: status 10, and the file is a whole prefix" {
	unshare -m sh -c 'mkdir m && mount -t tmpfs -o size=1m none m' \
		2>/dev/null || skip "no file system of our own may be mounted"
	body() {
		bytes 3000000 in
		both_ways fills
	}
	fills() {
		local got=0

		again
		peer try file in
		mkdir -p m
		# shellcheck disable=SC2016
		unshare -m sh -c 'mount -t tmpfs -o size=1m none m &&
			{ timeout 25 "$@" >m/out; echo $? >status; cp m/out .; }' \
			sh "$W" connect "${RAW[@]}" "$A" </dev/null 2>err || got=$?
		[ "$(cat status)" = 10 ]
		err_has 'stdout: No space left on device'
		[ "$(wc -c <out)" -ge 1000000 ]
		cmp -n "$(wc -c <out)" in out
	}
	each tcp4 unix
}

@test "| head -c 10 ends quietly, by SIGPIPE" {
	body() {
		both_ways is_left
	}
	is_left() {
		again
		peer try big 40000000
		set +o pipefail
		rm -f status
		(
			code=0
			wd connect "${RAW[@]}" "$A" </dev/null 2>err || code=$?
			echo "$code" >status
		) | head -c 10 >first
		until_true [ -s status ]
		[ "$(cat status)" = 141 ]
		[ "$(cat first)" = 0123456789 ]
		err_is_empty
	}
	each
}

@test "a file that is appended to from now on: nothing is lost on the way" {
	body() {
		bytes 3000000 in
		exec 5>out
		peer file in until changed file in
		wdsock connect -v -m raw "$A" </dev/null >&5 2>err 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true cmp -s in out
		perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_APPEND) or die' >&5
		: >changed
		ended 0
		cat in in | cmp - out
		err_like 'in [0-9]+ messages, 6000000 bytes'
	}
	each
}

@test "SIGTERM in the middle: the file is a whole prefix of what was said" {
	body() {
		bytes 20000000 in
		again
		peer file in wait 20000
		behind connect -v -m raw "$A" </dev/null
		until_true [ -s out ]
		kill -TERM "$SERVER"
		ended 143
		[ -s out ]
		cmp -n "$(wc -c <out)" in out
		grep -q "in [0-9]* messages, $(wc -c <out) bytes" err
	}
	each
}

@test "a stalled stdout stops the reading of the socket, and nothing is lost" {
	body() {
		bytes 20000000 in
		mkfifo pipe
		exec 5<>pipe
		peer file in touch sent
		wdsock connect -v -m raw "$A" </dev/null >pipe 2>err 5>&- 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true grep -q open err
		until_true stalled
		[ ! -e sent ]
		exec 4<pipe
		exec 5>&-
		cmp in - <&4
		ended 0
	}
	stalled() {
		kill -USR1 "$SERVER"
		grep -q 'standard output to take what has come' err
	}
	each
}

@test "a stalled stdout: --deadline is kept, --idle does not run" {
	body() {
		local got=0

		mkfifo pipe
		exec 5<>pipe
		peer try big 20000000
		wd connect -m raw --idle 100ms --deadline 600ms "$A" </dev/null \
			>pipe 2>err || got=$?
		[ "$got" = 5 ]
		err_has '--deadline of 0.6 s has run out'
		err_has 'standard output to take what has come'
	}
	each tcp4 unix
}

@test "a stdout that is full to the brim hides no end and no timeout" {
	body() {
		local got=0

		mkfifo pipe
		exec 5<>pipe
		peer big 65536 until seen
		wdsock connect -m raw "$A" </dev/null >pipe 2>err 5>&- 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true is_full
		: >seen
		ended 0
		again
		peer wait 20000
		wd connect -m raw --idle 200ms "$A" </dev/null >pipe 2>err || got=$?
		[ "$got" = 5 ]
		err_has '--idle'
	}
	is_full() {
		[ "$(perl -e 'require "sys/ioctl.ph"; ioctl STDIN, FIONREAD(), $n;
			print unpack "i", $n' <&5 2>/dev/null ||
			perl -e '$n = pack "i", 0; ioctl STDIN, 0x541b, $n;
			print unpack "i", $n' <&5)" = 65536 ]
	}
	each tcp4 unix
}

@test "a peer that does not read: it is said, and all arrives in the end" {
	body() {
		bytes 20000000 in
		mkfifo endless
		stuck_from in
		cat in >endless 6>&- 8>&- &
		stuck_from endless
	}
	stuck_from() {
		again
		rm -f measured
		peer until measured read-until-eof print got
		behind connect -v -m raw "$A" <"$1"
		until_true grep -q open err
		until_true stuck
		: >measured
		ended 0
		peer_held
		cmp in got
		grep -q "out [0-9]* messages, 20000000 bytes" err
	}
	stuck() {
		kill -USR1 "$SERVER"
		grep -q 'waiting for the peer to read' err
	}
	each tcp4 unix
}

@test "a peer that closes early: what was sent and what was held is told" {
	need_splice
	body() {
		bytes 20000000 in
		exec 5<in
		got=0
		peer read 100000 half-close until closed close
		behind connect -v -m raw "$A" <&5
		until_true grep -q open err
		until_true stuck
		: >closed
		wait "$SERVER" || got=$?
		[ "$got" = 6 ]
		err_has 'closed by the peer before it had taken all'
		sent=$(sed -n 's/.*all: \([0-9]*\) bytes were sent.*/\1/p' err)
		held=$(sed -n 's/.* sent, \([0-9]*\) more were waiting.*/\1/p' err)
		[ "$held" -gt 0 ]
		# All that has left the file is accounted for.
		[ "$(sed -n 's/^pos:[^0-9]*//p' /proc/self/fdinfo/5)" = \
			$((sent + held)) ]
	}
	stuck() {
		kill -USR1 "$SERVER"
		grep -q 'the peer to read: [1-9]' err
	}
	each "${TRANSPORTS[@]}"
}

@test "a peer that closes without reading all: a reset, and what it has cost" {
	body() {
		bytes 20000000 in
		both_ways costs file
		both_ways costs pipe
	}
	costs() {
		local got=0

		again
		peer read 1000 close
		say_from "$1" connect "${RAW[@]}" "$A" >out 2>err || got=$?
		[ "$got" = 12 ]
		err_like '[1-9][0-9]* bytes were sent.* [0-9]+ were not acknowledged'
	}
	each "${TRANSPORTS[@]}"
}

@test "data, then a reset: the data is written, and the status is 12" {
	body() {
		local i

		for i in 1 2 3 4; do
			again
			peer send abc reset
			run_bytes 12 wd connect -m raw "$A" </dev/null
			out_is abc
			again
			peer send abc reset
			wd connect -m raw "$A" </dev/null 2>err | cat >out ||
				[ "${PIPESTATUS[0]}" = 12 ]
			out_is abc
		done
	}
	each tcp4 tcp6
}

@test "-q, --linger, a late reply and a half-closed peer are as ever" {
	body() {
		bytes 3000000 in
		both_ways late
		both_ways quits
		both_ways lingers
		both_ways behind_their_end
	}
	late() {
		again
		peer read-until-eof wait 500 send reply
		run_bytes 0 wd connect "${RAW[@]}" "$A" <in
		out_is reply
	}
	quits() {
		again
		peer read-until-eof wait 20000
		within 250 5000 run_bytes 0 wd connect "${RAW[@]}" -q 300ms "$A" <in
	}
	lingers() {
		rm -f idle
		idle
		again
		peer send a
		run_bytes 6 wd connect "${RAW[@]}" "$A" <idle
		out_is a
		err_has 'closed by the peer while standard input was open'
		exec 6>&-
	}
	behind_their_end() {
		again
		peer half-close read-until-eof print got
		run_bytes 0 wd connect "${RAW[@]}" "$A" <in
		peer_held
		cmp in got
	}
	each
}

@test "timeouts are told as ever, and bytes hold them off" {
	body() {
		both_ways times_out
	}
	times_out() {
		again
		peer dribble abcdefgh 100 wait 20000
		run_bytes 5 wd connect "${RAW[@]}" --idle 400ms "$A" </dev/null
		out_is abcdefgh
		err_has --idle
		again
		peer expect q wait 20000
		printf q >q
		run_bytes 5 wd connect "${RAW[@]}" --reply-timeout 200ms "$A" <q
		err_has --reply-timeout
	}
	each tcp4 unix
}

@test "-v counts the bytes both ways" {
	body() {
		bytes 1234567 in
		peer file in read-until-eof print got
		run_bytes 0 wd connect -v -m raw "$A" <in
		cmp in got
		cmp in out
		err_like 'in [1-9][0-9]* messages, 1234567 bytes; out [1-9][0-9]* messages, 1234567 bytes, 0 not acknowledged, 0 queued'
	}
	each
}

@test "--on-open is said before stdin is pumped" {
	body() {
		bytes 3000000 in
		peer read-until-eof print got
		run_bytes 0 wd connect -m raw --on-open hello "$A" <in
		peer_held
		{ printf hello && cat in; } | cmp got -
	}
	each
}

@test "an urgent byte is passed over, as ever, and is no trouble" {
	body() {
		both_ways urged
	}
	urged() {
		again
		peer send ab urgent '!' send cd wait 300 send ef
		run_bytes 0 wd connect "${RAW[@]}" "$A" </dev/null
		out_is abcdef
	}
	each tcp4 tcp6
}

@test "-k: one conversation after the other is pumped, and nothing stays open" {
	body() {
		local i open before=

		bytes 3000000 in
		serve -v -m raw -k </dev/null
		for i in 1 2 3 4 5; do
			caller file in half-close read-until-eof
			until_true is_over "$i"
			open=$(find "/proc/$SERVER/fd" | wc -l)
			[ "${before:=$open}" = "$open" ]
		done
		kill "$SERVER"
		ended 143
		for i in 1 2 3 4 5; do
			cat in
		done | cmp - out
	}
	is_over() {
		[ "$(grep -c 'closed by' err)" = "$1" ]
	}
	each tcp4 unix
}

@test "the flags of pipes are as before; idle ones keep their size" {
	body() {
		mkfifo a b
		exec 5<>a 4<>b
		before=$(grep flags /proc/self/fdinfo/[45])
		size=$(perl -e 'print fcntl STDIN, 1032, 0' <&4)
		peer send a
		wd connect -m raw "$A" <&5 >&4 2>err || :
		[ "$(grep flags /proc/self/fdinfo/[45])" = "$before" ]
		[ "$(perl -e 'print fcntl STDIN, 1032, 0' <&4)" = "$size" ]
	}
	each tcp4 unix
}

@test "on a terminal raw bytes are escaped, not pumped" {
	command -v script >/dev/null || skip "no script(1)"
	body() {
		peer send 'a\x1b[31mb'
		timeout 20 script -qec "'$W' connect -m raw '$A'" /dev/null \
			<life >typed 2>&1
		grep -q 'a.*x1b.*b' typed
		! grep -q "$(printf '\033')" typed
	}
	each tcp4 unix
}
