# Unix sockets: what may stand at the path, and what is left there.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

one() {
	each unix
}

stale() {
	perl -MSocket=:all -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0);
		bind($s, pack_sockaddr_un("sock")) or exit(1)'
	[ -S sock ]
}

@test "a stale socket is replaced" {
	body() {
		stale
		serve </dev/null
		caller send '1\r\na'
		ended 0
		out_is 'a\n'
	}
	one
}

@test "a live socket is left alone: status 11" {
	body() {
		serve </dev/null
		run_bytes 11 wd serve-single unix:sock </dev/null
		err_has 'a server that listens'
		caller
		ended 0
	}
	one
}

@test "a regular file, a directory, a dangling link are left alone" {
	body() {
		echo mine >sock
		run_bytes 11 wd serve-single unix:sock </dev/null
		err_has 'a file'
		[ "$(cat sock)" = mine ]
		rm sock
		mkdir sock
		run_bytes 11 wd serve-single unix:sock </dev/null
		err_has 'a directory'
		rmdir sock
		ln -s nowhere sock
		run_bytes 11 wd serve-single unix:sock </dev/null
		err_has 'a link'
		[ "$(readlink sock)" = nowhere ]
		[ ! -e nowhere ]
	}
	one
}

@test "a path that the kernel cannot hold is a usage error that says so" {
	body() {
		local long
		long=$(printf '%0200d' 1)
		run_bytes 2 wd serve-single "unix:$long" </dev/null
		err_like '10[0-9]'
		run_bytes 2 wd connect "unix:$long" </dev/null
		[ ! -e "$long" ]
	}
	one
}

@test "a path may start with - or @" {
	body() {
		HERE=unix:-x
		serve </dev/null
		[ -S ./-x ]
		caller
		ended 0
		HERE=unix:./@x
		serve </dev/null
		[ -S ./@x ]
		caller
		ended 0
	}
	one
}

@test "--socket-mode is the file's from its first moment" {
	body() {
		serve --socket-mode 0600 </dev/null
		[ "$(stat -c %a sock)" = 600 ]
		caller
		ended 0
		serve --socket-mode 0666 </dev/null
		[ "$(stat -c %a sock)" = 666 ]
		caller
		ended 0
	}
	one
}

@test "the file is gone at the exit, and on SIGTERM, SIGINT and SIGHUP" {
	body() {
		local signal

		serve </dev/null
		caller
		ended 0
		[ ! -e sock ]
		for signal in TERM HUP INT; do
			new_ready
			perl -e '$SIG{INT} = "DEFAULT"; exec(@ARGV)' \
				wdsock serve-single --ready-fd 7 "$HERE" \
				</dev/null >out 2>err 7>"ready$READIES" 9>&- &
			SERVER=$!
			PIDS="$PIDS $SERVER"
			read_ready
			kill -"$signal" "$SERVER"
			wait "$SERVER" || :
			[ ! -e sock ]
		done
	}
	one
}

@test "the file stays if another took its place" {
	body() {
		serve -k </dev/null
		rm sock
		stale
		kill "$SERVER"
		ended 143
		[ -S sock ]
	}
	one
}

@test "an abstract name leaves no file, and is free behind its server" {
	body() {
		HERE=unix:@wdsock-test-$$-name
		serve </dev/null
		[ ! -e "@wdsock-test-$$-name" ]
		caller
		ended 0
		serve </dev/null
		caller
		ended 0
	}
	one
}

@test "no such path, and nobody behind it: status 4, said differently" {
	body() {
		run_bytes 4 wd connect unix:sock </dev/null
		mv err first
		stale
		run_bytes 4 wd connect unix:sock </dev/null
		! cmp -s first err
	}
	one
}

@test "a directory without permission: status 11" {
	[ "$(id -u)" != 0 ] || skip "root may write everywhere"
	body() {
		mkdir -m 0500 d
		run_bytes 11 wd serve-single unix:d/sock </dev/null
	}
	one
}

@test "--seqpacket: a socket of packets, both sides" {
	body() {
		serve --seqpacket --send hello </dev/null
		wd connect --seqpacket --send abc "$A" </dev/null >client.out
		ended 0
		out_is 'abc\n'
		[ "$(cat client.out)" = hello ]
	}
	one
}

@test "over a socket of packets each message is a packet, whatever its size" {
	perl -MSocket -e '
		socket S, AF_UNIX, SOCK_SEQPACKET, 0 or die "no packets: $!";
		bind S, sockaddr_un("s") or die; listen S, 1 or die;
		if (!fork) {
			exec "wdsock", "connect", "--seqpacket", "-m", "raw",
				"--input", "lines", "unix:s";
		}
		accept C, S or die;
		while (defined recv C, $b, 300000, 0) {
			last if length $b == 0;
			print length $b, "\n";
		}
		close C; wait; exit $? >> 8' \
		< <(printf 'one\nthree\n%030000d\nx\n' 1) >out
	out_is '3\n5\n30000\n1\n'
}

# packets SIZE...: a client that sends packets of so many bytes, and closes.
packets() {
	perl -MSocket -e '
		socket(S, AF_UNIX, SOCK_SEQPACKET, 0) or die "no packets: $!";
		# SO_SNDBUFFORCE, for root; else what the system lets one have.
		setsockopt(S, SOL_SOCKET, 32, pack("i", 4000000)) or
			setsockopt(S, SOL_SOCKET, SO_SNDBUF, pack("i", 400000));
		connect(S, sockaddr_un("sock")) or die "connect: $!";
		defined(send(S, "x" x $_, 0)) or die "send $_: $!" for @ARGV
	' "$@"
}

@test "a packet without bytes is a message in raw, and never the end" {
	body() {
		serve --seqpacket -m raw --output hex </dev/null
		packets 1 0 2 0
		ended 0
		out_is '78\n\n7878\n\n'
		serve --seqpacket -m lines --output hex </dev/null
		packets 0 1 0 2 0
		ended 0
		out_is '787878\n'
	}
	one
}

@test "a packet is taken whole up to --max-message, and a longer one is 8" {
	body() {
		serve --seqpacket -m raw --output hex </dev/null
		packets 3 300000 2
		ended 0
		[ "$(awk '{ print length($0) }' out | paste -sd' ')" = "6 600000 4" ]
		serve --seqpacket -m raw --output hex --max-message 280000 \
			</dev/null
		packets 3 300000
		ended 8
		out_is '787878\n'
		err_has 'expected a packet of at most 280128 bytes, saw one of 300000'
		err_has 'try: a larger --max-message'
	}
	one
}

@test "a message that is no packet any more is 8, with what to try" {
	body() {
		serve --seqpacket </dev/null
		head -c 9000000 /dev/zero >in
		run_bytes 8 wd connect --seqpacket --input whole "$A" <in
		err_has 'try: a larger --send-buffer'
	}
	one
}
