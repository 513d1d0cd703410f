# serve-multi: where it listens, and who comes, over each transport; what is
# asked of whoever comes is in many_door.bats.

# Each case has variables of its own.
# shellcheck disable=SC2016,SC2030,SC2031
load many

@test "all listeners are announced in their order, each with its own framing" {
	body() {
		LISTEN=(127.0.0.1:0 'end-tag=CRLF@127.0.0.1:0' lines@unix:l
			netstring@unix:@wdsock-many-$BASHPID)
		many
		[[ ${ADDRESSES[0]} =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
		[[ ${ADDRESSES[1]} =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
		[ "${ADDRESSES[2]}" = unix:l ]
		[[ ${ADDRESSES[3]} = unix:@wdsock-many-* ]]
		A=${ADDRESSES[0]} caller send '1\r\na'
		A=${ADDRESSES[1]} caller send 'b\r\n'
		A=${ADDRESSES[2]} caller send 'c\n'
		A=${ADDRESSES[3]} caller send '1:d,'
		for m in a b c d; do is_told "^c[1-4]	$m\$" 1; done
	}
	each tcp4
}

@test "-v says at the start addresses, modes, the host and the process" {
	body() {
		LISTEN=("$HERE" lines@unix:second)
		many -v
		until_true err_has "process $SERVER on $(uname -n)"
		err_has "listening on $A (windev)"
		err_has 'listening on unix:second (lines)'
	}
	each
}

@test "two sockets that a service manager has passed are two listeners" {
	body() {
		perl "$SRC/tests/bats/manager.pl" listen tcp,unix \
			wdsock serve-multi -v --deadline 60 --ready-fd 9 \
			>out 2>err 9>ready 6>&- 8>&- </dev/null &
		manager=$!
		PIDS="$PIDS $manager"
		until_true two_lines
		mapfile -t ADDRESSES <./at
		diff at ready
		A=${ADDRESSES[0]} caller send '1\r\na'
		is_told '^c1	a$' 1
		A=${ADDRESSES[1]} caller send '1\r\nb'
		is_told '^c2	b$' 1
		kill "$(cat pid)"
		SERVER=$manager
		ended 143
		# Whoever has made the file removes it.
		[ -S passed ]
	}
	two_lines() {
		[ "$(wc -l <ready)" = 2 ]
	}
	each tcp4
}

@test "a bare port serves IPv4 and IPv6, and names an IPv4 peer as one" {
	body() {
		LISTEN=(0)
		many -j
		[[ $A =~ ^\[::\]:[1-9][0-9]*$ ]]
		A=127.0.0.1:${A##*:} caller send '1\r\na'
		A="[::1]:${A##*:}" caller send '1\r\nb'
		is_told '"event":"open".*"peer":"127\.0\.0\.1:[0-9]+"' 1
		is_told '"event":"open".*"peer":"\[::1\]:[0-9]+"' 1
	}
	have_ipv6 || skip "no IPv6 loopback"
	each tcp4
}

@test "channels have short names that are never used twice" {
	body() {
		many -j
		for _ in 1 2 3; do caller send '1\r\na' half-close; done
		is_told '"event":"open"' 3
		grep '"event":"open"' out | grep -o '"chan":"[!-~]*"' >names
		[ "$(sort -u names | wc -l)" = 3 ]
	}
	each
}

@test "more than --max-clients are turned away, and one who leaves makes room" {
	body() {
		many -j --max-clients 2 --linger 0
		guest one until go send '1\r\na'
		guest two until end
		opened 2
		caller try read-until-eof
		touch go
		guests_held one
		is_told '"event":"close"' 1
		guest three send '1\r\nb' until end
		opened 3
		is_told '"text":"b"' 1
		touch end
		guests_held two three
		[ "$(grep -c '"event":"open"' out)" = 3 ]
	}
	each
}

@test "--max-per-ip counts by address, and not those of Unix sockets" {
	body() {
		many -j --max-per-ip 1
		guest one until end
		opened 1
		if [[ $T = t* ]]; then
			caller try read-until-eof
			[ "$(grep -c '"event":"open"' out)" = 1 ]
		else
			guest two until end
			opened 2
		fi
		touch end
	}
	each
}

# denied HOW ACTION...: so says --deny-with, and this the second client sees.
denied() {
	many -j -v --max-clients 1 --linger 0 --deny-with "$1"
	shift
	guest one until end
	opened 1
	caller "$@"
	until_true err_like max-clients
	touch end
	stopped
	rm end
}

@test "who is turned away is closed, told so, or reset" {
	body() {
		denied close expect-eof
		denied 'full up' expect '7\r\nfull up' expect-eof
		[[ $T != tcp* ]] || denied reset expect-reset
	}
	each tcp4 unix
}

@test "--proxy-protocol takes version 2, and a header that comes in pieces" {
	body() {
		many -j --proxy-protocol
		caller dribble '\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c' 1 \
			send '\xc0\x00\x02\x07\xc0\x00\x02\x01\x10\xe1\x00\x50' \
			send '1\r\na'
		is_told '"peer":"192\.0\.2\.7:4321"' 1
		is_told '"text":"a"' 1
		caller dribble 'PROXY TCP6 2001:db8::7 2001:db8::1 77 80\r\n1\r\nb' 1
		is_told '"peer":"\[2001:db8::7\]:77"' 1
		is_told '"text":"b"' 1
	}
	each tcp4 unix
}

@test "whom a balancer speaks for is whom rules and handlers see" {
	body() {
		many -v --proxy-protocol --deny 192.0.2.0/24 \
			--sh 'read -r _; echo "$PROTO $TCPREMOTEIP $TCPREMOTEPORT"'
		caller send 'PROXY TCP4 192.0.2.7 192.0.2.1 4321 80\r\n1\r\na' \
			try read-until-eof
		until_true err_like '192\.0\.2\.7:4321: denied'
		caller send 'PROXY TCP4 198.51.100.7 192.0.2.1 4321 80\r\n1\r\na' \
			expect '21\r\nTCP 198.51.100.7 4321'
	}
	each tcp4
}

@test "without descriptors it waits, says so once a second, and goes on at once" {
	body() {
		ulimit -n 64
		many -j --linger 0
		for i in {1..80}; do guest "g$i" until "go" send '1\r\na'; done
		until_true err_like 'descriptor|open files'
		before=$(cpu_used)
		said=$(grep -c 'cannot accept' err)
		start=$(now_ms)
		until_true two_seconds_later
		# 5 % of two seconds are ten hundredths.
		[ $(($(cpu_used) - before)) -le 10 ]
		said=$(($(grep -c 'cannot accept' err) - said))
		[ "$said" -le $((($(now_ms) - start) / 1000 + 1)) ]
		touch go
		is_told '"text":"a"' 80
		kill -0 "$SERVER"
	}
	two_seconds_later() {
		[ $(($(now_ms) - start)) -ge 2000 ]
	}
	each tcp4 unix
}

@test "300 short connections leave no zombie and no descriptor" {
	body() {
		many --exec cat
		before=$(count_fds)
		perl -e 'for (1 .. 300) { system(@ARGV) == 0 or exit(1) }' \
			wdsock connect --send x --expect x "$A" >got
		[ "$(grep -cx x got)" = 300 ]
		until_true no_children
		until_true has_fds "$before"
	}
	each tcp4 unix
}

@test "clients that are killed are closed, and the others stay" {
	body() {
		many -j --relay --linger 0
		guest stays send '1\r\nA' until end
		opened 1
		(exec wdsock connect --stay --send x "$A" </dev/null \
			>/dev/null 2>&1 6>&- 8>&-) &
		killed=$!
		is_told '"text":"x"' 1
		kill -9 "$killed"
		is_told '"event":"close","chan":"c2"' 1
		touch end
	}
	each
}

@test "--reuse-port lets two processes have one port" {
	body() {
		many --echo --reuse-port
		first=$SERVER
		LISTEN=("$A")
		many --echo --reuse-port
		caller send '1\r\na' expect '1\r\na'
		# Whoever comes now can only come to the other one.
		stopped
		caller send '1\r\nb' expect '1\r\nb'
		SERVER=$first
		kill -0 "$first"
		stopped
	}
	each tcp4 tcp6
}

@test "a client that says nothing is closed by --idle and by --first-message-timeout" {
	body() {
		many -j --idle 200ms
		caller expect-eof
		is_told '"event":"close".*"status":5' 1
		stopped
		many -j --first-message-timeout 200ms
		caller expect-eof
		is_told '"event":"close".*"status":5' 1
	}
	each
}

@test "a message that never gets complete is closed by --header-timeout" {
	body() {
		many -j --header-timeout 300ms
		guest whole send '1\r\na' until end send '1\r\nb'
		caller send '9\r\nabc' expect-eof
		is_told '"event":"close","chan":"c[12]".*"status":5' 1
		touch end
		is_told '"text":"b"' 1
	}
	each
}

@test "--defer-accept takes in who has said something, before who is silent" {
	body() {
		many -j --defer-accept
		guest silent touch there until end
		until_true [ -e there ]
		caller send '1\r\na'
		is_told '"event":"message","chan":"c1".*"text":"a"' 1
		touch end
	}
	needs_json
	each tcp4 tcp6
}
