# For tests of TLS itself: what either side shows and asks for is said by each
# case. certs.pl tells which certificates there are, tlspeer.c what a scripted
# peer can do.

load many

# The case once, over TLS; what the program shows or believes, it says.
secure() {
	need_tls
	each bare-tls
}

need_tls() {
	have_tls || skip "no TLS in this build"
	make_certs
}

# as NAME: the words by which a scripted peer shows this certificate.
as() {
	echo "cert=$CERTS/$1.pem key=$CERTS/$1.key"
}

# The same for the program: its words are in MINE.
mine() {
	local name

	MINE=()
	for name; do
		MINE+=(--tls-cert "$CERTS/$name.pem"
			--tls-key "$CERTS/$name.key")
	done
}

pin_of() {
	cat "$CERTS/$1.pin"
}

# A peer that shows this certificate, and talks.
talker() {
	peer --tls "$(as "$1")" expect '5\r\nhello' expect-eof send '2\r\nok'
}

# accepts NAME ARGUMENT...: connect believes this certificate, and talks.
accepts() {
	local name=$1
	shift

	talker "$name"
	echo hello >in
	run_bytes 0 wd connect "$@" "${CONNECT:-$A}" <in
	out_is 'ok\n'
	peer_held
}

# refuses NAME ARGUMENT... -- ERE...: connect does not believe it, says so to
# the peer, and to us all of this; not a byte has passed.
refuses() {
	local name=$1 words=()
	shift

	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	peer --tls "$(as "$name")" accept tls-fails '^failed .*alert'
	echo hello >in
	run_bytes 9 wd connect "${words[@]}" "${CONNECT:-$A}" <in
	out_is ''
	says "$@"
	peer_held
}

# says ERE...: each of them is in a line of stderr.
says() {
	local ere

	for ere; do
		err_like "$ere"
	done
}

# The address, by the host's name.
by_name() {
	CONNECT=${A/127.0.0.1/localhost}
}

# turned_away ERE...: the server has not taken its client, says all of this,
# and waits for another.
turned_away() {
	local ere

	for ere; do
		until_true grep -qE -- "$ere" err || {
			cat err
			return 1
		}
	done
	stopped
}
