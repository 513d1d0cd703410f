# A conversation over TLS: its end told truly, its versions, what can be seen
# of it, and peers that are slow, strange or no TLS at all.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load tls

VERSIONS=(1.2 1.3)

# ca OPTION...: connect, believing in our CA.
ca() {
	wd connect --tls-ca "$CERTS/ca.pem" "$@"
}

# In the background, with the same output as `serve`.
ca_behind() {
	behind connect --tls-ca "$CERTS/ca.pem" "$@"
}

# both_versions COMMAND: it runs with V being each of them.
both_versions() {
	for V in "${VERSIONS[@]}"; do
		here "$T"
		"$@"
	done
}

# --- The end.

@test "stdin ends and the reply comes 1.5 s later: received on TLS 1.2 and 1.3" {
	late() {
		peer --tls "max=$V" expect '5\r\nhello' wait 1500 \
			send '2\r\nok' close
		echo hello >in
		within 1400 8000 run_bytes 0 ca "$A" <in
		out_is 'ok\n'
		err_is_empty
		peer_held
	}
	body() { both_versions late; }
	secure
}

@test "our half closes when stdin ends on TLS 1.3, and the peer sees it" {
	body() {
		peer expect '5\r\nhello' expect-eof wait 500 send '2\r\nok'
		echo hello >in
		run_bytes 0 ca "$A" <in
		out_is 'ok\n'
		peer_held
	}
	secure
}

@test "on TLS 1.2 our half stays open until the peer's has closed; -N forces it" {
	body() {
		peer --tls max=1.2 expect '5\r\nhello' quiet 700 \
			send '2\r\nok' half-close expect-eof
		echo hello >in
		run_bytes 0 ca "$A" <in
		out_is 'ok\n'
		peer_held
		here "$T"
		peer --tls max=1.2 expect '5\r\nhello' expect-eof \
			send '2\r\nok' half-close
		run_bytes 0 ca -N "$A" <in
		out_is 'ok\n'
		peer_held
	}
	secure
}

@test "a server's reply behind the client's half-close goes out, TLS 1.3" {
	body() {
		mine good
		mkfifo go
		serve "${MINE[@]}" --sh 'cat >all; cat go all' </dev/null
		caller send '5\r\nhello' half-close quiet 500 touch go expect '5\r\nhello' expect-eof
		ended 0
	}
	secure
}

@test "a server hears a client of TLS 1.2 that says all and closes" {
	body() {
		mine good
		serve "${MINE[@]}" </dev/null
		caller --tls max=1.2 send '5\r\nhello' half-close
		ended 0
		out_is 'hello\n'
	}
	secure
}

@test "an end without close_notify is status 7, behind all that came" {
	truncated() {
		peer --tls "max=$V" send '2\r\nok' cut
		run_bytes 7 ca "$A" </dev/null
		out_is 'ok\n'
		says 'close_notify' '--tls-no-close-notify'
		here "$T"
		mine good
		serve "${MINE[@]}" </dev/null
		caller --tls "max=$V" send '2\r\nok' cut
		ended 7
		out_is 'ok\n'
		says 'close_notify'
	}
	body() { both_versions truncated; }
	secure
}

@test "--tls-no-close-notify says that a peer is known to end so" {
	body() {
		peer send '2\r\nok' cut
		run_bytes 0 ca --tls-no-close-notify "$A" </dev/null
		out_is 'ok\n'
		err_is_empty
		here "$T"
		# Yet a message that is cut is cut.
		peer send '5\r\nhe' cut
		run_bytes 7 ca --tls-no-close-notify "$A" </dev/null
		out_is ''
		here "$T"
		mine good
		serve "${MINE[@]}" --tls-no-close-notify </dev/null
		caller send '2\r\nok' cut
		ended 0
	}
	secure
}

