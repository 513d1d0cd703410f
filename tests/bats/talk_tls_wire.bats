# shellcheck disable=SC2016,SC2030,SC2031
# TLS among all else that the program does: at the door, behind proxies, for
# handlers and for programs that read JSON lines. That it is TLS, and whom it
# believes, is for others to test.

load many

needs_tls() {
	wdsock --version | grep -q '^TLS: OpenSSL' ||
		skip "no TLS in this build"
}

# The case over TCP and a Unix socket, with TLS; HERE has it in front.
secured() {
	needs_tls
	[ $# -gt 0 ] || set -- tcp4 unix
	each "$@"
}

# The server's own certificate, as the server has said: PIN is for clients.
pinned() {
	PIN=$(sed -n 's/.*--tls-pin \(sha256:.*\)/\1/p' err)
	[ -n "$PIN" ] && return
	cat err
	return 1
}

# many with a certificate of its own; whatever else it is given.
secure_many() {
	LISTEN=("tls:$HERE")
	many --tls-self-signed "$@"
	pinned
}

# The server's client, which believes it.
client() {
	wd connect --tls-pin "$PIN" "$@"
}

@test "where it listens is told with tls: in front, as a client types it" {
	body() {
		secure_many -v --echo
		[[ $A = tls:* ]]
		err_like "listening on $A "
		run_bytes 0 client --ask --send hello "$A"
		out_is 'hello\n'
	}
	secured
}

@test "--tls is for all addresses, and tls: for those that have it" {
	body() {
		LISTEN=(127.0.0.1:0 unix:one)
		many --tls --tls-self-signed
		[[ ${ADDRESSES[0]} = tls:127.0.0.1:* ]]
		[ "${ADDRESSES[1]}" = tls:unix:one ]
		kill "$SERVER"
		LISTEN=(127.0.0.1:0 tls:unix:two udp:127.0.0.1:0)
		many --tls-self-signed --echo
		[[ ${ADDRESSES[0]} = 127.0.0.1:* ]]
		[ "${ADDRESSES[1]}" = tls:unix:two ]
		pinned
		run_bytes 0 client --ask --send a tls:unix:two
		out_is 'a\n'
		run_bytes 0 wd connect --ask --send b "${ADDRESSES[0]}"
		out_is 'b\n'
	}
	secured tcp4
}

@test "a program is asked behind the handshake, and told how it is secured" {
	body() {
		printf '%s\n' 'env >asked' 'test -n "$WDSOCK_TLS_CIPHER"' >ask
		secure_many --echo --accept-cmd 'sh ask'
		run_bytes 0 client --ask --send hello "$A"
		out_is 'hello\n'
		grep -qx 'WDSOCK_TLS_VERSION=TLSv1.3' asked
		grep -qx 'WDSOCK_TLS_VERIFIED=0' asked
	}
	secured
}

@test "who is turned away behind the handshake is told in the stream" {
	body() {
		secure_many --accept-cmd false --deny-with 'not today'
		run_bytes 0 client "$A" </dev/null
		out_is 'not today\n'
	}
	secured
}

@test "who is turned away before the handshake is closed without a word" {
	body() {
		secure_many --deny 127.0.0.1 --deny-with 'not today'
		run_bytes 9 client "$A" </dev/null
		out_is ''
		err_like 'closed after 0 bytes of the handshake|reset by the peer'
	}
	secured tcp4
}

@test "the header of a balancer stands before TLS" {
	body() {
		local server

		secure_many -j --proxy-protocol
		server=$A
		printf '%s\n' "printf 'PROXY TCP4 192.0.2.7 198.51.100.1 5 8\\r\\n'" \
			cat >header
		wdsock serve-single -m raw --ready-fd 7 --sh \
			"sh header | wdsock connect -m raw ${server#tls:}" unix:relay \
			>relay.out 2>relay.err 7>relay.ready 6>&- 8>&- &
		PIDS="$PIDS $!"
		until_true test -s relay.ready
		echo hello | timeout 20 "$W" connect -q 1 --tls-pin "$PIN" \
			tls:unix:relay >client.out 2>client.err &
		PIDS="$PIDS $!"
		until_true grep -q '"text":"hello"' out
		grep -q '"peer":"192.0.2.7:5","tls":{"version":"TLSv1.3"' out
	}
	secured tcp4
}

@test "through a proxy, TLS is spoken with whom is behind it" {
	body() {
		secure_many --echo
		cat >proxy <<-END
			read -r verb to rest
			echo "\$to" >asked
			while read -r line && [ "\$line" != "\$(printf '\\r')" ]; do :; done
			printf 'HTTP/1.1 200 OK\\r\\n\\r\\n'
			exec wdsock connect -m raw ${A#tls:}
		END
		wdsock serve-single -m raw --ready-fd 7 --exec 'sh proxy' \
			127.0.0.1:0 >p.out 2>p.err 7>p.ready 6>&- 8>&- &
		PIDS="$PIDS $!"
		until_true test -s p.ready
		run_bytes 0 client --ask --send hello -x "$(cat p.ready)" \
			-X connect "$A"
		out_is 'hello\n'
		[ "$(cat asked)" = "${A#tls:}" ]
	}
	secured tcp4
}

@test "-z makes the handshake too, and says how it is secured" {
	body() {
		secure_many
		run_bytes 0 client -z -v "$A"
		err_like "$A: connected"
		err_like "$A: TLSv1.3, "
		run_bytes 9 wd connect -z --tls-name localhost "$A" </dev/null
	}
	secured
}

@test "--connect-timeout is for the handshake, too" {
	needs_tls
	body() {
		peer read-until-eof
		run_bytes 5 wd connect --connect-timeout 300ms \
			--tls-name x "tls:$A" </dev/null
		err_like "--connect-timeout of 0.3 s has run out, waiting for the TLS handshake with tls:"
	}
	each tcp4 unix
}

@test "a program that reads JSON lines is told how it is secured" {
	needs_json
	body() {
		secure_many -j
		client --send hello "$A" >client.out 2>client.err &
		until_true grep -q '"event":"message"' out
		grep -q '"event":"open","chan":"c1","peer":"[^"]*","tls":{"version":"TLSv1.3","cipher":"[^"]*",.*"verified":"0"},"t":"' out
	}
	secured
}

@test "a handler is told how it is secured, and no pass phrase" {
	body() {
		HERE=tls:$HERE
		export WDSOCK_TLS_PASS=secret WDSOCK_TLS_CIPHER=none
		serve --tls-self-signed --output raw --sh 'env | grep ^WDSOCK_TLS'
		pinned
		run_bytes 0 client "$A" </dev/null
		grep -qx 'WDSOCK_TLS_VERSION=TLSv1.3' out
		grep -qE '^WDSOCK_TLS_CIPHER=TLS_[A-Z0-9_]+$' out
		! grep -q 'secret\|WDSOCK_TLS_PASS' out
	}
	secured
}

@test "the first handshake that fails is told without -v, and what to try" {
	body() {
		secure_many
		wd connect --tls-name 127.0.0.1 "$A" </dev/null 2>mine && return 1
		until_true grep -q 'denied, TLS: the client refused' err
		err_like 'on its side, try: --tls-pin sha256:'
		wd connect --tls-name 127.0.0.1 "$A" </dev/null 2>mine && return 1
		[ "$(grep -c denied err)" = 1 ]
	}
	secured
}

@test "serve-single goes on waiting when a handshake fails, also without -k" {
	body() {
		HERE=tls:$HERE
		serve -v --echo --tls-self-signed
		pinned
		run_bytes 9 wd connect --tls-name localhost "$A" </dev/null
		run_bytes 0 client --ask --send hello "$A"
		out_is 'hello\n'
	}
	secured
}

@test "a socket that was passed to us is secured by --tls" {
	body() {
		printf '%s\n' 'use Socket; $^F = 9;' \
			'socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die;' \
			'bind($s, pack_sockaddr_un("passed")) or die;' \
			'listen($s, 5) or die; $ENV{LISTEN_PID} = $$;' \
			'$ENV{LISTEN_FDS} = 1; die if fileno($s) != 3;' \
			'exec(@ARGV) or die;' >pass.pl
		perl pass.pl wdsock serve-single --tls --tls-self-signed --echo \
			--deadline 40 </dev/null >out 2>err 6>&- 8>&- 9>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true grep -q 'tls-pin' err
		pinned
		run_bytes 0 client --ask --send hello tls:unix:passed
		out_is 'hello\n'
	}
	secured tcp4
}

@test "a thousand that say nothing hold up nobody for long" {
	body() {
		local i

		secure_many --echo
		for i in 1 2; do
			perl -MIO::Socket::INET -e 'my @s;
				push @s, IO::Socket::INET->new($ARGV[0]) || die
				    for 1 .. 550;
				print "there\n"; close(STDOUT); <STDIN>' \
				"${A#tls:}" <life >"silent$i" 6>&- 8>&- &
			PIDS="$PIDS $!"
		done
		until_true grep -q there silent1
		until_true grep -q there silent2
		run_bytes 0 client --ask --send hello "$A"
		out_is 'hello\n'
	}
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 2048 ] ||
		skip "too few descriptors"
	secured tcp4
}

@test "--max-clients counts those in their handshakes" {
	body() {
		secure_many -v --echo --max-clients 1
		perl -MIO::Socket::INET -e '$| = 1;
			my $s = IO::Socket::INET->new($ARGV[0]) || die;
			print "there\n"; <STDIN>' "${A#tls:}" <life >silent 6>&- 8>&- &
		PIDS="$PIDS $!"
		until_true grep -q there silent
		run_bytes 9 client "$A" </dev/null
		out_is ''
	}
	secured tcp4
}

# refused WORD... -- ERE: wrong usage, and why.
refused() {
	local words=()

	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	run_bytes 2 wd "${words[@]}" </dev/null
	err_like "$2"
}

@test "options of TLS that make no sense together are refused" {
	needs_tls
	body() {
		refused connect --tls-ca x :8000 -- '^wdsock: --tls-ca: expected an address with TLS, saw none'
		refused serve-multi --tls --tls-self-signed udp:8000 -- 'expected an address of a stream, saw udp:'
		refused serve-multi --tls --tls-self-signed unix:a udp:8000 -- 'expected an address of a stream, saw udp:'
		refused connect --tls --tls-insecure -u 127.0.0.1:8000 -- 'expected an address of a stream'
		refused connect --seqpacket tls:unix:x -- 'expected an address without TLS, saw tls:unix:x'
		refused connect tls:unix:x -- 'try: --tls-name NAME, or --tls-pin PIN'
		refused connect --tls-key x tls:8000 -- '--tls-key x: expected --tls-cert'
		refused serve-single tls:8000 -- 'try: .*--tls-self-signed'
		refused serve-single --tls-self-signed --tls-cert x tls:8000 -- 'expected one of them, saw both'
		refused serve-single --tls-self-signed --tls-ca x tls:8000 -- '--tls-ca: expected --tls-client'
		refused serve-single --tls-self-signed --tls-client perhaps tls:8000 -- 'try: require or request'
		refused connect --tls-name .example.org tls:8000 -- '--tls-name: expected the name of one host'
		refused connect --tls-min 1.4 tls:8000 -- 'try: 1.0, 1.1, 1.2 or 1.3'
		refused connect --tls-handshake-timeout 0 tls:8000 -- 'expected some time, saw none'
		run_bytes 10 wd connect --tls-pass-file missing tls:8000
		err_like '--tls-pass-file missing: No such file'
	}
	each tcp4
}

@test "nothing of TLS is needed where no address has it" {
	wdsock --version | grep -q '^TLS: .*loaded from' || skip "it is built in"
	body() {
		mkdir alone
		cp "$WDSOCK" alone/wdsock
		HERE=unix:sock
		serve --echo
		run_bytes 0 alone/wdsock connect --ask --send hello "$A"
		out_is 'hello\n'
		timeout 20 alone/wdsock connect --tls-insecure tls:unix:sock \
			</dev/null >out 2>err && return 1
		err_like 'TLS'
	}
	each tcp4
}

# locked PASSPHRASE: a certificate with a key that it opens.
locked() {
	command -v openssl >/dev/null || skip "no openssl"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-subj /CN=locked -addext subjectAltName=IP:127.0.0.1 -days 2 \
		-passout "pass:$1" -keyout locked.key -out locked.pem 2>made ||
		{ cat made; return 1; }
}

on_terminal() {
	"${WDSOCK_BUILD:?}/tests/bats/pty" --out screen "$@" 6>&- 8>&-
}

@test "a pass phrase is asked for on the terminal, unseen, and not again" {
	needs_tls
	locked secret
	on_terminal expect 'Pass phrase for locked.key: ' type 'secret\n' \
		expect 'listening on tls:' kill 1 expect 'read again' \
		kill 15 ended 143 -- \
		"$W" serve-single -v --tls-cert locked.pem --tls-key locked.key \
		tls:127.0.0.1:0
	! grep secret screen || return 1
	[ "$(grep -o 'Pass phrase' screen | wc -l)" = 1 ]
}

@test "Ctrl-C where a pass phrase is asked for ends it by that signal" {
	needs_tls
	locked secret
	# Between prompt and read, the signal alone would not be seen.
	on_terminal expect 'Pass phrase for locked.key: ' type '\x03' \
		type '\n' ended 130 -- \
		"$W" serve-single --tls-cert locked.pem --tls-key locked.key \
		tls:127.0.0.1:0
}

@test "WDSOCK_TLS_PASS opens a key, and --tls-pass-file comes before it" {
	needs_tls
	locked secret
	begin tcp4
	echo secret >right
	echo other >wrong
	export WDSOCK_TLS_PASS=secret
	LISTEN=(tls:127.0.0.1:0)
	many --tls-cert locked.pem --tls-key locked.key
	run_bytes 9 wd serve-single --tls-cert locked.pem --tls-key locked.key \
		--tls-pass-file wrong tls:127.0.0.1:0 </dev/null
	WDSOCK_TLS_PASS=other
	many --tls-cert locked.pem --tls-key locked.key --tls-pass-file right
}
