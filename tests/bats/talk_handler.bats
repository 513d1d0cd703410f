# --exec and --sh: a process for each conversation.

# Each case has variables of its own, and what is in quotes is often for the
# handler's shell.
# shellcheck disable=SC2016,SC2030,SC2031
load talk

# A handler's: waits so many seconds without a process to wait for.
pause='perl -e "select(undef, undef, undef, shift)"'

gone() {
	! kill -0 "$1" 2>/dev/null
}

@test "what a handler writes goes out, and what comes is what it reads" {
	body() {
		serve --sh 'echo welcome; exec cat' </dev/null
		caller expect '7\r\nwelcome' send '5\r\nHello' \
			expect '5\r\nHello' send '0\r\n3\r\nabc' \
			expect '0\r\n3\r\nabc' half-close expect-eof
		ended 0
		out_is ''
		err_is_empty
	}
	each
}

@test "its status is ours, 128 and more for a signal" {
	body() {
		for case in 'exit 0:0' 'exit 1:1' 'exit 42:42' 'exit 255:255' \
			'kill -KILL $$:137' 'kill -TERM $$:143' \
			'cat >/dev/null; exit 7:7'; do
			here "$T"
			serve --sh "${case%:*}" </dev/null
			caller half-close expect-eof
			ended "${case##*:}"
			err_is_empty
		done
	}
	each
}

@test "a handler that failed before anything else names the status" {
	body() {
		serve --exec false </dev/null
		caller expect-eof try send '9\r\nxy' reset
		ended 1
	}
	each tcp4 unix
}

@test "with -k its status is said by -v, and the next client is served" {
	body() {
		serve -k -v --sh 'read -r n && exit "$n"' </dev/null
		caller send '1\r\n3' expect-eof
		caller send '1\r\n0' expect-eof
		caller send '2\r\n99' expect-eof
		until_true grep -q 'exited with status 99' err
		err_has 'exited with status 3'
		err_has 'exited with status 0'
		kill "$SERVER"
		ended 143
	}
	each
}

@test "its answer one second after the client's half-close goes out" {
	body() {
		serve --sh "cat >/dev/null; $pause 1; echo late" </dev/null
		caller send '1\r\nq' half-close expect '4\r\nlate' expect-eof
		ended 0
	}
	each
}

@test "an answer later than what servers linger goes out, too" {
	body() {
		serve --grace 100ms --sh "cat >/dev/null; $pause 11; echo late" \
			</dev/null
		caller send '1\r\nq' half-close expect '4\r\nlate' expect-eof
		ended 0
	}
	each
}

@test "--linger bounds what it may take: 6" {
	body() {
		serve --linger 200ms --grace 100ms --sh 'tail -f /dev/null' \
			</dev/null
		caller half-close expect-eof
		ended 6
		err_has 'closed by the peer while its handler was at work'
	}
	each
}

@test "when it ends, all it has written is sent, and then our half closes" {
	body() {
		head -c 10000000 /dev/zero | tr '\0' x >much
		serve -m raw --exec 'cat much' </dev/null
		caller count >count
		ended 0
		[ "$(cat count)" = 10000000 ]
	}
	each
}

@test "a client that keeps its half open has --grace, or -q, to close it" {
	body() {
		serve --grace 100ms --sh 'echo bye' </dev/null
		caller expect '3\r\nbye' expect-eof until over &
		ended 0
		: >over
		wait $!
		here "$T"
		serve -q 100ms --grace 20s --sh 'echo bye' </dev/null
		within 50 10000 ended_by_itself
	}
	ended_by_itself() {
		caller expect '3\r\nbye' expect-eof until over2 &
		ended 0
		: >over2
		wait $!
	}
	each
}

@test "one that closes its output still reads to the end" {
	body() {
		serve --grace 20s --sh 'exec >&-; cat >got' </dev/null
		caller expect-eof send '3\r\nabc1\r\nd' half-close
		ended 0
		printf 'abc\nd\n' | cmp - got
	}
	each
}

