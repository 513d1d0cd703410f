# serve-multi and descriptors 0, 1 and 2 that are closed, full, or that nobody
# reads.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031,SC2034
load many

@test "stdout=/dev/full: status 10 and a message" {
	body() {
		BY='>/dev/full'
		many
		caller send '1\r\na' try read-until-eof
		ended 10
		err_has 'stdout: No space left on device'
	}
	each
}

@test "stdout closed: clients are served, and status 10 at the first message" {
	body() {
		BY='>&-'
		many -v --linger 0
		caller
		until_true err_like 'c1 .*closed'
		caller send '1\r\na' try read-until-eof
		ended 10
		err_like '^wdsock: stdout: '
	}
	each
}

@test "stdout closed: a role that prints nothing does not mind" {
	body() {
		BY='>&-'
		many --echo
		caller send '1\r\na' expect '1\r\na' send '1\r\nb' expect '1\r\nb'
		stopped
		err_is_empty
	}
	each
}

@test "whoever reads stdout goes away: it dies by SIGPIPE, quietly" {
	body() {
		mkfifo pipe
		BY='>pipe'
		# The pipe opens when both are there.
		head -n 1 pipe >one &
		reader=$!
		many
		guest stays until end
		caller send '1\r\na'
		wait "$reader"
		caller send '1\r\nb' try read-until-eof
		ended 141
		grep -qx 'c[12]	a' one
		err_is_empty
	}
	each
}

@test "stdin closed or /dev/null says nothing and ends nothing" {
	body() {
		for BY in '<&-' '</dev/null'; do
			many -j
			caller quiet 50 send '1\r\na' half-close expect-eof
			is_told '"event":"close","chan":"c1".*"status":0' 1
			guest stays send '1\r\nb' until end
			is_told '"text":"b"' 1
			kill -0 "$SERVER"
			stopped
		done
	}
	each
}

@test "stderr closed: no harm" {
	body() {
		BY='2>&-'
		many -v --echo
		caller send 'garbage' try read-until-eof
		caller send '1\r\na' expect '1\r\na'
		stopped
	}
	each tcp4 unix
}

@test "what 0, 1 and 2 are is as it was" {
	body() {
		many --echo
		caller send '1\r\na' expect '1\r\na'
		flags >before
		stopped
		flags >after
		diff before after
	}
	# Of the pipe and of the files that the server shares with us.
	flags() {
		perl -MFcntl -e 'open(my $f, "<&=6"); print fcntl($f, F_GETFL, 0)'
	}
	each tcp4
}

@test "a hundred senders and a stdout that stalls: little memory, nothing lost or torn" {
	body() {
		local n=100 messages=400

		mkfifo pipe
		exec 5<>pipe
		BY='>pipe 5>&-'
		many --recv-buffer 16k
		perl "$SRC/tests/bats/senders.pl" --life life --n "$n" --size 1000 \
			--messages "$messages" --stalled stalled "$A" \
			2>senders.err 5>&- 6>&- 8>&- &
		senders=$!
		PIDS="$PIDS $senders"
		until_true [ -e stalled ]
		# 40 MB are on the way.
		memory_is_below 24576
		head -n $((n * messages)) <&5 >all
		touch end
		wait "$senders" || cat senders.err
		memory_is_below 24576
		perl -ne '/^(c\d+)\t(\d+) (\d+) (x*)$/ or die("torn: $_");
			length($_) == length($1) + 1 + 1000 + 1 or die("cut: $_");
			($who{$1} //= $2) == $2 or die("forged: $_");
			$3 == $n{$1}++ or die("order: $_");
			END { exit(keys(%who) == 100 ? 0 : 1) }' all
	}
	memory_is_below() {
		[ "$(memory VmHWM)" -lt "$1" ] && return
		echo "VmHWM is $(memory VmHWM) KB, expected below $1 KB"
		return 1
	}
	each tcp4 unix
}

@test "a stdout that stalls for longer than --idle makes nobody silent" {
	body() {
		mkfifo pipe
		exec 5<>pipe
		BY='>pipe 5>&-'
		many --idle 300ms --header-timeout 300ms --linger 0 \
			--recv-buffer 16k
		guest one frames 3000 1000 half-close expect-eof
		guest two frames 3000 1000 half-close expect-eof
		until_true output_waits
		read -r -t 1 -u 8 _ || true
		head -n 6000 <&5 >all
		guests_held one two
		[ "$(cut -f 1 all | sort | uniq -c | tr -d ' \n')" = 3000c13000c2 ]
		err_is_empty
		stopped
	}
	output_waits() {
		[ "$(perl -e 'open(my $f, "<&=5"); my $n = pack("i", 0);
			ioctl($f, 0x541b, $n); print(unpack("i", $n))')" -ge 60000 ]
	}
	each tcp4 unix
}

@test "a stdout that stalls does not hold up the signals" {
	body() {
		mkfifo pipe
		exec 5<>pipe
		BY='>pipe 5>&-'
		many --grace 200ms
		guest one frames 1000 1000 until end
		until_true output_waits
		kill -USR1 "$SERVER"
		until_true err_like '1 channels? now'
		stopped
		touch end
	}
	# The pipe is full: what is in it does not become more.
	output_waits() {
		[ "$(unread)" -ge 60000 ]
	}
	unread() {
		perl -e 'open(my $f, "<&=5"); my $n = pack("i", 0);
			ioctl($f, 0x541b, $n); print(unpack("i", $n))'
	}
	each tcp4 unix
}
