# What is said when something is wrong, and with which status.

load helper

# says STATUS WHAT HINT COMMAND...: exactly these two lines on stderr.
says() {
	local status=$1 what=$2 hint=$3
	shift 3
	run_bytes "$status" "$@" <in
	if [ -n "$hint" ]; then
		err_is "wdsock: $what" "wdsock: $hint"
	else
		err_is "wdsock: $what"
	fi
}

@test "the wrong mode is named with the option that helps: an end tag" {
	printf 'Hello world<EOF>' >in
	says 8 'stdin: byte 0: expected a decimal length, saw "Hello world<EOF>" (16 bytes)' \
		"the peer seems to speak end-tag; try: -m 'end-tag=<EOF>'   (SocketChangeModeTransmission(..., SocketMarqueurFin))" \
		wdsock decode
}

@test "the vendor's samples are named: one or two bytes too many" {
	printf '11\r\nHelloWorld' >in
	says 7 'stdin: byte 14: the stream ended inside a message: expected 11 bytes, saw 10: "11\r\nHelloWorld"' \
		'the peer seems to announce 1 byte too many; try: have it send the length of what it sends' \
		wdsock decode
	printf '11\r\nHelloWord' >in
	run_bytes 7 wdsock decode <in
	err_has 'announce 2 bytes too many'
	printf '11\r\nHelloWorld11\r\nHelloWorld11\r\nHelloWorld' >in
	run_bytes 8 wdsock decode <in
	err_has 'announce 1 byte too many'
}

@test "other protocols are named" {
	printf '\026\003\001\002\000\001\000\001\374\003\003' >in
	run_bytes 8 wdsock decode <in
	err_has 'this is a TLS handshake'
	printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >in
	run_bytes 8 wdsock decode <in
	err_has 'this is HTTP'
	printf 'SSH-2.0-OpenSSH_9.2\r\n' >in
	run_bytes 8 wdsock decode <in
	err_has 'this is an SSH server'
	printf '5\0\r\0\n\0H\0e\0l\0l\0o\0' >in
	run_bytes 8 wdsock decode <in
	err_has 'the length is written in UTF-16LE'
	printf '\357\273\2775\r\nHello' >in
	run_bytes 8 wdsock decode <in
	err_has 'a UTF-8 byte order mark stands before what seems to be windev'
}

@test "a header that is none is shown with its place" {
	for sample in '+5' '-1' ' 5' '0x5' '5 ' '\r\n'; do
		printf '1\r\na'"$sample"'\r\nxxxxx' >in
		run_bytes 8 wdsock decode <in
		out_is 'a\n'
		err_has 'stdin: byte '
		err_has ', saw "'
	done
	printf '5\nHello' >in
	run_bytes 8 wdsock decode <in
	err_has 'stdin: byte 1: expected a digit, or CR LF behind the length, saw "\nHello" (6 bytes)'
}

@test "a header that is nearly windev's is told from lines" {
	for sample in '+5' '-1' ' 5' '0x5' '5 ' 000000000000000000005; do
		printf '%s\r\nhello' "$sample" >in
		run_bytes 8 wdsock decode <in
		err_has 'the peer seems to speak windev with a header that is not a plain decimal length; try: have it send digits alone'
		run_bytes 8 wdsock decode -m auto <in
		out_is ''
	done
}

@test "an early end behind good messages accuses nobody" {
	printf '3\r\nabc3\r\nab' >in
	says 7 'stdin: byte 11: the stream ended inside a message: expected 3 bytes, saw 2: "3\r\nab"' \
		'' wdsock decode
	for _ in $(seq 1000); do printf '5\r\nhello'; done >good
	head -c 7999 good >in
	run_bytes 7 wdsock decode <in
	err_is 'wdsock: stdin: byte 7999: the stream ended inside a message: expected 5 bytes, saw 4: "5\r\nhell"'
	{ for _ in $(seq 100); do printf 'msg<EOF>'; done; printf 'half\r\n'; } >in
	run_bytes 7 wdsock decode -m end-tag <in
	err_is 'wdsock: stdin: byte 806: expected the end tag "<EOF>", saw the end of the stream behind "half\r\n" (6 bytes)'
}

@test "what follows good messages is told apart from them" {
	{ for _ in $(seq 1000); do printf '5\r\nhello'; done; printf 'oops\n'; } >in
	says 8 'stdin: byte 8000: expected a decimal length, saw "oops\n" (5 bytes)' \
		'behind 1000 good messages, what follows seems to speak lines; try: have the peer keep to one mode' \
		wdsock decode
}

