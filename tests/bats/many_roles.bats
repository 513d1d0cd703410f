# What serve-multi does with what comes: one role at a time.

# Each case has variables of its own.
# shellcheck disable=SC2016,SC2030,SC2031
load many

# program NAME TEXT: one in perl, here.
program() {
	printf '#!/usr/bin/env perl\n%s\n' "$2" >"$1"
	chmod +x "$1"
}

@test "--echo sends each message back to whom it came from, and prints nothing" {
	body() {
		many --echo
		guest one send '3\r\none' expect '3\r\none' until end
		guest two send '3\r\ntwo' expect '3\r\ntwo' touch end quiet 50
		guests_held one two
		stopped
		[ ! -s out ]
	}
	each
}

@test "a role prints, too, where it is asked to" {
	body() {
		many --echo --output lines
		caller send '1\r\na' expect '1\r\na'
		is_told '^c1	a$' 1
	}
	each tcp4 unix
}

@test "--relay sends each message to all the others, and prints it" {
	body() {
		many -v --relay
		guest one expect '3\r\ntwo' until end quiet 50
		until_true grep -q 'c1' err
		guest three expect '3\r\ntwo' until end quiet 50
		until_true grep -q 'c2' err
		caller send '3\r\ntwo' quiet 50
		is_told '^c3	two$' 1
		touch end
		guests_held one three
	}
	each
}

@test "--relay speaks each one's framing, in one order for all" {
	body() {
		LISTEN=(127.0.0.1:0 lines@127.0.0.1:0)
		many -j --relay
		A=${ADDRESSES[0]} guest one read-until 'm99' print one.got until end
		opened 1
		A=${ADDRESSES[1]} guest two read-until 'm99\n' print two.got until end
		opened 2
		perl -e 'printf("%d\r\nm%d", length("m$_"), $_) for 0 .. 99' >in
		A=${ADDRESSES[0]} caller file in
		until_true [ -s two.got ]
		until_true [ -s one.got ]
		seq -f 'm%g' 0 99 | diff - two.got
		perl -e 'printf("%d\r\nm%d", length("m$_"), $_) for 0 .. 99' |
			cmp - one.got
		touch end
	}
	each tcp4
}

@test "--relay: what a framing cannot hold is counted, and told now and then with its sender" {
	body() {
		LISTEN=(127.0.0.1:0 lines@127.0.0.1:0)
		many -v --relay --output none
		perl -e 'print "2\r\nok", "3\r\na\nb" x 5000, "3\r\nend"' >much
		A=${ADDRESSES[1]} guest hears expect 'ok\nend\n'
		until_true err_like 'c1 .*: open'
		A=${ADDRESSES[0]} caller file much
		guests_held hears
		stopped
		err_like '^wdsock: --relay: c2 127.0.0.1:[0-9]* to lines: message 2: byte 1: expected no end tag'
		err_like '^wdsock: 5000 messages were not relayed so far; the last: --relay: c2 .* message 5001: '
		# Of each second one, and one at the end.
		[ "$(grep -c -- --relay: err)" -lt 70 ]
	}
	each tcp4
}

@test "--exec runs a process for each client, and each gets its own answers" {
	body() {
		program count '$| = 1; print "$.:$_" while <STDIN>'
		many --exec ./count
		guest one send '1\r\na' expect '3\r\n1:a' until go send '1\r\nc' \
			expect '3\r\n2:c'
		guest two send '1\r\nb' expect '3\r\n1:b' touch go
		guests_held one two
		until_true no_children
	}
	each
}

@test "a handler knows whose it is" {
	body() {
		many --sh 'echo "$PROTO $TCPREMOTEIP"; read -r _'
		case $T in
		tcp4) caller read-until 'TCP 127.0.0.1' ;;
		tcp6) caller read-until '::1' ;;
		*) caller read-until 'UNIX' ;;
		esac
	}
	each tcp4 tcp6 unix abstract
}

@test "a handler that answers behind the half-close of its client is heard" {
	body() {
		many --sh 'n=$(wc -l); touch over; echo $n'
		caller send '1\r\na1\r\nb' half-close until over expect '1\r\n2' \
			expect-eof
	}
	each
}

@test "handlers that never read, never exit or ignore signals hold up nobody" {
	body() {
		many -v --grace 200ms --linger 0 --sh 'trap "" TERM PIPE HUP
			read -r x; echo "$x"; exec tail -f /dev/null'
		guest bad send '1\r\na' expect '1\r\na' until end
		guest good send '1\r\nb' expect '1\r\nb' touch end
		guests_held bad good
		until_true err_like 'c1 .*closed by the peer'
		until_true err_like 'c2 .*closed by the peer'
		until_true no_children
	}
	each tcp4 unix
}

@test "a handler that never reads holds up its own client alone, and costs little" {
	body() {
		many -v --grace 200ms --linger 0 --recv-buffer 16k --sh 'read -r x
			case $x in
			talks) cat ;;
			esac
			trap "" TERM
			exec tail -f /dev/null'
		guest bad send '1\r\na' try frames 20000 1000
		until_true err_like 'c1 .*: open'
		guest good send '5\r\ntalks1\r\nb' expect '1\r\nb' until end \
			send '1\r\nc' expect '1\r\nc'
		until_true takes_no_more
		touch end
		guests_held good
		# 20 MB are on the way.
		[ "$(memory VmHWM)" -lt 24576 ]
		read -ra handlers <"/proc/$SERVER/task/$SERVER/children" || :
		[ "${#handlers[@]}" -ge 1 ]
		stopped
		! kill -0 "${handlers[@]}" 2>/dev/null
	}
	# What has come from the first one does not become more.
	takes_no_more() {
		local before=${came-}

		kill -USR1 "$SERVER"
		came=$(sed -n 's/.* c1 .*: in \([0-9]*\) messages.*/\1/p' err |
			tail -n 1)
		[ -n "$came" ] && [ "$came" -gt 60 ] && [ "$came" = "$before" ]
	}
	each tcp4 unix
}

