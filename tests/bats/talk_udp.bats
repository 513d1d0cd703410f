# Datagrams: each is a message, over UDP and over Unix sockets.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

each_dgram() {
	each "${DATAGRAMS[@]}"
}

udp() {
	each udp4 udp6
}

unix_dgram() {
	each unix-dgram abstract-dgram
}

# A port of UDP on 127.0.0.1 that nobody has.
free_port() {
	perl -MSocket=:all -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0);
		bind($s, pack_sockaddr_in(0, INADDR_LOOPBACK));
		print((unpack_sockaddr_in(getsockname($s)))[0])'
}

# Is this port of UDP bound?
is_bound() {
	grep -qiE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1") " \
		/proc/net/udp /proc/net/udp6
}

@test "a message goes there and comes back" {
	body() {
		serve --echo --count 3 </dev/null
		printf 'one\ntwo\nthree\n' >in
		run_bytes 0 wd connect -q 20 --count 3 "$A" <in
		out_is 'one\ntwo\nthree\n'
		err_is_empty
		ended 0
	}
	each_dgram
}

@test "an empty datagram is a message, and not the end" {
	body() {
		datagrams_behind expect '' expect a expect '' \
			send '' send b send ''
		printf '\na\n\n' >in
		run_bytes 0 wd connect -q 20 --count 3 "$A" <in
		out_is '\nb\n\n'
		peer_held
		serve --count 3 </dev/null
		datagrams connect "$A" send '' send x send ''
		ended 0
		out_is '\nx\n\n'
	}
	each_dgram
}

@test "65507 bytes go and come" {
	body() {
		datagrams_behind expect-big 65507 big 65507
		perl -e 'print substr("0123456789abcde\n" x 4096, 0, 65507)' >in
		run_bytes 0 wd connect -q 20 -1 --input whole --output raw "$A" <in
		cmp in out
		peer_held
	}
	each_dgram
}

@test "a message that no datagram holds is refused: status 8, and its limit is named" {
	body() {
		local max=65507

		[ "$T" != udp6 ] || max=65527
		datagrams_behind expect ok quiet 200
		{
			echo ok
			head -c 300000 /dev/zero | tr '\0' x
		} >in
		run_bytes 8 wd connect "$A" <in
		[[ $T != udp* ]] || err_has "expected at most $max bytes, saw 300000"
		err_has 'a datagram to there holds no more'
		peer_held
	}
	each_dgram
}

@test "two peers, one listener: each has the answers to what it asked" {
	body() {
		serve --echo </dev/null
		printf 'a%d\n' {1..50} >in1
		printf 'b%d\n' {1..50} >in2
		wd connect -q 20 --ask --count 50 "$A" <in1 >out1 &
		wd connect -q 20 --ask --count 50 "$A" <in2 >out2
		wait $!
		cmp in1 out1
		cmp in2 out2
	}
	each_dgram
}

@test "what stdin says goes to who spoke last" {
	body() {
		idle
		serve -v <idle
		datagrams connect "$A" send first until go expect one &
		local first=$!
		PIDS="$PIDS $first"
		until_true grep -q first out
		echo one >&6
		touch go
		wait "$first"
		datagrams connect "$A" send second expect two expect three &
		local second=$!
		PIDS="$PIDS $second"
		until_true grep -q second out
		printf 'two\nthree\n' >&6
		wait "$second"
		[ "$(grep -c ' speaks$' err)" = 2 ]
	}
	each_dgram
}

@test "what stdin says waits until somebody has spoken" {
	body() {
		printf 'one\n\ntwo\n' >in
		serve --count 2 <in
		datagrams connect "$A" send hello expect one expect '' expect two \
			send bye
		ended 0
		out_is 'hello\nbye\n'
	}
	each_dgram
}

@test "the end of stdin ends no server, -N neither, and /dev/null no client" {
	body() {
		serve -N --count 2 <<<'one'
		datagrams connect "$A" send a expect one send b
		ended 0
		here "$T"
		datagrams_behind expect hello quiet 1500 send unasked
		behind connect --count 1 --on-open hello "$A" </dev/null
		ended 0
		out_is 'unasked\n'
		peer_held
	}
	each_dgram
}