@test "a record that is cut is status 7 in spite of --tls-no-close-notify" {
	body() {
		# The handshake is never as long as this, the message longer.
		peer --tls cut=12000 frames 1 30000
		run_bytes 7 ca --tls-no-close-notify "$A" </dev/null
		out_is ''
	}
	secure
}

@test "a reset is status 12, behind all that came" {
	reset() {
		peer --tls "max=$V" send '2\r\nok' until seen reset
		ca_behind "$A" </dev/null
		until_true grep -q ok out
		touch seen
		ended 12
		rm seen
		out_is 'ok\n'
	}
	body() { both_versions reset; }
	secure
}

@test "a byte that was changed on the way is status 9, and no message" {
	body() {
		peer --tls bad=12000 frames 1 30000
		run_bytes 9 ca "$A" </dev/null
		out_is ''
		says 'record.*broken'
	}
	secure
}

@test "our end is in order where --count ends it" {
	body() {
		peer send '1\r\na1\r\nb' expect-eof
		run_bytes 0 ca --count 2 "$A" </dev/null
		out_is 'a\nb\n'
		peer_held
	}
	secure
}

# --- What comes, whole.

@test "records of all sizes and then silence are delivered whole" {
	sizes() {
		for n in 1 16000 16384 16385 100000; do
			here "$T"
			rm -f seen bytes
			head -c "$n" < <(yes 0123456789abcde) >bytes
			peer --tls "max=$V" file bytes until seen
			ca_behind -m raw "$A" </dev/null
			until_true cmp -s bytes out
			touch seen
			ended 0
		done
	}
	body() { both_versions sizes; }
	secure
}

@test "tickets that come before data, or with none, are no data and no end" {
	body() {
		for n in 0 2 20; do
			here "$T"
			peer --tls "tickets=$n" tls-up '' wait 300 \
				send '2\r\nok' expect-eof
			: >in
			run_bytes 0 ca "$A" <in
			out_is 'ok\n'
			peer_held
		done
	}
	secure
}

@test "keys that change in the middle change nothing else" {
	body() {
		peer send '1\r\na' new-keys expect '1\r\nx' send '1\r\nb' \
			new-keys new-keys send '1\r\nc' expect '1\r\ny' \
			expect-eof
		idle
		ca_behind "$A" <idle
		until_true grep -q a out
		echo x >&6
		until_true grep -q c out
		echo y >&6
		exec 6>&-
		ended 0
		out_is 'a\nb\nc\n'
		peer_held
	}
	secure
}

@test "20 MB go both ways at once" {
	body() {
		peer both 20000000 half-close expect-eof
		yes 0123456789abcde | head -c 20000000 >in
		run_bytes 0 ca -m raw "$A" <in
		cmp in out
		peer_held
	}
	secure
}

# --- Versions, names and ciphers.

@test "TLS 1.3 is spoken where both can, 1.2 where one cannot" {
	body() {
		peer tls-up 'version=TLSv1.3 ' expect-eof
		: >in
		run_bytes 0 ca "$A" <in
		peer_held
		here "$T"
		peer --tls max=1.2 tls-up 'version=TLSv1.2 ' half-close
		run_bytes 0 ca "$A" <in
		peer_held
		here "$T"
		mine good
		serve "${MINE[@]}" </dev/null
		caller tls-up 'version=TLSv1.3 ' half-close expect-eof
		ended 0
		here "$T"
		serve "${MINE[@]}" </dev/null
		caller --tls max=1.2 tls-up 'version=TLSv1.2 ' half-close
		ended 0
	}
	secure
}

