# What people see who look at a conversation: the wire, times and colours.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

# What --dump says of messages in one direction, without its rows of bytes.
dumped() {
	grep "^$1 [a-z]" err >got || :
	shift
	printf '%s\n' "$@" >want
	diff want got
}

@test "--dump shows both ways on stderr, with offsets, and stdout stays data" {
	body() {
		peer expect '3\r\nabc' send '1\r\nz' half-close
		run_bytes 0 wd connect --dump --send abc "$A" </dev/null
		out_is 'z\n'
		err_is \
'> 00000000  33 0d 0a|61 62 63                                 3..abc' \
'> message 1 at 0: header 3 bytes "3\r\n", payload 3 bytes; 1 write (1)' \
'< 00000000  31 0d 0a|7a                                       1..z' \
'< message 1 at 0: header 3 bytes "1\r\n", payload 1 byte; 1 read (1)'
		peer_held
	}
	each
}

@test "--dump: each message begins a line of its own" {
	body() {
		peer send '20\r\n0123456789abcdefghij0\r\n1\r\n\xff'
		run_bytes 0 wd connect --dump "$A" </dev/null
		grep '^< 0' err >rows
		printf '%s\n' \
'< 00000000  32 30 0d 0a|30 31 32 33  34 35 36 37 38 39 61 62  20..0123456789ab' \
'< 00000010  63 64 65 66 67 68 69 6a                           cdefghij' \
'< 00000018  30 0d 0a                                          0..' \
'< 0000001b  31 0d 0a|ff                                       1...' >want
		diff want rows
		dumped '<' \
'< message 1 at 0: header 4 bytes "20\r\n", payload 20 bytes; 1 read (1)' \
'< message 2 at 24: header 3 bytes "0\r\n", payload 0 bytes; 1 read (1)' \
'< message 3 at 27: header 3 bytes "1\r\n", payload 1 byte; 1 read (1)'
	}
	each
}

@test "--dump tells how many reads a message took" {
	body() {
		peer send '5\r\nHel' until one send 'lo' until two \
			send '2\r\nyo0\r\n'
		run_after() {
			until_true grep -qsF "$1" err
			touch "$2"
		}
		{
			run_after '48 65 6c ' one
			run_after '6c 6f ' two
		} &
		run_bytes 0 wd connect --dump "$A" </dev/null
		dumped '<' \
'< message 1 at 0: header 3 bytes "5\r\n", payload 5 bytes; 2 reads (1-2)' \
'< message 2 at 8: header 3 bytes "2\r\n", payload 2 bytes; 1 read (3)' \
'< message 3 at 13: header 3 bytes "0\r\n", payload 0 bytes; 1 read (3)'
	}
	each
}

@test "--dump tells how many writes a message took" {
	body() {
		# More than a socket takes at once, to somebody who waits.
		perl -e 'print "x" x 1000000' >in
		peer --rcvbuf 65536 until seen read 1000009 expect-eof
		{
			until_true grep -qs '^>' err
			touch seen
		} &
		run_bytes 0 wd connect --dump --send-buffer 16K --input whole "$A" <in
		peer_held
		grep -qE '^> message 1 at 0: header 9 bytes "1000000\\r\\n", payload 1000000 bytes; ([2-9]|[0-9]{2,}) writes \(1-[0-9]+\)$' err
	}
	each tcp4 unix
}

@test "--dump: a tag that is cut by a read may be one, until it is" {
	body() {
		peer send 'Hi<EO' until one send 'F>'
		{
			until_true grep -qsF '3c 45' err
			touch one
		} &
		run_bytes 0 wd connect -m end-tag --dump "$A" </dev/null
		err_is \
'< 00000000  48 69?3c 45 4f                                    Hi<EO' \
'< 00000005 |46 3e                                             F>' \
'< message 1 at 0: payload 2 bytes, trailer 5 bytes "<EOF>"; 2 reads (1-2)'
	}
	each
}

