# serve-single: one client at a time, and how it says that it is ready.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

@test "it serves one client, both ways, and ends with it" {
	body() {
		serve --send hello </dev/null
		caller expect '5\r\nhello' send '3\r\nabc'
		ended 0
		out_is 'abc\n'
		err_is_empty
	}
	each
}

@test "port 0 is announced in one line, numeric, before the first accept" {
	body() {
		serve </dev/null
		case $T in
		tcp4) [[ $A =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]] ;;
		tcp6) [[ $A =~ ^\[::1\]:[1-9][0-9]*$ ]] ;;
		tls) [[ $A =~ ^tls:127\.0\.0\.1:[1-9][0-9]*$ ]] ;;
		*) [ "$A" = "$HERE" ] ;;
		esac
		caller
		ended 0
	}
	each
}

@test "a bare port serves IPv4 and IPv6 with one socket, v4 named as v4" {
	body() {
		HERE=0
		serve -v -k </dev/null
		[[ $A =~ ^\[::\]:[1-9][0-9]*$ ]]
		port=${A##*:}
		A=127.0.0.1:$port
		caller send '1\r\na'
		until_true grep -q 127.0.0.1 err
		! grep -q ffff err
		A="[::1]:$port"
		caller send '1\r\nb'
		until_true grep -qx b out
	}
	have_ipv6 || skip "no IPv6 loopback"
	each tcp4
}

@test "-4 alone listens on IPv4 alone" {
	body() {
		HERE=0
		serve -4 </dev/null
		[[ $A =~ ^0\.0\.0\.0:[1-9][0-9]*$ ]]
		A=127.0.0.1:${A##*:}
		caller
		ended 0
	}
	each tcp4
}

@test "-v says where it listens, and who comes and goes" {
	body() {
		serve -v </dev/null
		err_has "listening on $A"
		caller send '1\r\na'
		ended 0
		err_has open
		tail -1 err | grep -q 'in 1 messages'
	}
	each
}

@test "who may not come in is turned away, until the rules say otherwise" {
	body() {
		printf '127.0.0.0/8\n' >rules
		serve -v --deny @rules --deny-with no </dev/null
		caller expect '2\r\nno' expect-eof
		until_true grep -q 'its address is in --deny' err
		: >rules
		kill -HUP "$SERVER"
		until_true admitted
		ended 0
	}
	# It may be read a moment later.
	admitted() {
		caller try send '1\r\na' half-close try expect-eof
		grep -q '^a$' out
	}
	each tcp4
}

@test "-k serves the next client when one has gone" {
	body() {
		local i

		serve -k </dev/null
		for i in 1 2 3; do
			caller send "1\\r\\n$i"
		done
		until_true grep -qx 3 out
		kill "$SERVER"
		ended 143
		out_is '1\n2\n3\n'
	}
	each
}

@test "-k goes on behind a client that breaks the rules" {
	body() {
		serve -k </dev/null
		caller send 'no header'
		caller send '5\r\nab'
		caller send '1\r\na' half-close expect-eof
		until_true grep -qx a out
		kill "$SERVER"
		ended 143
		err_has 'expected a decimal length'
	}
	each
}

@test "a second client waits in the backlog while one is served" {
	body() {
		serve -k </dev/null
		caller_behind send '1\r\na' until second-is-there
		until_true [ -s out ]
		caller send '1\r\nb' touch second-is-there
		until_true grep -qx b out
		out_is 'a\nb\n'
		peer_held
	}
	each
}

@test "--refuse-others closes who comes while one is served" {
	body() {
		serve --refuse-others </dev/null
		caller_behind send '1\r\na' until refused send '1\r\nc'
		until_true [ -s out ]
		caller try expect-eof
		: >refused
		ended 0
		out_is 'a\nc\n'
	}
	each
}

@test "300 short connections leave no descriptor" {
	body() {
		local i

		serve -k </dev/null
		caller send '1\r\na' half-close expect-eof
		before=$(count_fds)
		perl -e '
			for (1 .. 300) {
				system(@ARGV) == 0 or exit(1);
			}' wdsock connect --send x --count 0 "$A" </dev/null
		caller send '1\r\nz' half-close expect-eof
		[ "$(count_fds)" = "$before" ]
		[ "$(grep -cx x out)" = 300 ]
	}
	count_fds() {
		local all=("/proc/$SERVER/fd/"*)
		echo "${#all[@]}"
	}
	each tcp4 unix
}

@test "--accept-timeout gives up with 5" {
	body() {
		run_bytes 5 wd serve-single --accept-timeout 200ms "$HERE" </dev/null
		err_has --accept-timeout
	}
	each
}

@test "--echo sends back what comes, and prints nothing" {
	body() {
		serve --echo </dev/null
		caller send '3\r\nabc0\r\n' expect '3\r\nabc0\r\n' half-close \
			expect-eof
		ended 0
		out_is ''
		here "$T"
		serve --echo --output lines </dev/null
		caller send '3\r\nabc' expect '3\r\nabc' half-close expect-eof
		ended 0
		out_is 'abc\n'
	}
	each
}

@test "an address that is in use: status 11, with what to do" {
	body() {
		serve </dev/null
		run_bytes 11 wd serve-single "$A" </dev/null
		err_like 'in use|listens'
		caller
		ended 0
	}
	each
}

@test "the port is free at once behind a connection" {
	body() {
		serve </dev/null
		caller send '1\r\na' expect-eof &
		until_true [ -s out ]
		kill "$SERVER"
		ended 143
		HERE=$A
		serve </dev/null
		caller
		ended 0
	}
	each tcp4 tcp6
}

@test "inetd: fd:0 is the connection" {
	body() {
		HERE=127.0.0.1:0
		cat >inetd.pl <<-'END'
			use Socket qw(:all);
			socket(my $l, AF_INET, SOCK_STREAM, 0);
			bind($l, pack_sockaddr_in(0, INADDR_LOOPBACK));
			listen($l, 5);
			my ($port) = unpack_sockaddr_in(getsockname($l));
			open(my $f, '>', 'port'); print $f "$port\n"; close($f);
			accept(my $c, $l);
			open(STDIN, '<&', $c);
			open(STDOUT, '>&', $c) if $ARGV[0] eq 'both';
			shift(@ARGV) if $ARGV[0] eq 'both';
			close($c);
			exec(@ARGV);
		END
		perl inetd.pl both "$W" serve-single --send hi fd:0 2>err &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true [ -s port ]
		A=127.0.0.1:$(cat port)
		# What comes is not written back to it.
		caller expect '2\r\nhi' send '3\r\nabc' half-close expect-eof
		ended 0
		rm port
		perl inetd.pl both "$W" serve-single --echo fd:0 2>err &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true [ -s port ]
		A=127.0.0.1:$(cat port)
		caller send '3\r\nabc' expect '3\r\nabc' half-close expect-eof
		ended 0
	}
	each tcp4
}

@test "systemd: LISTEN_FDS passes the listening socket, sd_notify is told" {
	body() {
		cat >manager.pl <<-'END'
			use Socket qw(:all);
			socket(my $n, AF_UNIX, SOCK_DGRAM, 0);
			bind($n, pack_sockaddr_un('notify'));
			socket(my $l, AF_INET, SOCK_STREAM, 0);
			bind($l, pack_sockaddr_in(0, INADDR_LOOPBACK));
			listen($l, 5);
			my ($port) = unpack_sockaddr_in(getsockname($l));
			my $pid = fork();
			if ($pid == 0) {
				use POSIX;
				POSIX::dup2(fileno($l), 3);
				$ENV{LISTEN_FDS} = 1;
				$ENV{LISTEN_PID} = $$;
				$ENV{NOTIFY_SOCKET} = "$ENV{PWD}/notify";
				$^F = 10;
				exec(@ARGV);
			}
			alarm(20);
			recv($n, my $told, 100, 0);
			print STDERR "told $told\n";
			open(my $f, '>', 'port'); print $f "$port\n"; close($f);
			waitpid($pid, 0);
			exit($? >> 8);
		END
		perl manager.pl "$W" serve-single --deadline 20 </dev/null \
			>out 2>err &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true [ -s port ]
		A=127.0.0.1:$(cat port)
		caller send '3\r\nabc'
		ended 0
		out_is 'abc\n'
		err_has 'told READY=1'
	}
	each tcp4
}

@test "a client that says nothing holds up nothing but itself" {
	body() {
		serve --idle 300ms </dev/null
		caller expect-eof &
		ended 5
		err_has --idle
	}
	each
}

@test "the reply of a handler behind a pipe comes after the half-close" {
	body() {
		idle
		serve <idle
		caller_behind send '1\r\nq' half-close expect '1\r\nr' expect-eof
		until_true [ -s out ]
		echo r >&6
		exec 6>&-
		ended 0
		peer_held
	}
	each
}

@test "SIGUSR1 says that it waits for a client, and where" {
	body() {
		serve </dev/null
		kill -USR1 "$SERVER"
		until_true grep -q "waiting for a client on" err
		caller
		ended 0
	}
	each
}

@test "wdsock speaks with wdsock, in each mode" {
	body() {
		local mode

		for mode in windev end-tag lines netstring u16be u32le \
			fixed-header=8 raw windev,count=chars; do
			here "$T"
			printf 'one\ntwo\n' >there
			printf 'eins\nzwei\n' >back
			serve -m "$mode" <back
			wd connect -m "$mode" "$A" <there >client.out
			ended 0
			cmp there out
			cmp back client.out
		done
	}
	each
}

@test "a client of a Unix socket that has no name is called by ours" {
	body() {
		serve -v </dev/null
		caller send '1\r\na'
		ended 0
		! grep -q 'unix:: ' err
		grep -q "$HERE.*open" err
	}
	each unix abstract
}

@test "the flags of an inherited connection are as before" {
	body() {
		HERE=127.0.0.1:0
		cat >inetd.pl <<-'END'
			use Fcntl;
			use Socket qw(:all);
			socket(my $l, AF_INET, SOCK_STREAM, 0);
			bind($l, pack_sockaddr_in(0, INADDR_LOOPBACK));
			listen($l, 5);
			my ($port) = unpack_sockaddr_in(getsockname($l));
			open(my $f, '>', 'port'); print $f "$port\n"; close($f);
			accept(my $c, $l);
			open(STDIN, '<&', $c);
			open(STDOUT, '>&', $c);
			my $before = fcntl($c, F_GETFL, 0);
			my $status = system(@ARGV);
			exit($status != 0 || fcntl($c, F_GETFL, 0) != $before);
		END
		perl inetd.pl "$W" serve-single --deadline 20 --echo fd:0 2>err &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		until_true [ -s port ]
		A=127.0.0.1:$(cat port)
		caller send '3\r\nabc' expect '3\r\nabc' half-close
		ended 0
	}
	each tcp4
}
