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

@test "a missing file and a directory are reported, the others done: status 10" {
	printf 'a\n' >a
	mkdir d
	run_bytes 10 wdsock encode a missing d a
	out_is '1\r\na1\r\na'
	err_is 'wdsock: missing: No such file or directory' \
		'wdsock: d: Is a directory'
	printf '1\r\na' >a
	run_bytes 10 wdsock decode missing a d a
	out_is 'a\na\n'
	err_is 'wdsock: missing: No such file or directory' \
		'wdsock: d: Is a directory'
	run_bytes 10 wdsock encode missing
	out_is ''
}

@test "decode takes each file as a stream of its own, and goes on behind a bad one" {
	printf '3\r\nabc' >a
	printf '2\r\nab1' >b
	printf 'x' >c
	run_bytes 7 wdsock decode a b a
	out_is 'abc\nab\nabc\n'
	[ "$(wc -l <err)" = 1 ]
	err_has 'wdsock: b: byte 6: the stream ended inside a header, behind "1"'
	run_bytes 8 wdsock decode c b a
	out_is 'ab\nabc\n'
	run_bytes 8 wdsock decode b c a
	run_bytes 10 wdsock decode missing c b a
	out_is 'ab\nabc\n'
}

@test "encode goes on behind an input that cannot be one" {
	printf '41\n4\n42\n' >a
	printf '43\n' >b
	run_bytes 8 wdsock encode --input hex a b
	out_is '1\r\nA1\r\nC'
	err_has 'a: line 2: byte 0: expected pairs'
}

@test "a message that cannot be sent is named by its input and its number there" {
	printf 'a\nb\n' >a
	printf 'c\n<EOF>\nd\n' >b
	run_bytes 8 wdsock encode -m end-tag a b a
	out_is 'a<EOF>b<EOF>c<EOF>a<EOF>b<EOF>'
	err_has 'wdsock: b: message 2: byte 0: expected no end tag'
	run_bytes 8 wdsock encode -m end-tag <b
	err_has 'wdsock: stdin: message 2: '
	run_bytes 8 wdsock encode -m end-tag --send x --send '<EOF>'
	err_has 'wdsock: --send: message 2: '
}

@test "a stdout that fails ends the run at once, whatever else is wrong" {
	[ -w /dev/full ] || skip "no /dev/full"
	printf 'good\n<EOF>\n' >a
	status=0
	wdsock encode -m end-tag a missing a 2>err >/dev/full || status=$?
	[ "$status" = 10 ]
	err_is 'wdsock: stdout: No space left on device'
	set +o pipefail
	run bash -c 'trap "" PIPE; exec 3> >(:); wait $!
		exec wdsock encode -m end-tag a >&3'
	[ "$status" = 141 ]
	[ -z "$output" ]
}

@test "an error shows its reason behind a name of any length" {
	name=$(printf 'directory/%.0s' {1..200})file
	run_bytes 10 wdsock decode "$name"
	grep -q '^wdsock: directory/.*\.\.\..*y/file: ' err
	grep -q ': No such file or directory$' err
	[ "$(wc -c <err)" -lt 1000 ]
}

@test "what a name holds drives no terminal and begins no line in an error" {
	name=$(printf 'a\nwdsock: b\033[31m\302\233\342\200\256\377 \\ \303\251')
	for c in decode encode; do
		run_bytes 10 wdsock "$c" "$name"
		err_is 'wdsock: a\nwdsock: b\x1b[31m\xc2\x9b\xe2\x80\xae\xff \ é: No such file or directory'
	done
	for words in "decode --$name" "decode --max-message=$name" "$name" \
		"decode -m$name" "help $name"; do
		IFS=' ' read -rd '' first rest <<<"$words" || :
		rest=${rest%$'\n'}
		run_bytes 2 wdsock "$first" ${rest:+"$rest"}
		[ "$(grep -c '^wdsock: ' err)" = "$(wc -l <err)" ]
		[ "$(wc -l <err)" -le 2 ]
		[ -z "$(LC_ALL=C tr -d '\n\040-\176\303\251' <err)" ]
	done
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
	needs_json
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
	needs_json
	printf '%s\n' '{"event":"open","chan":"c1"}' '{"event":5,"text":"x"}' \
		'{"event":"message","dir":"out","text":"mine"}' '' \
		'{"chan":"c1","close":true}' '{"chan":"c1","mode":"raw"}' \
		'{"text":"yes","unknown":{"a":[1]}}' \
		'{"b64":"/wA=","chan":"*"}' >in
	run_bytes 0 wdsock encode -j <in
	out_is '3\r\nyes2\r\n\377\0'
	err_is_empty
}

