# What a terminal is shown, what a pipe gets, and what a terminal does to us.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load talk

setup_file() {
	unset NO_COLOR
	export TERM=xterm
}

# pty ACTION... -- COMMAND...: on a terminal, its screen in the file screen.
pty() {
	"${WDSOCK_BUILD:?}/tests/bats/pty" --out screen "$@" 6>&- 8>&-
}

# The screen is TEXT, escaped as for printf.
screen_is() {
	# shellcheck disable=SC2059
	printf "$1" >want
	cmp screen want && return
	od -An -c screen | head -20
	return 1
}

# Nothing that drives a terminal is on the screen.
screen_is_harmless() {
	perl "$SRC/tests/bats/screen.pl" check <screen
}

screen_has_no() {
	if grep -qF -- "$1" screen; then
		echo "on the screen: $1"
		od -An -c screen | head -20
		return 1
	fi
}

screen_has() {
	grep -qF -- "$1" screen && return
	echo "not on the screen: $1"
	od -An -c screen | head -20
	return 1
}

# Messages that drive a terminal: a colour, OSC 52, C1 in both encodings, a
# bidi override, a zero width space, a byte that is no UTF-8, CR, NUL.
evil='\x1b[31mred\n\x1b]52;c;eA==\x07\n\x9b31m\n\xc2\x9b31m\n\xe2\x80\xaeabc\n\xe2\x80\x8b\n\xff\n\r\x00\x7f\n\xc3\xa9 \xe2\x82\xac\n'
seen='\\x1b[31mred\n\\x1b]52;c;eA==\\x07\n\\x9b31m\n\\xc2\\x9b31m\n\\xe2\\x80\\xaeabc\n\\xe2\\x80\\x8b\n\\xff\n\\r\\x00\\x7f\n\xc3\xa9 \xe2\x82\xac\n'

@test "what could drive a terminal is escaped there, and in a pipe it is bytes" {
	body() {
		peer send "$evil" half-close
		pty ended 0 -- "$W" connect -m lines "$A"
		screen_is "$seen"
		screen_is_harmless
		here "$T"
		rm -f sock
		peer send "$evil" half-close
		run_bytes 0 wd connect -m lines "$A" </dev/null
		out_is "$evil"
	}
	each
}

@test "raw bytes that pass unseen are escaped on a terminal all the same" {
	body() {
		peer send "$evil" half-close
		pty ended 0 -- "$W" connect -m raw "$A"
		screen_is "$seen"
		here "$T"
		rm -f sock
		peer send "$evil" half-close
		run_bytes 0 wd connect -m raw "$A" </dev/null
		out_is "$evil"
	}
	each
}

@test "no form of output lets through what drives a terminal" {
	# shellcheck disable=SC2059
	printf "$evil" >in
	for how in lines null raw json escaped hex; do
		pty ended 0 -- "$W" decode -m lines --output "$how" in
		[ -s screen ]
		screen_is_harmless
	done
	pty ended 0 -- "$W" decode -m lines --explain in
	screen_is_harmless
	pty ended 0 -- "$W" decode -m lines --output null in
	screen_has '\x1b[31mred\x00'
}

@test "encode shows its frames on a terminal so that they do not drive it" {
	printf '\033[31m\r\n' >in
	pty ended 0 -- "$W" encode in
	screen_is '6\\r\n\\x1b[31m\\r'
	wdsock encode <in >out
	out_is '6\r\n\033[31m\r'
	perl -e 'print "\e" x 100000' >in
	pty ended 0 -- "$W" encode -m netstring in
	perl -e 'print "100000:", "\\x1b" x 100000, ","' >want
	cmp screen want
}

@test "a terminal is shown what Unicode has to be seen, and nothing else" {
	perl "$SRC/tests/bats/screen.pl" points >points
	pty ended 0 -- "$W" decode -m lines points
	perl "$SRC/tests/bats/screen.pl" check-points <screen
}

