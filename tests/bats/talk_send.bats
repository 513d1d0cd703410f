# What goes: how a message leaves, whole.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

@test "a message is one segment, header and body" {
	body() {
		peer segment '5\r\nHello' send '1\r\na' expect-eof
		run_bytes 0 wd connect --ask --send Hello "$A" </dev/null
		peer_held
	}
	each
}

@test "messages leave without Nagle's delay" {
	body() {
		idle
		peer segment '1\r\na' touch a segment '1\r\nb' touch b expect-eof
		wd connect "$A" <idle >out 2>err 6>&- &
		PIDS="$PIDS $!"
		echo a >&6
		until_true [ -e a ]
		echo b >&6
		until_true [ -e b ]
		exec 6>&-
		peer_held
	}
	each
}

@test "an empty line is an empty message, a last line needs no newline" {
	body() {
		peer expect '1\r\na0\r\n4\r\nlast' expect-eof
		printf 'a\n\nlast' >in
		run_bytes 0 wd connect "$A" <in
		peer_held
	}
	each
}

@test "the whole of stdin is one message, of 0 bytes and of 10 MB" {
	body() {
		peer expect '0\r\n' expect-eof
		: >in
		run_bytes 0 wd connect --input whole "$A" <in
		peer_held
		here "$T"
		rm -f sock
		peer expect '10000000\r\n' big-in 10000000
		head -c 10000000 < <(yes 0123456789abcde) >in
		run_bytes 0 wd connect --input whole "$A" <in
		peer_held
	}
	each
}

@test "NUL in the input is kept, a line of 1 MB is one message" {
	body() {
		peer expect '3\r\na\0b' expect '1000000\r\n' count
		{
			printf 'a\0b\n'
			head -c 1000000 /dev/zero | tr '\0' x
			echo
		} >in
		run_bytes 0 wd connect "$A" <in
		peer_held
		[ "$(cat peer.out)" = 1000000 ]
	}
	each
}

@test "a message of the maximum is sent, one byte more is 8" {
	body() {
		peer expect '4\r\nabcd' expect-eof
		run_bytes 0 wd connect --max-message 4 --send abcd "$A" </dev/null
		peer_held
		here "$T"
		rm -f sock
		peer expect '1\r\na' try expect-eof
		run_bytes 8 wd connect --max-message 4 --send a --send abcde \
			"$A" </dev/null
		peer_held
	}
	each
}

@test "escapes are read, and a bad one is refused with its position" {
	body() {
		peer expect '4\r\n\x01\n\\z' expect-eof
		printf '%s\n' '\x01\n\\z' >in
		run_bytes 0 wd connect --input escaped "$A" <in
		peer_held
		here "$T"
		rm -f sock
		peer expect '1\r\na' try expect-eof
		printf '%s\n' a 'ab\q' >in
		run_bytes 8 wd connect --input escaped "$A" <in
		err_like 'line 2'
		peer_held
	}
	each
}

@test "a tag inside a message to be sent is refused" {
	body() {
		peer expect 'a<EOF>' try expect-eof
		printf '%s\n' a 'b<EOF>c' >in
		run_bytes 8 wd connect -m end-tag "$A" <in
		err_has '<EOF>'
		peer_held
	}
	each
}

@test "a slow reader gets every frame whole" {
	body() {
		peer --rcvbuf 4096 wait 300 read-until-eof print wire
		perl -e 'print "x" x ($_ % 5000), "\n" for 1 .. 2000' >in
		run_bytes 0 wd connect "$A" <in
		peer_held
		wdsock decode <wire | cmp - in
	}
	each
}

@test "until-close sends one message and closes our half; a second is 8" {
	body() {
		printf 'a\nb\n' >in
		peer expect 'a\nb\n' expect-eof send ok
		run_bytes 0 wd connect -m until-close "$A" <in
		out_is 'ok\n'
		peer_held
		here "$T"
		rm -f sock
		peer try read-until-eof
		run_bytes 8 wd connect -m until-close --send a --send b "$A" \
			</dev/null
	}
	each
}

@test "an input that goes wrong: what came before is still delivered, however slowly" {
	body() {
		perl -e 'print("61" x 20000, "\n") for 1 .. 300; print("zz\n")' >in
		peer --rcvbuf 4096 wait 300 read-until-eof print got
		run_bytes 8 wd connect --input hex -m lines "$A" <in
		err_has 'stdin'
		peer_held
		[ "$(wc -l <got)" -eq 300 ]
		[ "$(wc -c <got)" -eq 6000300 ]
	}
	each
}
