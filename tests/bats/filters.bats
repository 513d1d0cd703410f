# encode and decode as people use them: pipes, files, formats, descriptors.

load helper

@test "encode makes a frame of each line" {
	printf 'Hello World\nab\n' >in
	run_bytes 0 wdsock encode <in
	out_is '11\r\nHello World2\r\nab'
	err_is_empty
}

@test "decode makes a line of each frame" {
	printf '11\r\nHello World2\r\nab' >in
	run_bytes 0 wdsock decode <in
	out_is 'Hello World\nab\n'
	err_is_empty
}

@test "an empty line is an empty message" {
	printf 'a\n\nb\n' >in
	run_bytes 0 wdsock encode <in
	out_is '1\r\na0\r\n1\r\nb'
}

@test "an empty message is delivered and is not the end" {
	printf '0\r\n1\r\nx0\r\n' >in
	run_bytes 0 wdsock decode <in
	out_is '\nx\n\n'
}

@test "a last line without a newline is sent" {
	printf 'a\nlast' >in
	run_bytes 0 wdsock encode <in
	out_is '1\r\na4\r\nlast'
}

@test "an empty input sends nothing and ends" {
	for mode in windev end-tag lines netstring raw until-close u8; do
		run_bytes 0 wdsock encode -m "$mode" </dev/null
		out_is ''
		run_bytes 0 wdsock decode -m "$mode" </dev/null
		out_is ''
	done
}

@test "CR is data, unless --crlf says otherwise" {
	printf 'a\r\nb\r\r\nc\n' >in
	run_bytes 0 wdsock encode <in
	out_is '2\r\na\r3\r\nb\r\r1\r\nc'
	run_bytes 0 wdsock encode --crlf <in
	out_is '1\r\na2\r\nb\r1\r\nc'
}

@test "NUL in the input is kept" {
	printf 'a\0b\n' >in
	run_bytes 0 wdsock encode <in
	out_is '3\r\na\0b'
}

@test "-0 separates by NUL on both sides and leaves newlines alone" {
	printf 'a\nb\0c\0' >in
	run_bytes 0 wdsock encode -0 <in
	out_is '3\r\na\nb1\r\nc'
	mv out frames
	run_bytes 0 wdsock decode -0 <frames
	out_is 'a\nb\0c\0'
}

@test "the whole input is one message, of 0 bytes and of 100 MB" {
	run_bytes 0 wdsock encode --input whole </dev/null
	out_is '0\r\n'
	head -c 100000000 /dev/zero >in
	wdsock encode --input whole --max-message 200M <in |
		wdsock decode --max-message 200M --output raw | cmp - in
}

@test "files are one message each with --input whole" {
	printf 'one\n' >a
	printf 'two' >b
	: >c
	run_bytes 0 wdsock encode --input whole a b c
	out_is '4\r\none\n3\r\ntwo0\r\n'
}

@test "the end of a file ends its last line, and - is stdin" {
	printf 'a' >a
	printf 'b\n' >b
	run_bytes 0 wdsock encode a - b <<<x
	out_is '1\r\na1\r\nx1\r\nb'
}

@test "a missing file is status 10, and what stood before it was sent" {
	printf 'a\n' >a
	run_bytes 10 wdsock encode a missing a
	out_is '1\r\na'
	err_is 'wdsock: missing: No such file or directory'
}

@test "decode takes each file as a stream of its own" {
	printf '3\r\nabc' >a
	printf '2\r\nab1' >b
	run_bytes 7 wdsock decode a b
	out_is 'abc\nab\n'
	err_has 'b: byte 6: the stream ended inside a header'
}

@test "--send gives the messages as words and reads nothing else" {
	echo no >in
	run_bytes 0 wdsock encode --send one --send='' --send 'three words' <in
	out_is '3\r\none0\r\n11\r\nthree words'
}

@test "escapes in the input stand for bytes" {
	printf '%s\n' 'a\x00\r\n\t\\b' >in
	run_bytes 0 wdsock encode --input escaped -m raw <in
	out_is 'a\0\r\n\t\\b'
}

