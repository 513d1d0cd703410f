# Whom TLS believes: certificates of every kind, and what is said of them.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load tls

# named HOST NAME ARGUMENT... [-- ERE...]: the server is HOST to us.
named() {
	local host=$1 name=$2
	shift 2

	case " $* " in
	*' -- '*) refuses "$name" --tls-name "$host" \
		--tls-ca "$CERTS/ca.pem" "$@" ;;
	*) accepts "$name" --tls-name "$host" --tls-ca "$CERTS/ca.pem" "$@" ;;
	esac
	reset_here
}

reset_here() {
	here "$T"
	CONNECT=
}

# by_ip NAME [-- ERE...]: the server is 127.0.0.1.
by_ip() {
	local name=$1
	shift

	case " $* " in
	*' -- '*) refuses "$name" --tls-ca "$CERTS/ca.pem" "$@" ;;
	*) accepts "$name" --tls-ca "$CERTS/ca.pem" "$@" ;;
	esac
	reset_here
}

@test "a certificate of a known CA is good by address and by name" {
	body() {
		by_ip good
		talker good
		by_name
		echo hello >in
		run_bytes 0 wd connect --tls-ca "$CERTS/ca.pem" "$CONNECT" <in
		out_is 'ok\n'
		err_is_empty
		peer_held
	}
	secure
}

@test "RSA, a certificate for any use, and one behind a middle CA are good" {
	body() {
		by_ip good-rsa
		by_ip any-use
		by_ip chain
	}
	secure
}

@test "--tls-ca is a file of several CAs, or a directory" {
	body() {
		accepts good --tls-ca "$CERTS/cas.pem"
		reset_here
		accepts unknown --tls-ca "$CERTS/cas.pem"
		reset_here
		accepts good --tls-ca "$CERTS/ca.d"
		reset_here
		refuses unknown --tls-ca "$CERTS/ca.d" -- 'Other CA'
	}
	secure
}

@test "a certificate for another name says for which, and what would help" {
	body() {
		by_ip wrong-name -- \
			'certificate is for .*example\.org.*expected 127\.0\.0\.1' \
			'--tls-name'
		named example.org wrong-name
		named www.example.org wrong-name
		named WWW.Example.ORG wrong-name
		named example.com wrong-name -- 'expected example\.com'
	}
	secure
}

@test "a wildcard stands for one label, whole" {
	body() {
		named host.example.test wildcard
		named a.b.example.test wildcard -- 'expected a\.b\.example\.test'
		named example.test wildcard -- 'for .*\*\.example\.test'
		peer accept
		run_bytes 2 wd connect --tls-name .example.test \
			--tls-ca "$CERTS/ca.pem" "$A" </dev/null
		says '\.example\.test'
	}
	secure
}

@test "a part of a label is no wildcard, and a star alone is none" {
	body() {
		named www.example.test partial -- 'for .*w\*\.example\.test'
		named localhost wide -- 'expected localhost'
	}
	secure
}

@test "an address is looked for among the addresses of a certificate" {
	body() {
		by_ip ip
		by_ip wrong-ip -- 'for .*127\.0\.0\.2.*expected 127\.0\.0\.1'
		by_ip ip-as-name -- 'expected 127\.0\.0\.1'
		# And a name among the names.
		named localhost ip -- 'for .*127\.0\.0\.1.*expected localhost'
		named 127.0.0.2 wrong-ip
	}
	secure
}

@test "a certificate with a CN alone is for nobody" {
	body() {
		named localhost cn-only -- \
			'names no host, expected localhost.*CN ?= ?localhost'
	}
	secure
}

@test "what a certificate says cannot harm the terminal" {
	body() {
		by_ip evil-name -- 'expected 127\.0\.0\.1'
		run grep -c $'[\033\007\177\233]' err
		[ "$output" = 0 ]
	}
	secure
}

@test "the certificate of an unknown CA says whose it is" {
	body() {
		by_ip unknown -- 'Other CA' '--tls-ca'
		# The system's CAs do not know ours.
		refuses good -- 'Test CA' '--tls-ca'
	}
	secure
}

@test "the environment's CAs are those of the system" {
	body() {
		export SSL_CERT_FILE=$CERTS/ca.pem
		accepts good
	}
	secure
}

@test "a chain without its middle is refused, and so is a middle that is no CA" {
	body() {
		by_ip chain-cut -- 'Middle CA'
		by_ip chain-no-ca -- 'No CA.* has issued it, and is no CA'
	}
	secure
}

