# --charset: what the peer speaks is not what we speak.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

# gconv's modules may not be installed where iconv is.
knows() {
	wdsock encode --charset "$1" --send a >/dev/null 2>&1
}

# as_iconv CHARSET TEXT: a line of it goes to the wire as iconv(1) has it.
as_iconv() {
	printf '%s' "$2" | iconv -f UTF-8 -t "$1" >want
	printf '%s\n' "$2" | wdsock encode -m until-close --charset "$1" \
		--input lines | cmp - want
	printf '%s' "$2" >want
	printf '%s' "$2" | iconv -f UTF-8 -t "$1" |
		wdsock decode -m until-close --output raw --charset "$1" |
		cmp - want
}

@test "text goes to the wire as iconv(1) converts it, and back" {
	command -v iconv >/dev/null || skip "no iconv(1)"
	for c in CP1252 WINDOWS-1252 ISO-8859-1 ISO-8859-15 CP850 UTF-16LE \
		UTF-16BE UTF-32LE UTF-8 MACINTOSH; do
		knows "$c" || continue
		as_iconv "$c" 'déjà vu, naïve'
		as_iconv "$c" 'plain'
	done
	as_iconv CP1252 '“€ 5” – Œuvre'
	! knows CP932 || as_iconv CP932 'こんにちは ABC'
	! knows GB18030 || as_iconv GB18030 '你好 é 😀'
	! knows ISO-2022-JP || as_iconv ISO-2022-JP 'あa'
}

@test "every byte of Windows-1252 comes back, its five holes too" {
	for ((i = 0; i < 256; i++)); do
		printf '1\r\n\x'"$(printf %02x "$i")"
	done >frames
	run_bytes 0 wdsock decode --charset CP1252 --output hex frames
	cp out text
	run_bytes 0 wdsock encode --charset CP1252 --input hex text
	cmp out frames
	printf '5\r\n\x81\x8d\x8f\x90\x9d' >frames
	run_bytes 0 wdsock decode --charset CP1252 frames
	out_is '\302\201\302\215\302\217\302\220\302\235\n'
}

@test "a length is that of what is on the wire, in every mode that has one" {
	printf 'h\303\251\342\202\254' >in
	run_bytes 0 wdsock encode --charset CP1252 in
	out_is '3\r\nh\351\200'
	run_bytes 0 wdsock encode --charset UTF-16LE in
	out_is '6\r\nh\0\351\0\254\040'
	run_bytes 0 wdsock encode --charset UTF-16LE -m netstring in
	out_is '6:h\0\351\0\254\040,'
	run_bytes 0 wdsock encode --charset UTF-16LE -m u16be in
	out_is '\0\6h\0\351\0\254\040'
	run_bytes 0 wdsock encode --charset UTF-16LE -m windev,count=utf16 in
	out_is '3\r\nh\0\351\0\254\040'
	run_bytes 0 wdsock encode --charset CP1252 -m windev,count=chars in
	out_is '3\r\nh\351\200'
	for mode in windev netstring u16be windev,count=utf16; do
		wdsock encode --charset UTF-16LE -m "$mode" in |
			wdsock decode --charset UTF-16LE -m "$mode" --output raw |
			cmp - in
	done
	# It takes the beginning of a sequence for one where there is none.
	printf '2\r\n\303\251' >frames
	run_bytes 0 wdsock decode --charset CP1252 -m windev,count=chars frames
	out_is '\303\203\302\251\n'
}

@test "count=chars is refused where a character has several bytes" {
	run_bytes 2 wdsock encode --charset UTF-16LE -m windev,count=chars
	err_has 'count=chars: expected UTF-8 or a charset of one byte'
	err_has 'try: count=utf16'
}

@test "--max-message holds for what is on the wire" {
	run_bytes 0 wdsock encode --charset UTF-16LE --max-message 4 --send ab
	run_bytes 8 wdsock encode --charset UTF-16LE --max-message 5 --send abc
	err_has 'message 1: expected at most 5 bytes, saw 6'
}

@test "each message begins anew, and no byte order mark is invented" {
	printf 'a\nb\n' >in
	run_bytes 0 wdsock encode --charset UTF-16 in
	[ "$(wc -c <out)" = 10 ]
	run grep -c "$(printf '\xff\xfe\|\xfe\xff')" out
	[ "$output" = 0 ]
	cp out frames
	run_bytes 0 wdsock decode --charset UTF-16 frames
	cmp out in
	knows ISO-2022-JP || skip "no ISO-2022-JP here"
	# shellcheck disable=SC2016
	printf '8\r\n\033$B$"\033(B1\r\na2\r\n$"' >frames
	run_bytes 0 wdsock decode --charset ISO-2022-JP frames
	out_is '\343\201\202\na\n$"\n'
}

