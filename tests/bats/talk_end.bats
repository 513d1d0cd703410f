# The end of a connection: who closes what, when it is over, how it is told.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

@test "stdin ends, our half closes, and a late reply is received" {
	body() {
		peer expect '1\r\nq' expect-eof wait 1500 send '1\r\nr'
		echo q >in
		within 1400 5000 run_bytes 0 wd connect "$A" <in
		out_is 'r\n'
		peer_held
	}
	each
}

@test "/dev/null and a closed stdin say nothing and end nothing" {
	body() {
		peer quiet 500 send '1\r\nr' quiet 300
		run_bytes 0 wd connect "$A" </dev/null
		out_is 'r\n'
		peer_held
		here "$T"
		rm -f sock
		peer quiet 500 send '1\r\nr' quiet 300
		run_bytes 0 wd connect "$A" <&-
		out_is 'r\n'
		peer_held
	}
	each
}

@test "-N closes our half also where stdin is /dev/null" {
	body() {
		peer expect-eof send '1\r\nr'
		run_bytes 0 wd connect -N "$A" </dev/null
		out_is 'r\n'
		peer_held
	}
	each
}

@test "an empty stdin sends nothing and closes our half" {
	body() {
		peer expect-eof
		: >in
		run_bytes 0 wd connect "$A" <in
		peer_held
	}
	each
}

@test "--stay keeps our half open when stdin ends" {
	body() {
		peer expect '1\r\nq' quiet 400 send '1\r\nr'
		echo q >in
		run_bytes 0 wd connect --stay "$A" <in
		out_is 'r\n'
		peer_held
	}
	each
}

@test "-q bounds the wait, and its end is status 0" {
	body() {
		peer expect '1\r\nq' expect-eof wait 20000
		echo q >in
		within 250 3000 run_bytes 0 wd connect -q 300ms "$A" <in
		err_is_empty
	}
	each
}

@test "the peer closes while stdin is an idle pipe: status 6 after --linger" {
	body() {
		idle
		peer send '1\r\na'
		within 200 3000 run_bytes 6 wd connect "$A" <idle
		out_is 'a\n'
		err_like 'closed by the peer'
		here "$T"
		rm -f sock
		peer send '1\r\na'
		within 700 4000 run_bytes 6 wd connect --linger 800ms "$A" <idle
	}
	each
}

@test "behind the peer's FIN, what stdin still brings is sent" {
	body() {
		idle
		peer half-close touch closed expect '1\r\nx' touch got expect-eof
		wdsock connect --linger 5s "$A" <idle >out 2>err 6>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true [ -e closed ]
		echo x >&6
		until_true [ -e got ]
		exec 6>&-
		ended 0
		peer_held
	}
	each
}

@test "with --send, a peer that closes after it is status 0" {
	body() {
		peer expect '1\r\nx'
		run_bytes 0 wd connect --send x "$A" </dev/null
		peer_held
	}
	each
}

@test "half-close by us, then a second of data by the peer" {
	body() {
		peer expect-eof dribble '5\r\nHello5\r\nHello' 50
		: >in
		run_bytes 0 wd connect "$A" <in
		out_is 'Hello\nHello\n'
	}
	each
}

@test "half-close by the peer, then 10 MB by us" {
	body() {
		peer half-close big-in 10000000
		head -c 10000000 < <(yes 0123456789abcde) >in
		run_bytes 0 wd connect -m raw "$A" <in
		peer_held
	}
	each
}

@test "both halves close at once" {
	body() {
		peer half-close expect-eof
		: >in
		run_bytes 0 wd connect "$A" <in
		peer_held
	}
	each
}

@test "--count ends exactly there, though more has come" {
	body() {
		peer send '1\r\na1\r\nb1\r\nc1\r\nd' wait 20000
		within 0 3000 run_bytes 0 wd connect --count 3 "$A" </dev/null
		out_is 'a\nb\nc\n'
		here "$T"
		rm -f sock
		peer send '1\r\na1\r\nb' wait 20000
		within 0 3000 run_bytes 0 wd connect -1 "$A" </dev/null
		out_is 'a\n'
	}
	each
}

@test "--count 3, two arrive, then the timeout: two printed, status 5" {
	body() {
		peer send '1\r\na1\r\nb' wait 20000
		run_bytes 5 wd connect --count 3 --idle 300ms "$A" </dev/null
		out_is 'a\nb\n'
		err_has --idle
	}
	each
}