@test "one that closes its input still speaks, and the client is not held up" {
	body() {
		serve --sh 'exec <&-; echo one; until [ -e go ]; do :; done
			echo two' </dev/null
		caller expect '3\r\none' frames 400 10000 touch go \
			expect '3\r\ntwo' half-close expect-eof
		ended 0
	}
	each
}

@test "what comes for one that has ended is dropped" {
	body() {
		serve --grace 20s --exec true </dev/null
		caller expect-eof frames 400 10000 half-close
		ended 0
	}
	each
}

@test "one that never reads costs bounded memory, and ends with us" {
	body() {
		serve -m raw --grace 100ms --sh 'echo $$ >pid
			exec tail -f /dev/null' </dev/null
		caller_behind big 200000000
		until_true [ -s pid ]
		until_true stalled
		[ "$(rss_kb)" -lt 30000 ]
		kill "$SERVER"
		ended 143
		until_true gone "$(cat pid)"
	}
	# The socket is full, and nothing is read any more.
	stalled() {
		local one two
		one=$(awk '/^rchar/ { print $2 }' "/proc/$SERVER/io")
		read -r -t 0.3 <>life || :
		two=$(awk '/^rchar/ { print $2 }' "/proc/$SERVER/io")
		[ "$one" = "$two" ]
	}
	rss_kb() {
		awk '/^VmHWM/ { print $2 }' "/proc/$SERVER/status"
	}
	! grep -q __asan "$W" || skip "sanitizers hold memory"
	each
}

@test "one that takes nothing of a client that has gone ends --linger later" {
	body() {
		serve -m raw --linger 200ms --grace 100ms --sh 'echo $$ >pid
			exec tail -f /dev/null' </dev/null
		# More than a pipe holds, less than a pipe and two buffers do.
		case $T in
		tcp*) caller big 300000 wait 50 reset ;;
		*) caller big 200000 wait 50 close ;;
		esac
		wait "$SERVER" || :
		! grep -q deadline err
		until_true gone "$(cat pid)"
	}
	each
}

@test "one that is slow has all that its client has left" {
	body() {
		serve -m raw --grace 200ms --linger 20s --exec \
			'perl slow.pl' </dev/null
		cat >slow.pl <<-'END'
			select(undef, undef, undef, 0.6);
			my $n = 0;
			while (my $some = sysread(STDIN, my $bytes, 30000)) {
				$n += $some;
				select(undef, undef, undef, 0.1);
			}
			open(my $f, '>', 'got'); print $f "$n\n";
		END
		caller big 200000 close
		ended 0
		[ "$(cat got)" = 200000 ]
	}
	each "${TRANSPORTS[@]}"
}

@test "one that writes for ever waits for its client, and ends with it" {
	body() {
		serve --sh 'echo $$ >pid; exec yes' </dev/null
		caller read 9000 wait 300 close
		wait "$SERVER" || :
		until_true gone "$(cat pid)"
	}
	each
}

@test "one that never ends gets SIGTERM --grace after its client has gone" {
	body() {
		serve --grace 100ms --sh 'trap "echo told >told; exit 5" TERM
			echo ready; while :; do read -r x <fifo; done' </dev/null
		caller expect '5\r\nready' reset
		wait "$SERVER" || :
		[ "$(cat told)" = told ]
	}
	each tcp4 tcp6
}

@test "a client that has closed its half and then goes altogether is noticed" {
	body() {
		serve --grace 100ms --sh 'echo ready; exec tail -f /dev/null' \
			</dev/null
		case $T in
		# An end in order looks as if it were half of it there.
		tcp*)
			caller expect '5\r\nready' half-close wait 100 reset
			ended 6
			;;
		*)
			caller expect '5\r\nready' half-close wait 100 close
			ended 143
			;;
		esac
	}
	each "${TRANSPORTS[@]}"
}

