# JSON lines: what a program is told, and what it may ask for.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

# The times out of a file, and the addresses, which are another each time.
timeless() {
	sed -E 's/,"t":"[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z"//;
		s/"peer":"[^"]*"/"peer":"P"/;
		s/,"tls":\{[^}]*\}//;
		s/ (127\.0\.0\.1|\[::1\]|unix:)[^ ]*: / P: /' "${1:-out}"
}

# told LINE...: all that stdout says, but for times and addresses.
told() {
	printf '%s\n' "$@" >want
	timeless out | diff want -
}

@test "connect is told of the opening, each message, and the close" {
	body() {
		peer send '5\r\nHello2\r\na\xff' expect '2\r\nhi' close
		echo '{"text":"hi"}' >in
		run_bytes 0 wd connect -j "$A" <in
		told '{"event":"open","chan":"c1","peer":"P"}' \
			'{"event":"message","chan":"c1","dir":"in","n":1,"text":"Hello"}' \
			'{"event":"message","chan":"c1","dir":"in","n":2,"b64":"Yf8="}' \
			'{"event":"close","chan":"c1","why":"closed by the peer","status":0,"messages_in":2,"bytes_in":13,"messages_out":1,"bytes_out":5}'
		[ "$(grep -c '"t":"' out)" = 4 ]
		grep -qF '"peer":"'"$A"'"' out
		err_is_empty
		peer_held
	}
	each
}

@test "with -k each client has a channel of its own, and counts from one" {
	body() {
		serve -k -j </dev/null
		caller send '1\r\na' half-close expect-eof
		caller send '1\r\nb' half-close expect-eof
		until_true grep -q '"close","chan":"c2"' out
		kill "$SERVER"
		ended 143
		told '{"event":"open","chan":"c1","peer":"P"}' \
			'{"event":"message","chan":"c1","dir":"in","n":1,"text":"a"}' \
			'{"event":"close","chan":"c1","why":"closed by the peer","status":0,"messages_in":1,"bytes_in":4,"messages_out":0,"bytes_out":0}' \
			'{"event":"open","chan":"c2","peer":"P"}' \
			'{"event":"message","chan":"c2","dir":"in","n":1,"text":"b"}' \
			'{"event":"close","chan":"c2","why":"closed by the peer","status":0,"messages_in":1,"bytes_in":4,"messages_out":0,"bytes_out":0}'
	}
	each
}

@test "--retry has another channel for each connection" {
	body() {
		peer send '1\r\na' reset accept send '1\r\nb' close
		run_bytes 0 wd connect --retry 1 --retry-max 10ms -j "$A" \
			</dev/null
		timeless | grep -o '"event":"[a-z]*","chan":"c[12]"' >events
		printf '"event":"%s","chan":"%s"\n' open c1 message c1 close c1 \
			open c2 message c2 close c2 | diff - events
		peer_held
	}
	each tcp4
}

@test "the close says how it went wrong, and the status" {
	body() {
		peer send '3\r\nabc5\r\nHe' close
		run_bytes 7 wd connect -j "$A" </dev/null
		tail -1 out | grep -qF '"why":"truncated","status":7,"error":"c1 '
		tail -1 out | grep -qF 'expected 5 bytes, saw 2'
		err_has 'expected 5 bytes, saw 2'
		peer_held
	}
	each
	body() {
		peer until over
		run_bytes 5 wd connect -j --idle 100ms "$A" </dev/null
		tail -1 out | grep -qF '"why":"timeout","status":5,"error":'
		run_bytes 5 wd connect -j --deadline 100ms "$A" </dev/null
		tail -1 out | grep -qF '"status":5,"error":"timeout: --deadline'
		: >over
		peer_held
	}
	rm -rf tcp4 tcp6 unix abstract tls
	each unix
}

@test "a signal has its close, too" {
	body() {
		serve -j </dev/null
		caller_behind send '1\r\na' until over
		until_true grep -q message out
		kill "$SERVER"
		ended 143
		: >over
		tail -1 out | grep -qF '"why":"ended by us: signal 15","status":143'
	}
	each
}

@test "a role is told of nothing unless -j asks for it" {
	body() {
		serve --echo
		caller send '1\r\na' expect '1\r\na' half-close expect-eof
		ended 0
		out_is ''
		serve --echo -j
		caller send '1\r\na' expect '1\r\na' half-close expect-eof
		ended 0
		timeless | grep -o '"event":"[a-z]*"' | tr '\n' ' ' >events
		grep -qx '"event":"open" "event":"message" "event":"close" ' events
	}
	each
}

@test "other forms of output have no events" {
	body() {
		peer send '1\r\na' close
		run_bytes 0 wd connect -j --output lines "$A" </dev/null
		out_is 'a\n'
		peer_held
	}
	each unix
}

@test "a line for the channel that is there, for all, or for none is sent" {
	body() {
		printf '%s\n' '{"chan":"c1","text":"a"}' '{"chan":"*","text":"b"}' \
			'{"text":"c"}' '{"event":"message","dir":"in","text":"d"}' >in
		serve -j <in
		caller expect '1\r\na1\r\nb1\r\nc1\r\nd' expect-eof
		ended 0
		err_is_empty
	}
	each
}

@test "a line for another channel is refused with its number, and not sent" {
	body() {
		printf '%s\n' '{"chan":"c2","text":"a"}' '' '{"chan":"x","text":"b"}' \
			'{"chan":"c1","text":"c"}' '{"chan":"c2","close":true}' \
			'{"text":"d"}' >in
		serve -j <in
		caller expect '1\r\nc1\r\nd' expect-eof
		ended 0
		timeless | sed -n 's/,"hint".*//p' >errors
		printf '{"event":"error","chan":"c1","line":%s\n' \
			'1,"error":"stdin: line 1: expected the channel c1, saw c2"' \
			'3,"error":"stdin: line 3: expected the channel c1, saw none of that name"' \
			'5,"error":"stdin: line 5: expected the channel c1, saw c2"' |
			diff - errors
	}
	each
}

@test "what is for a client that has gone is not sent to the next one" {
	body() {
		idle
		serve -k -j --linger 50ms <idle
		caller_behind send '1\r\na' expect '1\r\nA' touch answered close
		until_true grep -q '"text":"a"' out
		printf '%s\n' '{"chan":"c1","text":"A"}' >&6
		until_true [ -e answered ]
		until_true grep -q '"close","chan":"c1"' out
		printf '%s\n' '{"chan":"c1","text":"secret"}' \
			'{"chan":"c2","text":"B"}' >&6
		caller expect '1\r\nB' close
		until_true grep -q '"close","chan":"c2"' out
		timeless | grep -qF '{"event":"error","chan":"c2","line":2,"error":"stdin: line 2: expected the channel c2, saw c1"'
		kill "$SERVER"
		ended 143
	}
	each
}

@test "close ends the conversation when all before it is sent" {
	body() {
		idle
		serve -k -j <idle
		printf '%s\n' '{"text":"a"}' '{"chan":"c1","close":true}' \
			'{"text":"b"}' '{"close":true}' >&6
		caller expect '1\r\na' expect-eof
		caller expect '1\r\nb' expect-eof
		until_true grep -q '"close","chan":"c2","why":"closed by us","status":0' out
		kill "$SERVER"
		ended 143
		err_is_empty
	}
	each
}

@test "a close behind 10 MB loses none of it, though the client speaks as well" {
	body() {
		idle
		perl -e 'print "{\"text\":\"", "x" x 1000, "\"}\n" for 1 .. 10000;
			print "{\"close\":true}\n"' >in
		serve -j <in
		caller_behind send '1\r\na1\r\nb' count
		ended 0
		peer_held
		[ "$(cat peer.out)" = 10060000 ]
	}
	each tcp4 unix
}

@test "a line may be a message and a close behind it" {
	body() {
		idle
		serve -k -j <idle
		printf '%s\n' '{"chan":"c1","text":"a","close":true}' \
			'{"chan":["c1","c2"],"text":"b","close":true}' >&6
		caller expect '1\r\na' expect-eof
		caller expect '1\r\nb' expect-eof
		until_true grep -q '"close","chan":"c2","why":"closed by us","status":0' out
		kill "$SERVER"
		ended 143
		err_is_empty
	}
	each
}

@test "what is for many channels is refused by a server of one, with its line" {
	body() {
		printf '%s\n' '{"list":true}' '{"text":"a"}' \
			'{"chan":"c1","close":"now"}' \
			'{"except":"c1","text":"b"}' '{"except":"c2","text":"c"}' >in
		serve -j <in
		caller expect '1\r\na1\r\nc' half-close expect-eof
		ended 8
		timeless | sed -n 's/,"hint".*//p' >errors
		printf '{"event":"error","chan":"c1","line":%s\n' \
			'1,"error":"stdin: line 1: expected \"close\":true or \"mode\", saw what is for many channels"' \
			'3,"error":"stdin: line 3: expected \"close\":true or \"mode\", saw what is for many channels"' \
			'4,"error":"stdin: line 4: expected the channel c1, saw others"' |
			diff - errors
	}
	each
}

@test "connect closes at a line, too, and ignores chan" {
	body() {
		idle
		peer expect '1\r\na' try read-until-eof
		printf '%s\n' '{"chan":"c9","text":"a"}' '{"close":true}' >&6
		run_bytes 0 wd connect -j "$A" <idle
		tail -1 out | grep -qF '"why":"closed by us","status":0'
		peer_held
	}
	each
}

@test "a mode holds from its line on, in both directions" {
	body() {
		idle
		serve -j <idle
		caller_behind send '1\r\na' expect '1\r\nA' send '2\r\nbb' \
			expect 'B|' send 'cc|dd|' expect '1:D,' send '2:ee,' \
			half-close expect-eof
		until_true grep -q '"text":"a"' out
		printf '%s\n' '{"text":"A"}' >&6
		until_true grep -q '"text":"bb"' out
		printf '%s\n' '{"chan":"c1","mode":"end-tag=|"}' '{"text":"B"}' >&6
		until_true grep -q '"text":"dd"' out
		printf '%s\n' '{"mode":"netstring"}' '{"text":"D"}' >&6
		until_true grep -q '"text":"ee"' out
		exec 6>&-
		ended 0
		peer_held
		timeless | sed -n 's/.*"text":"\(.*\)"}/\1/p' | tr '\n' ' ' >texts
		grep -qx 'a bb cc dd ee ' texts
	}
	each
}

@test "what had come before a mode is taken for it" {
	body() {
		idle
		serve -j -m lines <idle
		caller_behind send 'one\n3:two,' until go half-close expect-eof
		until_true grep -q '"text":"one"' out
		printf '%s\n' '{"mode":"netstring"}' >&6
		until_true grep -q '"text":"two"' out
		: >go
		kill "$SERVER"
		ended 143
	}
	each
}

@test "raw bytes that pass unseen are seen where a line may ask for a mode" {
	body() {
		idle
		peer send 'abc' expect '1\r\nx' send '2\r\nde' close
		behind connect -m raw --input json "$A" <idle
		until_true grep -q abc out
		printf '%s\n' '{"mode":"windev"}' '{"text":"x"}' >&6
		ended 6
		out_is abcde
		peer_held
	}
	each
}

@test "--dump follows a change of the mode, each direction at its place" {
	body() {
		idle
		peer expect '1\r\na' send '2\r\nbc' expect 'd|' send 'e|' close
		behind connect --dump -j "$A" <idle
		printf '%s\n' '{"text":"a"}' >&6
		until_true grep -q '"bc"' out
		printf '%s\n' '{"mode":"end-tag=|"}' '{"text":"d"}' >&6
		ended 6
		grep '^[<>] message' err >messages
		grep -q '^> message 1 at 0: header 3 bytes' messages
		grep -q '^< message 1 at 0: header 3 bytes' messages
		grep -q '^> message 2 at 4: payload 1 byte, trailer 1 byte' \
			messages
		grep -q '^< message 2 at 5: payload 1 byte, trailer 1 byte' \
			messages
		peer_held
	}
	each unix
}

@test "datagrams know no other mode" {
	body() {
		serve -j --linger 100ms <<<'{"mode":"lines"}'
		until_true grep -qF 'stdin: line 1: \"mode\": expected none' out
		kill "$SERVER"
		ended 143
	}
	each udp4
}

@test "the next client speaks the mode of the command line again" {
	body() {
		idle
		serve -k -j <idle
		printf '%s\n' '{"mode":"lines"}' '{"text":"a"}' '{"close":true}' >&6
		caller expect 'a\n' expect-eof
		printf '%s\n' '{"text":"b"}' '{"close":true}' >&6
		caller expect '1\r\nb' expect-eof
		kill "$SERVER"
		ended 143
	}
	each
}

@test "serve-single answers a line that is none, goes on, and ends with 8" {
	body() {
		printf '%s\n' '{"text":"a"}' junk '{"text":"b"}' \
			'{"mode":"nothing"}' '{"text":"c"}' >in
		serve -j <in
		caller expect '1\r\na1\r\nb1\r\nc' half-close expect-eof
		ended 8
		timeless | grep -qF '{"event":"error","chan":"c1","line":2,"error":"stdin: line 2: expected a JSON object, saw \"junk\"'
		timeless | grep -qF '{"event":"error","chan":"c1","line":4,"error":"stdin: line 4: \"mode\": expected a mode, saw \"nothing\""'
		timeless | tail -1 | grep -qF '"why":"closed by the peer","status":8,"error":"c1 P: 2 lines of standard input could not be sent"'
		err_like '^wdsock: c1 .*: 2 lines of standard input could not be sent$'
	}
	each
}

@test "a message that its mode cannot carry is answered with its line" {
	body() {
		printf '%s\n' '' '{"text":"a|b"}' '{"text":"c"}' >in
		serve -j -m 'end-tag=|' <in
		caller expect 'c|' half-close expect-eof
		ended 8
		timeless | grep -qF '{"event":"error","chan":"c1","line":2,"error":"message 1: byte 1: expected no end tag'
	}
	each
}

@test "a message that the charset has not is answered with its line" {
	body() {
		printf '%s\n' '{"text":"\u00e9"}' '' '{"text":"a\u4e00"}' \
			'{"text":"b"}' '{"text":"\u4e00"}' '{"close":false}' \
			'{"text":"c"}' '{"mode":"end-tag=\u00e9"}' '{"text":"d"}' >in
		serve -j --charset CP1252 <in
		caller expect '1\r\n\xe91\r\nb1\r\ncd\xe9' half-close expect-eof
		ended 8
		grep -o '"line":[0-9]*,"error":"stdin: message' out >errors
		printf '"line":%d,"error":"stdin: message\n' 3 5 | diff - errors
		err_like ': 2 lines of standard input could not be sent$'
	}
	each
}

@test "without JSON on stdout a refused line is told on stderr" {
	body() {
		printf '%s\n' junk '{"text":"a"}' >in
		serve --input json <in
		caller expect '1\r\na' send '1\r\nb' half-close expect-eof
		ended 8
		out_is 'b\n'
		err_has 'wdsock: stdin: line 1: expected a JSON object, saw "junk"'
		err_has '1 line of standard input could not be sent'
	}
	each
}

@test "connect ends with 8 at a line that is none, and tells which" {
	body() {
		peer expect '1\r\na' try read-until-eof
		printf '%s\n' '{"text":"a"}' '{"text":7}' '{"text":"b"}' >in
		run_bytes 8 wd connect -j "$A" <in
		timeless | grep -qF '{"event":"error","chan":"c1","line":2,"error":"stdin: line 2: \"text\" is not a string"'
		tail -1 out | grep -qF '"status":8,"error":'
		err_has 'stdin: line 2: "text" is not a string'
		peer_held
	}
	each
}

@test "a message that cannot be sent does not stand in the way of the next client" {
	body() {
		idle
		serve -k -m 'end-tag=|' <idle
		printf 'a|b\nc\n' >&6
		caller try read-until-eof
		caller expect 'c|' close
		kill "$SERVER"
		ended 143
		err_has 'expected no end tag'
	}
	each
}

# 10,000 messages of any bytes, as frames.
make_frames() {
	perl -e 'srand 1; for (1 .. 10000) {
		my $m = join "", map { chr int rand(rand() < .5 ? 256 : 128) }
			1 .. rand 60;
		print length($m), "\r\n", $m }' >frames
}