@test "an end tag is converted, except what is written as bytes" {
	printf 'é\nb\n' >in
	run_bytes 0 wdsock encode --charset UTF-16LE -m end-tag=CRLF in
	out_is '\351\0\r\0\n\0b\0\r\0\n\0'
	run_bytes 0 wdsock encode --charset UTF-16LE -m 'end-tag=\x0d\x0a' in
	out_is '\351\0\r\nb\0\r\n'
	run_bytes 0 wdsock encode --charset UTF-16BE -m lines in
	out_is '\0\351\0\n\0b\0\n'
	run_bytes 0 wdsock encode --charset CP1252 -m 'end-tag=§' in
	out_is '\351\247b\247'
	run_bytes 0 wdsock encode --charset CP1252 -m 'windev,tail=é\x00' in
	out_is '3\r\n\351\351\0003\r\nb\351\0'
	for mode in end-tag end-tag=CRLF 'end-tag=\x0d\x0a' lines \
		windev,tail=NUL 'end-tag=é\xff\xfe'; do
		for c in UTF-16LE UTF-16BE CP1252 UTF-32LE; do
			wdsock encode --charset "$c" -m "$mode" in |
				wdsock decode --charset "$c" -m "$mode" |
				cmp - in
		done
	done
}

@test "a tag that the charset has not got is wrong usage" {
	run_bytes 2 wdsock encode --charset CP437 -m 'end-tag=€'
	err_is "wdsock: --mode 'end-tag=€': expected characters that are in CP437, saw the tag \"€\"" \
		'wdsock: try: its bytes, written \xHH'
	run_bytes 2 wdsock connect --charset CP437 --mode-out 'end-tag=€' :1
	err_has "--mode-out 'end-tag=€'"
	run_bytes 2 wdsock encode -m windev,count=utf16,tail=NUL
	err_has "--mode 'windev,count=utf16,tail=NUL': expected a tail of whole 16-bit units"
	run_bytes 0 wdsock encode -m windev,count=utf16,tail=NUL \
		--charset UTF-16LE --send a
	out_is '2\r\na\0\0\0'
}

@test "a tag is found where a character begins, not across two" {
	# U+0100 and U+0A00: the bytes between them are a line feed's.
	printf 'Ā\340\250\200\n' >in
	run_bytes 0 wdsock encode --charset UTF-16BE -m lines in
	out_is '\1\0\012\0\0\012'
	cp out frames
	run_bytes 0 wdsock decode --charset UTF-16BE -m lines frames
	cmp out in
	run_bytes 0 wdsock decode -m 'end-tag=\x00\x0a' --output hex frames
	out_is '01\n00\n'
}

@test "what cannot be converted is named: message, byte, what was seen" {
	printf 'fine\nna\303\257ve \342\202\254\nnever\n' >in
	run_bytes 8 wdsock encode --charset ISO-8859-1 in
	out_is '4\r\nfine'
	err_is 'wdsock: in: message 2: byte 7: expected a character that ISO-8859-1 has, saw U+20AC ("€")' \
		'wdsock: try: another --charset, or --charset-errors replace or escape'
	printf 'a\nb\377c\n' >in
	run_bytes 8 wdsock encode --charset CP1252 <in
	err_is 'wdsock: stdin: message 2: byte 1: expected UTF-8, saw "\xffc"' \
		'wdsock: try: an input in UTF-8, or --charset-errors replace or escape'
	run_bytes 8 wdsock encode --charset CP1252 --send ok --send €☃
	err_has '--send: message 2: byte 3: '
	out_is '2\r\nok'
	printf '2\r\na\0003\r\nb\000c4\r\nd\000e\000' >frames
	run_bytes 8 wdsock decode --charset UTF-16LE frames
	out_is 'a\n'
	err_is 'wdsock: frames: message 2: byte 2: expected UTF-16LE, saw "c"' \
		'wdsock: try: another --charset, or --charset-errors replace or escape'
}

@test "an input that cannot be converted keeps nobody from the next one" {
	printf '1\r\n\377' >bad
	printf '1\r\nx' >good
	run_bytes 8 wdsock decode --charset UTF-8 bad good bad
	out_is 'x\n'
	[ "$(grep -c 'bad: message 1: byte 0' err)" = 2 ]
}