@test "one that ignores SIGTERM gets SIGKILL after another --grace" {
	body() {
		serve -v --grace 100ms --sh 'trap "" TERM; echo $$ >pid
			echo ready; while :; do read -r x <fifo; done' </dev/null
		mkfifo fifo
		caller expect '5\r\nready' half-close wait 50 close
		wait "$SERVER" || :
		err_has 'was ended by signal 9'
	}
	each unix abstract
}

@test "what it has started in its process group is told to end with it" {
	body() {
		serve --grace 100ms --sh 'tail -f /dev/null & echo $! >child
			echo ready; wait' </dev/null
		caller expect '5\r\nready' half-close wait 50 close
		ended 143
		until_true gone "$(cat child)"
	}
	each unix abstract
}

@test "one that leaves another behind with its output holds up for --grace" {
	body() {
		serve --grace 200ms --sh 'tail -f /dev/null & echo $! >child
			echo done' </dev/null
		within 100 10000 caller expect '4\r\ndone' half-close expect-eof
		ended 0
		kill "$(cat child)"
	}
	each
}

@test "what is left behind with its output has --grace to say the rest" {
	body() {
		serve --grace 20s --sh "{ $pause 0.3; echo rest; } & echo done" \
			</dev/null
		within 0 15000 caller expect '4\r\ndone4\r\nrest' expect-eof
		ended 0
	}
	each
}

@test "what is left behind without its output is not waited for, nor ended" {
	body() {
		serve --grace 30s --sh 'tail -f /dev/null >/dev/null & echo $! >child
			echo done' </dev/null
		within 0 15000 caller expect '4\r\ndone' expect-eof
		ended 0
		kill "$(cat child)"
	}
	each
}

@test "300 short connections leave no zombie and no descriptor" {
	body() {
		serve -k --exec cat </dev/null
		# The descriptor of --ready-fd closes behind the line.
		until_true [ ! -e "/proc/$SERVER/fd/7" ]
		before=$(count_fds)
		perl -e '
			for (1 .. 300) {
				system(@ARGV) == 0 or exit(1);
			}' wdsock connect --send x --expect x "$A" >got
		[ "$(grep -cx x got)" = 300 ]
		until_true no_children
		until_true as_many_fds
	}
	count_fds() {
		local all=("/proc/$SERVER/fd/"*)
		echo "${#all[@]}"
	}
	as_many_fds() {
		[ "$(count_fds)" = "$before" ]
	}
	no_children() {
		[ -z "$(cat "/proc/$SERVER/task/$SERVER/children")" ]
	}
	each tcp4 unix
}

@test "the next client is served when the handler of the last one has ended" {
	body() {
		serve -k --sh 'echo begin >>log; cat >/dev/null; exec >&-
			'"$pause"' 0.2; echo end >>log' </dev/null
		caller_behind send '1\r\na' half-close expect-eof
		caller send '1\r\nb' half-close expect-eof
		caller send '1\r\nc' half-close expect-eof
		peer_held
		until_true six
		printf 'begin\nend\nbegin\nend\nbegin\nend\n' | cmp - log
	}
	six() {
		[ "$(wc -l <log)" = 6 ]
	}
	each
}

