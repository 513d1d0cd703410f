# serve-multi over datagrams: each peer is a channel.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load many

@test "two peers at one socket are two channels, and each gets its own answers" {
	body() {
		many -j
		guest_of one send a until said expect to-one
		is_told '"event":"message","chan":"c1".*"text":"a"' 1
		guest_of two send b until said expect to-two
		is_told '"event":"message","chan":"c2".*"text":"b"' 1
		say '{"chan":"c1","text":"to-one"}' '{"chan":"c2","text":"to-two"}'
		touch said
		guests_held one two
	}
	needs_json
	each "${DATAGRAMS[@]}"
}

@test "news go to every peer that has spoken" {
	body() {
		many
		guest_of one send a expect news
		guest_of two send b expect news
		until_true two_lines
		say news
		guests_held one two
	}
	each "${DATAGRAMS[@]}"
}

@test "--echo answers who has asked, an empty datagram too" {
	body() {
		many --echo
		guest_of one send a expect a send '' expect '' send b expect b
		guest_of two send x expect x
		guests_held one two
		stopped
		[ ! -s out ]
	}
	each "${DATAGRAMS[@]}"
}

@test "a datagram of 65507 bytes is one message" {
	body() {
		many --echo
		datagrams connect "$A" big 65507 expect-big 65507
	}
	each udp4
}

@test "a peer that says nothing any more is closed by --idle, and may come again" {
	body() {
		many -j --idle 300ms
		guest_of one send a until again send b
		is_told '"event":"close","chan":"c1"' 1
		touch again
		is_told '"event":"open"' 2
		is_told '"text":"b"' 1
		guests_held one
	}
	each "${DATAGRAMS[@]}"
}

@test "more peers than --max-clients are not served, and those who are go on" {
	body() {
		many -j --max-clients 2
		guest_of one send a until end send z
		is_told '"text":"a"' 1
		guest_of two send b until end
		is_told '"text":"b"' 1
		datagrams connect "$A" send c
		touch end
		is_told '"text":"z"' 1
		[ "$(grep -c '"event":"open"' out)" = 2 ]
		! told '"text":"c"'
	}
	each udp4 udp6
}

@test "datagrams and streams are served together" {
	body() {
		LISTEN=(127.0.0.1:0 udp:127.0.0.1:0)
		many --relay -j
		guest stream expect '1\r\na' send '1\r\nb' until end
		opened 1
		A=${ADDRESSES[1]#udp:}
		[[ ${ADDRESSES[1]} = udp:* ]]
		A=${ADDRESSES[1]}
		datagrams connect "$A" send a expect b
		touch end
		guests_held stream
	}
	each tcp4
}

@test "--each answers peers, and --on-open greets whoever has spoken" {
	body() {
		many --each cat --on-open hello
		datagrams connect "$A" send a expect hello expect a
	}
	each "${DATAGRAMS[@]}"
}

@test "a process for each channel is refused where one has datagrams" {
	run_bytes 2 timeout 20 wdsock serve-multi --exec cat \
		127.0.0.1:0 udp:127.0.0.1:0
	err_is 'wdsock: --exec: expected an address of a stream, saw udp:127.0.0.1:0' \
		'wdsock: a process has one peer; try: a stream'
}

@test "what is for UDP is in order if one place has it" {
	run_bytes 5 timeout 20 wdsock serve-multi --deadline 100ms --no-loop \
		127.0.0.1:0 udp:127.0.0.1:0 </dev/null
	run_bytes 2 timeout 20 wdsock serve-multi --no-loop 127.0.0.1:0 unix:s
	err_has '--no-loop: expected an address of UDP, saw 127.0.0.1:0'
}

# guest_of NAME ACTION...: a scripted peer of datagrams in the background.
guest_of() {
	local name=$1
	shift

	datagrams connect "$A" "$@" >"$name.out" 2>"$name.err" &
	declare -g "GUEST_$name=$!"
	PIDS="$PIDS $!"
}

two_lines() {
	[ "$(wc -l <out)" = 2 ]
}
