# serve-multi and clients that are slow, or mean it badly.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load many

# news N: so many messages of a thousand bytes for everybody, numbered; then
# one that says that this was all.
news() {
	perl -e 'printf("{\"text\":\"%06d%s\"}\n", $_, "x" x 994)
		for 1 .. $ARGV[0]; print "{\"text\":\"all\"}\n"' "$1"
}

# below KB: the most memory that it ever had.
below() {
	[ "$(memory VmHWM)" -lt "$1" ] && return
	echo "VmHWM is $(memory VmHWM) KB, expected below $1 KB"
	return 1
}

@test "one who never reads is closed by --slow close, told why, and holds up nobody" {
	body() {
		many -j --queue 64k
		guest slow until end
		opened 1
		guest quick read 20120006 has '3\r\nall'
		opened 2
		news 20000 >&6
		guests_held quick
		is_told '"event":"close","chan":"c1".*(queue|slow)' 1
		! told '"event":"close","chan":"c2"'
		touch end
	}
	needs_json
	each
}

@test "who comes when all others have stopped gets what is said from then on" {
	body() {
		many -j --slow drop
		guest slow until end
		opened 1
		news 40000 >&6 &
		PIDS="$PIDS $!"
		until_true behind
		grep -qx all < <(timeout 20 wdsock connect "$A" </dev/null)
		touch end
		guests_held slow
	}
	# The one who is there is so far behind that the input waits.
	behind() {
		kill -USR1 "$SERVER"
		grep -q '[0-9]\{7\} queued' err
	}
	needs_json
	each tcp4 unix
}

@test "--slow drop drops whole messages, counts them, and tells" {
	body() {
		many -j --slow drop --queue 64k
		guest slow until end read-until-eof print slow
		opened 1
		guest quick read 20120006 has '3\r\nall'
		opened 2
		news 20000 >&6
		guests_held quick
		! told '"event":"close"'
		touch end
		say '{"chan":"c1","close":true}'
		guests_held slow
		# Whole messages, in order, and fewer than were said.
		perl -e 'local $/; $_ = <>; my ($last, $n) = (0, 0);
			while (/\G(\d+)\r\n/gc) {
				my $m = substr($_, pos(), $1);
				length($m) == $1 or exit(1);
				pos() += $1;
				next if $m !~ /^(\d{6})x{994}$/;
				$1 > $last or exit(1);
				($last, $n) = ($1, $n + 1);
			}
			exit(pos() == length($_) && $n > 0 && $n < 20000 ? 0 : 1)' \
			slow
		err_like 'c1 .*too slow: [0-9]+ messages were not sent'
	}
	needs_json
	each
}

@test "--slow drop drops what is for one alone, too" {
	body() {
		many -j --slow drop --queue 64k
		guest slow until end
		opened 1
		guest quick expect '3\r\nall'
		opened 2
		perl -e 'printf("{\"chan\":\"c1\",\"text\":\"%s\"}\n", "x" x 1000)
			for 1 .. 40000; print "{\"text\":\"all\"}\n"' >&6
		guests_held quick
		err_like 'c1 .*too slow: [0-9]+ messages were not sent'
		! told '"event":"close"'
		# 40 MB were said.
		below 24576
		touch end
	}
	needs_json
	each tcp4 unix
}

@test "nobody is too slow for what is more than --queue at once" {
	body() {
		local how

		for how in close drop wait; do
			many --queue 1k --slow "$how"
			guest one send '1\r\na' read 5010006 has '3\r\nall'
			is_told '^c1	a$' 1
			perl -e 'printf("%s\n", "x" x 997) for 1 .. 5000;
				print "all\n"' >&6
			guests_held one
			stopped
			err_is_empty
		done
	}
	each
}

@test "--slow wait loses nothing and stops the source, not the loop" {
	body() {
		many -j --slow wait --queue 64k
		guest slow until end read 20120006 print slow
		opened 1
		guest talks until say send '1\r\nx' read 20120006
		opened 2
		news 20000 >&6 &
		touch say
		is_told '"text":"x"' 1
		below 65536
		touch end
		guests_held slow talks
		[ "$(grep -ao 'x\{994\}' slow | wc -l)" = 20000 ]
		! told '"event":"close","chan":"c1".*(slow|queue)'
	}
	needs_json
	each
}

@test "--memory sheds the worst offender first" {
	body() {
		many -j --queue 64M --memory 8M
		guest slow until end
		opened 1
		guest worse until end
		opened 2
		guest quick read-until '3\r\nall'
		opened 3
		# One is told ten times as much as the other; what the kernel
		# takes of it is not the server's.
		perl -e 'for my $to (("c1", ("c2") x 10) x 20) {
			printf("{\"chan\":\"%s\",\"text\":\"%s\"}\n", $to,
				"x" x 100000) }' >&6
		is_told '"event":"close","chan":"c2"' 1
		say '{"chan":"c3","text":"all"}'
		guests_held quick
		! told '"event":"close","chan":"c3"'
		below 40000
		touch end
	}
	needs_json
	each
}

@test "fifty clients that announce 16 MB and send one byte cost nothing" {
	body() {
		many -j
		guest first send '1\r\na' until end
		is_told '"text":"a"' 1
		before=$(memory VmRSS)
		for i in {1..50}; do
			guest "g$i" send '16777216\r\nx' touch "sent$i" until end
		done
		opened 51
		for i in {1..50}; do until_true [ -e "sent$i" ]; done
		caller send '1\r\nb'
		is_told '"text":"b"' 1
		[ $(($(memory VmRSS) - before)) -lt 4096 ]
		touch end
	}
	each
}

