# What is asked of a conversation beyond passing messages on.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

@test "--ask waits for a reply to each message, and closes behind the last" {
	body() {
		peer segment '1\r\na' quiet 100 send '1\r\nA' segment '1\r\nb' \
			quiet 100 send '1\r\nB' expect-eof
		printf 'a\nb\n' >in
		run_bytes 0 wd connect --ask "$A" <in
		out_is 'A\nB\n'
		peer_held
	}
	each
}

@test "--ask: a peer that closes before its reply is 6" {
	body() {
		peer expect '1\r\na' half-close
		run_bytes 6 wd connect --ask --send a "$A" </dev/null
		err_has reply
	}
	each
}

@test "--ask and --count end after so many replies though questions remain" {
	body() {
		peer expect '1\r\na' send '1\r\nA' expect '1\r\nb' send '1\r\nB' \
			wait 200 try expect-eof
		printf 'a\nb\nc\nd\n' >in
		run_bytes 0 wd connect --ask --count 2 "$A" <in
		out_is 'A\nB\n'
	}
	each
}

@test "--ask in raw takes what one read brings for the reply" {
	body() {
		peer segment 'q\n' send 'answer' expect-eof
		echo q >in
		run_bytes 0 wd connect -m raw --ask --input raw "$A" <in
		out_is answer
		peer_held
	}
	each
}

@test "--expect with --ask: the first reply that does not match ends with 1" {
	body() {
		peer expect '1\r\na' send '2\r\nok' expect '1\r\nb' \
			send '2\r\nno' try expect-eof
		printf 'a\nb\nc\n' >in
		run_bytes 1 wd connect --ask --expect '^ok$' "$A" <in
		out_is 'ok\nno\n'
		err_has '^ok$'
	}
	each
}

@test "--expect without --ask: one message must match by the end" {
	body() {
		peer send '1\r\na2\r\nok1\r\nb'
		run_bytes 0 wd connect --expect '^ok$' "$A" </dev/null
		out_is 'a\nok\nb\n'
		here "$T"
		rm -f sock
		peer send '1\r\na1\r\nb'
		run_bytes 1 wd connect --expect '^ok$' "$A" </dev/null
		out_is 'a\nb\n'
	}
	each
}

@test "--expect that is no regular expression is a usage error" {
	run_bytes 2 wdsock connect --expect '(' localhost:1 </dev/null
	err_has --expect
}

@test "--interval waits between messages, --repeat says all of it again" {
	body() {
		peer expect '1\r\na' quiet 80 expect '1\r\nb' quiet 80 \
			expect '1\r\na' quiet 80 expect '1\r\nb' expect-eof
		run_bytes 0 wd connect --interval 150ms --repeat 2 --send a \
			--send b "$A" </dev/null
		peer_held
	}
	each
}

@test "--repeat says all of stdin again" {
	body() {
		peer expect '1\r\na2\r\nbb1\r\na2\r\nbb1\r\na2\r\nbb' expect-eof
		printf 'a\nbb' >in
		run_bytes 0 wd connect --repeat 3 "$A" <in
		peer_held
	}
	each
}

@test "--on-open is said first on each connection" {
	body() {
		peer expect '2\r\nhi1\r\nx' expect-eof
		run_bytes 0 wd connect --on-open hi --send x "$A" </dev/null
		peer_held
		here "$T"
		serve -k --on-open hi </dev/null
		caller expect '2\r\nhi'
		caller expect '2\r\nhi'
	}
	each
}

@test "--retry connects again until somebody listens" {
	body() {
		[ "$T" != abstract ] || HERE=unix:@wdsock-retry-$$
		wdsock connect --retry 20 --retry-max 100ms --send x unix:sock \
			</dev/null >out 2>err 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true grep -q 'attempt 2 of 20' err
		peer expect '1\r\nx' send '1\r\ny'
		ended 0
		out_is 'y\n'
	}
	each unix
}

@test "--retry gives up after so many attempts, with the status of the last" {
	body() {
		run_bytes 4 wd connect --retry 2 --retry-max 10ms unix:sock \
			</dev/null
		err_has 'attempt 2 of 2'
	}
	each unix
}

@test "--retry connects again when the peer has closed, and goes on" {
	body() {
		peer send '1\r\na' wait 100 reset accept send '1\r\nb'
		run_bytes 0 wd connect --retry 3 --retry-max 50ms "$A" </dev/null
		out_is 'a\nb\n'
		peer_held
	}
	each tcp4 tcp6
}

