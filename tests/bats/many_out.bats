# What serve-multi writes: whose each message is, and nothing that anybody can
# forge.

# Each case has variables of its own.
# shellcheck disable=SC2030,SC2031
load many

@test "each line begins with its channel and a tab" {
	body() {
		many
		guest one send '5\r\nHello' until end
		is_told '^c1	Hello$' 1
		guest two send '5\r\nThere' until end
		is_told '^c2	There$' 1
		touch end
		guests_held one two
		stopped
		out_is 'c1\tHello\nc2\tThere\n'
		err_is_empty
	}
	each
}

@test "two clients that interleave halves of messages are told apart, whole" {
	body() {
		many
		guest one send '12\r\none-' touch a until b send 'begi' touch c \
			until d send 'nend' touch e until end
		guest two until a send '12\r\ntwo-' touch b until c send 'begi' \
			touch d until e send 'nend' until end
		is_told '^c[12]	one-beginend$' 1
		is_told '^c[12]	two-beginend$' 1
		[ "$(wc -l <out)" = 2 ]
		touch end
	}
	each
}

@test "nobody can forge a line of another one" {
	body() {
		many
		caller send '12\r\nx\nc9\tgot you4\r\na\\nb'
		is_told 'got you' 1
		is_told 'a.*b' 1
		stopped
		out_is 'c1\tx\\nc9\tgot you\nc1\ta\\\\nb\n'
	}
	each
}

@test "with --output null, NUL is escaped in place of LF; with hex and escaped nothing ends a line" {
	body() {
		many --output null
		caller send '5\r\na\x00\nb\\'
		until_true [ -s out ]
		stopped
		out_is 'c1\ta\\0\nb\\\\\0'
		many --output hex
		caller send '3\r\na\n\x00'
		until_true [ -s out ]
		stopped
		out_is 'c1\t610a00\n'
		many --output escaped
		caller send '3\r\na\n\\'
		until_true [ -s out ]
		stopped
		out_is 'c1\ta\\n\\\\\n'
	}
	each tcp4
}

@test "--no-channel, raw and --format have no prefix" {
	body() {
		many --no-channel
		caller send '1\r\na'
		until_true [ -s out ]
		stopped
		out_is 'a\n'
		many --output raw
		caller send '1\r\na'
		until_true [ -s out ]
		stopped
		out_is 'a'
		many --format '%c %n %m;'
		caller send '1\r\na1\r\nb'
		is_told 'c1 2 b;'
		stopped
		out_is 'c1 1 a;c1 2 b;'
	}
	each tcp4
}

@test "what is written with the channel is read with --addressed" {
	body() {
		many
		caller send '6\r\n\n\\n\\\ta'
		until_true [ -s out ]
		stopped
		cp out said
		many -v --addressed
		guest one expect '6\r\n\n\\n\\\ta'
		until_true grep -q '\bc1\b' err
		cat said >&6
		guests_held one
	}
	each
}

@test "JSON tells of the opening, each message and the close of each channel" {
	body() {
		many -j --linger 0
		caller send '1\r\na' send '2\r\n\xff\xfe' half-close expect-eof
		is_told '"event":"close"' 1
		stopped
		sed -i 's/"tls":{[^}]*},//' out
		as_json '{"event":"open","chan":"c1"}' \
			'{"event":"message","chan":"c1","dir":"in","n":1,"text":"a"}' \
			'{"event":"message","chan":"c1","dir":"in","n":2,"b64":"//4="}' \
			'{"event":"close","chan":"c1","why":"closed by the peer","status":0}'
	}
	each
}

@test "one whose frames are wrong is closed with 8, cut ones with 7, and the others stay" {
	body() {
		many -j --linger 0
		guest good send '1\r\na' until end send '1\r\nb' until over
		is_told '"text":"a"' 1
		caller send 'Hello world<EOF>' try read-until-eof
		is_told '"event":"close","chan":"c2".*"status":8' 1
		caller send '9\r\nabc' half-close try read-until-eof
		is_told '"event":"close","chan":"c3".*"status":7' 1
		[[ $T != tcp* ]] || {
			caller send '9\r\nabc' reset
			is_told '"event":"close","chan":"c4".*"status":12' 1
		}
		touch end
		is_told '"text":"b"' 1
		touch over
		kill -0 "$SERVER"
	}
	each
}

@test "what the wrong one sent, and what to try, is on stderr" {
	body() {
		many
		caller send 'Hello world<EOF>' try read-until-eof
		until_true err_like 'c1 .*byte 0: expected a decimal length'
		err_like "try: -m 'end-tag=<EOF>'"
		[ ! -s out ]
	}
	each
}

@test "a slow reader of stdout loses nothing, and everybody's order is kept" {
	body() {
		mkfifo pipe
		exec 5<>pipe
		for i in {1..4}; do
			perl -e 'printf("%d\r\n%s", length($_), $_)
				for map { "$ARGV[0] $_ " . "x" x 400 } 1 .. 2000' \
				"$i" >"in$i"
		done
		idle
		rm -f ready
		mkfifo ready
		wdsock serve-multi --deadline 60 --ready-fd 7 "$HERE" \
			<idle >pipe 2>err 7>ready 5>&- 6>&- 8>&- &
		SERVER=$!
		PIDS="$PIDS $SERVER"
		read -r A <ready
		for i in {1..4}; do guest "g$i" file "in$i" until end; done
		head -n 8000 <&5 >all
		touch end
		guests_held g1 g2 g3 g4
		[ "$(cut -f1 all | sort -u | wc -l)" = 4 ]
		awk -F'[\t ]' '{
			if ($3 != ++n[$1] || (w[$1] != "" && w[$1] != $2)) exit 1
			w[$1] = $2 }' all
	}
	each tcp4 unix
}