@test "its environment says who speaks, and where" {
	body() {
		export TCPREMOTEHOST=stale UNIXREMOTEPID=stale TCP6LOCALIP=stale
		export WDSOCK_PEER=stale LISTEN_FDS=1 KEPT=yes
		serve -v --exec env </dev/null
		caller read-until-eof print env
		ended 0
		port=${A##*:}
		case $T in
		tcp4)
			here_are PROTO=TCP TCPLOCALIP=127.0.0.1 \
				TCPREMOTEIP=127.0.0.1 "TCPLOCALPORT=$port" \
				TCPCONNNUM=1
			grep -qE 'TCPREMOTEPORT=[0-9]+' env
			none_of TCP6 UNIX
			;;
		tcp6)
			here_are PROTO=TCP6 TCPLOCALIP=::1 TCPREMOTEIP=::1 \
				"TCPLOCALPORT=$port" TCP6LOCALIP=::1 \
				TCP6REMOTEIP=::1 "TCP6LOCALPORT=$port" \
				TCPCONNNUM=1
			none_of UNIX
			;;
		unix)
			here_are PROTO=UNIX UNIXLOCALPATH=sock \
				"UNIXREMOTEEUID=$(id -u)" \
				"UNIXREMOTEEGID=$(id -g)"
			grep -qE 'UNIXREMOTEPID=[0-9]+' env
			none_of TCP
			;;
		abstract)
			here_are PROTO=UNIX "UNIXLOCALPATH=${A#unix:}"
			none_of TCP
			;;
		esac
		here_are WDSOCK_CHANNEL=c1 WDSOCK_MODE=windev KEPT=yes
		peer=$(sed -n 's/^wdsock: c1 \(.*\): open$/\1/p' err)
		grep -aqF "WDSOCK_PEER=$peer" env
		none_of stale LISTEN_FDS WDSOCK_MODE_OUT
	}
	here_are() {
		local want
		for want; do
			grep -aqF -- "$want" env || {
				echo "not there: $want"
				cat env
				return 1
			}
		done
	}
	none_of() {
		local it
		for it; do
			! grep -aq -- "$it" env || {
				echo "there: $it"
				return 1
			}
		done
	}
	each
}