@test "a certificate for clients is none for a server" {
	body() {
		by_ip for-clients -- 'not one of a server'
	}
	secure
}

@test "expired and not yet valid: the date is said" {
	body() {
		by_ip expired -- 'expired on.*2021'
		by_ip future -- 'not valid before.*2090'
	}
	secure
}

@test "a self-signed certificate is refused, and its pin offered" {
	body() {
		by_ip self -- 'self-signed' "--tls-pin $(pin_of self | sed 's|+|[+]|g')"
	}
	secure
}

@test "a pin that matches replaces chain, name and dates" {
	body() {
		for name in self wrong-name expired future unknown cn-only; do
			accepts "$name" --tls-pin "$(pin_of "$name")"
			err_is_empty
			reset_here
		done
		# It is known, so it need not be the only one.
		accepts self --tls-pin "$(pin_of good)" \
			--tls-pin "$(pin_of self)"
	}
	secure
}

@test "a pin that does not match is refused though the chain is good" {
	body() {
		refuses good --tls-pin "$(pin_of self)" \
			--tls-ca "$CERTS/ca.pem" -- \
			"$(pin_of good | sed 's/[+]/[+]/g')" \
			"$(pin_of self | sed 's/[+]/[+]/g')"
	}
	secure
}

@test "a pin is sha256: and 44 characters, or it is refused" {
	body() {
		local pin

		pin=$(pin_of good)
		for bad in '' sha256: "${pin#sha256:}" "${pin%=}" "sha1${pin#sha256}" \
			"${pin}x" "${pin/%=/*}"; do
			run_bytes 2 wd connect --tls-pin "$bad" \
				tls:127.0.0.1:1 </dev/null
			says 'sha256:'
		done
	}
	secure
}

@test "--tls-insecure believes anything, and warns once" {
	body() {
		for name in wrong-name expired unknown self cn-only; do
			accepts "$name" --tls-insecure
			[ "$(grep -ci 'warning\|insecure' err)" = 1 ]
			reset_here
		done
	}
	secure
}

@test "a weak key and a SHA-1 signature are refused" {
	body() {
		by_ip weak -- 'weak key: RSA of 1024 bits'
		by_ip sha1 -- 'signed with .*(SHA|sha)-?1.*weak'
	}
	secure
}

@test "--tls-crl refuses what was revoked, and that alone" {
	body() {
		by_ip revoked
		refuses revoked --tls-ca "$CERTS/ca.pem" \
			--tls-crl "$CERTS/crl.pem" -- 'revoked'
		reset_here
		accepts good --tls-ca "$CERTS/ca.pem" \
			--tls-crl "$CERTS/crl.pem"
		reset_here
		refuses good --tls-ca "$CERTS/ca.pem" \
			--tls-crl "$CERTS/crl-old.pem" -- 'the list of .*Test CA.* out of date'
	}
	secure
}

@test "a file of CAs that is missing or is none is no system's default" {
	body() {
		run_bytes 10 wd connect --tls-ca missing "${HERE%0}1" </dev/null
		says 'missing'
		echo no certificate >junk
		run_bytes 9 wd connect --tls-ca junk "${HERE%0}1" </dev/null
		says 'junk'
		: >empty
		run_bytes 9 wd connect --tls-ca empty "${HERE%0}1" </dev/null
		says 'empty'
		run_bytes 10 wd connect --tls-crl missing "${HERE%0}1" </dev/null
		says 'missing'
	}
	secure
}

@test "where a host has no name, --tls-name or a pin is needed" {
	body() {
		HERE=tls:unix:sock
		accepts good --tls-ca "$CERTS/ca.pem" --tls-name localhost
		rm sock
		accepts self --tls-pin "$(pin_of self)"
		rm sock
		run_bytes 2 wd connect --tls-ca "$CERTS/ca.pem" "$HERE" </dev/null
		says '--tls-name'
	}
	secure
}

# --- Clients' certificates, to our server.