@test "--count 3, two arrive, then the end: two printed, status 6" {
	body() {
		peer send '1\r\na1\r\nb'
		run_bytes 6 wd connect --count 3 "$A" </dev/null
		out_is 'a\nb\n'
		err_has 'expected 3'
	}
	each
}

@test "idle, reply and total timeouts are told apart" {
	body() {
		peer accept wait 20000
		run_bytes 5 wd connect --idle 200ms "$A" </dev/null
		err_has --idle
		here "$T"
		rm -f sock
		peer accept wait 20000
		run_bytes 5 wd connect --reply-timeout 200ms --send q "$A" \
			</dev/null
		err_has --reply-timeout
		here "$T"
		rm -f sock
		peer send '5\r\nab' wait 20000
		run_bytes 5 wd connect --deadline 300ms "$A" </dev/null
		err_has --deadline
		err_has 'its header has come and 2 bytes'
		here "$T"
		rm -f sock
		peer accept wait 20000
		run_bytes 5 wd connect -w 200ms "$A" </dev/null
		err_has --idle
	}
	each
}

@test "what is queued at the end is delivered to a slow peer" {
	body() {
		peer --rcvbuf 4096 wait 500 big-in 3000000
		head -c 3000000 < <(yes 0123456789abcde) >in
		run_bytes 0 wd connect -m raw "$A" <in
		peer_held
	}
	each
}

@test "40 MB of stdin and the server closes after 1000 bytes: a reset, and what it cost" {
	body() {
		peer read 1000 close
		head -c 40000000 /dev/zero | {
			got=0
			wd connect -m raw "$A" >out 2>err || got=$?
			echo "$got" >status
		} || :
		err_like '[1-9][0-9]* bytes were sent.* [0-9]+ were not acknowledged'
		[ "$(cat status)" = 12 ]
	}
	# Over TLS it is an end in order, or a cut, before it is a reset.
	each tcp4 tcp6 unix abstract
}

@test "| head -c 10 ends quietly and fast, by SIGPIPE" {
	body() {
		peer try frames 2000000 100
		set +o pipefail
		got=0
		(
			code=0
			wd connect "$A" </dev/null 2>err || code=$?
			echo "$code" >status
		) | head -c 10 >first
		until_true [ -s status ]
		[ "$(cat status)" = 141 ]
		err_is_empty
	}
	each
}

@test "stdout=/dev/full: status 10 and a message" {
	body() {
		local got=0

		peer send '1\r\na' wait 20000
		wd connect "$A" </dev/null >/dev/full 2>err || got=$?
		[ "$got" = 10 ]
		err_has stdout
	}
	each
}

@test "stdout closed: status 10 at the first message; stderr closed: no harm" {
	body() {
		local got=0

		peer wait 200 send '1\r\na' wait 20000
		wd connect "$A" </dev/null >&- 2>err || got=$?
		[ "$got" = 10 ]
		here "$T"
		rm -f sock
		peer send '1\r\na'
		got=0
		wd connect -v "$A" </dev/null >out 2>&- || got=$?
		[ "$got" = 0 ]
		out_is 'a\n'
		here "$T"
		rm -f sock
		peer quiet 200
		got=0
		wd connect "$A" <&- >&- 2>&- || got=$?
		[ "$got" = 0 ]
		peer_held
	}
	each
}

