# serve-multi and very many clients at once.

load many

# crowd STATUS OPTION...: its report is in crowd.out.
crowd() {
	local want=$1 got=0
	shift

	"${WDSOCK_BUILD:?}/tests/bats/crowd" --pid "$SERVER" "$@" "$A" \
		>crowd.out 2>crowd.err 6>&- 8>&- || got=$?
	[ "$got" = "$want" ] && return
	echo "status $got, expected $want"
	cat crowd.out crowd.err
	tail -5 err
	return 1
}

# As many as are asked for, ten thousand with `make check-crowd`; or as many as
# the limit of descriptors leaves.
how_many() {
	local hard

	N=${WDSOCK_CROWD:-1000}
	hard=$(ulimit -Hn)
	[ "$hard" != unlimited ] || hard=1000000
	ulimit -Sn "$(ulimit -Hn)"
	[ "$((hard - 100))" -ge "$N" ] || N=$((hard - 100))
	[ "$N" -ge 800 ] || skip "fewer than 800 clients: ulimit -n is $hard"
}

# peak KB: the most memory that it ever had is below it.
peak() {
	[ "$(memory VmHWM)" -lt "$1" ] && return
	echo "VmHWM is $(memory VmHWM) KB, expected below $1 KB"
	return 1
}

@test "thousands of clients say a hundred messages each, and each comes back once" {
	body() {
		many --echo
		crowd 0 --clients "$N" --messages 100 --say 1 --limit 60
	}
	how_many
	each tcp4
}

@test "one in a hundred never reads, resets or sends garbage, and the others lose nothing" {
	body() {
		many --echo --queue 64k --memory 64M
		crowd 0 --clients "$N" --messages 100 --say 1 --bad 1 --limit 60
		# 64 MB, and what the program and its connections need.
		peak $((65536 + 16384 + N * 2))
	}
	how_many
	each tcp4
}

@test "each of thousands has all of the news, in order" {
	body() {
		many -v
		printf '%s\n' "${news[@]}" >news
		# Whoever is told that all are connected says the news.
		"${WDSOCK_BUILD:?}/tests/bats/crowd" --pid "$SERVER" \
			--clients "$N" --hear 100 --bad 1 --limit 60 "$A" \
			2>crowd.err 6>&- 8>&- | while read -r line; do
			[[ $line != connected* ]] || {
				until_true all_are_there
				cat news >&6
			}
			echo "$line"
		done >crowd.out
		status=${PIPESTATUS[0]}
		[ "$status" = 0 ] || {
			cat crowd.out crowd.err
			return 1
		}
	}
	how_many
	news=()
	for ((i = 0; i < 100; i++)); do news+=("news $i"); done
	each tcp4
}

@test "when thousands have gone, their descriptors have, too" {
	body() {
		many --echo
		caller send '1\r\na' expect '1\r\na'
		before=$(count_fds)
		crowd 0 --clients "$N" --messages 1 --say 1 --limit 60
		# The set of those that are waited for is made when it is needed.
		until_true has_fds $((before + 1))
	}
	how_many
	each tcp4
}

@test "who asks for a long table and does not read it holds up neither the end nor others" {
	body() {
		many -v --grace 300ms --status-socket status
		"${WDSOCK_BUILD:?}/tests/bats/crowd" --clients "$N" --hear 1 \
			--limit 60 "$A" >crowd.out 2>&1 6>&- 8>&- &
		PIDS="$PIDS $!"
		until_true all_are_there
		perl "$SRC/tests/bats/peer.pl" --life life connect unix:status \
			read 1 touch asked until end 6>&- 8>&- &
		PIDS="$PIDS $!"
		until_true [ -e asked ]
		perl "$SRC/tests/bats/peer.pl" --life life connect unix:status \
			read-until-eof print table 6>&- 8>&-
		[ "$(wc -l <table)" = $((N + 1)) ]
		stopped
		[ ! -e status ]
	}
	# Their lines are more than a socket takes.
	WDSOCK_CROWD=2000
	how_many
	[ "$N" = 2000 ] || skip "fewer than 2000 clients"
	each tcp4
}

# Connected is not yet accepted.
all_are_there() {
	[ "$(grep -c ': open$' err)" = "$N" ]
}