@test "hexadecimal digits stand for bytes, with blanks between pairs" {
	printf '00 ff\n410a\n\n' >in
	run_bytes 0 wdsock encode --input hex <in
	out_is '2\r\n\0\3772\r\nA\n0\r\n'
}

@test "what decode writes as escaped, hex, json or null, encode reads back" {
	head -c 20000 /dev/urandom | wdsock encode -m windev --input raw >frames
	printf '0\r\n3\r\na\nb' >>frames
	for format in escaped hex json null; do
		[ "$format" != null ] || printf '0\r\n3\r\na\nb' >frames
		wdsock decode --output "$format" frames |
			wdsock encode --input "$format" | cmp - frames
	done
}

@test "JSON lines carry text as text and other bytes as base64" {
	printf '3\r\nh\303\2512\r\n\377\0004\r\n"\\\n\t' >in
	run_bytes 0 wdsock decode -j <in
	printf '%s\n' \
		'{"event":"message","dir":"in","n":1,"text":"hé"}' \
		'{"event":"message","dir":"in","n":2,"b64":"/wA="}' \
		'{"event":"message","dir":"in","n":3,"text":"\"\\\n\t"}' >want
	diff want out
}

@test "JSON input ignores what is no message to be sent" {
	printf '%s\n' '{"event":"open","chan":"c1"}' \
		'{"event":"message","dir":"out","text":"mine"}' '' \
		'{"chan":"c1","close":true}' '{"chan":"c1","mode":"raw"}' \
		'{"text":"yes","unknown":{"a":[1]}}' \
		'{"b64":"/wA=","chan":"*"}' >in
	run_bytes 0 wdsock encode -j <in
	out_is '3\r\nyes2\r\n\377\0'
	err_is_empty
}

@test "an explicit --input or --output wins wherever it stands" {
	echo abc >in
	run_bytes 0 wdsock encode --input lines -j <in
	out_is '3\r\nabc'
	run_bytes 0 wdsock encode -j --input lines <in
	out_is '3\r\nabc'
	mv out frames
	run_bytes 0 wdsock decode --output hex -0 <frames
	out_is '616263\n'
}

@test "--output none checks a stream without a word" {
	printf '3\r\nabc' >in
	run_bytes 0 wdsock decode --output none <in
	out_is ''
	printf '3\r\nab' >in
	run_bytes 7 wdsock decode --output none <in
	out_is ''
}

@test "a bridge leads from one framing to another" {
	printf 'one<EOF>two<EOF>' | wdsock decode -m end-tag -0 |
		wdsock encode -0 -m u16le >out
	out_is '\3\0one\3\0two'
}

@test "raw passes bytes unchanged both ways" {
	head -c 300000 /dev/urandom >in
	wdsock encode -m raw <in | cmp - in
	wdsock decode -m raw <in | cmp - in
}

@test "auto finds the mode out" {
	printf '5\r\nHello3\r\nyou' | wdsock decode -m auto >out
	out_is 'Hello\nyou\n'
	printf 'Hello<EOF>you<EOF>' | wdsock decode -m auto >out
	out_is 'Hello\nyou\n'
	printf '5:Hello,3:you,' | wdsock decode -m AUTO >out
	out_is 'Hello\nyou\n'
}

@test "auto that is unsure offers two modes and ends with 8" {
	printf '5\r\nHello\r\n' >in
	run_bytes 8 wdsock decode -m auto <in
	out_is ''
	err_has 'try: -m end-tag=CRLF'
	err_has ', or -m windev'
	printf 'hello' >in
	run_bytes 8 wdsock decode -m auto <in
	err_has 'stdin: byte 0: expected bytes that tell their mode'
}

@test "a message of exactly the maximum passes, one more byte does not" {
	head -c 1000 /dev/zero | tr '\0' x >in
	run_bytes 0 wdsock encode --max-message 1000 <in
	mv out frames
	run_bytes 0 wdsock decode --max-message 1000 <frames
	run_bytes 8 wdsock decode --max-message 999 <frames
	out_is ''
	run_bytes 8 wdsock encode --max-message 999 <in
	out_is ''
}

