# serve-multi: where it listens, and who may come in.

# Each case has variables of its own.
# shellcheck disable=SC2016,SC2030,SC2031
load talk

# What TLS changes at the door is in talk_tls_wire.bats.
have_tls() {
	false
}

HEADER='PROXY TCP4 192.0.2.7 198.51.100.1 50000 80\r\n'

# many ARGUMENT...: serve-multi in the background; its output is in out and
# err, the address of its first place in A. The others' are read from ready.
many() {
	[ -p idle ] || idle
	new_ready
	# Under nohup SIGHUP is ignored; perl takes it back.
	perl -e '$SIG{HUP} = "DEFAULT"; exec(@ARGV)' \
		wdsock serve-multi --deadline 40 -v --linger 50ms --ready-fd 7 "$@" \
		<idle >out 2>err 7>"ready$READIES" 6>&- 8>&- 9>&- &
	SERVER=$!
	PIDS="$PIDS $SERVER"
	read_ready
}

# A client comes and is let in: what it says is heard, and it may stay.
let_in() {
	caller send '5\r\nhello' quiet 200 && until_true grep -q hello out
}

# It is closed in order, or reset, without a word.
kept_out() {
	caller expect-eof
}

denied() {
	until_true grep -qF -- "denied, $1" err
}

# How many descriptors the server has.
descriptors() {
	find "/proc/$SERVER/fd" -type l | wc -l
}