# asks STATUS NAME OPTION... [-- ERE...]: serve-single with these options takes
# a client with that certificate (none: ""), or not (9), and says each of these.
asks() {
	local status=$1 name=$2 words=() tls=''
	shift 2

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	mine good
	[ -z "$name" ] || tls=$(as "$name")
	serve -v "${MINE[@]}" "${words[@]}" --echo </dev/null
	if [ "$status" = 0 ]; then
		caller --tls "$tls" send '2\r\nok' expect '2\r\nok' \
			half-close expect-eof
	else
		# On 1.3 a client learns of it when it thinks that all is well.
		caller --tls "$tls" tls-fails '^failed .*alert'
	fi
	if [ "$status" = 0 ]; then
		ended 0
	else
		turned_away "$@"
	fi
	reset_here
}

require() {
	local status=$1 name=$2
	shift 2
	asks "$status" "$name" --tls-client require --tls-ca "$CERTS/ca.pem" \
		"$@"
}

@test "a client's certificate that is good is let in where one is required" {
	body() {
		require 0 client
		require 0 client-chain
	}
	secure
}

@test "a client without a certificate is refused where one is required" {
	body() {
		require 9 '' -- 'showed no certificate'
	}
	secure
}

@test "a client's certificate of another CA, expired, or for servers is refused" {
	body() {
		require 9 client-other -- 'Other CA'
		require 9 client-self -- 'self-signed'
		require 9 client-expired -- 'expired on.*2021'
		require 9 client-future -- 'not valid before.*2090'
		require 9 client-as-server -- 'not one of a client'
	}
	secure
}

@test "--tls-crl is for clients too" {
	body() {
		require 0 client-revoked
		require 9 client-revoked --tls-crl "$CERTS/crl.pem" -- 'revoked'
		require 0 client --tls-crl "$CERTS/crl.pem"
	}
	secure
}

@test "where a certificate is requested none will do, and a bad one will not" {
	body() {
		request=(--tls-client request --tls-ca "$CERTS/ca.pem")
		asks 0 '' "${request[@]}"
		asks 0 client "${request[@]}"
		asks 9 client-other "${request[@]}" -- 'Other CA'
		# Who is not asked shows none.
		asks 0 client-other
	}
	secure
}

@test "our client shows its certificate, on TLS 1.2 and 1.3" {
	body() {
		for version in 1.2 1.3; do
			peer --tls "ca=$CERTS/ca.pem $(as good) max=$version" \
				tls-up ' peer=/O=wdsock/CN=client ' half-close \
				expect-eof
			mine client
			: >in
			run_bytes 0 wd connect --tls-ca "$CERTS/ca.pem" \
				"${MINE[@]}" "$A" <in
			peer_held
			reset_here
		done
	}
	secure
}

@test "a server that wants a certificate of us, and what helps" {
	body() {
		for version in 1.2 1.3; do
			peer --tls "ca=$CERTS/ca.pem $(as good) max=$version" \
				accept tls-fails '^failed '
			echo hello >in
			run_bytes 9 wd connect --tls-ca "$CERTS/ca.pem" "$A" <in
			says 'certificate' '--tls-cert'
			reset_here
			peer --tls "ca=$CERTS/ca.pem $(as good) max=$version" \
				accept tls-fails '^failed '
			mine client-other
			run_bytes 9 wd connect --tls-ca "$CERTS/ca.pem" \
				"${MINE[@]}" "$A" <in
			says 'certificate|unknown CA'
			reset_here
		done
	}
	secure
}

# --- What our own certificate comes in.

# shown_as CN OPTION...: serve-single with these shows that certificate.
shown_as() {
	local cn=$1
	shift

	serve "$@" </dev/null
	caller --tls "name=${NAME:-localhost}" tls-up " peer=/CN=$cn " \
		half-close expect-eof
	ended 0
	here "$T"
}

@test "certificate and key in one file, in two, and with their chain" {
	body() {
		shown_as good --tls-cert "$CERTS/both.pem"
		mine chain
		serve "${MINE[@]}" </dev/null
		: >in
		run_bytes 0 wd connect --tls-ca "$CERTS/ca.pem" "$A" <in
		ended 0
	}
	secure
}

@test "PKCS#12 with a pass phrase, without one, and with its chain" {
	body() {
		shown_as good --tls-p12 "$CERTS/good.p12"
		shown_as good --tls-p12 "$CERTS/good-locked.p12" \
			--tls-pass-file "$CERTS/pass"
		serve --tls-p12 "$CERTS/chain.p12" </dev/null
		: >in
		run_bytes 0 wd connect --tls-ca "$CERTS/ca.pem" "$A" <in
		ended 0
	}
	secure
}