@test "--tls-min and --tls-max bound the version, in both roles" {
	body() {
		peer tls-up 'version=TLSv1.2 ' half-close
		: >in
		run_bytes 0 ca --tls-max 1.2 "$A" <in
		peer_held
		here "$T"
		peer --tls max=1.2 accept tls-fails 'failed'
		run_bytes 9 ca --tls-min 1.3 "$A" <in
		says '(version|1\.2)' '--tls-min'
		here "$T"
		peer --tls min=1.3 accept tls-fails 'failed'
		run_bytes 9 ca --tls-max 1.2 "$A" <in
		says 'version|protocol'
		here "$T"
		mine good
		serve "${MINE[@]}" --tls-max 1.2 </dev/null
		caller tls-up 'version=TLSv1.2 ' half-close
		ended 0
		here "$T"
		serve -v "${MINE[@]}" --tls-min 1.3 </dev/null
		caller --tls max=1.2 tls-fails 'failed .*version'
		turned_away 'speaks TLS ?v?1.2, expected'
	}
	secure
}

@test "a range of versions that is empty, or a version that is none: usage" {
	body() {
		run_bytes 2 wd connect --tls-min 1.3 --tls-max 1.2 \
			tls:127.0.0.1:1 </dev/null
		for bad in 1.4 2 ssl3 '' 1.2x; do
			run_bytes 2 wd connect --tls-min "$bad" \
				tls:127.0.0.1:1 </dev/null
		done
	}
	secure
}

@test "TLS 1.0 and 1.1 are refused, say what helps, and then warn" {
	body() {
		for old in 1.0 1.1; do
			here "$T"
			peer --tls "min=1.0 max=$old" accept tls-fails failed
			: >in
			run_bytes 9 ca "$A" <in
			says '--tls-min'
			here "$T"
			peer --tls "min=1.0 max=$old" \
				tls-up "version=TLSv${old%.0}" expect '1\r\nx' \
				send '2\r\nok' half-close
			echo x >in
			run_bytes 0 ca --tls-min "$old" "$A" <in
			out_is 'ok\n'
			says 'warning: .*TLS 1\.0 and 1\.1'
			peer_held
			here "$T"
			mine good
			serve "${MINE[@]}" --tls-min "$old" </dev/null
			caller --tls "min=1.0 max=$old" \
				tls-up "version=TLSv${old%.0}" send '1\r\nx' \
				half-close
			ended 0
			out_is 'x\n'
			here "$T"
			serve -v "${MINE[@]}" </dev/null
			caller --tls "min=1.0 max=$old" tls-fails failed
			turned_away 'speaks TLS.*, expected'
		done
	}
	secure
}

@test "--tls-ciphers chooses, and what it does not know it refuses" {
	body() {
		peer --tls max=1.2 \
			tls-up 'cipher=ECDHE-ECDSA-CHACHA20-POLY1305 ' half-close
		: >in
		run_bytes 0 ca --tls-ciphers ECDHE-ECDSA-CHACHA20-POLY1305 \
			"$A" <in
		peer_held
		here "$T"
		peer tls-up 'cipher=TLS_AES_128_GCM_SHA256 ' expect-eof
		run_bytes 0 ca --tls-ciphers TLS_AES_128_GCM_SHA256 "$A" <in
		peer_held
		run_bytes 2 ca --tls-ciphers NO-SUCH-CIPHER "$A" <in
		says 'NO-SUCH-CIPHER'
	}
	secure
}

@test "a server hears the name that was asked for, and never an address" {
	body() {
		: >in
		peer tls-up ' sni= ' expect-eof
		run_bytes 0 ca "$A" <in
		peer_held
		here "$T"
		peer tls-up ' sni=localhost ' expect-eof
		run_bytes 0 ca "${A/127.0.0.1/localhost}" <in
		peer_held
		here "$T"
		peer --tls "$(as wildcard)" tls-up ' sni=x\.example\.test ' \
			expect-eof
		run_bytes 0 ca --tls-name x.example.test "$A" <in
		peer_held
		here "$T"
		peer --tls "$(as wrong-ip)" tls-up ' sni= ' expect-eof
		run_bytes 0 ca --tls-name 127.0.0.2 "$A" <in
		peer_held
	}
	secure
}