@test "an IPv4 client of a dual-stack server is one of IPv4" {
	body() {
		HERE=0
		serve --exec env </dev/null
		A=127.0.0.1:${A##*:}
		caller read-until-eof print env
		ended 0
		grep -aq PROTO=TCP env
		grep -aq TCPREMOTEIP=127.0.0.1 env
		! grep -aq TCP6 env
	}
	have_ipv6 || skip "no IPv6 loopback"
	each tcp4
}

@test "channels are counted, and modes that differ are told apart" {
	body() {
		serve -k --mode-in lines --mode-out end-tag=CRLF --sh \
			'echo "$WDSOCK_CHANNEL $WDSOCK_MODE $WDSOCK_MODE_OUT"' \
			</dev/null
		caller expect 'c1 lines end-tag=CRLF\r\n' expect-eof
		caller expect 'c2 lines end-tag=CRLF\r\n' expect-eof
	}
	each
}

@test "it has the descriptors 0, 1 and 2, and no other" {
	body() {
		# One that we were given, in the middle and far away.
		exec 5</dev/null 200</dev/null
		serve -m raw --sh 'i=0; while [ $i -lt 300 ]; do
			[ ! -e /proc/$$/fd/$i ] || echo $i
			i=$((i + 1)); done' </dev/null
		exec 5>&- 200>&-
		caller read-until-eof print fds
		ended 0
		printf '0\n1\n2\n' | diff - fds
	}
	each
}

@test "its pipes are blocking, and stderr is ours" {
	body() {
		cat >handler.pl <<-'END'
			use Fcntl;
			print STDERR "from the handler\n";
			for my $h (*STDIN, *STDOUT) {
				die if fcntl($h, F_GETFL, 0) & O_NONBLOCK;
				die if !-p $h;
			}
		END
		serve --exec 'perl handler.pl' </dev/null
		caller expect-eof
		ended 0
		err_is 'from the handler'
	}
	each
}

@test "signals, descriptor limit and priority are as they were" {
	body() {
		local started='grep -E "^Sig(Blk|Ign)" /proc/self/status
			ulimit -n; nice'
		cat >start.pl <<-'END'
			use POSIX;
			my ($how, @run) = @ARGV;
			if ($how eq 'odd') {
				$SIG{$_} = 'IGNORE' for qw(PIPE CHLD HUP USR1);
				sigprocmask(SIG_BLOCK, POSIX::SigSet->new(
					SIGUSR2, SIGTERM));
			}
			exec(@run);
		END
		for how in plain odd; do
			(
				ulimit -S -n 333
				perl start.pl "$how" nice -n 3 sh -c "$started"
			) >want
			here "$T"
			new_ready
			(
				ulimit -S -n 333
				exec perl start.pl "$how" nice -n 3 wdsock \
					serve-single -m raw --deadline 40 \
					--ready-fd 7 --sh "$started" "$HERE"
			) </dev/null >out 2>err 7>"ready$READIES" 6>&- 8>&- 9>&- &
			SERVER=$!
			PIDS="$PIDS $SERVER"
			read_ready
			caller read-until-eof print got
			ended 0
			diff want got
		done
	}
	each
}

@test "SIGTERM: the handler is told, its last word goes out, we die by it" {
	body() {
		serve --sh 'trap "echo bye; exit 0" TERM; echo ready
			while :; do read -r x <fifo; done' </dev/null
		mkfifo fifo
		caller_behind expect '5\r\nready' touch ready expect '3\r\nbye' \
			expect-eof
		until_true [ -e ready ]
		kill "$SERVER"
		ended 143
		peer_held
	}
	each
}

@test "SIGINT: a handler that ignores SIGTERM is killed before we die" {
	body() {
		serve --grace 100ms --sh 'trap "" TERM; echo $$ >pid; echo ready
			while :; do :; done' </dev/null
		caller_behind expect '5\r\nready' touch ready expect-eof
		until_true [ -e ready ]
		kill -TERM "$SERVER"
		ended 143
		until_true gone "$(cat pid)"
		peer_held
	}
	each
}

@test "a second signal does not wait for the handler" {
	body() {
		serve --grace 30s --sh 'trap "" TERM; echo $$ >pid; echo ready
			while :; do :; done' </dev/null
		caller_behind expect '5\r\nready' touch ready read-until-eof
		until_true [ -e ready ]
		kill -HUP "$SERVER"
		kill -USR1 "$SERVER"
		until_true grep -q 'was told to end' err
		kill -TERM "$SERVER"
		within 0 10000 ended 143
		until_true gone "$(cat pid)"
	}
	each "${TRANSPORTS[@]}"
}

@test "a signal while no client is there ends at once" {
	body() {
		serve --grace 30s --exec cat </dev/null
		kill "$SERVER"
		within 0 10000 ended 143
	}
	each
}

@test "--deadline ends the handler, too" {
	body() {
		serve --deadline 300ms --grace 100ms --sh 'echo $$ >pid
			exec tail -f /dev/null' </dev/null
		caller expect-eof
		ended 5
		err_has 'deadline'
		until_true gone "$(cat pid)"
	}
	each
}

@test "SIGUSR1 tells the handler's process and state" {
	body() {
		serve --exec cat </dev/null
		caller_behind send '1\r\na' expect '1\r\na' until seen half-close \
			expect-eof
		until_true asked 'handler [0-9]+ \(cat\) runs; waiting for a message'
		: >seen
		peer_held
		ended 0
	}
	asked() {
		kill -USR1 "$SERVER"
		grep -qE "$1" err
	}
	each
}

@test "it leads a process group of its own: a key on our terminal is ours" {
	body() {
		serve --sh 'echo $$; cut -d" " -f5 /proc/$$/stat' </dev/null
		caller read-until-eof print got
		ended 0
		pid=$(tr -d '\r' <got | sed -n 2p)
		pid=${pid%[0-9]}
		[ "$(tr -d '\r' <got | sed -n 3p)" = "$pid" ]
	}
	each unix
}

@test "a command that is not there: 10, before anybody is listened for" {
	run_bytes 10 wd serve-single --exec nosuchcommand unix:s
	err_is 'wdsock: --exec: nosuchcommand: cannot be run: there is none in PATH' \
		'wdsock: try: its path, such as ./nosuchcommand'
	[ ! -e s ]
	run_bytes 10 wd serve-single --exec ./nosuch unix:s
	err_has './nosuch: cannot be run: No such file or directory'
	: >plain
	run_bytes 10 wd serve-single --exec ./plain unix:s
	err_has 'try: chmod +x ./plain'
	run_bytes 10 wd serve-single --exec . unix:s
	PATH=$PWD:$PATH run_bytes 10 wd serve-single --exec plain unix:s
	err_has "chmod +x $PWD/plain"
	mkdir -p dir/plain2
	PATH=$PWD/dir:$PATH run_bytes 10 wd serve-single --exec plain2 unix:s
	[ ! -e s ]
}

@test "a file that the kernel does not run: 10 at the first client" {
	body() {
		printf 'echo hello\n' >script
		chmod +x script
		serve -k --exec ./script </dev/null
		caller expect-eof
		ended 10
		err_has 'cannot be started: Exec format error'
		err_has '#!/bin/sh'
		printf '#!/no/such/interpreter\n' >script
		here "$T"
		serve --exec ./script </dev/null
		caller expect-eof
		ended 10
		err_has 'the interpreter that its first line names'
	}
	each
}

@test "where processes run out, -k serves the next client that it can" {
	body() {
		[ "$(id -u)" = 0 ] || skip "only root becomes another user"
		chmod 777 . ..
		new_ready
		perl -e '
			my $uid = 20000 + $$ % 20000;
			use POSIX;
			# RLIMIT_NPROC is 6, prlimit64 is 302 on x86-64.
			exit(77) if (POSIX::uname())[4] ne "x86_64";
			my ($self, $nproc, $two) = (0, 6, pack("QQ", 1, 1));
			syscall(302, $self, $nproc, $two, 0);
			POSIX::setuid($uid);
			exec(@ARGV)' wdsock serve-single -k --deadline 20 \
			--ready-fd 7 --exec cat "unix:@wdsock-$$-$RANDOM" \
			</dev/null >out 2>err 7>"ready$READIES" 6>&- 8>&- 9>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		read_ready
		caller expect-eof
		caller expect-eof
		kill "$SERVER"
		ended 143
		[ "$(grep -c 'Resource temporarily unavailable' err)" = 2 ]
	}
	[ "$(uname -sm)" = "Linux x86_64" ] || skip "numbers of Linux on x86-64"
	[ "$(id -u)" = 0 ] || skip "only root becomes another user"
	perl -MPOSIX -e 'POSIX::setuid(20001); exec(@ARGV) or exit(1)' \
		"$W" --version >version 2>&1 ||
		skip "another user cannot run what was built here"
	each abstract
}

@test "words of --exec stand apart by blanks, quotes hold them together" {
	body() {
		cat >args.pl <<-'END'
			print "<$_>" for @ARGV; print "\n";
		END
		serve -m lines --exec \
			"  perl args.pl a  'b  c' \"d\\\"e\\\\f\\g\" \\  ''x \"\" \$HOME *|>z  " \
			</dev/null
		caller expect '<a><b  c><d"e\\f\\g>< ><x><><$HOME><*|>z>\n' \
			expect-eof
		ended 0
	}
	each unix
	run_bytes 2 wd serve-single --exec "cat 'x" unix:s
	err_has 'byte 4: expected a second quote'
	run_bytes 2 wd serve-single --exec 'cat \' unix:s
	err_has 'byte 4: expected a character behind the backslash'
	run_bytes 2 wd serve-single --exec '  ' unix:s
	err_has 'expected a command, saw nothing'
	run_bytes 2 wd serve-single --sh '' unix:s
}

@test "--sh is read by a shell" {
	body() {
		serve --sh 'printf "%s\n" "$((6 * 7))" | tr 2 3' </dev/null
		caller expect '2\r\n43' expect-eof
		ended 0
	}
	each
}

@test "what the input is otherwise is refused beside a handler" {
	for other in '--send x' --echo '--repeat 2' --stay --ask '--sh cat' \
		'--exec cat'; do
		# shellcheck disable=SC2086
		run_bytes 2 wd serve-single --exec cat $other unix:s
		err_has 'expected one'
	done
}

@test "our own stdin is not read, and nothing goes to our stdout" {
	body() {
		printf 'one\ntwo\n' >input
		exec 5<input
		serve --exec cat <&5
		caller send '1\r\na' expect '1\r\na' half-close expect-eof
		ended 0
		read -r first <&5
		exec 5<&-
		[ "$first" = one ]
		out_is ''
	}
	each
}

@test "any bytes pass through a handler with -0, and with raw" {
	body() {
		local mode

		head -c 3000000 /dev/urandom | tr -d '\0' >nonul
		head -c 3000000 /dev/urandom >any
		serve -0 --exec cat </dev/null
		wd connect --input whole --output raw "$A" <nonul >back
		ended 0
		cmp nonul back
		for mode in '-m raw' '-m raw --input raw --output raw'; do
			here "$T"
			# shellcheck disable=SC2086
			serve $mode --exec cat </dev/null
			wd connect -m raw "$A" <any >back
			ended 0
			cmp any back
		done
	}
	each
}

@test "--output is what it reads, --input what it writes" {
	body() {
		serve --output hex --input escaped --sh 'read -r x
			echo "$x\\x21"' </dev/null
		caller send '2\r\nab' expect '5\r\n6162!' half-close expect-eof
		ended 0
		here "$T"
		printf '%s\n' 'read -r open' 'read -r line' \
			'case $open$line in' \
			'*\"event\":\"open\"*\"text\":\"hi\"*)' \
			'printf "%s\n" "{\"text\":\"a\\nb\"}" ;; esac' >answer
		serve -j --exec 'sh answer' </dev/null
		caller send '2\r\nhi' expect '3\r\na\nb' half-close expect-eof
		ended 0
	}
	each
}

@test "--charset is the peer's: a handler reads and writes UTF-8" {
	body() {
		serve --charset CP1252 --sh 'while read -r x; do
			[ "$x" != é ] || echo ü€; done' </dev/null
		caller send '1\r\n\xe9' expect '2\r\n\xfc\x80' half-close \
			expect-eof
		ended 0
	}
	each tcp4
}

@test "output that cannot be a message: 8, and the handler is named" {
	body() {
		serve -j --sh 'echo "{"; exec cat' </dev/null
		caller expect-eof
		ended 8
		err_has "the handler's output: line 1"
	}
	each
}

@test "a client that breaks the rules: its status, and the handler ends" {
	body() {
		serve --grace 20s --sh 'cat >got; echo over >over' </dev/null
		caller send '1\r\na' send 'no length' expect-eof
		ended 8
		until_true [ -s over ]
		printf 'a\n' | cmp - got
	}
	each
}

@test "--count: behind the last one comes end of file, and it may answer" {
	body() {
		serve --count 2 --sh 'n=$(wc -l); echo "$n lines"' </dev/null
		caller send '1\r\na1\r\nb1\r\nc' expect '7\r\n2 lines' expect-eof
		ended 0
	}
	each
}

@test "--on-open is said before it" {
	body() {
		serve --on-open first --exec cat </dev/null
		caller expect '5\r\nfirst' send '1\r\na' expect '1\r\na' \
			half-close expect-eof
		ended 0
	}
	each
}

@test "connect has handlers, too" {
	body() {
		peer send '5\r\nhello' expect '10\r\nhellohello' half-close expect-eof
		run_bytes 0 wd connect --sh 'while read -r x; do echo "$x$x"
			done' "$A" </dev/null
		out_is ''
		peer_held
		[ "$T" != unix ] || rm sock
		peer expect-eof
		run_bytes 3 wd connect --sh 'exit 3' "$A" </dev/null
	}
	each
}

@test "40 MB go through a handler, both ways at once" {
	body() {
		serve -m raw --exec cat </dev/null
		caller both 40000000 half-close expect-eof
		ended 0
	}
	each
}

@test "a message that is cut takes nothing from those before it" {
	body() {
		serve --sh 'cat; echo bye; exit 4' </dev/null
		caller send '3\r\nabc5\r\nx' half-close \
			expect '3\r\nabc3\r\nbye' expect-eof
		ended 7
		err_has 'the stream ended inside a message'
	}
	each
}
