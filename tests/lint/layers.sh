#!/usr/bin/env bash
# Includes point down only: each room names the rooms that it may use.

. "${WDSOCK_SRC:?}/tests/lint/lint.bash"

# What a room may include besides its own headers.
allowed() {
	case $1 in
	base) echo ;;
	codec) echo base ;;
	net) echo base ;;
	chan) echo base codec net ;;
	io) echo base codec net ;;
	store) echo base codec net ;;
	talk) echo base codec net chan io store ;;
	cmd) echo base codec net chan io store talk ;;
	*) echo "src/$1: no such room" >&2 ;;
	esac
}

check_room() {
	local room=$1 may file line other
	may=" $room $(allowed "$room") "
	grep -n '#include "' src/"$room"/*.[ch] | while IFS=: read -r file line rest; do
		other=${rest#*\"}
		case $other in
		*/*) ;;
		*)
			echo "$file:$line: $rest: name the room"
			continue
			;;
		esac
		case $may in
		*" ${other%%/*} "*) ;;
		*) echo "$file:$line: $room may not use ${other%%/*}" ;;
		esac
	done
}

check_system() {
	# The loop's library belongs to rooms that wait; the codec has none.
	grep -ln '#include <uv.h>' src/base/* src/codec/* src/cmd/* 2>/dev/null |
		sed 's/$/: may not use libuv/'
	grep -n '#include <\(stdio\|stdlib\|unistd\|errno\|sys/.*\)\.h>' \
		src/codec/* | sed 's/$/: the codec is pure/'
}

check_prints() {
	grep -nE '\b(printf|puts|perror|exit|_exit|abort|err|errx|warn|warnx) ?\(' \
		src/base/*.c src/codec/*.c src/net/*.c src/chan/*.c src/io/*.c \
		src/store/*.c src/talk/*.c 2>/dev/null |
		sed 's/$/: only src\/cmd prints or exits/'
}

for room in src/*/; do
	room=${room#src/}
	rule "includes of ${room%/} point down only" check_room "${room%/}"
done
rule "system headers stand where they may" check_system
rule "only src/cmd prints or exits" check_prints
end_rules