@test "what a handler has started ends with it" {
	body() {
		many --grace 200ms --linger 0 --sh 'tail -f /dev/null &
			echo $! >forked; echo up; exec cat'
		caller expect '2\r\nup' send '1\r\na' expect '1\r\na' reset
		until_true no_children
		until_true gone "$(cat forked)"
	}
	gone() {
		! kill -0 "$1" 2>/dev/null
	}
	each tcp4 tcp6
}

@test "above --max-handlers the rest wait, and lose nothing" {
	body() {
		many --max-handlers 2 --linger 0 --sh 'read -r x; echo "got $x"; read -r _'
		guest one send '1\r\na' expect '5\r\ngot a' touch a until end
		guest two send '1\r\nb' expect '5\r\ngot b' touch b until end
		until_true [ -e a ]
		until_true [ -e b ]
		guest three send '1\r\nc' touch sent expect '5\r\ngot c'
		until_true [ -e sent ]
		[ "$(wc -w <"/proc/$SERVER/task/$SERVER/children")" = 2 ]
		touch end
		guests_held one two three
	}
	each
}

@test "where descriptors are too few for a handler its client waits, and is served" {
	body() {
		(
			ulimit -n 30
			many --linger 0 --exec cat
			declare -p SERVER PIDS A ADDRESSES >as
		)
		. ./as
		for i in {1..20}; do
			guest "g$i" send '1\r\na' expect '1\r\na' until go
		done
		until_true err_like 'cannot be started: .* open files; clients wait'
		! grep -q denied err
		touch go
		guests_held g{1..20}
		until_true no_children
	}
	each tcp4 unix
}

@test "--each has one process, which is told channels and answers to them" {
	body() {
		program upper '$| = 1; while (<STDIN>) { s/\t(.*)/\t\U$1/; print }'
		many --each ./upper
		guest one send '3\r\none' expect '3\r\nONE' until end
		guest two send '3\r\ntwo' expect '3\r\nTWO' touch end
		guests_held one two
		[ "$(wc -w <"/proc/$SERVER/task/$SERVER/children")" = 1 ]
		stopped
		[ ! -s out ]
	}
	each
}

@test "--each: to all, to all but one, and with the escapes" {
	body() {
		cat >filter <<-'END'
			#!/bin/sh
			n=0
			while read -r line; do
				echo "$line" >>said
				n=$((n + 1))
				[ $n = 2 ] || continue
				printf '*\tall\n-c1\tb\\nt\n'
			done
		END
		chmod +x filter
		many --each ./filter
		guest one send '2\r\nhi' expect '3\r\nall' until end quiet 50
		until_true [ -s said ]
		guest two send '2\r\nhi' expect '3\r\nall' expect '3\r\nb\nt' \
			touch end
		guests_held one two
	}
	each
}

@test "--each: what is wrong with what it writes is told of it" {
	body() {
		many --each 'sh -c "read -r x; echo no tab; exec cat"'
		guest one send '1\r\na' send '1\r\nb' expect '1\r\nb'
		guests_held one
		err_like '^wdsock: the output of --each: line 1: expected a channel'
	}
	each tcp4 unix
}

@test "--each: a process that ends is an error that is told, with its status" {
	body() {
		many --each 'sh -c "read -r x; exit 3"'
		guest one send '1\r\na' try read-until-eof
		got=0
		wait "$SERVER" || got=$?
		[ "$got" = 3 ]
		err_like '^wdsock: --each: .* exited with status 3$'
	}
	each tcp4 unix
}

@test "--on-open greets everybody" {
	body() {
		many --on-open 'Welcome!'
		caller expect '8\r\nWelcome!'
		caller expect '8\r\nWelcome!'
	}
	each
}

@test "--reply answers with what the format makes of the message" {
	body() {
		many --reply '%c %n %m'
		guest one send '1\r\na1\r\nb' \
			expect '6\r\nc1 1 a6\r\nc1 2 b'
		guests_held one
	}
	each
}

@test "two roles are a usage error" {
	for other in --relay '--exec cat' '--sh cat' '--each cat' '--reply x'; do
		# shellcheck disable=SC2086
		run_bytes 2 timeout 20 wdsock serve-multi --echo $other 127.0.0.1:0
	done
}

@test "two processes are a usage error that names the first one" {
	for first in --exec --sh --each; do
		run_bytes 2 timeout 20 wdsock serve-multi "$first" cat --exec tac \
			127.0.0.1:0
		err_has "--exec 'tac': is one too many"
		err_has "saw $first 'cat' before"
	done
}

@test "an option that would have no effect is a usage error" {
	for role in --echo '--reply x' '--exec cat' '--sh cat'; do
		# shellcheck disable=SC2086
		run_bytes 2 timeout 20 wdsock serve-multi --slow drop $role 127.0.0.1:0
		err_has "--slow: expected something that is said to many, saw ${role%% *}"
	done
	for option in --proxy-protocol '--accept-cmd true'; do
		# shellcheck disable=SC2086
		run_bytes 2 timeout 20 wdsock serve-multi $option udp:127.0.0.1:0
		err_has "${option%% *}: expected an address of a stream"
	done
}