@test "a client ends a second after its stdin, or after -q, with status 0" {
	body() {
		datagrams_behind expect a expect b quiet 100
		run_bytes 0 within 900 9000 wd connect --send a "$A"
		run_bytes 0 within 2400 20000 wd connect -q 2500ms --send b "$A"
		peer_held
	}
	each_dgram
}

@test "what comes within that second is heard, and behind it with --stay" {
	body() {
		datagrams_behind expect a send early until go send late expect c
		behind connect --stay --send a "$A" </dev/null
		until_true grep -q early out
		touch go
		until_true grep -q late out
		kill "$SERVER"
		ended 143
		out_is 'early\nlate\n'
		kill "$PEER"
	}
	each_dgram
}

@test "nothing listens there: in plain words, and status 4" {
	body() {
		serve --count 1 </dev/null
		datagrams connect "$A" send x
		ended 0
		run_bytes 4 wd connect --send hello "$A"
		err_like 'nothing listens there \(|cannot connect: '
		err_like '^wdsock: try: (start the server|the path)|nobody listens'
	}
	each_dgram
}

@test "nothing listens there any more: status 6, what was sent last is lost" {
	body() {
		serve --echo --count 1 </dev/null
		local server=$SERVER
		idle
		behind connect "$A" <idle
		echo one >&6
		wait "$server"
		until_true grep -q one out
		echo two >&6
		ended 6
		err_has 'nothing listens there any more: what was sent last has not arrived'
	}
	udp
}

@test "an answer that does not arrive ends no server, and -v tells of it" {
	body() {
		idle
		serve -v <idle
		datagrams connect "$A" send first
		until_true grep -q first out
		echo lost >&6
		until_true grep -q 'has not arrived: nothing listens there' err
		datagrams connect "$A" send second expect found &
		local second=$!
		until_true grep -q second out
		echo found >&6
		wait "$second"
	}
	each_dgram
}

@test "--ask, --expect, --repeat and --interval are what they are elsewhere" {
	body() {
		serve --echo </dev/null
		run_bytes 0 wd connect --ask -q 0 --expect '^[ab]$' --repeat 2 \
			--interval 5ms --send a --send b "$A"
		out_is 'a\nb\na\nb\n'
		run_bytes 1 wd connect --ask --expect '^a$' --send a --send b "$A"
		out_is 'a\nb\n'
		run_bytes 1 wd connect -q 200ms --expect c --send a "$A"
	}
	each_dgram
}

@test "--idle, -w, --reply-timeout and --deadline end with status 5 and say which" {
	body() {
		datagrams_behind expect a until go
		idle
		run_bytes 5 wd connect --idle 100ms "$A" <idle
		err_has 'timeout: --idle'
		run_bytes 5 wd connect -w 100ms "$A" <idle
		err_has 'timeout: --idle'
		run_bytes 5 wd connect --ask --reply-timeout 100ms --send a "$A"
		err_has 'timeout: --reply-timeout'
		run_bytes 5 wd connect --deadline 100ms "$A" <idle
		err_has 'timeout: --deadline'
		touch go
		peer_held
		here "$T"
		run_bytes 5 wd serve-single --idle 100ms "$HERE" </dev/null
		err_has 'timeout: --idle'
		here "$T"
		run_bytes 5 wd serve-single --accept-timeout 100ms "$HERE" </dev/null
		err_has 'timeout: --accept-timeout'
	}
	each_dgram
}

@test "--accept-timeout ends when somebody has spoken" {
	body() {
		serve --accept-timeout 3s --idle 4s </dev/null
		datagrams connect "$A" send x
		ended 5
		err_has 'timeout: --idle'
	}
	each_dgram
}

@test "--count ends a server with status 0, and -k changes nothing" {
	body() {
		serve -k --count 2 </dev/null
		datagrams connect "$A" send a send b
		ended 0
		out_is 'a\nb\n'
	}
	each_dgram
}

