# How serve-multi ends, and what it says of itself while it is there.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load many

@test "SIGTERM and SIGINT end it by the signal, at once if nothing is queued" {
	body() {
		many -j
		guest one read-until-eof
		opened 1
		within 0 1500 stopped
		guests_held one
		told '"event":"close","chan":"c1"' 1
		many -j
		guest two read-until-eof
		opened 1
		kill -INT "$SERVER"
		ended 130
		guests_held two
	}
	each
}

@test "what is queued has --grace to go, and no one else is let in" {
	body() {
		many -j --grace 20s
		# Longer than without --grace.
		guest slow until go wait 2500 read 7000560 expect-eof
		opened 1
		perl -e 'printf("{\"chan\":\"c1\",\"text\":\"%s\"}\n", "x" x 100000)
			for 1 .. 70' >&6
		say '{"chan":"c99","text":"all has been read"}'
		is_told '"event":"error".*"line":71' 1
		kill "$SERVER"
		until_true refused
		touch go
		ended 143
		guests_held slow
		told '"messages_out":70' 1
	}
	refused() {
		! caller 2>/dev/null
	}
	needs_json
	each tcp4 unix
}

@test "behind --grace it ends whatever is queued" {
	body() {
		many -j --grace 300ms
		heap_up
		kill "$SERVER"
		within 0 10000 ended 143
		touch end
	}
	needs_json
	each tcp4 unix
}

@test "a second signal ends it at once" {
	body() {
		many -j --grace 60s
		heap_up
		kill "$SERVER"
		until_true refused
		kill "$SERVER"
		within 0 10000 ended 143
		touch end
	}
	refused() {
		! caller 2>/dev/null
	}
	needs_json
	each tcp4 unix
}

# One who does not read, and more for it than a socket takes.
heap_up() {
	guest slow until end
	opened 1
	perl -e 'printf("{\"chan\":\"c1\",\"text\":\"%s\"}\n", "x" x 100000)
		for 1 .. 70' >&6
	say '{"chan":"c99","text":"all has been read"}'
	is_told '"event":"error".*"line":71' 1
}

@test "handlers are ended with it, also those that do not want to" {
	body() {
		many --grace 300ms --sh 'trap "" TERM; echo $$ >pid
			echo up; exec tail -f /dev/null'
		guest one expect '2\r\nup' read-until-eof
		until_true [ -s pid ]
		stopped
		! kill -0 "$(cat pid)" 2>/dev/null
	}
	each tcp4 unix
}

@test "what it has printed is whole when it ends" {
	body() {
		many -j
		perl -e 'print("1000\r\n" . "x" x 1000) for 1 .. 1000' >in
		caller file in
		is_told '"n":1000[,}]' 1
		stopped
		! grep -v '^{.*}$' out
		tail -1 out | grep -q '"event":"close"'
	}
	each
}

@test "files of Unix sockets are removed, but not what has taken their place" {
	body() {
		LISTEN=(unix:a unix:b)
		many
		[ -S a ] && [ -S b ]
		rm b
		echo mine >b
		stopped
		[ ! -e a ]
		[ "$(cat b)" = mine ]
	}
	each unix
}

@test "it can be started again at once where it has been" {
	body() {
		many --echo
		guest two send '1\r\na' expect '1\r\na' touch two read-until-eof
		until_true [ -e two ]
		stopped
		LISTEN=("$A")
		many --echo
		caller send '1\r\nb' expect '1\r\nb'
	}
	each
}

@test "SIGUSR1 prints a table of the channels on stderr" {
	body() {
		many -v
		guest one send '1\r\na1\r\nb' until end
		guest two until end send '1\r\nc'
		until_true two_lines
		until_true err_like 'c2 .*: open'
		kill -USR1 "$SERVER"
		until_true err_like '^wdsock: c2 .*: in'
		# Messages in of the one who has said some.
		err_like '^wdsock: c[12] .*: in 2 messages'
		[ ! -s out ] || ! grep -v '^c[12]	' out
		kill -0 "$SERVER"
		touch end
		is_told '	c$' 1
	}
	two_lines() {
		[ "$(wc -l <out)" = 2 ]
	}
	each
}

@test "--status-socket answers with the table as JSON lines" {
	body() {
		many -j --status-socket status
		guest one send '1\r\na' until end
		is_told '"text":"a"' 1
		guest two until end
		opened 2
		for _ in 1 2; do
			perl "$SRC/tests/bats/peer.pl" --life life connect \
				unix:status read-until-eof print table 6>&-
			perl -MJSON::PP -ne 'my $e = decode_json($_);
				$e->{event} eq "channel" ? $n++ : $last++;
				exit(1) if !defined($e->{chan}) && !$last;
				END { exit($n == 2 && $last == 1 ? 0 : 1) }
				' table
		done
		touch end
		stopped
		[ ! -e status ]
	}
	each
}

@test "-v tells of opening, closing and why, and who was turned away" {
	body() {
		many -v --linger 0 --max-clients 1
		guest one send '1\r\na' until end
		is_told '^c1	a$' 1
		err_like '\bc1\b'
		caller try read-until-eof
		until_true err_like max-clients
		touch end
		guests_held one
		until_true err_like 'c1.*closed'
	}
	each
}
