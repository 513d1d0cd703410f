# Much, at once, and against somebody who does not take it.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

peak_kb() {
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$SERVER/status"
}

@test "30 MB each way at once, without deadlock" {
	body() {
		peer both 30000000 half-close big-in 0
		head -c 30000000 < <(yes 0123456789abcde) >in
		wd connect -m raw --stay "$A" <in >out 2>err
		[ "$(wc -c <out)" = 30000000 ]
		peer_held
	}
	each tcp4 unix
}

@test "30 MB each way between two of us, without deadlock" {
	body() {
		head -c 30000000 < <(yes 0123456789abcde) >in
		serve <in
		wd connect "$A" <in >client.out
		ended 0
		cmp in out
		cmp in client.out
	}
	each tcp4 unix
}

@test "a stalled stdout stops the reading of the socket, not the loop" {
	body() {
		local i

		mkfifo pipe
		exec 5<>pipe
		peer try frames 2000000 100 touch sent
		wdsock connect -v "$A" </dev/null >pipe 2>err 5>&- 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true grep -q open err
		until_true stalled
		[ ! -e sent ]
		[ "$(peak_kb)" -lt 40000 ]
		# What stalled goes on, and nothing is lost.
		exec 4<pipe
		exec 5>&-
		[ "$(wc -c <&4)" = 202000000 ]
		ended 0
	}
	stalled() {
		kill -USR1 "$SERVER"
		grep -q 'standard output to take what has come' err
	}
	each tcp4 unix
}

@test "a timeout is kept while stdout stalls" {
	body() {
		mkfifo pipe
		exec 5<>pipe
		peer try frames 2000000 100
		within 400 5000 deadline_comes
	}
	deadline_comes() {
		local got=0

		wd connect --deadline 500ms "$A" </dev/null >pipe 2>err || got=$?
		[ "$got" = 5 ]
		err_has 'standard output to take what has come'
	}
	each tcp4 unix
}

@test "a flood of 200 MB: memory stays under 40 MB" {
	body() {
		peer frames 2000000 100 until measured
		wdsock connect "$A" </dev/null >out 2>err 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true all_there
		[ "$(peak_kb)" -lt 40000 ]
		: >measured
		ended 0
		rm out
	}
	all_there() {
		[ "$(wc -c <out)" -gt 201000000 ]
	}
	each unix
}

@test "a flood of 40 MB to a peer that does not read: memory is bounded" {
	body() {
		peer until measured try read-until-eof
		yes 0123456789abcde | head -c 40000000 >in
		wdsock connect -v "$A" <in >out 2>err 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true grep -q open err
		until_true stuck
		[ "$(peak_kb)" -lt 40000 ]
		: >measured
		ended 0
	}
	stuck() {
		kill -USR1 "$SERVER"
		grep -q 'the peer to read' err
	}
	each tcp4 unix
}

@test "a message of 3 MB that comes in many reads is one message" {
	body() {
		peer send '3000000\r\n' big 3000000
		run_bytes 0 wd connect --output raw "$A" </dev/null
		[ "$(wc -c <out)" = 3000000 ]
	}
	each
}

@test "a slow reader on a non-blocking pipe loses nothing" {
	body() {
		mkfifo pipe
		peer frames 20000 100
		perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL,
			fcntl(STDOUT, F_GETFL, 0) | O_NONBLOCK); exec(@ARGV)' \
			timeout 25 wdsock connect "$A" </dev/null 2>err |
			perl -e 'my ($n, $b) = (0);
				while (my $r = sysread(STDIN, $b, 10000)) {
					$n += $r;
					select(undef, undef, undef, 0.001)
				} print $n' >total
		[ "$(cat total)" = 2020000 ]
	}
	each
}

@test "a non-blocking stdin whose data is late is read to its end" {
	body() {
		peer expect '1\r\na1\r\nb' expect-eof
		perl -e '$| = 1; print "a\n"; select(undef, undef, undef, 0.3);
			print "b\n"' |
			perl -e 'use Fcntl; fcntl(STDIN, F_SETFL,
				fcntl(STDIN, F_GETFL, 0) | O_NONBLOCK);
				exec(@ARGV)' timeout 25 wdsock connect "$A" >out
		peer_held
	}
	each
}

@test "a peer that is stopped and continued loses nothing" {
	body() {
		peer frames 200000 100
		wdsock connect "$A" </dev/null >out 2>err 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		kill -STOP "$PEER"
		until_true is_stopped
		kill -CONT "$PEER"
		ended 0
		[ "$(wc -c <out)" = 20200000 ]
		peer_held
	}
	is_stopped() {
		grep -q '^State:.*stopped' "/proc/$PEER/status"
	}
	each tcp4 unix
}

@test "a deadline is kept although the peer reads as fast as we can write" {
	body() {
		peer count
		run_bytes 5 timeout 20 "$W" connect -m lines --send hello \
			--repeat 1000000000 --deadline 300ms "$A" </dev/null
		err_has '--deadline of 0.3 s has run out'
	}
	each tcp4
}

@test "a reader of stdout that leaves after the conversation: SIGPIPE" {
	body() {
		peer try frames 60000 10
		set +o pipefail
		(
			code=0
			wd connect "$A" </dev/null 2>err || code=$?
			echo "$code" >status
		) | {
			# The rest is in the pipe and in the buffer by then.
			until grep -q . status 2>/dev/null ||
				[ "$((n = ${n:-0} + 1))" -gt 50 ]; do
				perl -e 'select undef, undef, undef, 0.02'
			done
			head -c 10 >/dev/null
		}
		[ "$(cat status)" = 141 ]
		err_is_empty
	}
	each tcp4
}

@test "a stdout that is a socket with a slow reader loses nothing" {
	body() {
		peer try big 3000000 close
		perl -MSocket -e '
			socketpair A, B, AF_UNIX, SOCK_STREAM, 0 or die;
			if (!fork) {
				close A; open STDIN, "<", "/dev/null";
				open STDOUT, ">&", \*B; close B;
				exec @ARGV or die;
			}
			close B; select undef, undef, undef, 0.3;
			$n += length $b while sysread A, $b, 65536;
			wait; print "$n ", $? >> 8, "\n"' \
			"$W" connect -m raw "$A" >out
		out_is '3000000 0\n'
	}
	each tcp4
}