@test "a signal ends a server, which dies by it" {
	body() {
		serve --echo </dev/null
		datagrams connect "$A" send a expect a
		kill "$SERVER"
		ended 143
		[ ! -e sock ]
	}
	each_dgram
}

@test "-u makes an address without a scheme one of UDP" {
	body() {
		serve_at 127.0.0.1:0 -u --echo
		[[ $A == udp:127.0.0.1:* ]]
		run_bytes 0 wd connect -q 20 -u -1 --send a 127.0.0.1 "${A##*:}"
		out_is 'a\n'
		run_bytes 0 wd connect -q 20 -u -1 --send b "${A#udp:}"
		out_is 'b\n'
		run_bytes 0 wd connect -q 20 -u -1 --send c "$A"
		out_is 'c\n'
	}
	each udp4
}

# serve_at ADDRESS ARGUMENT...: a server there, which ends with the test.
serve_at() {
	HERE=$1
	serve "${@:2}" </dev/null
}

@test "-u with a stream, any mode but raw, and what needs a client are usage errors" {
	run_bytes 2 wd connect -u unix:x
	err_has 'try: unix-dgram:PATH'
	run_bytes 2 wd connect -u vsock:2:5
	run_bytes 2 wd connect -u -m windev 127.0.0.1:9
	err_has 'expected raw, the one mode of datagrams'
	run_bytes 2 wd connect --mode-in lines udp:127.0.0.1:9
	run_bytes 2 wd serve-single --mode-out u8 unix-dgram:x
	run_bytes 2 wd serve-single --on-open x udp:0
	run_bytes 2 wd serve-single --refuse-others udp:0
	run_bytes 2 wd serve-single --sh cat udp:0
	run_bytes 2 wd connect --seqpacket unix-dgram:x
	run_bytes 2 wd connect -x localhost udp:127.0.0.1:9
	run_bytes 2 wd connect --broadcast 127.0.0.1:9
	err_has 'expected an address of UDP'
	run_bytes 2 wd connect --join 239.1.1.1 unix-dgram:x
	run_bytes 2 wd connect --no-loop 127.0.0.1:9
	run_bytes 2 wd connect udp:127.0.0.1:0
	run_bytes 2 wd connect --join 10.0.0.1 udp:127.0.0.1:9
	err_has 'expected the numeric address of a group'
	run_bytes 2 wd connect --join 239.1.1.1%nothing udp:127.0.0.1:9
	err_has 'expected an interface of this machine'
	run_bytes 2 wd connect --ttl 0 udp:127.0.0.1:9
	run_bytes 2 wd connect --ttl 256 udp:127.0.0.1:9
}

@test "-m raw may be said, and lines are still lines" {
	body() {
		serve --echo </dev/null
		printf 'a\nb\n' >in
		run_bytes 0 wd connect -q 20 -m raw --count 2 "$A" <in
		out_is 'a\nb\n'
	}
	each_dgram
}

@test "a bare port serves IPv6 and IPv4, and answers from the address that was asked" {
	have_ipv6 || skip "no IPv6"
	body() {
		serve_at udp:0 --echo -v
		[[ $A == 'udp:[::]:'* ]]
		for at in 127.0.0.1 127.0.0.2 '[::1]'; do
			run_bytes 0 wd connect -q 20 -1 --send "$at" "udp:$at:${A##*:}"
			out_is "$at\n"
		done
	}
	each udp4
}

@test "-4 and -6 narrow a bare port" {
	body() {
		serve_at udp:0 -4 --echo
		[[ $A == udp:0.0.0.0:* ]]
		run_bytes 0 wd connect -q 20 -1 --send a "udp:127.0.0.3:${A##*:}"
		out_is 'a\n'
	}
	each udp4
}

@test "the ready line says what a client types" {
	body() {
		serve </dev/null
		case $T in
		udp4) [[ $A =~ ^udp:127\.0\.0\.1:[1-9][0-9]*$ ]] ;;
		udp6) [[ $A =~ ^udp:\[::1\]:[1-9][0-9]*$ ]] ;;
		*) [ "$A" = "$HERE" ] ;;
		esac
	}
	each_dgram
}