@test "ALPN: the first that both know, or the handshake fails" {
	body() {
		: >in
		peer --tls alpn=b,c tls-up ' alpn=b ' expect-eof
		run_bytes 0 ca -v --tls-alpn a,b,c "$A" <in
		says '[^a-z]b[^a-z]'
		peer_held
		here "$T"
		peer --tls alpn=z accept tls-fails 'failed'
		run_bytes 9 ca --tls-alpn a "$A" <in
		says 'ALPN|application protocol' '--tls-alpn'
		here "$T"
		mine good
		serve "${MINE[@]}" --tls-alpn one,two </dev/null
		caller --tls alpn=two,three tls-up ' alpn=two ' half-close \
			expect-eof
		ended 0
		here "$T"
		serve -v "${MINE[@]}" --tls-alpn one </dev/null
		caller --tls alpn=other tls-fails failed
		turned_away 'ALPN.* one'
		here "$T"
		serve "${MINE[@]}" --tls-alpn one </dev/null
		caller tls-up ' alpn= ' half-close expect-eof
		ended 0
	}
	secure
}

# --- What there is to see.

@test "-v says in one line how it is secured, and by whom" {
	body() {
		: >in
		peer expect-eof
		run_bytes 0 ca -v "$A" <in
		grep 'TLSv1\.3' err >line
		[ "$(wc -l <line)" = 1 ]
		for word in TLS_AES_128_GCM_SHA256 '[xX]25519' 'CN ?= ?good' localhost \
			127.0.0.1 'Test CA' "$(date -u +%Y)\|20[0-9][0-9]" \
			"$(pin_of good | sed 's/[+]/[+]/g')"; do
			grep -qE -- "${word//\\|/|}" line ||
				{ echo "no $word in:"; cat line; return 1; }
		done
		here "$T"
		mine good
		serve -v "${MINE[@]}" --tls-client request \
			--tls-ca "$CERTS/ca.pem" </dev/null
		caller --tls "$(as client)" half-close expect-eof
		ended 0
		says 'TLSv1\.3.*CN ?= ?client'
	}
	secure
}

@test "the log of keys is for its owner alone, warned about, and right" {
	body() {
		: >in
		peer --tls max=1.2 expect '1\r\nx' close
		umask 022
		echo x >in
		run_bytes 0 ca --tls-keylog keys "$A" <in
		[ "$(stat -c %a keys)" = 600 ]
		says 'keys'
		grep -qE '^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$' keys
		here "$T"
		peer expect '1\r\nx' close
		run_bytes 0 ca --tls-keylog keys "$A" <in
		for label in CLIENT_HANDSHAKE_TRAFFIC_SECRET \
			SERVER_HANDSHAKE_TRAFFIC_SECRET CLIENT_TRAFFIC_SECRET_0 \
			SERVER_TRAFFIC_SECRET_0; do
			# As long as the hash of the cipher.
			grep -qE "^$label [0-9a-f]{64} [0-9a-f]{64}([0-9a-f]{32})?\$" keys
		done
		# It was written behind what was there.
		grep -q '^CLIENT_RANDOM' keys
		here "$T"
		mine good
		serve "${MINE[@]}" --tls-keylog theirs </dev/null
		caller half-close expect-eof
		ended 0
		[ "$(stat -c %a theirs)" = 600 ]
		grep -q '^SERVER_TRAFFIC_SECRET_0 ' theirs
	}
	secure
}

@test "SSLKEYLOGFILE is a log of keys too, and is warned about" {
	body() {
		peer expect '1\r\nx' close
		echo x >in
		SSLKEYLOGFILE=keys run_bytes 0 ca "$A" <in
		[ "$(stat -c %a keys)" = 600 ]
		says 'SSLKEYLOGFILE|keys'
		grep -q '^CLIENT_TRAFFIC_SECRET_0 ' keys
	}
	secure
}