@test "a message over the limit: a larger limit is the hint, whatever else it looks like" {
	{ printf '5\r\nhello17000000\r\n'; head -c 1000 /dev/zero | tr '\0' a; } >in
	says 8 'stdin: byte 8: expected a message of at most 16777216 bytes, saw one of 17000000 bytes announced: "17000000\r\naaaaaaaaaaaaaaaaaaaaaa"...' \
		'try: a larger --max-message' wdsock decode
	printf 'hello<EOF>' >in
	says 8 'stdin: byte 0: expected a message of at most 3 bytes, saw a longer one: "hello<EOF>"' \
		'try: a larger --max-message' \
		wdsock decode -m end-tag --max-message 3
	printf '99999999999999999999\r\nx' >in
	says 8 'stdin: byte 0: expected a message of at most 16777216 bytes, saw a length of more than 64 bits: "99999999999999999999\r\nx"' \
		'no --max-message takes that; try: see what the peer sends for a length' \
		wdsock decode
}

@test "a length that nobody can send is refused before anything is stored" {
	# Little memory shows that nothing is stored; a sanitizer needs more.
	limit='ulimit -v 200000'
	bash -c "$limit && exec wdsock --version" || limit=:
	for n in 2147483648 4294967296 9223372036854775808 \
		18446744073709551616 99999999999999999999; do
		printf '%s\r\nabc' "$n" >in
		run_bytes 8 bash -c "$limit && exec wdsock decode" <in
		out_is ''
		err_has 'stdin: byte 0: expected a message of at most 16777216 bytes'
	done
}

@test "an unterminated tail is status 7, shown escaped, and no message" {
	printf 'one<EOF>tw\033o' >in
	run_bytes 7 wdsock decode -m end-tag <in
	out_is 'one\n'
	err_is 'wdsock: stdin: byte 12: expected the end tag "<EOF>", saw the end of the stream behind "tw\x1bo" (4 bytes)'
}

@test "what cannot be sent is status 8, and what stood before it was sent" {
	printf 'good\nbad<EOF>bad\n' >in
	run_bytes 8 wdsock encode -m end-tag <in
	out_is 'good<EOF>'
	err_has 'message 2: byte 3: expected no end tag (end-tag=<EOF>) inside a message, saw "<EOF>bad"'
	printf 'good\n%0300d\n' 1 >in
	run_bytes 8 wdsock encode -m u8 <in
	out_is '\4good'
	err_has 'message 2: expected at most 255 bytes, which is what a header of u8 can say, saw 300'
	printf 'a\nb\n' >in
	run_bytes 8 wdsock encode -m until-close --input lines <in
	out_is 'a'
	err_has 'message 2: expected one message, which is what until-close carries'
	printf 'abc\n' >in
	run_bytes 8 wdsock encode -m windev,count=utf16 <in
	err_has 'expected units of 16 bits'
}

@test "a bad escape, a bad digit and bad JSON are shown with line and byte" {
	needs_json
	printf 'ok\na\\q\n' >in
	says 8 'stdin: line 2: byte 1: expected \n, \r, \t, \\ or \xHH, saw "\\q"' \
		'try: a backslash is written \\' \
		wdsock encode --input escaped
	out_is '2\r\nok'
	printf '00\n0g\n' >in
	says 8 'stdin: line 2: byte 0: expected pairs of hexadecimal digits, saw "0g"' \
		'' wdsock encode --input hex
	printf '{"text":"a"}\n{"text":1}\n' >in
	says 8 'stdin: line 2: "text" is not a string' \
		'try: {"text":"..."}' wdsock encode -j
	out_is '1\r\na'
	printf 'plain\n' >in
	run_bytes 8 wdsock encode -j <in
	err_has 'stdin: line 1: expected a JSON object, saw "plain"'
}

@test "an option that is not there: the nearest is offered" {
	: >in
	says 2 '--outptu: expected an option, saw none of that name' \
		'try: --output' wdsock decode --outptu=hex
	says 2 '--mod: expected an option, saw none of that name' \
		'try: --mode' wdsock decode --mod raw
	says 2 '-Q: expected an option, saw none of that letter' \
		'try: --help' wdsock decode -Q
	says 2 "'enocde': expected a command, saw none of that name" \
		'try: wdsock encode' wdsock enocde
}

@test "long options are not abbreviated" {
	: >in
	run_bytes 2 wdsock decode --max 5 <in
	run_bytes 2 wdsock decode --hel <in
}