@test "a datagram over --max-message: a server tells and goes on, a client ends with 8" {
	body() {
		serve --max-message 5 --count 2 </dev/null
		datagrams connect "$A" send 12345 send 123456 send ok
		ended 0
		out_is '12345\nok\n'
		err_like 'was too long: expected at most 5 bytes, saw 6; it is dropped'
		here "$T"
		datagrams_behind expect x send 123456 until go
		run_bytes 8 wd connect --max-message 5 --send x "$A"
		err_has 'was too long: expected at most 5 bytes, saw 6'
		out_is ''
		run_bytes 8 wd connect --max-message 5 --send 123456 "$A"
		err_has 'a larger --max-message'
		touch go
		peer_held
	}
	each_dgram
}

@test "a datagram for which there is no room is told to be cut, with both sizes" {
	[ "$(cat /proc/sys/net/core/wmem_max)" -ge 200000 ] ||
		skip "needs large send buffers"
	body() {
		serve -1 </dev/null
		datagrams connect "$A" send start 2>/dev/null || :
		ended 0
		serve -1 </dev/null
		perl -MSocket=:all -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0);
			setsockopt($s, SOL_SOCKET, SO_SNDBUF, 1 << 20);
			setsockopt($s, SOL_SOCKET, 32, 1 << 20);
			$ARGV[0] =~ s/^unix-dgram:(@?)//;
			my $to = pack_sockaddr_un(($1 ? "\0" : "") . $ARGV[0]);
			send($s, "x" x 400000, 0, $to) or exit(3);
			send($s, "end", 0, $to) or exit(4);' "$A" || {
			# What is not privileged has no such buffer.
			kill "$SERVER"
			return 0
		}
		ended 0
		out_is 'end\n'
		err_like 'was cut: expected at most [0-9]+ bytes, saw 400000; it is dropped'
	}
	unix_dgram
}

@test "JSON, NUL and hexadecimal are as elsewhere" {
	body() {
		serve --echo </dev/null
		printf '{"text":"a\\u0000b"}\n{"b64":"/w=="}\n{"text":""}\n' >in
		run_bytes 0 wd connect -q 20 -j --count 3 "$A" <in
		grep -q '"n":1.*"text":"a\\u0000b"' out
		grep -q '"n":2.*"b64":"/w=="' out
		grep -q '"n":3.*"text":""' out
		printf 'a\nb\0\0' >in
		run_bytes 0 wd connect -q 20 -0 --count 2 "$A" <in
		cmp in out
		run_bytes 0 wd connect -q 20 -1 --output hex --send xyz "$A"
		out_is '78797a\n'
	}
	each_dgram
}

@test "--dump shows each datagram, both ways" {
	body() {
		serve --echo </dev/null
		run_bytes 0 wd connect -q 20 --dump --count 2 --send ab --send cd "$A"
		err_like '^> write 1 at 0: 2 bytes'
		err_like '^> write 2 at 2: 2 bytes'
		err_like '^< read 1 at 0: 2 bytes'
		err_like '^< read 2 at 2: 2 bytes'
	}
	each_dgram
}

@test "-z: a port where nothing listens is status 4, no answer is no error" {
	body() {
		datagrams_behind expect ''
		run_bytes 0 wd connect -z -q 100ms -v "$A"
		err_has 'open'
		peer_held
		until_true gone
		run_bytes 4 wd connect -z "$A"
		err_has 'nothing listens there'
	}
	gone() {
		! is_bound "${A##*:}"
	}
	udp
}

@test "-p is the port that a client comes from, and one that is taken is refused" {
	body() {
		local port

		port=$(free_port)
		serve_at udp:127.0.0.1:0 -v --echo
		run_bytes 0 wd connect -q 20 -p "$port" -1 --send a "$A"
		out_is 'a\n'
		run_bytes 4 wd connect -p "${A##*:}" -1 --send a "$A"
		err_has 'in use'
	}
	each udp4
}