@test "a JSON line that has an error is told from one that is no object" {
	needs_json
	printf '%s\n' '{"text":"x","n":99999999999999999999999}' >in
	run_bytes 0 wdsock encode -j <in
	out_is '1\r\nx'
	for line in '{"text":"x","n":1e999}' '{"text":"\ud800"}' \
		'{"text":"a","text":"b"}' '{"text":"a"'; do
		printf '%s\n' "$line" >in
		run_bytes 8 wdsock encode -j <in
		err_has 'stdin: line 1: expected valid JSON, saw "{'
	done
}

@test "a JSON line of very many values is refused before it takes memory" {
	needs_json
	perl -e 'print "[", "[]," x 10_000_000, "[]]\n"' >in
	limit='ulimit -v 200000'
	bash -c "$limit && exec wdsock --version" || limit=:
	run_bytes 8 bash -c "$limit && exec wdsock encode -j" <in
	err_has 'stdin: line 1: expected at most 65536 values in an object, saw more'
}

@test "an explicit --input or --output wins wherever it stands" {
	needs_json
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
	err_has 'it is not clear what the peer speaks; try: -m end-tag=CRLF'
	err_has ', or -m windev, whose lengths would be 2 bytes too small'
	printf 'hello' >in
	run_bytes 8 wdsock decode -m auto <in
	err_has 'stdin: byte 0: expected bytes that tell their mode'
	printf '\357\273\277Hello\nWorld\n' >in
	run_bytes 8 wdsock decode -m auto <in
	err_has 'stdin: byte 0: expected no byte order mark before the first message'
}

@test "auto knows a message that is over the usual limit" {
	head -c 17000000 /dev/zero | tr '\0' a >text
	for mode in windev netstring fixed-header u32be u32le; do
		wdsock encode --input whole --max-message 20M -m "$mode" \
			<text >in
		wdsock decode -m auto --max-message 20M --output raw <in |
			cmp - text
		run_bytes 8 wdsock decode -m auto <in
		out_is ''
		err_has 'try: a larger --max-message'
	done
}

# frames MODE STREAM LINE...: that is what --explain says of it, with | for a
# tab, however many reads bring it.
frames() {
	local mode=$1 stream=$2
	shift 2
	# shellcheck disable=SC2059
	printf "$stream" >stream
	printf '%s\n' "$@" >lines
	run_bytes 0 wdsock decode -m "$mode" --explain stream
	tr '\t' '|' <out | diff lines -
	perl -e '$| = 1; while (read STDIN, $c, 1) { print $c }' <stream |
		wdsock decode -m "$mode" --explain | tr '\t' '|' | diff lines -
}

@test "--explain shows each frame: number, offset, header, length, payload" {
	frames windev '11\r\nHello World0\r\n003\r\na\t\377' \
		'1|offset 0|header "11\r\n"|11 bytes|"Hello World"' \
		'2|offset 15|header "0\r\n"|0 bytes|""' \
		'3|offset 18|header "003\r\n"|3 bytes|"a\t\xff"'
	err_is_empty
}

@test "--explain counts what stands behind a payload, in every mode that has it" {
	frames windev,tail=NUL '3\r\nab\0001\r\n\0002\r\nc\0' \
		'1|offset 0|header "3\r\n"|2 bytes|"ab"' \
		'2|offset 6|header "1\r\n"|0 bytes|""' \
		'3|offset 10|header "2\r\n"|1 byte|"c"'
	frames windev,count=chars '2\r\n\303\251\303\2511\r\na' \
		'1|offset 0|header "2\r\n"|4 bytes|"éé"' \
		'2|offset 7|header "1\r\n"|1 byte|"a"'
	frames windev,count=utf16 '1\r\na\0000\r\n1\r\nb\0' \
		'1|offset 0|header "1\r\n"|2 bytes|"a\x00"' \
		'2|offset 5|header "0\r\n"|0 bytes|""' \
		'3|offset 8|header "1\r\n"|2 bytes|"b\x00"'
	frames netstring '5:Hello,0:,1:x,' \
		'1|offset 0|header "5:"|5 bytes|"Hello"' \
		'2|offset 8|header "0:"|0 bytes|""' \
		'3|offset 11|header "1:"|1 byte|"x"'
	frames end-tag 'ab<EOF><EOF>c<EOF>' \
		'1|offset 0|header ""|2 bytes|"ab"' \
		'2|offset 7|header ""|0 bytes|""' \
		'3|offset 12|header ""|1 byte|"c"'
	frames lines 'a\n\nbc' \
		'1|offset 0|header ""|1 byte|"a"' \
		'2|offset 2|header ""|0 bytes|""' \
		'3|offset 3|header ""|2 bytes|"bc"'
	frames u16le '\3\0abc\0\0\1\0d' \
		'1|offset 0|header "\x03\x00"|3 bytes|"abc"' \
		'2|offset 5|header "\x00\x00"|0 bytes|""' \
		'3|offset 7|header "\x01\x00"|1 byte|"d"'
	frames fixed-header=4 '   3abc0000 1  d' \
		'1|offset 0|header "   3"|3 bytes|"abc"' \
		'2|offset 7|header "0000"|0 bytes|""' \
		'3|offset 11|header " 1  "|1 byte|"d"'
	frames until-close 'all of it' \
		'1|offset 0|header ""|9 bytes|"all of it"'
	printf 'ab<EOF>' >stream
	run_bytes 0 wdsock decode -m end-tag-buffer --explain stream
	out_is '1\toffset 0\theader ""\t2 bytes\t"ab"\n'
	run_bytes 0 wdsock decode -m raw --explain stream
	out_is '1\toffset 0\theader ""\t7 bytes\t"ab<EOF>"\n'
	printf '5:Hello,0:,1:x,' >stream
	run_bytes 0 wdsock decode -m auto --explain stream
	grep -qF $'3\toffset 11\theader "1:"\t1 byte\t"x"' out
}