@test "--charset-errors: it is replaced or escaped instead" {
	printf 'a\342\202\254b\377c\n' >in
	run_bytes 0 wdsock encode --charset ISO-8859-1 --charset-errors replace in
	out_is '5\r\na?b?c'
	run_bytes 0 wdsock encode --charset ISO-8859-1 --charset-errors escape in
	out_is '15\r\na\\u{20AC}b\\xffc'
	run_bytes 0 wdsock encode --charset UTF-16LE --charset-errors=replace in
	out_is '10\r\na\0\254\040b\0\375\377c\0'
	printf '5\r\na\0b\000c' >frames
	run_bytes 0 wdsock decode --charset UTF-16LE --charset-errors replace frames
	out_is 'ab\357\277\275\n'
	run_bytes 0 wdsock decode --charset UTF-16LE --charset-errors escape frames
	out_is 'ab\\x63\n'
	run_bytes 8 wdsock decode --charset UTF-16LE --charset-errors stop frames
	run_bytes 2 wdsock decode --charset UTF-16LE --charset-errors ignore
	err_has 'try: stop, replace or escape'
}

@test "a charset that is not known is wrong usage, and the nearest is named" {
	run_bytes 2 wdsock encode --charset UTF-61LE
	err_is "wdsock: --charset 'UTF-61LE': expected the name of a charset, saw none that is known here" \
		'wdsock: try: UTF-16LE; iconv -l lists all'
	for name in ANSI '' nosuch-name-of-a-charset CP1252//TRANSLIT; do
		run_bytes 2 wdsock connect --charset "$name" unix:nosuch
		err_has 'iconv -l lists all'
		err_has CP1252
	done
}

@test "JSON and the other formats have the text after conversion" {
	printf '2\r\n\351\200' >frames
	run_bytes 0 wdsock decode --charset CP1252 -j frames
	out_is '{"event":"message","dir":"in","n":1,"text":"é€"}\n'
	cp out lines
	run_bytes 0 wdsock decode --charset CP1252 --output hex frames
	out_is 'c3a9e282ac\n'
	run_bytes 0 wdsock decode --charset CP1252 --explain frames
	grep -qF '2 bytes	"\xe9\x80"' out
	needs_json
	run_bytes 0 wdsock encode --charset CP1252 -j lines
	cmp out frames
}

# cut_at CHARSET FIRST SECOND WANT: two reads, between which a character is cut.
cut_at() {
	wdsock decode -m raw --charset "$1" in >out 5>&- 6>&- 8>&- &
	PIDS="$PIDS $!"
	exec 5>in
	# shellcheck disable=SC2059
	printf "$2" >&5
	until_true test -s out
	# shellcheck disable=SC2059
	printf "$3" >&5
	exec 5>&-
	wait "${PIDS##* }"
	out_is "$4"
}

@test "in raw a character may be cut between two reads, not at the end" {
	begin unix
	mkfifo in
	cut_at UTF-8 'h\303' '\251x' 'h\303\251x'
	cut_at UTF-16LE 'h\0\351' '\0x\0' 'h\303\251x'
	printf 'h\303' >half
	run_bytes 7 wdsock decode -m raw --charset UTF-8 half
	out_is h
	err_has 'half: the stream ends inside a character: expected UTF-8, saw "\xc3"'
	run_bytes 8 wdsock encode -m raw --charset CP1252 half
	out_is h
	err_has 'half: the input ends inside a character'
	printf 'half of a message is none\303\n' >half
	run_bytes 8 wdsock encode --charset CP1252 half
}

@test "a peer that leaves inside a character is status 7" {
	body() {
		peer send 'h\xc3'
		run_bytes 7 wd connect -m raw --charset UTF-8 "$A" </dev/null
		out_is h
		err_has 'the stream ends inside a character: expected UTF-8, saw "\xc3"'
	}
	each
}

@test "both ways in a conversation; what is on the wire is the peer's" {
	body() {
		peer expect '1\r\n\xe92\r\n\x80a' send '3\r\nn\xf6n0\r\n1\r\n\x81'
		printf 'é\n€a\n' >in
		run_bytes 0 wd connect --charset CP1252 --dump "$A" <in
		out_is 'nön\n\n\302\201\n'
		err_like '> .* 31 0d 0a.e9'
		err_like '< .*6e f6 6e'
		peer_held
	}
	each
}

