# Optional parts: what is loaded is found, or it is said where it was looked
# for; what does not belong to this program is refused. Where this build has
# JSON input otherwise, that is what is tested.

load helper

line='{"text":"hi"}'

# How this build has JSON input.
json_is() {
	case $(wdsock --version | sed -n 's/^JSON input: //p') in
	*'loaded from '*) [ "$1" = module ] ;;
	*', built in') [ "$1" = builtin ] ;;
	*'was built without') [ "$1" = left-out ] ;;
	*) return 1 ;;
	esac
}

module() {
	json_is module || skip "JSON input is no module here"
	mkdir bin
	cp "$W" bin/
	MODULE=${W%/*}/wdsock-json.so
	# What is installed on this machine would be found as well.
	! bin/wdsock --version | grep -q 'loaded from' ||
		skip "a wdsock is installed here"
}

# A module whose version is another one of the same length.
other_version() {
	perl -0pe 's/(\d+\.\d+\.\d+-)\d+\0/$1x\0/' "$MODULE" >"$1"
}

@test "every build has JSON input built in, in a module, or not at all" {
	json_is module || json_is builtin || json_is left-out
}

@test "the program is not linked with what a module brings along" {
	module
	command -v readelf >/dev/null || skip "no readelf"
	readelf -d "$MODULE" | grep -q jansson
	readelf -d "$W" >needed
	run grep jansson needed
	[ "$status" = 1 ]
}

@test "a module that is missing is status 10, and the places are named" {
	module
	run_bytes 10 bin/wdsock encode -j <<<"$line"
	out_is ''
	err_has 'wdsock: JSON input: the module wdsock-json.so is missing: expected it in one of'
	err_has "one of $PWD/bin, $PWD/"
	err_has 'try: make install'
	bin/wdsock --version | grep '^JSON input: the module .* is missing'
}

@test "a conversation that needs a module which is missing does not begin" {
	module
	run_bytes 10 bin/wdsock connect -j 127.0.0.1:1 <<<"$line"
	err_has 'is missing'
	run_bytes 10 bin/wdsock serve-single --input json 127.0.0.1:0 <<<"$line"
	err_has 'is missing'
}

@test "a module is loaded for what needs it, and for nothing else" {
	module
	printf '5\r\nHello' >frame
	run_bytes 0 bin/wdsock decode -j frame
	out_is '{"event":"message","dir":"in","n":1,"text":"Hello"}\n'
	run_bytes 0 bin/wdsock encode -j --send Hello
	cmp out frame
	run_bytes 4 bin/wdsock connect -j --send Hello unix:nosuch
	run_bytes 4 bin/wdsock connect -j unix:nosuch </dev/null
}

@test "a module beside the program is found, whatever link it is started by" {
	module
	cp "$MODULE" bin/
	mkdir links
	ln -s ../bin/wdsock links/wdsock-encode
	ln -s wdsock-encode links/x-wdsock-encode
	for program in bin/wdsock links/wdsock-encode links/x-wdsock-encode; do
		"$program" --version | grep -qxF \
			"$(bin/wdsock --version | grep 'loaded from')"
	done
	bin/wdsock --version | grep -qF "loaded from $PWD/bin/wdsock-json.so"
	links/x-wdsock-encode -j -m netstring <<<"$line" >out
	out_is '2:hi,'
	(cd bin && PATH=$PWD exec -a wdsock-encode wdsock -j <<<"$line") >out
	out_is '2\r\nhi'
}

@test "neither the current directory nor the environment leads to a module" {
	module
	cp "$MODULE" .
	LD_LIBRARY_PATH=$PWD run_bytes 10 bin/wdsock encode -j <<<"$line"
	err_has 'is missing'
	(cd bin && cp "$MODULE" .. && run_bytes 10 ./wdsock encode -j <<<"$line")
}

@test "a directory in which others may write is not looked into" {
	module
	cp "$MODULE" bin/
	chmod o+w bin
	run_bytes 10 bin/wdsock encode -j <<<"$line"
	err_has "$PWD/bin (others may write there)"
}

@test "a module of another version is refused" {
	module
	other_version bin/wdsock-json.so
	run cmp -s "$MODULE" bin/wdsock-json.so
	[ "$status" = 1 ]
	run_bytes 10 bin/wdsock encode -j <<<"$line"
	err_has "JSON input: $PWD/bin/wdsock-json.so: expected a module of version "
	err_has '-x'
	err_has 'try: the program and its modules from one installation'
}

@test "a shared object that is no module is refused, and so is no object" {
	module
	cp "$(ldd "$MODULE" | sed -n 's/.*jansson.* => \(.*\) (.*/\1/p')" \
		bin/wdsock-json.so
	run_bytes 10 bin/wdsock encode -j <<<"$line"
	err_has 'expected a module of wdsock, saw another shared object'
	echo text >bin/wdsock-json.so
	run_bytes 10 bin/wdsock encode -j <<<"$line"
	err_has 'JSON input: cannot be loaded: '
}

@test "what is built in needs no file" {
	json_is builtin || skip "JSON input is not built in here"
	mkdir bin
	cp "$W" bin/
	bin/wdsock encode -j -m netstring <<<"$line" >out
	out_is '2:hi,'
}

@test "what was left out is refused in plain words, and the rest works" {
	json_is left-out || skip "JSON input is there"
	run_bytes 2 wdsock encode -j <<<"$line"
	err_is 'wdsock: JSON input: this wdsock was built without' \
		'wdsock: try: one that was built --with-json'
	run_bytes 2 wdsock connect -j 127.0.0.1:1 <<<"$line"
	err_has 'this wdsock was built without'
	printf '2\r\nhi' | wdsock decode -j >out
	out_is '{"event":"message","dir":"in","n":1,"text":"hi"}\n'
	wdsock encode -j -m netstring --send hi >out
	out_is '2:hi,'
}
