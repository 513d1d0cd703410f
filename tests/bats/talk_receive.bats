# What comes: every way in which a message can arrive, and what is none.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

# gets STATUS OUT ACTION...: a client with a silent stdin hears this peer.
gets() {
	local status=$1 out=$2
	shift 2
	peer "$@"
	run_bytes "$status" wd connect "${MODE[@]}" "$A" </dev/null
	out_is "$out"
}

# refused ACTION...: status 8, and nothing but what came before in stdout.
refused() {
	gets 8 '' "$@"
}

@test "IPv6 is tested too" {
	have_ipv6 || skip "tcp6: no IPv6 loopback"
}

@test "one message in one segment" {
	body() {
		gets 0 'Hello\n' send '5\r\nHello'
		err_is_empty
		peer_held
	}
	each
}

@test "one byte per segment" {
	body() {
		gets 0 'Hello\n\nx\n' dribble '5\r\nHello0\r\n1\r\nx' 5
	}
	each
}

@test "a segment ends between CR and LF of the header" {
	body() {
		gets 0 'Hello\n' send '5\r' wait 50 send '\nHello'
	}
	each
}

@test "two and a half messages in one segment" {
	body() {
		gets 0 'a\nbb\nccc\n' send '1\r\na2\r\nbb3\r\nc' wait 50 send cc
	}
	each
}

@test "a thousand messages in one segment keep their order" {
	body() {
		local i all=

		for i in {1..1000}; do
			all+="${#i}\\r\\n$i"
			echo "$i"
		done >lines
		peer send "$all"
		run_bytes 0 wd connect "$A" </dev/null
		cmp lines out
	}
	each
}

@test "an empty message is delivered, counted, and is not the end" {
	body() {
		gets 0 '\nx\n' send '0\r\n1\r\nx'
		peer send '0\r\n0\r\n1\r\nx' wait 30000
		run_bytes 0 wd connect --count 2 "$A" </dev/null
		out_is '\n\n'
	}
	each tcp4 abstract
}

@test "leading zeros are allowed, up to 20 digits" {
	body() {
		gets 0 'abc\n' send '00000000000000000003\r\nabc'
	}
	each
}

@test "a header that is no number is refused with its offset and bytes" {
	body() {
		local h

		for h in '+5' '-1' ' 5' '5 ' 0x5 ''; do
			here "$T"
			rm -f sock
			refused send "$h\\r\\nHello" wait 200
			err_like 'byte [0-9]+: '
		done
		here "$T"
		rm -f sock
		refused send '5\nHello' wait 200
		err_like 'byte 1: '
	}
	each
}

@test "a huge length is refused at once and nothing is allocated for it" {
	body() {
		local n limit='ulimit -v 400000'

		# A sanitizer needs more than that.
		bash -c "$limit && exec wdsock --version" >/dev/null || limit=:
		for n in 2147483648 4294967296 9223372036854775808 \
			18446744073709551616 99999999999999999999; do
			here "$T"
			rm -f sock
			peer send "$n\\r\\n" wait 30000
			run_bytes 8 bash -c "$limit"'; exec "$@"' - \
				"$W" connect "$A" </dev/null
			out_is ''
			err_has "$n"
		done
	}
	each tcp4 unix
}

@test "a length over --max-message is refused and what follows is not read" {
	body() {
		MODE=(--max-message 10)
		refused send '11\r\n1\r\na1\r\nb' wait 200
		err_has 11
	}
	each
}

@test "a message of exactly the maximum comes through" {
	body() {
		MODE=(--max-message 10)
		gets 0 '0123456789\n' send '10\r\n0123456789'
	}
	each
}

@test "a payload may contain a header, NUL and 0xFF" {
	body() {
		gets 0 '5\r\n\0\xff!\n' send '6\r\n5\r\n\0\xff!'
	}
	each
}

@test "the stream ends inside a header: truncated" {
	body() {
		gets 7 'a\n' send '1\r\na12'
		err_has 12
	}
	each
}

@test "the stream ends inside a payload: have and need are said" {
	body() {
		gets 7 '' send '10\r\nHello'
		err_has 5
		err_has 10
		err_has Hello
	}
	each
}

@test "the stream ends exactly at a boundary: clean" {
	body() {
		gets 0 'a\n' send '1\r\na'
		err_is_empty
	}
	each
}

@test "a reset at a boundary is 12, what came before it is printed" {
	body() {
		gets 12 'a\n' send '1\r\na' wait 100 reset
		err_has reset
	}
	each tcp4 tcp6
}

@test "a reset inside a message is 12 and says so" {
	body() {
		gets 12 '' send '10\r\nHello' wait 100 reset
		err_has reset
		err_has 'of a message'
	}
	each tcp4 tcp6
}

@test "data pending when the reset comes is delivered first" {
	body() {
		local n=0

		peer frames 1000 100 wait 100 reset
		wd connect --output raw "$A" </dev/null >out 2>err || n=$?
		[ "$n" = 12 ]
		[ "$(wc -c <out)" = 100000 ]
	}
	each tcp4 tcp6
}

