# Servers of ten lines, in the languages of the manual's examples.

load many

# needs COMMAND: skips by name where it is not.
needs() {
	command -v "$1" >/dev/null || skip "no $1"
}

# behind_json COMMAND: the server, with a program that reads and writes JSON
# lines; the address is in A.
behind_json() {
	rm -f back ready
	mkfifo back ready
	wdsock serve-multi -j --linger 0 --deadline 60 --ready-fd 7 "$HERE" \
		<back 2>err 7>ready 6>&- 8>&- | "$@" >back 7>&- &
	PIDS="$PIDS $!"
	read -r -t 20 A <ready
}

# example NAME: where it is.
example() {
	echo "$SRC/tests/bats/examples.d/$1"
}

@test "an example in shell: it numbers what is said" {
	body() {
		many --each "$(example number.sh)"
		caller send '1\r\na' expect '4\r\n1: a' send '3\r\nb\\n' \
			expect '6\r\n2: b\\n' send '3\r\nc\nd' expect '6\r\n3: c\nd'
	}
	each
}

@test "an example in awk: a chat where everybody may have a name" {
	body() {
		many -v --each "$(interactive) -f $(example chat.awk)"
		guest one expect '6\r\nc2: hi' send '9\r\n/nick ann' \
			send '3\r\nyes' until end
		until_true grep -q '\bc1\b' err
		caller send '2\r\nhi' expect '14\r\nc1: is now ann' \
			expect '8\r\nann: yes'
		touch end
		guests_held one
	}
	each
}

# One awk waits for more input than there is, unless it is told not to.
interactive() {
	if awk -W version 2>&1 </dev/null | grep -q '^mawk'; then
		echo "awk -W interactive"
	else
		echo awk
	fi
}

@test "an example in Python: it counts who is there" {
	body() {
		behind_json python3 "$(example count.py)"
		guest one expect '6\r\n1 here' touch there expect '6\r\n2 here' \
			expect '6\r\n1 here'
		until_true [ -e there ]
		caller expect '6\r\n2 here'
		guests_held one
	}
	needs python3
	needs_json
	each
}

@test "an example in JavaScript: it answers in capitals" {
	body() {
		behind_json node "$(example upper.js)"
		caller send '5\r\nhello' expect '5\r\nHELLO'
		caller send '2\r\n\xc3\xa4' expect '2\r\n\xc3\x84'
	}
	needs node
	needs_json
	each
}