@test "what has arrived of long messages counts for --memory" {
	body() {
		many -j --memory 16M
		for i in {1..8}; do
			guest "g$i" send '16000000\r\n' try big 8000000 until end
		done
		opened 8
		is_told '"event":"close"'
		caller send '1\r\nb'
		is_told '"text":"b"' 1
		below 65536
		touch end
	}
	each tcp4 unix
}

@test "a client that is stopped for a while and continued has lost nothing" {
	body() {
		many -j --slow wait
		wdsock connect -m windev "$A" </dev/null >got 2>got.err \
			6>&- 8>&- &
		client=$!
		PIDS="$PIDS $client"
		opened 1
		kill -STOP "$client"
		news 20000 >&6 &
		feeder=$!
		start=$(date +%s)
		until_true elapsed
		kill -CONT "$client"
		wait "$feeder"
		until_true grep -qx all got
		[ "$(wc -l <got)" = 20001 ]
	}
	# Seconds; WDSOCK_STOPPED=30 for long ones.
	elapsed() {
		[ $(($(date +%s) - start)) -ge "${WDSOCK_STOPPED:-3}" ]
	}
	needs_json
	each tcp4 unix
}

@test "those who send garbage do not disturb the one who does not" {
	body() {
		many --echo
		guest good send '1\r\na' expect '1\r\na' until end \
			send '1\r\nb' expect '1\r\nb'
		for i in {1..20}; do
			caller try send 'garbage!' try read-until-eof
		done
		touch end
		guests_held good
	}
	each tcp4 unix
}

@test "one message may be longer than --queue, and what comes behind it has room as well" {
	body() {
		many -j --queue 64k
		guest slow until go read 3000089
		opened 1
		guest quick read 3000009 touch large read 80
		opened 2
		perl -e 'printf("{\"text\":\"%s\"}\n", "x" x 3000000)' >&6
		until_true [ -e large ]
		for i in {1..20}; do say '{"text":"y"}'; done
		guests_held quick
		touch go
		guests_held slow
		! told '"event":"close".*slow'
	}
	needs_json
	each unix abstract
}

# What waits for c1 now is below so many bytes.
waits_below() {
	local line

	say '{"list":true}'
	is_told '"event":"channels"'
	line=$(grep '"event":"channel","chan":"c1"' out | tail -1)
	line=${line#*\"queued\":}
	[ "${line%%,*}" -lt "$1" ] && return
	echo "c1: $line"
	return 1
}

@test "--slow drop holds --queue also for one to whom not everything is said" {
	body() {
		many -j --slow drop --queue 64k
		guest slow until end
		opened 1
		guest quick count
		opened 2
		perl -e 'printf("{\"text\":\"%s\"}\n{\"chan\":\"*\",\"except\"" .
			":\"c1\",\"text\":\"x\"}\n", "x" x 10000) for 1 .. 1000' >&6
		waits_below 1000000
		touch end
	}
	needs_json
	each tcp4 unix
}

@test "--relay --slow wait goes on when whom it waited for is gone" {
	body() {
		many -j --relay --slow wait --queue 64k
		guest slow until go "$WAY"
		opened 1
		frames 20000 >much
		guest speaks file much until end
		opened 2
		# Nothing more comes while it waits.
		is_told '"n":200,'
		touch go
		guests_held slow
		is_told '"n":20000,'
		is_told '"event":"close","chan":"c1"' 1
		touch end
	}
	frames() {
		perl -e 'printf("1000\r\n%s", "x" x 1000) for 1 .. $ARGV[0]' "$1"
	}
	WAY=reset each tcp4
	WAY=close each unix
}

@test "one who was told that no more comes costs nothing, however much he says" {
	body() {
		many -j --relay
		guest talks until go file much until end
		opened 1
		guest hears count
		opened 2
		say '{"chan":"c1","shut":true}'
		perl -e 'print "1000\r\n", "x" x 1000 for 1 .. 40000' >much
		touch go
		is_told '"chan":"c1".*"n":40000,'
		below 40000
		touch end
	}
	needs_json
	each tcp4 unix
}

@test "--relay: one who speaks and never reads is as slow as one who is silent" {
	body() {
		many -v --relay --output none --slow drop --queue 64k
		guest reads count
		until_true err_like 'c1 .*open'
		guest speaks until go frames 40000 1000 touch spoken until end
		until_true err_like 'c2 .*open'
		guest talks until go frames 100000 1 until end
		until_true err_like 'c3 .*open'
		touch go
		until_true [ -e spoken ]
		until_true all_is_heard
		err_like 'c3 .*too slow: [0-9]+ messages were not sent'
		below 16384
		touch end
	}
	# However much c3 says meanwhile.
	all_is_heard() {
		kill -USR1 "$SERVER"
		err_like ' c2 .*: in 40000 messages'
	}
	each tcp4 unix
}

@test "--relay: nobody is too slow for what was said in the turn that still goes on" {
	body() {
		many -v --relay --output none --queue 64k
		guest reads until said read 1006000 until end
		until_true err_like 'c1 .*open'
		# Less than a socket takes, and more than --queue.
		guest speaks frames 1000 1000 touch said until end
		until_true err_like 'c2 .*open'
		until_true [ -e said ]
		touch end
		guests_held reads speaks
		! grep -q 'too slow' err
	}
	each tcp4 tcp6
}