@test "serve-single and connect understand each other in every charset" {
	body() {
		local c text='Grüße 5€
ASCII

ok'

		for c in CP1252 UTF-16LE ISO-8859-15 UTF-8; do
			printf '%s\n' "$text" >in
			serve --charset "$c" -m lines <in
			wd connect --charset "$c" -m lines "$A" <in >got
			ended 0
			cmp in got
			cmp in out
		done
	}
	each
}

@test "--on-open, --send and --ask are converted, --expect matches what is shown" {
	body() {
		peer expect '1\r\n\xe91\r\n\xe8' send '1\r\n\xea' \
			expect '1\r\n\x80' send '1\r\n\xeb'
		run_bytes 0 wd connect --charset CP1252 --on-open é --ask \
			--send è --send € --expect '^(ê|ë)$' "$A"
		out_is 'ê\në\n'
		peer_held
	}
	each
}

@test "what comes and cannot be converted is status 8, behind what is good" {
	body() {
		peer send '1\r\na3\r\nb\xffc1\r\nd'
		run_bytes 8 wd connect --charset UTF-8 "$A" </dev/null
		out_is 'a\n'
		err_has 'message 2: byte 1: expected UTF-8, saw "\xffc"'
		rm -f sock
		peer send '1\r\na3\r\nb\xffc1\r\nd'
		run_bytes 0 wd connect --charset UTF-8 --charset-errors escape \
			"$A" </dev/null
		out_is 'a\nb\\xffc\nd\n'
	}
	each
}

@test "what we say and cannot be converted is status 8, behind what is good" {
	body() {
		peer expect '1\r\na' expect-eof
		printf 'a\n☃\nb\n' >in
		run_bytes 8 wd connect --charset CP1252 "$A" <in
		err_has 'stdin: message 2: byte 0: expected a character that CP1252 has, saw U+2603'
		peer_held
		rm -f sock
		peer expect-eof
		run_bytes 8 wd connect --charset CP1252 --on-open ☃ "$A" </dev/null
		err_has '--on-open: message 1: byte 0: '
	}
	each
}

@test "--count counts messages, whatever they became" {
	body() {
		peer send '1\r\n\xe91\r\n\xe81\r\n\xea' expect-eof
		run_bytes 0 wd connect --charset CP1252 --count 2 "$A" </dev/null
		out_is 'é\nè\n'
	}
	each
}

@test "--echo sends back the bytes as they came" {
	body() {
		serve --echo --charset CP1252 </dev/null
		caller send '2\r\n\xe9\x81' half-close expect '2\r\n\xe9\x81' expect-eof
		ended 0
		[ ! -s out ]
	}
	each
}

@test "a stdout that stalls keeps the text that it has not taken" {
	body() {
		yes 'déjà vu 0123456789 €' | head -c 2600000 >in
		echo >>in
		mkfifo pipe
		exec 5<>pipe
		serve --charset CP1252 <in
		mv err server.err
		wdsock connect -v --charset CP1252 "$A" </dev/null >pipe 2>err \
			5>&- 6>&- 8>&- &
		CLIENT=$!
		PIDS="$PIDS $CLIENT"
		until_true grep -q open err
		until_true stalled
		exec 4<pipe
		exec 5>&-
		cmp in - <&4
		wait "$CLIENT"
		ended 0
	}
	stalled() {
		kill -USR1 "$CLIENT"
		grep -q 'standard output to take what has come' err
	}
	each tcp4 unix
}

@test "each datagram is converted by itself, and may not cut a character" {
	body() {
		datagrams_behind expect 'h\xe9' expect '\x80' send '\xe9a' send b
		printf 'hé\n€\n' >in
		run_bytes 0 wd connect -q 20 --count 2 --charset CP1252 "$A" <in
		out_is 'éa\nb\n'
		peer_held
		serve --count 2 --charset UTF-8 </dev/null
		datagrams connect "$A" send 'a\xc3'
		ended 8
		err_has 'message 1: byte 1: expected UTF-8, saw "\xc3"'
	}
	each "${DATAGRAMS[@]}"
}

@test "a handler reads and writes UTF-8, whatever its client speaks" {
	body() {
		# shellcheck disable=SC2016
		serve --charset CP1252 --sh 'read -r line; echo "<$line> é"' \
			</dev/null
		run_bytes 0 wd connect --send "$(printf '\200')" --output hex "$A"
		out_is '3c803e20e9\n'
		ended 0
	}
	each
}