@test "--retry says what may be lost, sends none of it twice and the rest once" {
	body() {
		perl -e 'printf("%03d%s\n", $_, "x" x 19997) for 1 .. 200' >in
		peer --rcvbuf 4096 read 20001 reset accept read-until-eof print got
		run_bytes 6 wd connect --retry 9 --retry-max 50ms -m lines \
			"$A" <in
		peer_held
		lost=$(sed -n 's/^wdsock: \([0-9]*\) messages\{0,1\} may .*: not ack.*/\1/p' err)
		cut -c1-3 got | tail -n +2 >numbers
		seq -f %03.0f "$(head -n 1 numbers | sed 's/^0*//')" 200 >rest
		cmp numbers rest
		# What was lost stands between the first and the rest.
		[ "$lost" -ge 1 ]
		[ $((1 + lost + $(wc -l <rest))) -le 200 ]
		[ -z "$(cut -c4- got | tr -d 'x\n' | head -c 1)" ]
		[ "$(wc -c <got)" -eq $((20001 * $(wc -l <got))) ]
	}
	each tcp4 tcp6
}

@test "--retry begins to count anew when something has come" {
	body() {
		peer send '1\r\na' close accept send '1\r\nb' close \
			accept send '1\r\nc' close accept send '1\r\nd' \
			hang-up
		idle
		run_bytes 4 wd connect --retry 1 --retry-max 10ms "$A" <idle
		out_is 'a\nb\nc\nd\n'
	}
	each tcp4
}

@test "--retry: --count and --expect go on over the connections" {
	body() {
		peer send '1\r\nx' close accept send '1\r\ny1\r\nz' wait 5000
		run_bytes 0 wd connect --count 2 --retry 3 --retry-max 10ms \
			"$A" </dev/null
		out_is 'x\ny\n'
		rm -f sock
		here "$T"
		peer send '2\r\nOK' reset accept send '1\r\nx' close
		run_bytes 0 wd connect --expect OK --retry 3 --retry-max 10ms \
			"$A" </dev/null
		out_is 'OK\nx\n'
	}
	each tcp4
}

@test "--retry: what a lost connection cost is no success" {
	body() {
		peer expect '2\r\nq1' close \
			accept expect '2\r\nq2' send '2\r\nOK' expect-eof
		run_bytes 6 wd connect --ask --send q1 --send q2 --retry 3 \
			--retry-max 10ms "$A" </dev/null
		out_is 'OK\n'
		err_like '^wdsock: 1 messages may not have arrived, or have no reply'
		peer_held
	}
	each
}

@test "--retry does not try again what would fail again" {
	body() {
		peer send 'no length' close
		run_bytes 8 wd connect --retry 3 --retry-max 10ms "$A" </dev/null
		! grep -q attempt err
	}
	each
}

@test "-v ends with who closed, and how" {
	body() {
		peer expect-eof close
		run_bytes 0 wd connect -v --send x "$A"
		err_like 'closed by the peer \(FIN by us, then by the peer\)$'
		here "$T"
		rm -f sock
		peer half-close expect-eof
		idle
		behind connect -vv --linger 20s "$A" <idle
		until_true grep -q 'the peer has closed its half' err
		exec 6>&-
		ended 0
		peer_held
		err_like '\(FIN by the peer, then by us\)$'
	}
	each
}

@test "-vv says each attempt to connect" {
	body() {
		peer expect-eof close
		run_bytes 0 wd connect -vv --send x "$A"
		err_like "^wdsock: .*: connecting$"
		run_bytes 4 wd connect -vv --send x 127.0.0.1:1
		err_like '^wdsock: 127\.0\.0\.1:1: Connection refused$'
	}
	each tcp4
}

@test "-z connects, says so with -v, and ends" {
	body() {
		peer expect-eof
		run_bytes 0 wd connect -z -v "$A" </dev/null
		err_has connected
		out_is ''
		peer_held
	}
	each
}

@test "-s and -p: where it comes from" {
	body() {
		peer peer '127\.0\.0\.2:[0-9]+' send '1\r\na'
		run_bytes 0 wd connect -s 127.0.0.2 "$A" </dev/null
		peer_held
		port=$(perl -MSocket=:all -e 'my $s; socket($s, AF_INET,
			SOCK_STREAM, 0); bind($s, pack_sockaddr_in(0,
			INADDR_LOOPBACK)); print +(unpack_sockaddr_in(
			getsockname($s)))[0]')
		peer peer "127\\.0\\.0\\.1:$port" send '1\r\na'
		run_bytes 0 wd connect -p "$port" "$A" </dev/null
		peer_held
	}
	each tcp4
}