@test "messages by chance put nothing on a terminal that drives it" {
	seed=${SEED:-$RANDOM}
	echo "SEED=$seed"
	perl "$SRC/tests/bats/screen.pl" messages "$seed" 20000 >in
	for how in lines json escaped; do
		pty ended 0 -- "$W" decode -m netstring --output $how in
		screen_is_harmless
	done
	body() {
		serve -m raw <../in
		pty ended 0 -- "$W" connect -m netstring "$A"
		screen_is_harmless
		[ "$(wc -c <screen)" -gt 100000 ]
		ended 0
	}
	each unix
}

@test "what a peer sends drives no terminal by way of errors, -v and --dump" {
	body() {
		peer send '\x1b]52;c;eA==\x07\xc2\x9b\xe2\x80\xae' half-close
		pty ended 8 -- "$W" connect -v --dump --color never "$A"
		screen_has 'saw "\x1b'
		screen_is_harmless
		here "$T"
		rm -f sock
		peer send '20\r\n\x1b[31m\x9b' half-close
		pty ended 7 -- "$W" connect -v --dump --color never "$A"
		screen_has '20\r\n\x1b[31m\x9b'
		screen_is_harmless
	}
	each
}

@test "names and words of the user's drive no terminal in errors" {
	pty ended 2 -- "$W" connect --color never -m $'\e[31m' localhost:1
	screen_is_harmless
	pty ended 2 -- "$W" connect --color never $'\x9b\e]0;x\a'
	screen_is_harmless
	pty ended 10 -- "$W" decode --color never $'no\e[2Jfile'
	screen_has 'no\x1b[2Jfile'
	screen_is_harmless
}

@test "on a terminal errors and the wire have colours, and messages none" {
	body() {
		peer send '1\r\nx!' half-close
		pty ended 8 -- "$W" connect --dump "$A"
		screen_has $'\e[32m<\e[0m'
		screen_has $'\e[36m 31 0d 0a\e[0m|78'
		screen_has $'\e[1;31mwdsock:\e[0m'
		here "$T"
		rm -f sock
		peer send '1\r\nx!' half-close
		pty ended 8 -- sh -c "'$W' connect --dump '$A' 2>err"
		screen_is 'x\n'
		run grep -F $'\e' err
		[ "$status" = 1 ]
	}
	each unix
}

@test "NO_COLOR, --color never, TERM=dumb, no TERM: no colours" {
	for env in NO_COLOR=1 TERM=dumb '-u TERM'; do
		# shellcheck disable=SC2086
		pty ended 2 -- env $env "$W" connect nowhere
		screen_has 'wdsock: '
		screen_has_no $'\e'
	done
	pty ended 2 -- "$W" connect --color never nowhere
	screen_has_no $'\e'
	pty ended 2 -- env NO_COLOR= "$W" connect nowhere
	screen_has $'\e[1;31m'
	pty ended 2 -- env NO_COLOR=1 TERM=dumb "$W" connect --color always nowhere
	screen_has $'\e[1;31m'
	for command in encode decode; do
		pty ended 10 -- "$W" $command nofile
		screen_has $'\e[1;31m'
		pty ended 10 -- "$W" $command --color never nofile
		screen_has_no $'\e'
	done
}

@test "each message is flushed when no more input is there: a reader sees it" {
	body() {
		# The peer goes on only when its message has come through.
		peer send '1\r\na' until a send '1\r\nb1\r\nc' until c
		wd connect "$A" </dev/null | while read -r line; do
			echo "$line" >>lines
			: >"$line"
		done
		[ "$(tr -d '\n' <lines)" = abc ]
		peer_held
	}
	each
}

@test "what decode has read is flushed when no more is there" {
	mkfifo in
	{
		printf '1\r\na'
		until_true test -e a
		printf '1\r\nb'
		until_true test -e b
	} >in &
	mkfifo life
	exec 8<>life
	wd decode <in | while read -r line; do
		: >"$line"
	done
	test -e b
	wait $!
}

@test "stderr never carries data, stdout never chatter" {
	body() {
		peer expect '3\r\nout' send '2\r\nin' half-close
		pty ended 0 -- sh -c "'$W' connect -vv --dump --output escaped \
			--send out '$A' 2>err"
		screen_is 'in\n'
		here "$T"
		rm -f sock
		peer send '5\r\nwhole9\r\nxx' half-close
		pty ended 7 -- sh -c "'$W' connect -vv '$A' >out"
		out_is 'whole\n'
		screen_has_no whole
		screen_has 'wdsock:'
	}
	each
}

