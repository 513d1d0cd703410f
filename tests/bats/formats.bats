# What people ask to see of a message: --format, JSON lines, --reply.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

# shows FORMAT WANT: what decode makes of three messages.
shows() {
	printf '5\r\nHello0\r\n4\r\n\xc3\xa9\xff\n' >frames
	run_bytes 0 wdsock decode --format "$1" frames
	err_is_empty
	out_is "$2"
}

@test "every directive of a format says what it is to say" {
	shows '%m|' 'Hello||\xc3\xa9\xff\n|'
	shows '%e\n' 'Hello\n\n\xc3\xa9\\xff\\n\n'
	shows '%x\n' '48656c6c6f\n\nc3a9ff0a\n'
	shows '%b\n' 'SGVsbG8=\n\nw6n/Cg==\n'
	shows '{%j}\n' '{"text":"Hello"}\n{"text":""}\n{"b64":"w6n/Cg=="}\n'
	shows '%l ' '5 0 4 '
	shows '%n ' '1 2 3 '
	shows '%d%c%p\n' 'in--\nin--\nin--\n'
	shows '%%' '%%%%%%'
	shows '%4n|%-4l|%03n\n' '   1|5   |001\n   2|0   |002\n   3|4   |003\n'
	shows '%-6m|%6m\n' 'Hello | Hello\n      |      \n\xc3\xa9\xff\n   |   \xc3\xa9\xff\n\n'
	shows '[%.2m]' '[He][][\xc3\xa9]'
	shows '\x41\0\\\t' 'A\000\\\tA\000\\\tA\000\\\t'
	shows '' ''
}

@test "the times of a format are those of the read" {
	before=$(date +%s)
	printf '1\r\na1\r\nb' | wdsock decode --format '%t %T %r %D\n' >out
	after=$(date +%s)
	[ "$(wc -l <out)" = 2 ]
	run grep -vE '^[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z [0-9]+\.[0-9]{6} [0-9]+\.[0-9]{6} [0-9]+\.[0-9]{6}$' out
	[ "$status" = 1 ]
	while read -r iso epoch _; do
		[ "${epoch%.*}" -ge "$before" ]
		[ "${epoch%.*}" -le "$after" ]
		[ "$(date -u -d "$iso" +%s)" = "${epoch%.*}" ]
		[ "${iso#*.}" = "${epoch#*.}Z" ]
	done <out
	tail -1 out | grep -q ' 0\.000000$'
}

@test "a directive that is none is refused at its place, with the nearest" {
	run_bytes 2 wdsock decode --format 'ab %N' </dev/null
	err_is "wdsock: --format 'ab %N': byte 3: expected a directive, saw \"%N\"" \
		'wdsock: try: %n; there are %m %e %x %b %j %l %n %c %p %d %t %T %r %D and %%'
	run_bytes 2 wdsock connect --format 'ab%' </dev/null
	err_has 'byte 3: expected a directive, saw the end'
	run_bytes 2 wdsock serve-single --reply '\q' </dev/null
	err_has 'byte 0: expected \n, \r, \t, \\, \0 or \xHH'
	run_bytes 2 wdsock decode --format '%9999m' </dev/null
	err_has 'byte 1: expected a number of at most 4096'
}

@test "--format wins over -0 and -j, and does not go with --output" {
	printf '1\r\na' >frames
	for options in -0 -j; do
		run_bytes 0 wdsock decode --format '%m;' $options frames
		out_is 'a;'
		run_bytes 0 wdsock decode $options --format '%m;' frames
		out_is 'a;'
	done
	run_bytes 2 wdsock decode --format %m --output hex frames
	err_has 'expected one of them, saw both'
	run_bytes 2 wdsock decode --format %m --explain frames
	run_bytes 0 wdsock decode --format x --format '%m%m' frames
	out_is aa
}

@test "a format of raw bytes is written for each read" {
	printf 'abc' | run_bytes 0 wdsock decode -m raw --format '[%m]'
	out_is '[abc]'
}

@test "with -m raw a format sees what each read brings, and bytes pass no longer" {
	body() {
		peer send 'abc' quiet 50 send 'de' close
		run_bytes 0 wd connect -m raw --format '[%m]' "$A" </dev/null
		out_is '[abc][de]'
		peer_held
	}
	# What stands between us and the peer of TLS reads as it likes.
	each tcp4 tcp6 unix abstract
}

@test "large messages stand in their place, also twice" {
	perl -e 'for my $n (16383, 16384, 16385, 300000, 0) {
		printf("%d\r\n%s", $n, "x" x $n) }' >frames
	perl -e 'for my $n (16383, 16384, 16385, 300000, 0) {
		printf("<%s|%s>\n", "x" x $n, "x" x $n) }' >want
	wdsock decode --format '<%m|%m>\n' frames | cmp - want
	wdsock decode --format '<%m>\n' frames | sed 's/.*/&/' |
		awk '{ print length }' | tr '\n' ' ' >out
	out_is '16385 16386 16387 300002 2 '
}

@test "a conversation's format has its channel, its peer and its number" {
	body() {
		peer send '1\r\na1\r\nb' close
		run_bytes 0 wd connect --format '%c %p %d %n %m\n' "$A" </dev/null
		out_is "c1 $A in 1 a\\nc1 $A in 2 b\\n"
		peer_held
	}
	each
}