@test "-j: JSON both ways" {
	needs_json
	body() {
		peer expect '1\r\na2\r\n\xff\x00' send '1\r\nx2\r\n\xfe\x00'
		printf '%s\n' '{"text":"a"}' '{"b64":"/wA="}' >in
		run_bytes 0 wd connect -j "$A" <in
		grep -q '"text":"x"' out
		grep -q '"b64":"/gA="' out
		peer_held
	}
	each
}

@test "-0: NUL ends messages both ways" {
	body() {
		peer expect '3\r\na\nb1\r\nc' send '3\r\nx\ny'
		printf 'a\nb\0c\0' >in
		run_bytes 0 wd connect -0 "$A" <in
		out_is 'x\ny\0'
		peer_held
	}
	each
}

@test "through SOCKS 5 and 4 and HTTP CONNECT" {
	body() {
		peer expect '\x05\x01\x00' send '\x05\x00' \
			expect '\x05\x01\x00\x01\x7f\x00\x00\x09\x1f\x90' \
			send '\x05\x00\x00\x01\x00\x00\x00\x00\x00\x001\r\nx' \
			expect '1\r\na' expect-eof send '1\r\ny'
		run_bytes 0 wd connect -x "$A" --send a 127.0.0.9 8080 </dev/null
		out_is 'x\ny\n'
		peer_held
		peer expect '\x04\x01\x1f\x90\x7f\x00\x00\x09' read-until '\0' \
			send '\x00\x5a\x00\x00\x00\x00\x00\x00' \
			expect '1\r\na' expect-eof send '1\r\ny'
		run_bytes 0 wd connect -X 4 -x "$A" --send a 127.0.0.9:8080 \
			</dev/null
		out_is 'y\n'
		peer_held
		peer read-until '\r\n\r\n' \
			has 'CONNECT 127.0.0.9:8080 HTTP/1.' \
			send 'HTTP/1.1 200 OK\r\nX: y\r\n\r\n1\r\nx' \
			expect '1\r\na' expect-eof send '1\r\ny'
		run_bytes 0 wd connect -X connect -x "$A" --send a \
			127.0.0.9:8080 </dev/null
		out_is 'x\ny\n'
		peer_held
	}
	each tcp4 tcp6
}

@test "a proxy is told the ASCII form of a name, in lower case" {
	body() {
		peer expect '\x05\x01\x00' send '\x05\x00' \
			expect '\x05\x01\x00\x03\x15xn--bcher-kva.example\x00\x50' \
			send '\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00'
		run_bytes 0 wd connect -x "$A" BÜCHER.example:80 </dev/null
		peer_held
		peer read 8 read-until '\0' read-until '\0' \
			has 'xn--bcher-kva.example\0' \
			send '\x00\x5a\x00\x00\x00\x00\x00\x00'
		run_bytes 0 wd connect -X 4 -x "$A" Bücher.example:80 </dev/null
		peer_held
		peer read-until '\r\n\r\n' \
			has 'CONNECT xn--bcher-kva.example:80 HTTP/1.' \
			has 'Host: xn--bcher-kva.example:80\r\n' \
			send 'HTTP/1.1 200 OK\r\n\r\n'
		run_bytes 0 wd connect -X connect -x "$A" bücher.EXAMPLE 80 \
			</dev/null
		peer_held
		run_bytes 3 wd connect -x "$A" bücher..example:80 </dev/null
		err_has 'bücher..example: cannot resolve: label 2 of the name'
	}
	each tcp4
}

@test "a name that cannot be one: status 3, and which part of it" {
	body() {
		local long
		long=$(printf 'a%.0s' {1..64})
		run_bytes 3 wdsock "$1" "$long.example:80" </dev/null
		err_has "$long.example: cannot resolve: label 1 of the name: expected at most 63 bytes in ASCII, saw more"
		run_bytes 3 wdsock "$1" a..example:80 </dev/null
		err_has 'label 2 of the name: expected at least one sign, saw none'
		run_bytes 3 wdsock "$1" ü-.example:80 </dev/null
		err_has 'label 1 of the name: expected no hyphen at its ends, saw one'
	}
	body connect
	body serve-single
}