@test "a port that is in use is status 11" {
	body() {
		serve </dev/null
		run_bytes 11 wd serve-single "$A" </dev/null
		err_like 'in use|a server that listens'
	}
	each_dgram
}

@test "a Unix socket: stale ones are replaced, others left alone, ours is removed" {
	body() {
		perl -MSocket=:all -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0);
			bind($s, pack_sockaddr_un("sock")) or exit(1)'
		[ -S sock ]
		serve --count 1 --socket-mode 0600 </dev/null
		[ "$(stat -c %a sock)" = 600 ]
		datagrams connect "$A" send x
		ended 0
		[ ! -e sock ]
		echo mine >sock
		run_bytes 11 wd serve-single unix-dgram:sock </dev/null
		[ "$(cat sock)" = mine ]
	}
	each unix-dgram
}

@test "a client leaves no file behind, whatever it meets" {
	body() {
		serve --echo --count 1 </dev/null
		run_bytes 0 env TMPDIR="$PWD" "$W" connect -q 20 -1 --send x "$A"
		run_bytes 4 env TMPDIR="$PWD" "$W" connect --send x unix-dgram:no
		ended 0
		[ -z "$(compgen -G 'wdsock.*')" ]
	}
	each unix-dgram
}

@test "a stream socket at the path is told apart" {
	body() {
		perl -MSocket=:all -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0);
			bind($s, pack_sockaddr_un("sock")); listen($s, 1);
			open(my $f, ">", "there"); close($f); <STDIN>' <life &
		PIDS="$PIDS $!"
		until_true test -e there
		run_bytes 4 wd connect --send x unix-dgram:sock
		err_has 'a socket of another type is there'
	}
	each unix-dgram
}

@test "more --on-open than a peer takes at once is told, and not lost" {
	body() {
		local args=()

		datagrams_behind until go
		for i in {1..64}; do
			args+=(--on-open "$i")
		done
		run_bytes 10 wd connect "${args[@]}" "$A" </dev/null
		err_has '--on-open: expected room for 64 messages, saw it for'
		touch go
		peer_held
	}
	[ "$(cat /proc/sys/net/unix/max_dgram_qlen)" -lt 60 ] ||
		skip "long queues here"
	unix_dgram
}

@test "a Unix peer that reads slowly loses nothing, and has all in order" {
	body() {
		seq 1 3000 >in
		mkfifo slow
		here "$T"
		new_ready
		wdsock serve-single --count 3000 --ready-fd 7 "$HERE" \
			</dev/null >slow 2>err 7>"ready$READIES" 6>&- 8>&- 9>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		perl -e 'open(my $f, "<", "slow"); my $n = 0;
			while (sysread($f, my $b, 100)) {
				print $b;
				select(undef, undef, undef, 0.01) if $n++ < 30;
			}' >got &
		local reader=$!
		read_ready
		run_bytes 0 wd connect -q 0 "$A" <in
		ended 0
		wait "$reader"
		cmp in got
	}
	unix_dgram
}

@test "many datagrams of equal and other lengths come whole and in order" {
	body() {
		serve --echo </dev/null
		perl -e 'srand(7); for (1 .. 60) {
			my $n = int(rand(200)); print "x" x $n, "\n" for 1 .. rand(9)
		}' >in
		run_bytes 0 wd connect -q 20 --count "$(wc -l <in)" "$A" <in
		cmp in out
	}
	each_dgram
}