@test "--dump: what is left unfinished is said, both ways" {
	body() {
		peer send '2\r\nok20\r\nHello' half-close
		run_bytes 7 wd connect --dump "$A" </dev/null
		dumped '<' \
'< message 1 at 0: header 3 bytes "2\r\n", payload 2 bytes; 1 read (1)' \
'< message 2 at 5: unfinished: header 4 bytes "20\r\n", payload 5 of 20 bytes; 1 read (1)'
		here "$T"
		rm -f sock
		peer send '2\r\nok20' half-close
		run_bytes 7 wd connect --dump "$A" </dev/null
		dumped '<' \
'< message 1 at 0: header 3 bytes "2\r\n", payload 2 bytes; 1 read (1)' \
'< message 2 at 5: unfinished: header 2 bytes "20"; 1 read (1)'
		here "$T"
		rm -f sock
		perl -e 'print "x" x 1000000' >in
		peer --rcvbuf 65536 until seen read 100 reset
		{
			until_true grep -qs '^>' err
			touch seen
		} &
		wd connect --dump --send-buffer 16K --input whole "$A" <in >out 2>err || :
		grep -qE '^> message 1 at 0: unfinished: header 9 bytes "1000000\\r\\n", payload [0-9]+ of 1000000 bytes; ' err
	}
	each tcp4 unix
}

@test "--dump: what is unfinished is said when a signal ends the run, too" {
	body() {
		peer send '20\r\nHello' until never
		behind connect --dump "$A" </dev/null
		until_true grep -qs '^<' err
		kill -TERM "$SERVER"
		ended 143
		dumped '<' \
'< message 1 at 0: unfinished: header 4 bytes "20\r\n", payload 5 of 20 bytes; 1 read (1)'
	}
	each
}

@test "--dump points at the byte that is no message" {
	body() {
		peer send '2\r\nok5;Hello'
		run_bytes 8 wd connect --dump "$A" </dev/null
		err_like '^< 00000005  35!3b 48 65 6c 6c 6f  '
		dumped '<' \
'< message 1 at 0: header 3 bytes "2\r\n", payload 2 bytes; 1 read (1)' \
'< message 2 at 5: malformed at byte 6; 1 read (1)'
		err_like '^wdsock: .*byte 6: expected a digit'
	}
	each
}

@test "--dump knows the parts of every mode" {
	body() {
		local mode want
		while IFS='|' read -r mode want; do
			here "$T"
			rm -f sock
			serve -m "$mode" --echo --dump
			wd connect -m "$mode" --ask --output none --send Hello "$A"
			ended 0
			grep '^<' err | grep message >got
			printf '< message 1 at 0: %s; 1 read (1)\n' "$want" >want
			diff want got
		done <<-'END'
			windev|header 3 bytes "5\r\n", payload 5 bytes
			windev,count=chars|header 3 bytes "5\r\n", payload 5 bytes
			windev,tail=NUL|header 3 bytes "6\r\n", payload 5 bytes, trailer 1 byte "\x00"
			end-tag=CRLF|payload 5 bytes, trailer 2 bytes "\r\n"
			end-tag-buffer|payload 5 bytes, trailer 5 bytes "<EOF>"
			fixed-header=4|header 4 bytes "5   ", payload 5 bytes
			lines|payload 5 bytes, trailer 1 byte "\n"
			netstring|header 2 bytes "5:", payload 5 bytes, trailer 1 byte ","
			u16be|header 2 bytes "\x00\x05", payload 5 bytes
		END
	}
	each unix
}

@test "--dump: raw has reads and writes, until-close one message" {
	body() {
		peer expect ping send pong half-close
		run_bytes 0 wd connect -m raw --dump --send ping "$A"
		out_is pong
		dumped '>' '> write 1 at 0: 4 bytes'
		dumped '<' '< read 1 at 0: 4 bytes'
		here "$T"
		rm -f sock
		peer expect ping expect-eof send pong half-close
		run_bytes 0 wd connect -m until-close --dump --send ping "$A"
		dumped '>' '> message 1 at 0: payload 4 bytes until the close; 1 write (1)'
		dumped '<' '< message 1 at 0: payload 4 bytes until the close; 1 read (1)'
	}
	each
}

DATE='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}'