@test "--explain has the right offsets over many frames and large ones" {
	perl -e 'for $i (1 .. 5000) { $n = $i % 50 ? $i % 300 : 20000;
		printf "%d\r\n%s", $n, "x" x $n }' >stream
	wdsock decode --explain stream >out
	perl -ne '($n, $at, $head, $len, $text) =
			/^(\d+)\toffset (\d+)\theader "(\d+)\\r\\n"\t(\d+) bytes?\t"(x*)"$/
			or die "line $.: $_";
		die "number $n" if $n != $.;
		die "$n: offset $at, not $want" if $at != $want + 0;
		die "$n: length" if $len != $head || length $text != $len;
		$want += length($head) + 2 + $len;
		END { die "only $." if $. != 5000 }' out
}

@test "--explain shows what is good before an error, and each file by itself" {
	printf '2\r\nab5\r\nabc' >a
	printf '1\r\nx' >b
	run_bytes 7 wdsock decode --explain a b
	out_is '1\toffset 0\theader "2\\r\\n"\t2 bytes\t"ab"\n1\toffset 0\theader "1\\r\\n"\t1 byte\t"x"\n'
	err_has 'a: byte 11: the stream ended inside a message'
}

@test "--explain goes with no other form of output" {
	for o in -j -0 --output=hex; do
		run_bytes 2 wdsock decode --explain "$o" </dev/null
		err_has '--explain: expected no other form of output'
	done
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
	ln -s "$W" x-wdsock-encode
	printf hi | ./x-wdsock-encode >out
	out_is '2\r\nhi'
}

@test "--version and --help stand alone, also behind a link" {
	ln -s "$W" wdsock-encode
	wdsock --version >version
	for program in ./wdsock-encode "wdsock decode"; do
		# shellcheck disable=SC2086
		run_bytes 0 $program --version
		cmp out version
		# shellcheck disable=SC2086
		run_bytes 2 $program --version extra
	done
	for o in --version --help -h; do
		run_bytes 2 wdsock "$o" extra
		out_is ''
		err_is "wdsock: $o: expected nothing behind it, saw 'extra'" \
			"wdsock: try: wdsock $o"
	done
}

@test "what is begun is completed by the hint, and nothing far is near" {
	run_bytes 2 wdsock decode --out hex
	err_has 'try: --output'
	run_bytes 2 wdsock "$(printf 'e%.0s' {1..100})"
	err_has 'try: wdsock help'
}

@test "a descriptor that cannot be held is told" {
	run_bytes 0 wdsock --version
	! grep -qa __asan_init "$W" || skip "a sanitizer needs descriptors itself"
	run timeout 10 bash -c 'exec <&- >&-; ulimit -n 1 && exec wdsock --version'
	[ "$status" = 10 ] || skip "the loader itself needs a descriptor"
	[[ $output = "wdsock: expected stdin, stdout and stderr, saw one closed:"* ]]
}

@test "on a terminal, what could drive it is escaped; in a pipe bytes are bytes" {
	command -v script >/dev/null || skip "no script(1)"
	printf '10\r\n\033]52;\302\205\342\200\256' >in
	script -qec "wdsock decode in" /dev/null </dev/null >out
	out_is '\\x1b]52;\\xc2\\x85\\xe2\\x80\\xae\r\n'
	script -qec "wdsock decode --output raw in" /dev/null </dev/null >out
	out_is '\\x1b]52;\\xc2\\x85\\xe2\\x80\\xae'
	script -qec "wdsock decode -0 in" /dev/null </dev/null >out
	out_is '\\x1b]52;\\xc2\\x85\\xe2\\x80\\xae\\x00\r\n'
	script -qec "wdsock decode -j in" /dev/null </dev/null >out
	grep -qF '"text":"\u001b]52;\u0085\u202e"}' out
	run_bytes 0 wdsock decode in
	out_is '\033]52;\302\205\342\200\256\n'
	run_bytes 0 wdsock decode -j in
	grep -qF $'\302\205\342\200\256' out
}