@test "each place has an address, announced in their order, and a mode" {
	begin tcp4
	idle
	mkfifo ready
	exec 9<>ready
	wdsock serve-multi --ready-fd 7 127.0.0.1:0 unix:s \
		end-tag=CRLF@127.0.0.1:0 unix:@wdsock-test-$$ udp:127.0.0.1:0 \
		<idle >out 2>err 7>ready 6>&- 8>&- 9>&- &
	SERVER=$! PIDS=$!
	for i in 1 2 3 4 5; do
		read -r -t 20 "A$i" <&9
	done
	[[ $A1 =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	[ "$A2" = unix:s ]
	[[ $A3 =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	[ "$A4" = "unix:@wdsock-test-$$" ]
	[[ $A5 =~ ^udp:127\.0\.0\.1:[1-9][0-9]*$ ]]
	A=$A1
	caller send '1\r\n1'
	A=$A2
	caller send '1\r\n2'
	A=$A3
	caller send '3\r\n'
	A=$A4
	caller send '1\r\n4'
	datagrams connect "$A5" send 5
	until_true eval '[ "$(wc -l <out)" = 5 ]'
	cut -f 2 out | sort | tr -d '\n' >seen
	[ "$(cat seen)" = 12345 ]
	kill "$SERVER"
	ended 143
	[ ! -e s ]
}

@test "if one place cannot be opened none is announced, and no file is left" {
	begin tcp4
	mkdir taken
	run_bytes 11 wd serve-multi --ready-fd 1 127.0.0.1:0 unix:s unix:taken \
		udp:127.0.0.1:0 </dev/null
	out_is ''
	err_has 'unix:taken: expected nothing or a socket there, saw a directory'
	[ ! -e s ]
}

@test "a network is let in, or not, and to deny is stronger" {
	body() {
		net=127.0.0.0/8
		[ "$T" = tcp4 ] || net=::1
		many --deny "$net" --allow "$net" "$HERE"
		kept_out
		denied 'its address is in --deny'
		many --allow 192.0.2.0/24 "$HERE"
		kept_out
		denied 'its address is not in --allow'
		many --allow 192.0.2.0/24 --allow "$net" "$HERE"
		let_in
	}
	each tcp4 tcp6
}

@test "an IPv4 client of an IPv6 socket is one of IPv4, in rules too" {
	have_ipv6 || skip "no IPv6 loopback"
	begin tcp4
	many --deny 127.0.0.0/8 0
	port=${A##*:}
	A=127.0.0.1:$port
	kept_out
	A="[::1]:$port"
	let_in
}

@test "rules are not for clients of Unix sockets" {
	body() {
		many --allow 192.0.2.1 "$HERE"
		let_in
	}
	each unix abstract
}

@test "a peer of datagrams is let in, or not, as others are" {
	begin tcp4
	many --deny 127.0.0.0/8 udp:127.0.0.1:0
	datagrams connect "$A" send hello
	denied 'its address is in --deny'
	[ ! -s out ]
	many --max-clients 1 udp:127.0.0.1:0
	datagrams connect "$A" send hello
	until_true grep -q hello out
	datagrams connect "$A" send other
	until_true grep -q 'there are as many peers as may be' err
	[ "$(grep -c other out)" = 0 ]
}

@test "SIGHUP reads files of rules again; one that is broken changes nothing" {
	begin tcp4
	echo 192.0.2.0/24 >rules
	many --allow @rules 127.0.0.1:0
	kept_out
	echo '127.0.0.0/8 # us' >rules
	kept_out
	kill -HUP "$SERVER"
	until_true caller quiet 200
	echo '127.0.0.0/99' >rules
	kill -HUP "$SERVER"
	until_true grep -q 'rules: line 1: .127.0.0.0/99.: expected' err
	err_has 'the rules stay as they were'
	let_in
	kill "$SERVER"
	ended 143
}

@test "words that are no rule, files and names that are not there" {
	run_bytes 2 wd serve-multi --allow 10.0.0.0/33 0 </dev/null
	err_has "--allow '10.0.0.0/33': expected an address or a network"
	run_bytes 10 wd serve-multi --deny @none 127.0.0.1:0 </dev/null
	err_has '--deny: none: No such file or directory'
	run_bytes 3 wd serve-multi --deny a..b 127.0.0.1:0 </dev/null
	err_has '--deny a..b: cannot resolve'
}

@test "above --max-clients who comes is turned away until one has gone" {
	body() {
		many --max-clients 1 "$HERE"
		caller_behind send '1\r\na' until go
		until_true grep -q a out
		kept_out
		denied 'as many as --max-clients are there'
		touch go
		peer_held
		until_true let_in
	}
	each
}

@test "--max-per-ip counts each address by itself" {
	begin tcp4
	many --max-per-ip 1 127.0.0.1:0 unix:s
	caller_behind send '1\r\na' until go
	until_true grep -q a out
	kept_out
	denied 'as many as --max-per-ip are there from its address'
	A=unix:s
	caller_behind send '1\r\nb' until go
	let_in
	touch go
}

@test "who is turned away can read why, whatever it has said" {
	body() {
		many --max-clients 1 --deny-with 'come later' "$HERE"
		caller_behind send '1\r\na' until go
		until_true grep -q a out
		caller send '5\r\nhello' wait 100 expect '10\r\ncome later' \
			expect-eof
		touch go
	}
	each
}

@test "--deny-with speaks the mode of the place" {
	begin tcp4
	many --deny 127.0.0.1 --deny-with no netstring@127.0.0.1:0
	caller expect '2:no,' expect-eof
	run_bytes 8 wd serve-multi --deny 127.0.0.1 --deny-with 'a;b' \
		'end-tag=;@127.0.0.1:0' </dev/null
	err_has '--deny-with'
}

@test "--deny-with reset resets" {
	begin tcp4
	many --deny 127.0.0.1 --deny-with reset 127.0.0.1:0
	caller expect-reset
}

@test "a balancer says whose a connection is, and takes nothing from it" {
	body() {
		many --proxy-protocol "$HERE"
		caller send "${HEADER}5\r\nhello"
		until_true grep -q hello out
		err_has 'c1 192.0.2.7:50000: open'
	}
	each
}

@test "its header may come byte by byte, and holds up nobody" {
	body() {
		many --proxy-protocol "$HERE"
		caller_behind dribble "${HEADER}4\r\nslow" 2 until go
		caller send "${HEADER}5\r\nhello"
		until_true grep -q hello out
		until_true grep -q slow out
		touch go
		peer_held
	}
	each
}

@test "who has to begin with a header and does not is turned away" {
	body() {
		many --proxy-protocol "$HERE"
		caller send '5\r\nhello' expect-eof
		denied 'PROXY protocol: expected its first line, saw "5'
		[ ! -s out ]
	}
	each
}

@test "rules are for whose a connection is" {
	body() {
		many --proxy-protocol --deny 192.0.2.0/24 "$HERE"
		caller send "$HEADER" expect-eof
		denied 'its address is in --deny'
		err_has '192.0.2.7:50000: denied'
	}
	each
}

@test "--proxy-from: the others are clients of their own, or none" {
	begin tcp4
	many --proxy-from 192.0.2.1 127.0.0.1:0
	let_in
	many --proxy-protocol --proxy-from 192.0.2.1 127.0.0.1:0
	kept_out
	denied 'its address is not in --proxy-from'
	many --proxy-from 127.0.0.1 127.0.0.1:0
	caller send "${HEADER}5\r\nhello"
	until_true grep -q '192.0.2.7:50000: open' err
}

@test "a program says who may come in" {
	body() {
		cat >ask <<'END'
#!/bin/sh
[ -n "$PROTO" ] && [ "$WDSOCK_MODE" = windev ] && exec test -e yes
END
		chmod +x ask
		many --accept-cmd ./ask "$HERE"
		kept_out
		denied './ask exited with status 1'
		touch yes
		let_in
	}
	each
}

@test "a program says why not, in a line that harms nobody" {
	begin tcp4
	printf '#!/bin/sh\nprintf "not\\033[1m today\\nnor tomorrow\\n"; exit 9\n' >ask
	chmod +x ask
	many --accept-cmd ./ask 127.0.0.1:0
	kept_out
	denied 'not\x1b[1m today'
	[ "$(grep -c tomorrow err)" = 0 ]
}

@test "a program that hangs is killed, and holds up nobody" {
	begin tcp4
	cat >ask <<'END'
#!/bin/sh
[ -e quick ] && exit 0
touch hangs
tail -f life &
echo $! >child
wait
END
	chmod +x ask
	many --accept-cmd ./ask --accept-cmd-timeout 3 127.0.0.1:0
	caller_behind expect-eof
	until_true test -s child
	touch quick
	let_in
	peer_held
	denied './ask has not answered within 3 s'
	until_true eval '! kill -0 "$(cat child)" 2>/dev/null'
}

@test "300 short connections leave no descriptor and no process" {
	body() {
		many --accept-cmd true --accept-cmd-timeout 50 \
			--max-per-ip 1000 "$HERE"
		before=$(descriptors)
		for i in 1 2 3; do
			perl -e '
				for (1 .. 100) {
					my $pid = fork() // die;
					next if $pid;
					exec(@ARGV) or die;
				}
				while (wait() != -1) { $bad++ if $? }
				exit($bad ? 1 : 0)' \
				perl "$SRC/tests/bats/peer.pl" connect "$A" \
				send '5\r\nhello' 6>&- 8>&-
		done
		until_true eval '[ "$(grep -c hello out)" = 300 ]'
		# The set of those that are waited for is made when it is needed.
		until_true eval '[ "$(descriptors)" -le $((before + 1)) ]'
		[ -z "$(ps -o stat= --ppid "$SERVER")" ]
	}
	command -v ps >/dev/null || skip 'needs ps'
	each tcp4 unix
}