@test "SIGTERM, SIGINT and SIGHUP: it dies by the signal, messages written" {
	body() {
		local signal number

		for signal in TERM:143 INT:130 HUP:129; do
			number=${signal#*:}
			here "$T"
			rm -f sock
			peer send '1\r\na' wait 20000
			# A shell's background ignores SIGINT; perl takes it back.
			perl -e '$SIG{INT} = "DEFAULT"; exec(@ARGV)' \
				wdsock connect -v "$A" </dev/null >out 2>err 8>&- &
			SERVER=$!
			PIDS="$PIDS $SERVER"
			until_true grep -q open err
			until_true [ -s out ]
			kill -"${signal%:*}" "$SERVER"
			ended "$number"
			out_is 'a\n'
		done
	}
	each
}

@test "the flags of inherited descriptors are as before" {
	body() {
		mkfifo a b
		exec 5<>a 4<>b
		peer send '1\r\na'
		before=$(grep flags /proc/self/fdinfo/[45])
		wd connect "$A" <&5 >&4 2>err || :
		[ "$(grep flags /proc/self/fdinfo/[45])" = "$before" ]
	}
	each
}

@test "SIGUSR1 says what is waited for, and nothing else happens" {
	body() {
		peer send '9\r\nab' until go send 'cdefghi'
		behind connect -v "$A" </dev/null
		until_true grep -q open err
		until_true asked
		: >go
		ended 0
		out_is 'abcdefghi\n'
	}
	asked() {
		kill -USR1 "$SERVER"
		grep -q 'a message of 9 bytes: its header has come and 2 bytes' err
	}
	each
}

@test "-v counts both ways in its last line and says who ended it" {
	body() {
		peer expect '3\r\nabc' send '1\r\na1\r\nb'
		run_bytes 0 wd connect -v --send abc "$A" </dev/null
		tail -1 err >last
		grep -q 'in 2 messages, 8 bytes' last
		grep -q 'out 1 messages, 6 bytes' last
		grep -q 'closed by the peer' last
		peer_held
	}
	each
}

@test "a server that accepts, sends and resets at once: its data, then 12" {
	body() {
		local i

		for i in 1 2 3 4 5 6; do
			peer send '1\r\na' reset
			run_bytes 12 wd connect "$A" </dev/null
			out_is 'a\n'
			err_has reset
		done
	}
	each tcp4 tcp6
}

@test "-q waits for the peer alone: a slow reader of ours still gets all of it" {
	body() {
		local n

		peer big 3000000 close
		# The first byte is taken when -q would long have been over.
		n=$(wd connect -m raw -q 1s "$A" </dev/null |
			{ read -r -t 2.5 <>life || cat; } | wc -c)
		[ "$n" = 3000000 ]
		peer_held
	}
	each tcp4 unix
	body() {
		local n

		peer frames 3000 1000 close
		n=$(wd connect -q 1s "$A" </dev/null |
			{ read -r -t 2.5 <>life || cat; } | wc -c)
		[ "$n" = 3003000 ]
		peer_held
	}
	rm -rf tcp4 unix
	each tcp4 unix
}

@test "what is there when the peer closes is no timeout, however slowly it is read" {
	body() {
		peer frames 35000 1 close
		wd connect --idle 300ms "$A" </dev/null 2>err |
			{ read -r -t 1 <>life || cat; } | wc -l >lines
		[ ! -s err ] || { cat err; return 1; }
		[ "$(cat lines)" -eq 35000 ]
	}
	each tcp4 unix
}

@test "behind the end nothing more is read, or counted" {
	body() {
		peer frames 4000 1000 wait 700 reset
		wd connect -v -1 "$A" </dev/null 2>err | { read -r -t 1 <>life || cat; } >out
		[ "$(wc -c <out)" -eq 1001 ]
		err_like 'as many messages as asked for'
	}
	each tcp4
}

@test "-q begins with the end of stdin also where our half stays open" {
	body() {
		peer expect '1\r\na' wait 20000
		run_bytes 0 wd connect --stay -q 100ms --send a "$A" </dev/null
		rm -f sock
		here "$T"
		peer accept wait 20000
		run_bytes 0 wd connect -q 100ms "$A" </dev/null
	}
	each
}

@test "a FIN is no byte that is not acknowledged, -v ends with its line" {
	body() {
		peer accept wait 20000
		run_bytes 5 wd connect -v -N --idle 200ms "$A" </dev/null
		err_has '0 bytes, 0 not acknowledged, 0 queued'
		tail -n 1 err | grep -q 'timeout (FIN by us, none by the peer)$'
	}
	each
}

@test "--expect sees characters, in any locale" {
	body() {
		serve --echo </dev/null
		LC_ALL=C run_bytes 0 wd connect --ask --expect '^.$' --send é "$A" \
			</dev/null
	}
	each tcp4
}

@test "the peer closes inside a message: what we have to say is still sent" {
	body() {
		idle
		peer send '5\r\nab' half-close expect '1\r\nx' expect-eof
		behind connect -vv --linger 20s "$A" <idle
		until_true grep -q 'the peer has closed its half' err
		printf 'x\n' >&6
		exec 6>&-
		ended 7
		err_has 'the stream ended inside a message'
		peer_held
	}
	each
}
