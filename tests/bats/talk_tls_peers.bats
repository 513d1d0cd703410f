# wdsock and other programs that speak TLS: each in both roles, on TLS 1.2 and
# 1.3 where it can be told which, and each believes the other's certificate.
# Some thousand lines are echoed, whoever of them has the echo.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load tls

LINES_N=20000

setup_file() {
	seq 1000001 $((1000000 + LINES_N)) >"$BATS_FILE_TMPDIR/lines"
}

need() {
	need_tls
	command -v "$1" >/dev/null || skip "no $1"
	[ "$1" != ncat ] || ncat --version 2>&1 | grep -q . ||
		skip "no ncat with TLS"
}

# The words that make a tool speak this version; fails if it cannot be told.
version_words() {
	case $1-$2 in
	openssl-1.2) WORDS=(-tls1_2) ;;
	openssl-1.3) WORDS=(-tls1_3) ;;
	gnutls-*) WORDS=(--priority "NORMAL:-VERS-ALL:+VERS-TLS$2") ;;
	socat-*)
		WORDS=(",openssl-min-proto-version=TLS$2$(
			:),openssl-max-proto-version=TLS$2")
		;;
	ncat-1.3) WORDS=() ;;
	*) return 1 ;;
	esac
}

# An echo of lines at A, in the background: that of openssl turns them round.
foreign_echo() {
	local port

	port=$(free_port AF_INET 127.0.0.1)
	A=tls:127.0.0.1:$port
	case $1 in
	openssl)
		set -- openssl s_server -quiet -rev -accept "127.0.0.1:$port" \
			-cert "$CERTS/good.pem" -key "$CERTS/good.key" \
			"${WORDS[@]}"
		;;
	gnutls)
		set -- gnutls-serv --quiet --echo --port "$port" \
			--x509certfile "$CERTS/good.pem" \
			--x509keyfile "$CERTS/good.key" \
			--disable-client-cert "${WORDS[@]}"
		;;
	ncat)
		set -- ncat --ssl --ssl-cert "$CERTS/good.pem" \
			--ssl-key "$CERTS/good.key" -l 127.0.0.1 "$port" \
			--exec "$(command -v cat)"
		;;
	socat)
		set -- socat "OPENSSL-LISTEN:$port,bind=127.0.0.1,reuseaddr$(
			:),cert=$CERTS/both.pem,verify=0${WORDS[0]}" PIPE
		;;
	esac
	timeout -k 1 60 "$@" </dev/null >theirs 2>theirs.err \
		6>&- 8>&- 9>&- &
	PIDS="$PIDS $!"
}

# A client of A that says what comes from stdin.
foreign_client() {
	local at=${A#tls:} host=127.0.0.1 port=${A##*:}

	case $1 in
	openssl)
		set -- openssl s_client -quiet -no_ign_eof -connect "$at" \
			-CAfile "$CERTS/ca.pem" -verify_return_error \
			-verify_ip "$host" "${WORDS[@]}"
		;;
	gnutls)
		set -- gnutls-cli --logfile /dev/null --port "$port" \
			--x509cafile "$CERTS/ca.pem" "${WORDS[@]}" localhost
		;;
	ncat)
		set -- ncat --ssl-verify --ssl-trustfile "$CERTS/ca.pem" \
			localhost "$port"
		;;
	socat)
		set -- socat -t 20 - "OPENSSL:localhost:$port,pf=ip4$(
			:),cafile=$CERTS/ca.pem${WORDS[0]}"
		;;
	esac
	timeout -k 1 60 "$@" 8>&- 9>&-
}

echoed() {
	if [ "$1" = openssl ]; then
		rev "$BATS_FILE_TMPDIR/lines"
	else
		cat "$BATS_FILE_TMPDIR/lines"
	fi
}

program_of() {
	case $1 in
	gnutls) echo gnutls-"$2" ;;
	*) echo "$1" ;;
	esac
}

# calls TOOL VERSION: wdsock connect, and a server of theirs.
calls() {
	tool=$1
	version=$2
	need "$(program_of "$1" serv)"
	body() {
		version_words "$tool" "$version"
		foreign_echo "$tool"
		# A server is left when all has come back: not every echo
		# outlives the half-close of its client.
		run_bytes 0 wd connect -v --retry 400 --retry-max 20ms --stay \
			-m lines --count "$LINES_N" --tls-ca "$CERTS/ca.pem" \
			"$A" <"$BATS_FILE_TMPDIR/lines"
		echoed "$tool" >want
		cmp out want
		says "TLSv$version"
	}
	secure
}

has_all() {
	cmp -s theirs said
}