@test "a log of keys that cannot be written is status 10" {
	body() {
		run_bytes 10 ca --tls-keylog no/where tls:127.0.0.1:1 </dev/null
		says 'no/where'
	}
	secure
}

@test "a session that is gone on with is said, TLS 1.2 and 1.3" {
	resumed() {
		mine good
		rm -f session
		many -v "${MINE[@]}" --echo
		caller --tls "max=$V session=session" tls-up 'resumed=no' \
			send '1\r\na' expect '1\r\na' half-close expect-eof
		caller --tls "max=$V session=session" tls-up 'resumed=yes' \
			send '1\r\na' expect '1\r\na' half-close expect-eof
		is_told_err 'resumed'
		stopped
	}
	is_told_err() {
		until_true grep -qE "$1" err
	}
	body() { both_versions resumed; }
	secure
}

@test "handlers have how it is secured in WDSOCK_TLS_..." {
	body() {
		mine good
		serve "${MINE[@]}" --tls-client request \
			--tls-ca "$CERTS/ca.pem" --tls-alpn one \
			--sh 'env | grep ^WDSOCK_TLS_ >env' </dev/null
		caller --tls "$(as client) name=localhost alpn=one" expect-eof
		ended 0
		for line in VERSION=TLSv1.3 CIPHER=TLS_AES_128_GCM_SHA256 \
			ALPN=one SNI=localhost RESUMED=0 VERIFIED=1 \
			"PEER_PIN=$(pin_of client)"; do
			grep -qxF "WDSOCK_TLS_$line" env
		done
		grep -q '^WDSOCK_TLS_PEER_SUBJECT=.*client' env
		grep -q '^WDSOCK_TLS_PEER_NAMES=.*client\.example\.test' env
		grep -q '^WDSOCK_TLS_PEER_ISSUER=.*Test CA' env
	}
	secure
}

@test "without TLS a handler has no WDSOCK_TLS_..." {
	need_tls
	body() {
		serve --sh 'env | grep ^WDSOCK_TLS_ >env; :' </dev/null
		WDSOCK_TLS_VERSION=forged caller expect-eof
		ended 0
		[ ! -s env ]
	}
	each tcp4
}

@test "--tls-self-signed prints a pin that a client can paste" {
	body() {
		serve --tls-self-signed --echo </dev/null
		until_true grep -q -- --tls-pin err
		option=$(grep -oE -- '--tls-pin sha256:[A-Za-z0-9+/]{43}=' err)
		[ "$(echo "$option" | wc -l)" = 1 ]
		echo hello >in
		# shellcheck disable=SC2086
		timeout 25 "$W" connect $option "$A" <in >ours
		[ "$(cat ours)" = hello ]
		ended 0
		here "$T"
		serve --tls-self-signed </dev/null
		run_bytes_theirs=0
		wd connect "$A" <in >ours 2>theirs || run_bytes_theirs=$?
		[ "$run_bytes_theirs" = 9 ]
		grep -q -- --tls-pin theirs
	}
	secure
}

@test "--tls-self-signed is for the address, on a curve, and new each time" {
	body() {
		serve --tls-self-signed </dev/null
		openssl s_client -connect "${A#tls:}" </dev/null 2>/dev/null |
			openssl x509 -noout -text >text
		grep -q 'IP Address:127.0.0.1' text
		grep -q 'NIST CURVE: P-256' text
		first=$(grep -oE 'sha256:[^ ]*' err | head -1)
		here "$T"
		serve --tls-self-signed </dev/null
		caller half-close
		[ "$(grep -oE 'sha256:[^ ]*' err | head -1)" != "$first" ]
	}
	secure
}

@test "--tls makes TLS of an address, as tls: does" {
	body() {
		mine good
		serve_plain() {
			HERE=127.0.0.1:0 serve "$@"
		}
		serve_plain --tls "${MINE[@]}" --echo </dev/null
		[[ $A == tls:127.0.0.1:* ]]
		echo hello >in
		timeout 25 "$W" connect --tls --tls-ca "$CERTS/ca.pem" \
			127.0.0.1 "${A##*:}" <in >ours
		[ "$(cat ours)" = hello ]
		ended 0
	}
	secure
}