@test "a line of 1 MB and more is one message" {
	head -c 5000000 /dev/zero | tr '\0' y >in
	wdsock encode <in | wdsock decode --output raw | cmp - in
}

@test "what is complete is written before the next read" {
	mkfifo to from
	wdsock decode <to >from &
	pid=$!
	exec 8>to 9<from
	printf '2\r\nab1' >&8
	read -r -t 10 line <&9
	[ "$line" = ab ]
	printf '\r\nc' >&8
	read -r -t 10 line <&9
	[ "$line" = c ]
	exec 8>&- 9<&-
	wait "$pid"
}

@test "a closed stdin says nothing" {
	run_bytes 0 wdsock encode <&-
	out_is ''
	run_bytes 0 wdsock decode <&-
	out_is ''
}

@test "a closed stdout is status 10 at the first message, not before" {
	wdsock encode </dev/null >&-
	status=0
	echo a | wdsock encode 2>err >&- || status=$?
	[ "$status" = 10 ]
	err_is 'wdsock: stdout: Bad file descriptor'
}

@test "a file never takes the place of a closed descriptor" {
	printf '3\r\nabc' >in
	status=0
	wdsock decode in <&- 2>err >&- || status=$?
	[ "$status" = 10 ]
	printf '3\r\nabc' | cmp - in
}

@test "all three descriptors closed: a status and no harm" {
	printf '3\r\nabc' >in
	status=0
	wdsock decode in <&- >&- 2>&- || status=$?
	[ "$status" = 10 ]
}

@test "a full disk is status 10 and a message" {
	[ -w /dev/full ] || skip "no /dev/full"
	status=0
	echo a | wdsock encode 2>err >/dev/full || status=$?
	[ "$status" = 10 ]
	err_is 'wdsock: stdout: No space left on device'
}

@test "a reader that leaves ends us quietly by SIGPIPE" {
	set +o pipefail
	run bash -c 'yes | wdsock encode 2>err | head -c 10; echo " ${PIPESTATUS[1]}"'
	[ "${lines[-1]##* }" = 141 ]
	err_is_empty
}

@test "SIGPIPE ends us also where it was ignored" {
	run perl -e '$SIG{PIPE} = "IGNORE"; pipe(R, W); close R;
		open STDOUT, ">&", \*W; exec "wdsock", "encode", "--send", "x"'
	[ "$status" = 141 ]
	[ -z "$output" ]
}

@test "a non-blocking stdin whose data is late is waited for" {
	mkfifo to
	perl -MFcntl -e 'open F, "+<", "to"; fcntl(F, F_SETFL, O_RDWR|O_NONBLOCK);
		$k = fork; if (!$k) { open STDIN, "<&", \*F; open STDOUT, ">", "got";
			exec "wdsock", "decode", "--output", "lines", "-" }
		sysopen(G, "to", O_WRONLY); syswrite G, "2\r\nab";
		for (1 .. 200) {
			last if -s "got" || waitpid($k, 1) > 0;
			select undef, undef, undef, 0.05
		}
		kill 15, $k; wait'
	[ "$(cat got)" = ab ]
}

@test "the flags of the descriptors are as they were" {
	perl -MFcntl -e 'pipe(R, W); fcntl(W, F_SETFL, O_NONBLOCK);
		$before = fcntl(W, F_GETFL, 0); open STDOUT, ">&", \*W;
		system("wdsock", "encode", "--send", "x");
		exit(fcntl(W, F_GETFL, 0) == $before ? 0 : 1)'
}

@test "the links run their command" {
	ln -s "$W" wdsock-encode
	ln -s "$W" wdsock-decode
	echo hi | ./wdsock-encode | ./wdsock-decode >out
	out_is 'hi\n'
}

@test "on a terminal, what could drive it is escaped; in a pipe bytes are bytes" {
	command -v script >/dev/null || skip "no script(1)"
	printf '10\r\n\033]52;\302\205\342\200\256' >in
	script -qec "wdsock decode in" /dev/null </dev/null >out
	out_is '\\x1b]52;\\xc2\\x85\\xe2\\x80\\xae\r\n'
	run_bytes 0 wdsock decode in
	out_is '\033]52;\302\205\342\200\256\n'
}
