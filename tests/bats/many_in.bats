# What serve-multi is told on its stdin: to all, to some, and commands.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load many

# arrived N: so many are there; whatever the output is.
arrived() {
	until_true has_guests "$1"
}

# Those whom -v has named.
has_guests() {
	[ "$(grep -cE '\bc[0-9]+\b.*(open|connected)' err)" -ge "$1" ]
}

@test "a plain line goes to everybody" {
	body() {
		many -v
		for g in one two three; do guest "$g" expect '5\r\nnews!'; done
		arrived 3
		say 'news!'
		guests_held one two three
	}
	each
}

@test "everybody has it in the framing that is theirs" {
	body() {
		LISTEN=(127.0.0.1:0 'end-tag=CRLF@127.0.0.1:0' lines@unix:l)
		many -v
		A=${ADDRESSES[0]} guest one expect '2\r\nab'
		A=${ADDRESSES[1]} guest two expect 'ab\r\n'
		A=${ADDRESSES[2]} guest three expect 'ab\n'
		arrived 3
		say ab
		guests_held one two three
	}
	each tcp4
}

@test "a plain line with a tab is a message like any other" {
	body() {
		many -v
		guest one expect '4\r\nc2\tx'
		arrived 1
		say $'c2\tx'
		guests_held one
	}
	each tcp4 unix
}

@test "--addressed: to one, to some, to all, to all but one" {
	body() {
		many -v --addressed
		guest g1 expect '3\r\none' expect '4\r\nsome' expect '3\r\nall'
		arrived 1
		guest g2 expect '3\r\nall' expect '3\r\nbut'
		arrived 2
		guest g3 expect '4\r\nsome' expect '3\r\nall' expect '3\r\nbut'
		arrived 3
		say $'c1\tone' $'c1,c3\tsome' $'*\tall' $'-c1\tbut'
		guests_held g1 g2 g3
	}
	each
}

@test "--addressed: a line without a tab or for nobody is one line on stderr, and no news" {
	body() {
		many --addressed
		guest one send '1\r\na' expect '2\r\nok' quiet 100
		until_true [ -s out ]
		say 'no tab' $'c99\tnobody' $'x y\tno name' $'c1\tok'
		guests_held one
		for n in 1 2 3; do
			[ "$(grep -c "line $n\b" err)" = 1 ]
		done
		err_like c99
		! grep -q 'line 4' err
	}
	each
}

@test "--addressed: escapes are undone, and a bad one is refused" {
	body() {
		many --addressed
		guest one send '1\r\na' expect '5\r\na\nb\\c'
		until_true [ -s out ]
		say 'c1	bad \x' 'c1	a\nb\\c'
		guests_held one
		[ "$(grep -c 'line 1\b' err)" = 1 ]
	}
	each tcp4 unix
}

@test "JSON: to one, to some, to all, to all but one" {
	body() {
		many -j
		guest g1 expect '3\r\none' expect '4\r\nsome' expect '3\r\nall'
		opened 1
		guest g2 expect '3\r\nall' expect '3\r\nbut'
		opened 2
		guest g3 expect '4\r\nsome' expect '3\r\nall' expect '3\r\nbut'
		opened 3
		say '{"chan":"c1","text":"one"}' \
			'{"chan":["c1","c3"],"text":"some"}' \
			'{"chan":"*","b64":"YWxs"}' \
			'{"except":"c1","text":"but"}'
		guests_held g1 g2 g3
	}
	needs_json
	each
}

@test "JSON: an unknown channel is an error event with the number of its line" {
	body() {
		many -j
		guest one expect '2\r\nok' quiet 100
		opened 1
		say '{"chan":"c99","text":"x"}' '' junk '{"chan":7,"text":"x"}' \
			'{"chan":"c1","text":"ok"}'
		guests_held one
		for n in 1 3 4; do
			is_told '"event":"error".*"line":'"${n}[,}]" 1
		done
		! told '"line":[25][,}]'
		is_told '"error","line":1,"chan":"c99","error":' 1
	}
	needs_json
	each
}

@test "JSON: what one has been told before a close comes, and then the end" {
	body() {
		many -j
		guest one expect '1\r\na' expect '1\r\nb' expect-eof
		opened 1
		guest two expect '1\r\nc'
		opened 2
		say '{"chan":"c1","text":"a"}' '{"chan":"c1","text":"b"}' \
			'{"chan":"c1","close":true}' '{"text":"c"}' \
			'{"chan":"c1","text":"d"}'
		guests_held one two
		is_told '"event":"error","line":5,.*saw c1, which' 1
		is_told '"event":"close","chan":"c1".*"status":0' 1
	}
	needs_json
	each
}

@test "JSON: close now does not wait for one who does not read" {
	body() {
		many -j
		guest one until end
		opened 1
		# More than any socket takes.
		perl -e 'printf("{\"chan\":\"c1\",\"text\":\"%s\"}\n", "x" x 100000)
			for 1 .. 70' >&6
		say '{"chan":"c1","close":"now"}'
		is_told '"event":"close","chan":"c1"' 1
		touch end
	}
	needs_json
	each
}