@test "a proxy that refuses, or asks for a password: status 4, and what it said" {
	body() {
		peer expect '\x05\x01\x00' send '\x05\x00' read 10 \
			send '\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00' wait 100
		run_bytes 4 wd connect -x "$A" 127.0.0.9:8080 </dev/null
		err_like 'refused'
		peer read-until '\r\n\r\n' \
			send 'HTTP/1.1 403 Forbidden\r\n\r\n' wait 100
		run_bytes 4 wd connect -X connect -x "$A" 127.0.0.9:8080 \
			</dev/null
		err_has 403
		peer read 3 send '\x05\xff' wait 100
		run_bytes 4 wd connect -x "$A" 127.0.0.9:8080 </dev/null
		peer read-until '\r\n\r\n' has 'dXNlcjpzZWNyZXQ=' \
			send 'HTTP/1.1 200 OK\r\n\r\n1\r\nx'
		WDSOCK_PROXY_AUTH=user:secret run_bytes 0 wd connect -X connect \
			-x "$A" 127.0.0.9:8080 </dev/null
		out_is 'x\n'
		peer_held
	}
	each tcp4
}

@test "refused: status 4; unknown host: 3; a bad number: 2; stalled: 5" {
	body() {
		peer hang-up
		peer_held
		run_bytes 4 wd connect "$A" </dev/null
		err_has refused
		run_bytes 3 wd connect no-such-host.invalid:1 </dev/null
		err_has no-such-host.invalid
		run_bytes 2 wd connect --count 5x "$A" </dev/null
		run_bytes 2 wd connect --count '' "$A" </dev/null
		run_bytes 2 wd connect --nonsense "$A" </dev/null
		run_bytes 2 wd connect localhost:nonsense </dev/null
		run_bytes 11 wd serve-single 192.0.2.1:0 </dev/null
	}
	each tcp4 tcp6
}

@test "a full backlog: connect timeout, status 5" {
	body() {
		peer --backlog 0 fill touch full wait 20000
		until_true [ -e full ]
		run_bytes 5 wd connect --connect-timeout 300ms "$A" </dev/null
		err_has --connect-timeout
	}
	each
}

@test "--count is reached, and a peer that takes no more cannot hold us" {
	body() {
		yes 0123456789 | head -c 5000000 >in
		peer wait 300 send '1\r\na' wait 200 stop-reading \
			try read-until-eof wait 20000
		within 0 5000 run_bytes 6 timeout 4 "$W" connect --count 1 \
			"$A" <in
		out_is 'a\n'
	}
	each unix abstract
}

@test "behind --count nothing more of stdin is said" {
	body() {
		idle
		peer segment '1\r\na' send '1\r\nA' expect-eof
		echo a >&6
		wdsock connect --count 1 "$A" <idle >out 2>err 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		ended 0
		out_is 'A\n'
		peer_held
	}
	each
}

@test "a resolver that never answers delays neither a timeout nor our end" {
	unshare -m -n true 2>/dev/null || skip "needs a namespace of its own"
	command -v ip >/dev/null || skip "needs ip(8)"
	cat >silent <<'END'
echo 'nameserver 127.0.0.9' >resolv.conf
mount --bind resolv.conf /etc/resolv.conf && ip link set lo up || exit 99
mkfifo ready
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp",
	LocalAddr => "127.0.0.9:53") or die; alarm 30;
	open F, ">", "ready"; close F; select undef, undef, undef, 30' &
cat ready
wdsock connect --connect-timeout 200ms nosuch.example:80
got=$?
kill $!
exit $got
END
	run_bytes 5 timeout 20 unshare -m -n bash silent </dev/null
	err_has 'waiting for the address of nosuch.example'
}

@test "where it comes from: what cannot be had is told by its option" {
	body() {
		run_bytes 4 wd connect -s 192.0.2.1 127.0.0.1:9 </dev/null
		err_has 'cannot connect from 192.0.2.1: '
		run_bytes 4 wd connect -s ::1 127.0.0.1:9 </dev/null
		err_has 'cannot connect from [::1]: '
		run_bytes 2 wd connect -s 127.0.0.1 unix:sock </dev/null
		err_has "wdsock: -s: expected an address of the network"
		run_bytes 2 wd connect -x '' host:9 </dev/null
		err_has "wdsock: -x '': expected"
		run_bytes 2 wd connect --proxy-auth /dev/null -x host:1 host:9 \
			</dev/null
		err_has 'saw no colon'
		run_bytes 2 wd connect --repeat 0 127.0.0.1:9 </dev/null
		err_has "--repeat '0'"
	}
	each tcp4
}

@test "a client that has gone again is told by its address" {
	body() {
		idle
		serve -k <idle
		caller reset
		until_true err_like '(127\.0\.0\.1|\[::1\]):[0-9]+: reset by'
	}
	each tcp4 tcp6
}