@test "a bad value: the option, the value, and what is allowed" {
	: >in
	says 2 "--max-message '5x': expected a size, saw \"5x\"" \
		'try: bytes, at most 1024G, such as 65536, 64K, 16M' \
		wdsock decode --max-message 5x
	says 2 "--max-message '': expected a size, saw \"\"" \
		'try: bytes, at most 1024G, such as 65536, 64K, 16M' \
		wdsock decode --max-message=
	says 2 "--max-message '-1': expected a size, saw \"-1\"" \
		'try: bytes, at most 1024G, such as 65536, 64K, 16M' \
		wdsock decode --max-message -1
	says 2 "--output 'xml': expected a form of output, saw \"xml\"" \
		'try: lines, null, raw, json, escaped, hex or none' \
		wdsock decode --output xml
	says 2 "--mode 'windv': expected a mode, saw \"windv\"" \
		'try: windev; the modes are windev end-tag end-tag-buffer raw fixed-header until-close lines netstring u8 u16be u16le u32be u32le' \
		wdsock decode -m windv
	says 2 "--mode 'end-tag=': expected a value that is not empty, saw \"\"" \
		'try: a comma inside a tag is written \x2c' \
		wdsock decode -m end-tag=
	says 2 "--mode 'windev,count=words': expected count=bytes, count=chars or count=utf16, saw \"count=words\"" \
		'try: wdsock help modes' wdsock decode -m windev,count=words
	says 2 "--mode 'auto': expected a mode, saw one for decode alone" \
		'try: wdsock decode -m auto on a sample of the stream' \
		wdsock encode -m auto
}

@test "a wrong value of an option of the socket says what was expected" {
	: >in
	says 2 "--input 'csv': expected a form of input, saw \"csv\"" \
		'try: lines, null, whole, raw, json, escaped or hex' \
		wdsock connect --input csv
	says 2 '--keepalive: expected at most 32767 s, saw 32767.001 s' \
		'the kernel takes no more; try: --keepalive 2h' \
		wdsock connect --keepalive 32767001ms
	says 2 '--user-timeout: expected at most 2147483.647 s, saw 4294967.297 s' \
		'the kernel takes no more; try: --user-timeout 2h' \
		wdsock serve-single --user-timeout 4294967297ms
	says 2 "--tos '256': expected a smaller number, saw \"256\"" \
		'try: a number from 0 to 255' wdsock connect --tos 256
	says 2 "-p '': expected a number, saw \"\"" \
		'try: a number from 0 to 65535' wdsock connect -p ''
	says 2 "-s 'here': expected a numeric address of this machine, saw \"here\"" \
		'try: ip -br addr' wdsock connect -s here
	says 2 "-X '6': expected 4, 5 or connect, saw \"6\"" 'try: -X 5' \
		wdsock connect -X 6
	says 2 "-x 'unix:x': expected the TCP address of a proxy, saw \"unix:x\"" \
		'try: -x HOST:PORT' wdsock connect -x unix:x
	run_bytes 2 wdsock connect --expect '(' <in
	err_has "--expect '(': expected a regular expression, saw one with a fault: "
	for mode in 1000 8 -1 ' 600' ''; do
		says 2 "--socket-mode '$mode': expected an octal mode from 0 to 0777, saw \"$mode\"" \
			'try: 0600 or 0660' wdsock serve-single --socket-mode "$mode"
	done
	says 2 '--ready-fd 77: expected a descriptor that is open, saw one that is closed' \
		'try: --ready-fd 3 3>file' wdsock serve-single --ready-fd 77
}

@test "a value that is missing, and one that nobody asked for" {
	: >in
	says 2 '--mode: expected MODE behind it, saw nothing' \
		'try: --mode=MODE' wdsock decode -m
	says 2 "--json: expected no value, saw 'yes'" \
		'try: --json alone' wdsock decode --json=yes
}

@test "no command is wrong usage, and the commands are listed on stderr" {
	run_bytes 2 wdsock
	out_is ''
	err_has 'usage: wdsock COMMAND'
}

@test "--send and files exclude each other" {
	echo a >in
	says 2 "--send and 'in': expected --send or files, saw both" \
		'try: one after the other' wdsock encode --send x in
}

@test "a directory is no input" {
	mkdir d
	run_bytes 10 wdsock decode d
	err_is 'wdsock: d: Is a directory'
}

@test "-- ends the options" {
	printf '2\r\nhi' >-j
	run_bytes 0 wdsock decode -- -j
	out_is 'hi\n'
}