@test "--timestamps absolute: the local time, before each message and each line" {
	body() {
		peer send '2\r\nok'
		TZ=XXX-5:30 run_bytes 0 wd connect -v --dump --timestamps absolute \
			"$A" </dev/null
		grep -qE "^$DATE\+05:30 ok\$" out
		[ "$(wc -l <out)" = 1 ]
		[ "$(wc -l <err)" = "$(grep -cE "^$DATE\+05:30 (< |wdsock: )" err)" ]
		grep -qE "^$DATE\+05:30 wdsock: " err
		grep -qE "^$DATE\+05:30 < message 1" err
	}
	each
}

@test "--timestamps start: seconds that do not run backwards" {
	body() {
		peer send '1\r\na' wait 30 send '1\r\nb1\r\nc'
		run_bytes 0 wd connect --dump --timestamps start "$A" </dev/null
		grep -qE '^   [0-9]\.[0-9]{6} a$' out
		sort -s -n -k1,1 out | cmp - out
		sort -s -n -k1,1 err | cmp - err
	}
	each
}

@test "--timestamps delta: since what was written before; one time for a read" {
	body() {
		peer send '1\r\na1\r\nb' until seen send '1\r\nc'
		{
			until_true grep -qs 'b$' out
			touch seen
		} &
		run_bytes 0 wd connect --timestamps delta "$A" </dev/null
		[ "$(sed 's/.* //' out | tr -d '\n')" = abc ]
		grep -q '^   0\.000000 b$' out
	}
	each unix
}

@test "--timestamps: what is for programs stays as it is" {
	body() {
		for how in '-j' '-0' '--output raw' '--output none' '-m lines -j'; do
			here "$T"
			rm -f sock
			case $how in
			-m*) peer send 'ok\n' ;;
			*) peer send '2\r\nok' ;;
			esac
			# shellcheck disable=SC2086
			run_bytes 0 wd connect -v --timestamps start $how "$A" </dev/null
			run grep -E '^ *[0-9]+\.[0-9]{6} ' out
			[ "$status" = 1 ]
			err_like '^   0\.[0-9]{6} wdsock: '
		done
	}
	each unix
}

@test "--timestamps with nothing that a time can stand before is refused" {
	for how in '-j' '-0' '--output raw' '--output none' '-m raw'; do
		# shellcheck disable=SC2086
		run_bytes 2 wdsock connect --timestamps start $how localhost:1 </dev/null
		err_has --timestamps
		err_has '--output lines'
	done
	run_bytes 2 wdsock serve-single --echo --timestamps start </dev/null
	run_bytes 2 wdsock connect --timestamps noon localhost:1
	err_has absolute
}

@test "--timestamps: hex and escaped have times, and messages keep their bytes" {
	body() {
		for how in hex escaped lines; do
			here "$T"
			rm -f sock
			peer send '4\r\na\nb\xff'
			run_bytes 0 wd connect --timestamps delta --output "$how" "$A" \
				</dev/null
			sed '1s/^   0\.[0-9]\{6\} //' out >got
			case $how in
			hex) printf '610a62ff\n' ;;
			escaped) printf 'a\\nb\\xff\n' ;;
			lines) printf 'a\nb\xff\n' ;;
			esac | cmp - got
		done
	}
	each unix
}

@test "--color always colours the wire and the error, never does not" {
	body() {
		peer send '1\r\nx!'
		run_bytes 8 wd connect --dump --color always "$A" </dev/null
		err_has $'\e[32m<\e[0m'
		err_has $'\e[36m 31 0d 0a\e[0m|78'
		err_has $'\e[1;31m'
		grep -q "^"$'\e\[1;31mwdsock:\e\[0m ' err
		out_is 'x\n'
		for how in never auto; do
			here "$T"
			rm -f sock
			peer send '1\r\nx!'
			run_bytes 8 wd connect --dump --color $how "$A" </dev/null
			run grep -F $'\e' err
			[ "$status" = 1 ]
		done
	}
	each unix
}

@test "--color that is none is a usage error" {
	run_bytes 2 wdsock connect --color blue localhost:1
	err_has 'auto, always or never'
}