# called TOOL VERSION: wdsock serve-single, and a client of theirs.
called() {
	tool=$1
	version=$2
	need "$(program_of "$1" cli)"
	body() {
		local client known=()

		version_words "$tool" "$version"
		# An ncat leaves the rest of a long record where it is until
		# another one comes, and ends without close_notify.
		if [ "$tool" = ncat ]; then
			LINES_N=500
			known=(--tls-no-close-notify)
		fi
		head -n "$LINES_N" "$BATS_FILE_TMPDIR/lines" >said
		mine good
		serve -v "${MINE[@]}" "${known[@]}" -m lines --echo </dev/null
		idle
		foreign_client "$tool" <idle >theirs 2>theirs.err 6>&- &
		client=$!
		PIDS="$PIDS $client"
		cat said >&6 &
		until_true has_all
		exec 6>&-
		wait "$client"
		ended 0
		says "TLSv$version"
	}
	secure
}

@test "openssl s_server echoes what we say, TLS 1.2" {
	calls openssl 1.2
}

@test "openssl s_server echoes what we say, TLS 1.3" {
	calls openssl 1.3
}

@test "gnutls-serv echoes what we say, TLS 1.2" {
	calls gnutls 1.2
}

@test "gnutls-serv echoes what we say, TLS 1.3" {
	calls gnutls 1.3
}

@test "ncat --ssl echoes what we say" {
	calls ncat 1.3
}

@test "socat OPENSSL-LISTEN echoes what we say, TLS 1.2" {
	calls socat 1.2
}

@test "socat OPENSSL-LISTEN echoes what we say, TLS 1.3" {
	calls socat 1.3
}

@test "we echo what openssl s_client says, TLS 1.2" {
	called openssl 1.2
}

@test "we echo what openssl s_client says, TLS 1.3" {
	called openssl 1.3
}

@test "we echo what gnutls-cli says, TLS 1.2" {
	called gnutls 1.2
}

@test "we echo what gnutls-cli says, TLS 1.3" {
	called gnutls 1.3
}

@test "we echo what ncat --ssl says" {
	called ncat 1.3
}

@test "we echo what socat OPENSSL says, TLS 1.2" {
	called socat 1.2
}

@test "we echo what socat OPENSSL says, TLS 1.3" {
	called socat 1.3
}

# sort(1) says nothing before its input has ended.
@test "socat's reply behind our half-close is received, TLS 1.3" {
	need socat
	body() {
		local port

		port=$(free_port AF_INET 127.0.0.1)
		timeout -k 1 60 socat -t 20 "OPENSSL-LISTEN:$port$(
			:),bind=127.0.0.1,reuseaddr,cert=$CERTS/both.pem$(
			:),verify=0" SYSTEM:sort </dev/null 2>theirs.err \
			8>&- 9>&- &
		PIDS="$PIDS $!"
		printf 'b\nc\na\n' >in
		run_bytes 0 wd connect --retry 400 --retry-max 20ms -m lines \
			--tls-ca "$CERTS/ca.pem" "tls:127.0.0.1:$port" <in
		out_is 'a\nb\nc\n'
	}
	secure
}

@test "openssl s_client goes on with its session, TLS 1.2 and 1.3" {
	need openssl
	body() {
		mine good
		many -v "${MINE[@]}" --on-open welcome -m lines
		for version in 1.2 1.3; do
			version_words openssl "$version"
			session_of -sess_out session
			grep -q 'New, TLSv' said
			session_of -sess_in session
			grep -q 'Reused, TLSv' said
		done
		[ "$(grep -c resumed err)" -ge 2 ]
		stopped
	}
	# Until it is greeted: tickets of TLS 1.3 come before that.
	session_of() {
		idle_pipe
		timeout -k 1 60 openssl s_client -connect "${A#tls:}" \
			-CAfile "$CERTS/ca.pem" "${WORDS[@]}" "$@" \
			<pipe >said 2>&1 5>&- 6>&- 8>&- 9>&- &
		until_true grep -q '^welcome' said
		exec 5>&-
		wait $!
	}
	idle_pipe() {
		rm -f pipe
		mkfifo pipe
		exec 5<>pipe
	}
	secure
}

@test "openssl s_client and gnutls-cli show their certificates" {
	need openssl
	body() {
		mine good
		serve -v "${MINE[@]}" --tls-client require --on-open welcome \
			-m lines --tls-ca "$CERTS/ca.pem" </dev/null
		foreign_client_with openssl -cert "$CERTS/client.pem" \
			-key "$CERTS/client.key"
		ended 0
		says 'CN ?= ?client'
		command -v gnutls-cli >/dev/null || return 0
		here "$T"
		serve -v "${MINE[@]}" --tls-client require --on-open welcome \
			-m lines --tls-ca "$CERTS/ca.pem" </dev/null
		foreign_client_with gnutls \
			--x509certfile "$CERTS/client.pem" \
			--x509keyfile "$CERTS/client.key"
		ended 0
		says 'CN ?= ?client'
	}
	foreign_client_with() {
		local tool=$1
		shift

		WORDS=("$@")
		[ -e idle ] || mkfifo idle
		exec 6<>idle
		foreign_client "$tool" <idle >theirs 2>theirs.err 6>&- &
		PIDS="$PIDS $!"
		until_true grep -q welcome theirs
		exec 6>&-
		wait $!
	}
	secure
}