# A library that knows nothing but one call for each datagram.
plain_library() {
	command -v cc >/dev/null || skip "needs a compiler"
	cat >plain.c <<-'EOF'
		#define _GNU_SOURCE
		#include <errno.h>
		#include <dlfcn.h>
		#include <sys/socket.h>
		struct timespec;
		int sendmmsg(int f, struct mmsghdr *m, unsigned n, int g)
		{ errno = ENOSYS; return -1; }
		int recvmmsg(int f, struct mmsghdr *m, unsigned n, int g,
			struct timespec *t)
		{ errno = ENOSYS; return -1; }
		int bind(int f, const struct sockaddr *a, socklen_t n)
		{
			int (*real)(int, const struct sockaddr *, socklen_t) =
				dlsym(RTLD_NEXT, "bind");
			if (n == sizeof(a->sa_family)) { errno = EINVAL; return -1; }
			return real(f, a, n);
		}
		int getsockopt(int f, int l, int o, void *v, socklen_t *n)
		{
			int (*real)(int, int, int, void *, socklen_t *) =
				dlsym(RTLD_NEXT, "getsockopt");
			if (l == 17) { errno = ENOPROTOOPT; return -1; }
			return real(f, l, o, v, n);
		}
		int setsockopt(int f, int l, int o, const void *v, socklen_t n)
		{
			int (*real)(int, int, int, const void *, socklen_t) =
				dlsym(RTLD_NEXT, "setsockopt");
			if (l == 17) { errno = ENOPROTOOPT; return -1; }
			return real(f, l, o, v, n);
		}
	EOF
	cc -shared -fPIC -o "$BATS_TEST_TMPDIR/plain.so" plain.c -ldl
}

@test "a system with one call for each datagram does the same" {
	plain_library
	export ASAN_OPTIONS=verify_asan_link_order=0
	body() {
		local plain=$BATS_TEST_TMPDIR/plain.so

		{ printf 'same\n%.0s' {1..100}; seq 1 50; echo; echo end; } >in
		export LD_PRELOAD=$plain
		serve --echo --count 152 </dev/null
		unset LD_PRELOAD
		run_bytes 0 wd connect -q 20 --count 152 "$A" <in
		cmp in out
		ended 0
		here "$T"
		serve --echo --count 152 </dev/null
		LD_PRELOAD=$plain run_bytes 0 "$W" connect -q 20 --count 152 "$A" <in
		cmp in out
		ended 0
	}
	each_dgram
}

# alone COMMAND...: in a network of its own, with an interface that has groups.
alone() {
	timeout 30 unshare -n sh -c 'ip link set lo up mtu 1500 &&
		ip link add v0 type veth peer name v1 && ip link set v1 up &&
		ip link set v0 up && ip addr add 10.9.8.7/24 dev v0 &&
		ip route add broadcast 10.9.7.255 dev lo table local || exit 77
		ip addr add fe80::7/64 dev v0 nodad 2>/dev/null
		exec "$@"' - "$@"
}

may_be_alone() {
	alone true 2>/dev/null ||
		skip "needs a network namespace of its own, and veth"
}

@test "where there are no abstract names a client has a file, which goes with it" {
	plain_library
	export ASAN_OPTIONS=verify_asan_link_order=0
	body() {
		local plain=$BATS_TEST_TMPDIR/plain.so

		export TMPDIR=$PWD
		serve -v --echo </dev/null
		LD_PRELOAD=$plain run_bytes 0 "$W" connect -q 20 -1 --send x "$A"
		out_is 'x\n'
		[ -z "$(compgen -G 'wdsock.*')" ]
		run_bytes 4 env LD_PRELOAD="$plain" "$W" connect unix-dgram:no
		[ -z "$(compgen -G 'wdsock.*')" ]
		LD_PRELOAD=$plain wdsock connect --deadline 20 "$A" \
			</dev/null >client.out 2>client.err 8>&- &
		PIDS="$PIDS $!"
		until_true compgen -G 'wdsock.*'
		kill $!
		wait $! || :
		[ -z "$(compgen -G 'wdsock.*')" ]
	}
	each unix-dgram
}

# What stands in a script is for the shell that runs it.
# shellcheck disable=SC2016
# A server in the script that `alone` runs: its number, then its arguments.
serve_alone='serve_alone() {
	mkfifo r$1
	wdsock serve-single --deadline 20 --ready-fd 7 "${@:2}" </dev/null 7>r$1 &
	pids="$pids $!"
	read -r a <r$1
}'