@test "an option of TLS without TLS is refused, and says what is missing" {
	body() {
		run_bytes 2 wd connect --tls-pin "$(pin_of good)" 127.0.0.1:1 \
			</dev/null
		says 'tls:'
	}
	secure
}

@test "TLS goes over a Unix socket" {
	body() {
		HERE=tls:unix:sock
		mine good
		serve "${MINE[@]}" --echo </dev/null
		[ "$A" = tls:unix:sock ]
		echo hello >in
		timeout 25 "$W" connect --tls-ca "$CERTS/ca.pem" \
			--tls-name localhost "$A" <in >ours
		[ "$(cat ours)" = hello ]
		ended 0
	}
	secure
}

@test "a server speaks TLS at one address and none at another" {
	body() {
		mine good
		LISTEN=(tls:127.0.0.1:0 127.0.0.1:0)
		many --echo "${MINE[@]}"
		[[ ${ADDRESSES[0]} == tls:* && ${ADDRESSES[1]} == 127.* ]]
		A=${ADDRESSES[0]} caller send '1\r\na' expect '1\r\na'
		A=${ADDRESSES[1]} caller send '1\r\na' expect '1\r\na'
		stopped
	}
	secure
}

# --- Who is no TLS.

@test "plain text at a server's TLS is recognised, and others are not held up" {
	body() {
		mine good
		many -v --echo "${MINE[@]}"
		tls=$A
		for text in 'GET / HTTP/1.0\r\n\r\n' '5\r\nhello' '\0\0\0\0\0\0'; do
			A=${tls#tls:} caller send "$text" read-until-eof
			A=$tls caller send '1\r\na' expect '1\r\na'
		done
		until_true grep -q HTTP err
		says 'expected TLS, saw HTTP' 'expected TLS, saw a WINDEV'
		stopped
		here "$T"
		serve -v "${MINE[@]}" </dev/null
		A=${A#tls:} caller send '5\r\nhello' read-until-eof
		turned_away '"5.r.nhe'
	}
	secure
}

@test "plain text from a server is recognised, and what helps is said" {
	body() {
		for text in '220 mail.example.test ESMTP\r\n' \
			'HTTP/1.1 400 Bad Request\r\n' '5\r\nhello'; do
			HERE=127.0.0.1:0
			peer send "$text" read-until-eof
			run_bytes 9 ca "tls:$A" </dev/null
			says "expected TLS, saw .*\"${text:0:1}" 'without tls:'
		done
	}
	secure
}

@test "TLS at a plain server is recognised, and what helps is said" {
	body() {
		HERE=127.0.0.1:0
		serve </dev/null
		A=tls:$A caller tls-fails '' || :
		ended 8
		says 'TLS' '--tls|tls:'
	}
	secure
}

# --- Peers that are slow, or go.

@test "a client that stalls in each flight does not hold up the others" {
	stalls() {
		mine good
		many --echo "${MINE[@]}" --tls-handshake-timeout 60s
		# Nothing; a part of a record's header; of the ClientHello; all
		# of it and a part of what follows.
		for n in 0 3 60 200 250 300 400; do
			guest "stalled$n" --tls "max=$V hold=$n" send '1\r\nz' \
				until over
		done
		caller --tls "max=$V" send '1\r\na' expect '1\r\na' half-close
		caller --tls "max=$V" send '1\r\nb' expect '1\r\nb' half-close
		touch over
		stopped
		rm over
		PIDS=
	}
	body() { both_versions stalls; }
	secure
}

@test "a handshake has a time of its own, on a server" {
	body() {
		mine good
		many -v --echo "${MINE[@]}" --tls-handshake-timeout 500ms
		caller --tls hold=100 send '1\r\nz' tls-fails '(end|fin|reset)'
		until_true grep -qE 'handshake' err
		caller send '1\r\na' expect '1\r\na' half-close
		stopped
	}
	secure
}

@test "a server that stalls in the handshake is status 5, in time" {
	body() {
		for n in 0 3 100 600; do
			here "$T"
			peer --tls "hold=$n" accept until over
			within 400 10000 run_bytes 5 ca --connect-timeout 500ms \
				"$A" </dev/null
			says 'handshake|TLS'
			touch over
			peer_held
			rm over
		done
	}
	secure
}

@test "a handshake that is cut anywhere is status 9, in both roles" {
	cuts() {
		for n in 0 1 5 6 50 127 300 600 700; do
			here "$T"
			peer --tls "max=$V cut=$n" accept tls-fails ''
			run_bytes 9 ca "$A" </dev/null
			says 'handshake|TLS'
		done
		mine good
		# A client's handshake is shorter.
		for n in 1 5 6 50 127 230; do
			here "$T"
			serve -v "${MINE[@]}" </dev/null
			caller --tls "max=$V cut=$n" tls-fails ''
			turned_away 'handshake|TLS'
		done
	}
	body() { both_versions cuts; }
	secure
}

@test "a handshake that is cut does not end serve-multi" {
	body() {
		mine good
		many --echo "${MINE[@]}"
		for n in 0 1 5 6 50 127 230 300; do
			caller --tls "cut=$n" tls-fails ''
		done
		caller send '1\r\na' expect '1\r\na' half-close expect-eof
		stopped
	}
	secure
}

# --- New certificates.

# The certificate that a client is shown.
shows() {
	caller tls-up " peer=/CN=$1 " send '1\r\na' expect '1\r\na' half-close \
		expect-eof
}

@test "SIGHUP reads certificates again and drops nobody" {
	body() {
		cp "$CERTS/good.pem" my.pem
		cp "$CERTS/good.key" my.key
		many -v --echo --tls-cert my.pem --tls-key my.key
		shows good
		guest stays send '1\r\na' expect '1\r\na' touch there \
			until renewed send '1\r\nb' expect '1\r\nb' half-close \
			expect-eof
		until_true [ -e there ]
		cp "$CERTS/renewed.pem" my.pem
		cp "$CERTS/renewed.key" my.key
		kill -HUP "$SERVER"
		until_true shows renewed 2>/dev/null
		touch renewed
		guests_held stays
		stopped
	}
	secure
}

@test "SIGHUP and a bad certificate: it is said, and the old one stays" {
	body() {
		cp "$CERTS/good.pem" my.pem
		cp "$CERTS/good.key" my.key
		many --echo --tls-cert my.pem --tls-key my.key
		shows good
		echo none >my.pem
		kill -HUP "$SERVER"
		until_true grep -q 'my\.pem' err
		shows good
		cp "$CERTS/renewed.pem" my.pem
		cp "$CERTS/renewed.key" my.key
		kill -HUP "$SERVER"
		until_true shows renewed 2>/dev/null
		stopped
	}
	secure
}

@test "a session of a client that is not known any more is not gone on with" {
	body() {
		mine good
		many -v "${MINE[@]}" --echo --tls-client require \
			--tls-ca "$CERTS/ca.pem"
		caller --tls "$(as client) session=session" tls-up 'resumed=no' \
			send '1\r\na' expect '1\r\na' half-close expect-eof
		[ -s session ]
		# It shows its ticket, and that says who it was.
		caller --tls "session=session" tls-up 'resumed=yes' \
			send '1\r\na' expect '1\r\na' half-close expect-eof
		stopped
		# Another server does not believe the ticket.
		many -v "${MINE[@]}" --echo --tls-client require \
			--tls-ca "$CERTS/ca.pem"
		caller --tls "session=session" tls-fails failed
		stopped
	}
	secure
}