@test "JSON: what is said behind close now is not for that channel" {
	body() {
		many -j
		guest one read-until-eof print got
		opened 1
		guest two expect '1\r\nb'
		opened 2
		# The lines before make it a turn in which all is written.
		say 1 2 3 4 5 6 7 8 '{"chan":"c1","text":"a"}' \
			'{"chan":"c1","close":"now"}' '{"text":"b"}' \
			'{"chan":"c1","text":"c"}'
		guests_held one two
		is_told '"event":"error","line":12,.*saw c1, which' 1
		! grep -q '[bc]' got
	}
	needs_json
	each
}

@test "JSON: a mode is that of the one channel, in its turn" {
	body() {
		many -j
		guest one expect '1\r\n1' expect '2\n' send 'x\n'
		opened 1
		guest two expect '1\r\n3' send '1\r\ny'
		opened 2
		say '{"chan":"c1","text":"1"}' '{"chan":"c1","mode":"lines"}' \
			'{"chan":"c1","text":"2"}' '{"chan":"c2","text":"3"}'
		guests_held one two
		is_told '"chan":"c1".*"text":"x"' 1
		is_told '"chan":"c2".*"text":"y"' 1
	}
	needs_json
	each
}

@test "JSON: list names every channel that is there, and none that has gone" {
	body() {
		many -j --linger 0
		caller send '1\r\na'
		is_told '"event":"close","chan":"c1"' 1
		guest two until end
		guest three until end
		opened 3
		say '{"list":true}' '{"chan":"c99","text":"behind it"}'
		is_told '"event":"error".*"line":2' 1
		grep -vE '"event":"(open|message|close|error)"' out >list
		grep -q '"c2"' list
		grep -q '"c3"' list
		! grep -q '"c1"' list
		touch end
	}
	needs_json
	each
}

@test "what one says is taken by another as it was written" {
	body() {
		many -j
		caller send '4\r\n\x00\xff\r\n'
		is_told '"event":"message"' 1
		grep '"event":"message"' out >said
		guest two expect '4\r\n\x00\xff\r\n'
		opened 2
		sed 's/"chan":"c1"/"chan":"c2"/' said >&6
		guests_held two
	}
	needs_json
	each
}

@test "a message that a framing cannot hold is refused for those who speak it alone" {
	body() {
		LISTEN=(lines@127.0.0.1:0 127.0.0.1:0)
		many -j
		A=${ADDRESSES[0]} guest one expect 'ok\n'
		opened 1
		A=${ADDRESSES[1]} guest two expect '3\r\na\nb' expect '2\r\nok'
		opened 2
		say '{"text":"a\nb"}' '{"text":"ok"}'
		guests_held one two
		is_told '"event":"error","line":1,"mode":"lines",.*end tag' 1
	}
	needs_json
	each tcp4
}

@test "the end of stdin is no end of any client" {
	body() {
		many -j
		guest one send '1\r\na' until end send '1\r\nb'
		is_told '"text":"a"' 1
		exec 6>&-
		touch end
		is_told '"text":"b"' 1
		caller send '1\r\nc'
		is_told '"text":"c"' 1
		kill -0 "$SERVER"
	}
	each
}

@test "one who closes a half is still spoken to" {
	body() {
		many -j
		guest one send '1\r\na' half-close until end expect '1\r\nb'
		is_told '"text":"a"' 1
		say '{"chan":"c1","text":"b"}'
		touch end
		guests_held one
	}
	needs_json
	each
}

@test "a client that leaves during the news costs the others nothing" {
	body() {
		many -j
		guest stays read-until 'news 2000' expect-eof
		opened 1
		for i in {1..10}; do guest "g$i" read 5000 reset; done
		opened 11
		seq -f '{"text":"news %g"}' 2000 >&6
		say '{"chan":"c1","close":true}'
		guests_held stays
		is_told '"event":"close"' 11
	}
	needs_json
	each tcp4 tcp6
}

@test "a line that is too long is refused alone, and nothing of it is kept" {
	body() {
		many -v --max-message 1k
		guest one expect '1\r\na' expect '1\r\nb' expect '1\r\nc'
		arrived 1
		say a
		perl -e 'print "x" x 20_000_000' >&6
		say ''
		say b "$(printf '%02000d' 0)" c
		guests_held one
		[ "$(grep -c 'expected at most 1024 bytes, saw more' err)" = 2 ]
		err_like '^wdsock: stdin: line 2: expected at most'
		err_like '^wdsock: stdin: line 4: expected at most'
		[ "$(memory VmHWM)" -lt 16384 ]
		stopped
	}
	each tcp4 unix
}

@test "--addressed, JSON and --each: so is one of theirs" {
	body() {
		perl -e 'print "c1\t", "x" x 100_000, "\nc1\tok\n"' >long
		many --addressed --max-message 1k
		guest one send '1\r\na' expect '2\r\nok'
		until_true [ -s out ]
		cat long >&6
		guests_held one
		err_like '^wdsock: stdin: line 1: expected at most'
		stopped
		many -v --max-message 1k --each "sh -c 'read -r x; exec cat long'"
		guest two send '1\r\na' expect '2\r\nok'
		guests_held two
		err_like 'line 1: expected at most'
		many -j --max-message 1k
		guest three expect '2\r\nok'
		opened 1
		perl -e 'printf("{\"text\":\"%s\"}\n", "x" x 100_000)' >&6
		say '{"text":"ok"}'
		guests_held three
		is_told '"event":"error","line":1,"error":"stdin: line 1: exp' 1
		stopped
	}
	needs_json
	each tcp4 unix
}