@test "with -k each client is a channel, and counts from one" {
	body() {
		serve -k --format '%c %n %m\n' </dev/null
		caller send '1\r\na1\r\nb' half-close expect-eof
		caller send '1\r\nc' half-close expect-eof
		until_true grep -q c2 out
		kill "$SERVER"
		ended 143
		out_is 'c1 1 a\nc1 2 b\nc2 1 c\n'
	}
	each
}

@test "of datagrams %p is who has sent each of them" {
	body() {
		serve --count 2 --format '%p %m\n' </dev/null
		datagrams connect "$A" send a
		datagrams connect "$A" send b
		ended 0
		run grep -cxE '127\.0\.0\.1:[0-9]+ [ab]' out
		[ "$output" = 2 ]
		run grep -F "$A" out
		[ "$status" = 1 ]
		[ "$(cut -d ' ' -f 1 out | sort -u | wc -l)" = 2 ]
	}
	each udp4
}

@test "the seconds of a format run with the conversation" {
	body() {
		peer send '1\r\na' wait 150 send '1\r\nb' close
		run_bytes 0 wd connect --format '%r %D %m\n' "$A" </dev/null
		perl -lane 'BEGIN { @v = () } push @v, [@F];
			END { $a = $v[1][0] - $v[0][0];
				exit 1 if $v[1][0] < .14 or $v[1][0] > 20;
				exit 1 if abs($a - $v[1][1]) > 1e-9 }' out
		peer_held
	}
	each tcp4
}

@test "a slow reader of a format loses nothing" {
	body() {
		peer frames 20000 1000 close
		mkfifo slow
		perl -e 'open my $f, "<", "slow";
			while (sysread $f, $b, 4000) { print $b }' >got 8>&- &
		wd connect --format '%n:%x %b\n' "$A" </dev/null >slow
		wait $!
		perl -MMIME::Base64 -ne '
			($n, $x, $m) = /^(\d+):(\w+) (.*)$/ or exit 1;
			exit 1 if $n != $.;
			exit 1 if pack("H*", $x) ne decode_base64($m);
			END { exit 1 if $. != 20000 }' got
		peer_held
	}
	each unix
}

@test "--reply answers each message with what the format makes of it" {
	body() {
		serve --reply '%n:%m!'
		caller send '1\r\na' expect '4\r\n1:a!' send '0\r\n' \
			expect '3\r\n2:!' half-close expect-eof
		ended 0
		out_is ''
		err_is_empty
	}
	each
}

@test "--reply writes to stdout what --output, --format or -j asks for" {
	body() {
		serve --reply ok --format '%m;'
		caller send '1\r\na' expect '2\r\nok' half-close expect-eof
		ended 0
		out_is 'a;'
	}
	each
}

@test "--reply keeps the mode of what goes, and binary bytes" {
	body() {
		serve --mode-out 'end-tag=|' --reply '%m\0%x'
		caller send '2\r\na\xff' expect 'a\xff\x0061ff|' half-close \
			expect-eof
		ended 0
	}
	each
}

@test "--reply speaks UTF-8, and the charset of the peer to the peer" {
	body() {
		serve --charset CP1252 --reply 'é%m€'
		caller send '1\r\n\xe4' expect '3\r\n\xe9\xe4\x80' \
			half-close expect-eof
		ended 0
		serve --charset CP1252 --reply '%m→'
		caller send '1\r\na' try expect-eof
		ended 8
		err_has '--reply: '
	}
	each
}

@test "an empty reply is an empty message" {
	body() {
		serve --reply ''
		caller send '1\r\na1\r\nb' expect '0\r\n0\r\n' half-close expect-eof
		ended 0
	}
	each
}

@test "a reply that cannot be sent ends with 8 and says so" {
	body() {
		serve --mode-out 'end-tag=|' --reply '%m'
		caller send '3\r\na|b' try expect-eof
		ended 8
		err_has '--reply: message 1: byte 1: expected no end tag'
	}
	each
	body() {
		serve --max-message 10 --reply '%m%m'
		caller send '5\r\nHello' expect '10\r\nHelloHello' \
			send '6\r\nHello!' try expect-eof
		ended 8
		err_has '--reply: reply 2: expected at most 10 bytes, saw more'
		err_has 'a larger --max-message'
	}
	rm -rf tcp4 unix tcp6 abstract tls
	each
}

@test "--echo and --reply do not go together" {
	run_bytes 2 wdsock serve-single --echo --reply x unix:s </dev/null
	err_has 'expected one of them, saw both'
}

@test "20 MB of replies to a client that reads late are whole, in little memory" {
	body() {
		perl -e 'print "y" x 1000, "\n" for 1 .. 10000' >lines
		serve --reply '%m%m'
		wd connect "$A" <lines >got
		ended 0
		sed 's/.*/&&/' lines | cmp - got
	}
	each tcp4 unix
}

@test "a client that does not read holds up --reply, in little memory" {
	body() {
		serve --reply '%m%m%m' </dev/null
		caller_behind try frames 2000000 100 until measured
		until_true stuck
		[ "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' \
			"/proc/$SERVER/status")" -lt 40000 ]
		kill "$SERVER"
		ended 143
	}
	stuck() {
		kill -USR1 "$SERVER"
		grep -q 'the peer to read\|standard output' err
	}
	each tcp4 unix
}