@test "a terminal's lines are messages, and Ctrl-D ends the input" {
	body() {
		peer expect '5\r\nHello' send '2\r\nyo' expect '3\r\nbye' expect-eof \
			send '3\r\nend' half-close
		pty type 'Hello\n' expect 'yo\n' type 'bye\n\x04' expect 'end\n' \
			ended 0 -- "$W" connect "$A"
		peer_held
	}
	each
}

@test "a peer that closes ends the conversation on a terminal at once, with 0" {
	body() {
		peer send '1\r\na'
		pty expect 'a\n' ended 0 -- "$W" connect "$A"
	}
	each
}

@test "the terminal is as before after Ctrl-C, Ctrl-\\ and each signal" {
	body() {
		local how

		# pty compares its modes and the flags of the descriptors.
		for how in 'type \x03 ended 130' 'type \x1c ended 131' \
			'kill 15 ended 143' 'kill 1 ended 129' 'kill 9 ended 137'; do
			here "$T"
			rm -f sock
			peer send '1\r\na' expect-eof
			# shellcheck disable=SC2086
			pty expect 'a\n' $how -- "$W" connect "$A"
			peer_held
		done
	}
	each unix
}

@test "Ctrl-Z and fg: the terminal is as before, and the conversation goes on" {
	body() {
		peer send '1\r\na' until stopped send '1\r\nb' expect '3\r\nyes' \
			send '1\r\nc' expect-eof half-close
		pty expect 'a\n' type '\x1a' stopped touch stopped fg expect 'b\n' \
			type '\x1a' stopped fg \
			type 'yes\n' expect 'c\n' type '\x04' ended 0 \
			-- "$W" connect "$A"
		screen_is 'a\nb\nc\n'
		peer_held
	}
	each
}

@test "Ctrl-Z and bg: what comes is shown; who types stops it, fg goes on" {
	body() {
		peer send '1\r\na' until behind send '1\r\nb' until typed \
			expect '1\r\nx' send '1\r\nc' half-close
		pty expect 'a\n' type '\x1a' stopped bg touch behind expect 'b\n' \
			type 'x\n' stopped touch typed fg expect 'c\n' ended 0 \
			-- "$W" connect "$A"
		peer_held
	}
	each unix
}

@test "Ctrl-Z and kill: it dies of the signal, and the terminal is as before" {
	body() {
		peer send '1\r\na' expect-eof
		pty expect 'a\n' type '\x1a' stopped kill 15 bg ended 143 \
			-- "$W" connect "$A"
		peer_held
	}
	each unix
}

@test "a server on a terminal: Ctrl-Z while nobody is there, fg, then a client" {
	body() {
		new_ready
		{
			read_ready
			: >listens
			until_true test -e go
			wd connect --stay -1 --send Hello "$A" >reply 2>&1
		} &
		pty until listens type '\x1a' stopped fg touch go expect 'Hello\n' \
			type 'yo\n\x04' ended 0 -- \
			sh -c "exec '$W' serve-single --ready-fd 7 '$HERE' 7>ready1"
		wait $!
		[ "$(cat reply)" = yo ]
	}
	each
}

@test "flags of pipes and files that others share are as before, stopped or not" {
	body() {
		mkfifo a b
		exec 5<>a 4<>b
		before=$(grep flags /proc/self/fdinfo/[45])
		peer send '1\r\na' until go half-close
		pty until shown type '\x1a' stopped touch stopped until go fg \
			ended 0 -- \
			sh -c "exec '$W' connect --linger 0 '$A' <a >b" &
		read -r line <&4
		: >shown
		until_true test -e stopped
		[ "$line" = a ]
		[ "$(grep flags /proc/self/fdinfo/[45])" = "$before" ]
		: >go
		wait $! || :
		[ "$(grep flags /proc/self/fdinfo/[45])" = "$before" ]
	}
	each unix
}