@test "JSON out is JSON in: 10,000 messages of any bytes, through the filters" {
	make_frames
	wdsock decode -j frames >lines
	[ "$(wc -l <lines)" = 10000 ]
	wdsock encode -j lines | cmp - frames
	wdsock decode --format '{%j}\n' frames | wdsock encode -j | cmp - frames
}

@test "JSON out is JSON in: 10,000 messages of any bytes, both ways of a talk" {
	body() {
		make_frames
		wdsock decode -j frames >lines
		serve -j <lines
		wd connect -j "$A" <lines >back
		ended 0
		wdsock encode -j out | cmp - frames
		wdsock encode -j back | cmp - frames
		[ "$(grep -c '"dir":"in"' out)" = 10000 ]
	}
	each
}

@test "a slow reader of events gets each of them, in order" {
	body() {
		perl -e 'print "junk\n" for 1 .. 20000' >in
		mkfifo slow
		perl -e 'open my $f, "<", "slow";
			while (sysread $f, $b, 3000) { print $b }' >got 8>&- &
		READER=$!
		new_ready
		wdsock serve-single -j --deadline 40 --ready-fd 7 "$HERE" <in \
			>slow 2>err 7>"ready$READIES" 6>&- 8>&- 9>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		read_ready
		caller half-close expect-eof
		ended 8
		wait "$READER"
		sed -n 's/.*"event":"error".*"line":\([0-9]*\),.*/\1/p' got >numbers
		seq 20000 | cmp - numbers
		head -1 got | grep -q '"event":"open"'
		tail -1 got | grep -q '"event":"close"'
	}
	each unix
}

@test "a peer's name cannot break a line" {
	printf -v name 'unix:a"\\\nb\xff'
	wdsock serve-single -j --ready-fd 3 --accept-timeout 20 "$name" \
		</dev/null 3>ready >out 2>err &
	until [ -s ready ]; do read -r -t 0.02 <>/dev/zero || :; done
	wdsock connect --send x "$name" >/dev/null
	wait $!
	[ "$(wc -l <out)" = 3 ]
	perl -MJSON::PP -ne 'decode_json($_)' out
	head -1 out | grep -qF '"peer":"unix:a\"\\\\nb\\xff"'
}