@test "an end tag is found wherever a segment cuts it" {
	body() {
		local cut tag='<EOF>'

		MODE=(-m end-tag)
		for cut in 1 2 3 4; do
			here "$T"
			rm -f sock
			gets 0 'ab\nc\n' send "ab${tag:0:cut}" wait 20 \
				send "${tag:cut}c$tag"
		done
	}
	each
}

@test "a tag that overlaps itself is found, byte by byte" {
	body() {
		MODE=(-m end-tag=aab --output escaped)
		gets 0 'a\nx\n' dribble 'aaabxaab' 2
		here "$T"
		rm -f sock
		MODE=(-m 'end-tag=\r\n\r\n' --output escaped)
		gets 0 '\\r\n' dribble '\r\r\n\r\n' 2
	}
	each
}

@test "a NUL, and 64 bytes, are tags" {
	body() {
		local tag

		MODE=(-m end-tag=NUL)
		gets 0 'a\n\nb\n' send 'a\0\0b\0'
		here "$T"
		rm -f sock
		tag=$(printf '%064d' 7)
		MODE=(-m "end-tag=$tag")
		gets 0 '00\n' send "00$tag"
	}
	each
}

@test "two tags in a row are an empty message" {
	body() {
		MODE=(-m end-tag)
		gets 0 'a\n\n' send 'a<EOF><EOF>'
	}
	each
}

@test "an unterminated tail at the end is truncated and shown escaped" {
	body() {
		MODE=(-m end-tag)
		gets 7 'a\n' send 'a<EOF>tail\x01<'
		err_has 'tail\x01<'
	}
	each
}

@test "an unterminated tail in lines mode is a message" {
	body() {
		MODE=(-m lines)
		gets 0 'a\ntail\n' send 'a\ntail'
	}
	each
}

@test "an empty tag is refused" {
	run_bytes 2 wdsock connect -m end-tag= localhost:1 </dev/null
}

@test "a fixed header is padded by blanks or zeros on either side" {
	body() {
		local h

		MODE=(-m fixed-header=8)
		for h in '       5' '5       ' 00000005; do
			here "$T"
			rm -f sock
			gets 0 'Hello\n' send "${h}Hello"
		done
	}
	each
}

@test "a fixed header that is short is truncated, a non-digit is refused" {
	body() {
		MODE=(-m fixed-header=8)
		gets 7 '' send '    '
		here "$T"
		rm -f sock
		gets 8 '' send '      5xHello' wait 200
		err_has 'byte 7'
	}
	each
}

@test "until-close: no byte, one, and ten million" {
	body() {
		MODE=(-m until-close --output raw)
		gets 0 '' send ''
		here "$T"
		rm -f sock
		gets 0 'x' send x
		here "$T"
		rm -f sock
		peer big 10000000
		wd connect "${MODE[@]}" "$A" </dev/null >out
		[ "$(wc -c <out)" = 10000000 ]
	}
	each
}

@test "until-close: ended by a reset is an error" {
	body() {
		MODE=(-m until-close)
		gets 12 '' send half wait 100 reset
	}
	each tcp4 tcp6
}

@test "a peer that speaks an end tag is recognized, with the option to use" {
	body() {
		gets 8 '' send 'Hello world<EOF>' wait 200
		err_has 'byte 0: expected a decimal length'
		err_has "'end-tag=<EOF>'"
	}
	each
}

@test "a TLS ClientHello, HTTP and UTF-16 on a plain port are recognized" {
	body() {
		gets 8 '' send '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' \
			wait 200
		err_has TLS
		here "$T"
		rm -f sock
		gets 8 '' send 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' wait 200
		err_has HTTP
		here "$T"
		rm -f sock
		gets 8 '' send '5\x00\r\x00\n\x00H\x00e\x00' wait 200
		err_has UTF-16
	}
	each tcp4 unix
}

@test "the two directions may speak different modes" {
	body() {
		peer expect '3\r\nabc' send 'x<EOF>'
		printf 'abc\n' >in
		run_bytes 0 wd connect --mode-in end-tag --mode-out windev \
			"$A" <in
		out_is 'x\n'
		peer_held
	}
	each
}

@test "a message that comes is written within 100 ms, though no other follows" {
	body() {
		idle
		mkfifo pipe
		peer send '1\r\na' until seen send '1\r\nb'
		wd connect "$A" <idle >pipe 2>err &
		PIDS="$PIDS $!"
		exec 5<pipe
		read -r -t 10 line <&5
		[ "$line" = a ]
		: >seen
		read -r -t 10 line <&5
		[ "$line" = b ]
	}
	each
}

@test "raw: bytes pass unchanged" {
	body() {
		peer expect 'a\nb\0\xff' send '\0\r\n\xffz' half-close expect-eof
		printf 'a\nb\0\377' >in
		run_bytes 0 wd connect -m raw "$A" <in
		out_is '\0\r\n\377z'
		peer_held
	}
	each
}

@test "ten thousand messages of every small size come through serve-single" {
	body() {
		perl -e 'print length($_), "\r\n$_" for
			map { "x" x ($_ % 97) } 1 .. 10000' >frames
		perl -e 'print "$_\n" for map { "x" x ($_ % 97) } 1 .. 10000' \
			>lines
		serve </dev/null
		wd connect -m raw --output none "$A" <frames
		ended 0
		cmp lines out
	}
	each
}