@test "PKCS#12 as old Windows has exported it" {
	need_tls
	[ -e "$CERTS/good-legacy.p12" ] ||
		skip "openssl has no legacy provider"
	body() {
		shown_as good --tls-p12 "$CERTS/good-legacy.p12" \
			--tls-pass-file "$CERTS/pass"
	}
	secure
}

@test "a client has PKCS#12 too" {
	body() {
		peer --tls "ca=$CERTS/ca.pem $(as good)" \
			tls-up ' peer=/O=wdsock/CN=client ' expect-eof
		: >in
		run_bytes 0 wd connect --tls-ca "$CERTS/ca.pem" \
			--tls-p12 "$CERTS/client-locked.p12" \
			--tls-pass-file "$CERTS/pass" "$A" <in
		peer_held
	}
	secure
}

@test "a key that is locked opens by its pass phrase, and by no other" {
	body() {
		locked=(--tls-cert "$CERTS/good.pem"
			--tls-key "$CERTS/good-locked.key")
		shown_as good "${locked[@]}" --tls-pass-file "$CERTS/pass"
		for wrong in "${locked[*]}" "--tls-p12 $CERTS/good-locked.p12"; do
			# shellcheck disable=SC2086
			run_bytes 9 wd serve-single $wrong \
				--tls-pass-file "$CERTS/wrong-pass" "$HERE" \
				</dev/null
			says 'pass ?phrase'
		done
		# Nobody is there who could be asked.
		run_bytes 9 setsid -w "$W" serve-single "${locked[@]}" "$HERE" \
			</dev/null
		says '--tls-pass-file'
	}
	secure
}

@test "a pass phrase is never in the command line, nor in an error" {
	body() {
		printf 'topsecret\n' >pass
		run_bytes 9 wd serve-single --tls-cert "$CERTS/good.pem" \
			--tls-key "$CERTS/good-locked.key" \
			--tls-pass-file pass "$HERE" </dev/null
		run grep -c topsecret err
		[ "$output" = 0 ]
		run_bytes 10 wd serve-single --tls-cert "$CERTS/good.pem" \
			--tls-key "$CERTS/good-locked.key" \
			--tls-pass-file missing "$HERE" </dev/null
		says 'missing'
	}
	secure
}

@test "a certificate and a key that do not belong together are refused" {
	body() {
		run_bytes 9 wd serve-single --tls-cert "$CERTS/good.pem" \
			--tls-key "$CERTS/client.key" "$HERE" </dev/null
		says 'client\.key: .*another certificate'
		run_bytes 10 wd serve-single --tls-cert missing "$HERE" </dev/null
		says 'missing'
		run_bytes 9 wd serve-single --tls-cert "$CERTS/pass" "$HERE" \
			</dev/null
		says 'pass'
		# A certificate, and no key anywhere.
		run_bytes 9 wd serve-single --tls-cert "$CERTS/good.pem" "$HERE" \
			</dev/null
		says 'good\.pem' '--tls-key'
	}
	secure
}

@test "a server without any certificate does not begin" {
	body() {
		for command in serve-single serve-multi; do
			run_bytes 2 wd "$command" "$HERE" </dev/null
			says '--tls-cert' '--tls-self-signed'
		done
	}
	secure
}

@test "of several certificates, the one for the name is shown" {
	body() {
		mine good name-a name-b
		for pair in localhost:good a.test:name-a b.test:name-b \
			x.b.test:name-b B.TEST:name-b unknown.test:good; do
			NAME=${pair%:*} shown_as "${pair#*:}" "${MINE[@]}"
		done
		serve "${MINE[@]}" </dev/null
		caller tls-up ' sni= .* peer=/CN=good ' half-close expect-eof
		ended 0
	}
	secure
}

@test "--tls-ciphers brings back nothing that proves or hides nothing" {
	run_bytes 2 wdsock connect --tls-insecure --tls-ciphers 'ALL:@SECLEVEL=0' \
		tls:127.0.0.1:1 </dev/null
	err_has 'expected names of ciphers, saw @SECLEVEL=0'
	run_bytes 2 wdsock connect --tls-insecure --tls-ciphers aNULL \
		tls:127.0.0.1:1 </dev/null
	err_has '--tls-ciphers'
}

@test "--tls-name is folded as a host is, and has to be a name" {
	run_bytes 2 wdsock connect --tls-insecure --tls-name 'bü..x' tls:127.0.0.1:1 \
		</dev/null
	err_has "--tls-name 'bü..x'"
}