@test "members of a group hear what is sent to it, and answer; others do not" {
	may_be_alone
	cat >script <<-EOF
		$serve_alone
		serve_alone 1 --echo --join 239.1.2.3%v0 udp:5000
		serve_alone 2 --echo --interface v0 udp:239.1.2.3:5000
		serve_alone 3 --join 239.9.9.9%v0 udp:0.0.0.0:5000 >other
		wdsock connect -q 20 --interface v0 --ttl 3 --count 2 --send hello \
			udp:239.1.2.3:5000
		wdsock connect --interface v0 -q 50ms --send there \
			udp:239.9.9.9:5000
		for i in {1..200}; do test -s other || read -rt .05 <>r1; done
		kill \$pids
		cat other
	EOF
	run_bytes 0 alone bash script
	out_is 'hello\nhello\nthere\n'
}

@test "--no-loop keeps a group's datagrams from this machine" {
	may_be_alone
	cat >script <<-EOF
		$serve_alone
		serve_alone 1 --echo --join 239.1.2.3%v0 udp:0.0.0.0:5000
		wdsock connect -q 20 --interface v0 -1 --send with udp:239.1.2.3:5000
		wdsock connect --interface v0 -1 -q 100ms --no-loop \
			--send without udp:239.1.2.3:5000
		kill \$pids
	EOF
	run_bytes 0 alone bash script
	out_is 'with\n'
}

@test "groups of IPv6, with their interface" {
	may_be_alone
	have_ipv6 || skip "no IPv6"
	cat >script <<-EOF
		$serve_alone
		serve_alone 1 --echo --join ff15::77%v0 'udp:[::]:5000'
		wdsock connect -q 20 -1 --send six 'udp:[ff15::77%v0]:5000'
		kill \$pids
	EOF
	run_bytes 0 alone bash script
	out_is 'six\n'
}

@test "a broadcast needs --broadcast, and whoever answers is heard" {
	may_be_alone
	cat >script <<-EOF
		$serve_alone
		serve_alone 1 --echo udp:0.0.0.0:5000
		wdsock connect --send no udp:10.9.7.255:5000; echo "status \$?"
		wdsock connect -q 20 --broadcast -1 --send yes udp:10.9.7.255:5000
		kill \$pids
	EOF
	run_bytes 0 alone bash script
	out_is 'status 4\nyes\n'
	err_has 'try: --broadcast'
}

@test "runs over an interface that does not take them go one by one" {
	may_be_alone
	cat >script <<-EOF
		$serve_alone
		serve_alone 1 --echo udp:127.0.0.1:0
		perl -e 'print "y" x 2000, "\\n" for 1 .. 12' >in
		wdsock connect -q 20 --count 12 "\$a" <in | cmp - in && echo same
		kill \$pids
	EOF
	run_bytes 0 alone bash script
	out_is 'same\n'
}

# pass FD COMMAND...: with a bound socket of UDP as that, its port in a file.
pass() {
	perl -MPOSIX -MSocket=:all -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0);
		bind($s, pack_sockaddr_in(0, INADDR_LOOPBACK)) or exit(1);
		open(my $f, ">", "new");
		print $f (unpack_sockaddr_in(getsockname($s)))[0], "\n";
		close($f);
		POSIX::dup2(fileno($s), shift(@ARGV));
		rename("new", "port");
		exec(@ARGV)' "$@"
}

@test "a socket of datagrams that was passed is served, and answered from" {
	body() {
		for fd in 0 9; do
			pass "$fd" "$W" serve-single --echo --output lines --count 1 \
				--deadline 20 "fd:$fd" </dev/null >out 2>err &
			SERVER=$!
			PIDS="$PIDS $SERVER"
			until_true test -s port
			A=udp:127.0.0.1:$(cat port)
			[ "$(wd connect -q 20 -1 --send hello "$A")" = hello ]
			ended 0
			rm port
		done
		out_is 'hello\n'
	}
	each udp4
}

@test "a connected socket of datagrams that was passed is a client's" {
	body() {
		serve --echo </dev/null
		perl -MPOSIX -MSocket=:all -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0);
			connect($s, pack_sockaddr_in(shift(@ARGV), INADDR_LOOPBACK));
			POSIX::dup2(fileno($s), 9);
			exec(@ARGV)' "${A##*:}" "$W" connect --count 2 fd:9 \
			<<<$'a\nb' >out
		out_is 'a\nb\n'
	}
	each udp4
}

@test "nc is understood, both ways" {
	command -v nc >/dev/null || skip "no nc"
	nc -h 2>&1 | grep -q OpenBSD || skip "another nc"
	body() {
		serve_at udp:127.0.0.1:0 --echo --output lines --count 1
		[ "$(printf hello | timeout 10 nc -u -w 1 127.0.0.1 "${A##*:}")" = hello ]
		ended 0
		out_is 'hello\n'
		local port
		port=$(free_port)
		mkfifo in
		timeout 20 nc -l -u 127.0.0.1 "$port" <in >got 8>&- &
		PIDS="$PIDS $!"
		exec 6>in
		until_true is_bound "$port"
		behind connect -u --count 1 --stay --send 'from us' "127.0.0.1:$port"
		until_true grep -q 'from us' got
		printf 'from nc' >&6
		ended 0
		out_is 'from nc\n'
	}
	each udp4
}

@test "socat is understood, both ways" {
	command -v socat >/dev/null || skip "no socat"
	body() {
		serve_at udp:127.0.0.1:0 --echo --count 1
		[ "$(printf hello | socat -t 2 - "UDP:127.0.0.1:${A##*:}")" = hello ]
		ended 0
		local port
		port=$(free_port)
		timeout 20 socat "UDP-RECVFROM:$port,fork" PIPE 8>&- 2>/dev/null &
		PIDS="$PIDS $!"
		until_true is_bound "$port"
		run_bytes 0 wd connect -q 20 -u -1 --send back "127.0.0.1:$port"
		out_is 'back\n'
		timeout 20 socat UNIX-RECVFROM:so,fork PIPE 8>&- 2>/dev/null &
		PIDS="$PIDS $!"
		until_true test -S so
		run_bytes 0 wd connect -q 20 -1 --send unix unix-dgram:so
		out_is 'unix\n'
	}
	each udp4
}

@test "ncat is understood, both ways" {
	command -v ncat >/dev/null || skip "no ncat"
	body() {
		serve_at udp:127.0.0.1:0 --echo --count 1
		idle
		timeout 20 ncat -u 127.0.0.1 "${A##*:}" <idle >got 8>&- &
		PIDS="$PIDS $!"
		printf hello >&6
		until_true grep -q hello got
		ended 0
		local port
		port=$(free_port)
		timeout 20 ncat -l -u -e /bin/cat 127.0.0.1 "$port" 8>&- 2>/dev/null &
		PIDS="$PIDS $!"
		until_true is_bound "$port"
		run_bytes 0 wd connect -q 20 -u -1 --send back "127.0.0.1:$port"
		out_is 'back\n'
	}
	each udp4
}

@test "a server for virtual machines says its port; one that is not there is told" {
	perl -e 'socket(my $s, 40, 1, 0) or exit(1)' || {
		run_bytes 4 wd connect vsock:2:5
		err_has 'has no vsock'
		skip "this system has no vsock"
	}
	body() {
		serve_at vsock:0 -k
		[[ $A =~ ^vsock:[1-9][0-9]*$ ]]
		run_bytes 2 wd connect vsock:2:0
	}
	each udp4
}

@test "-z: no answer is no error, however long -w is" {
	body() {
		serve --output none </dev/null
		run_bytes 0 wd connect -z -w 100ms "$A" </dev/null
		run_bytes 0 wd connect -z --reply-timeout 100ms "$A" </dev/null
	}
	each udp4 udp6
}

@test "--ask: a reply that is lost is a timeout" {
	body() {
		serve --output none </dev/null
		run_bytes 5 wd connect --ask --send hi "$A" </dev/null
		err_has '--reply-timeout of 1 s has run out, waiting for a reply'
	}
	each_dgram
}
