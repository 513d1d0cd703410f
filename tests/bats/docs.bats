# What is written about the program is what it does: the table of options is
# the measure for the manual, the help and the completions, and every example
# is run.

load helper

commands="connect serve-single serve-multi encode decode help"
pages="wdsock.1 wdsock-connect.1 wdsock-serve-single.1 wdsock-serve-multi.1
	wdsock-encode.1"
pages7="wdsock-format.7 wdsock-framing.7"

# The options of a command as its help lists them, one in a line.
options_of() {
	wdsock "$1" --help | sed -n 's/^  \(-.\|   \)[, ] *--\([a-z0-9-]*\).*/\1 --\2/p' |
		tr ' ' '\n' | grep '^-'
}

# The page that a command is described on, as plain text.
page_of() {
	case $1 in
	connect | serve-*) echo "wdsock-$1.1" ;;
	encode | decode) echo wdsock-encode.1 ;;
	help) echo wdsock.1 ;;
	esac
}

@test "--help goes to stdout with status 0, for the program and each command" {
	run_bytes 0 wdsock --help
	err_is_empty
	grep -q '^usage: wdsock' out
	for c in $commands; do
		run_bytes 0 wdsock "$c" --help
		err_is_empty
		grep -q "^usage: wdsock $c" out
		cp out help
		run_bytes 0 wdsock help "$c"
		cmp out help
	done
}

@test "every command is in the overview" {
	for c in $commands; do
		wdsock help | grep -q "^  $c  *[a-z]"
	done
	n=$(wdsock help | sed '/wdsock help COMMAND/,$d' | grep -c '^  [a-z]')
	[ "$n" = "$(wc -w <<<"$commands")" ]
}

@test "every command is in the manual page of the program, and so are the links" {
	for c in $commands; do
		grep -q "^\.It Cm $c\$" "$SRC/man/wdsock.1"
		[ "$c" = help ] || {
			grep -q "^\.Pa wdsock-$c\>" "$SRC/man/wdsock.1"
			grep -q "^links = .*wdsock-$c" "$SRC/Makefile.am"
			grep -q "^\.Xr wdsock-$c 1" "$SRC/man/wdsock.1"
		}
	done
}

@test "every option of every command is in its manual page" {
	for c in $commands; do
		[ "$c" != help ] || continue
		for o in $(options_of "$c"); do
			dashes=${o%%[a-zA-Z0-9]*}
			name=${o#"$dashes"}
			flag="Fl $name"
			[ "$dashes" = - ] || flag="Fl Fl $name"
			grep -q "^\.It.* $flag\( \|\$\)\|^\.It $flag\( \|\$\)" \
				"$SRC/man/$(page_of "$c")" || {
				echo "$c: $o is not in the manual"
				return 1
			}
		done
	done
}

@test "the manual describes no option that is not there" {
	all=$(for c in $commands; do options_of "$c"; done; echo --version)
	for page in $pages; do
		sed -n '/^\.It/s/Fl Fl \([a-z0-9-]*\)/\n--\1\n/gp' "$SRC/man/$page" |
			grep '^--' | sort -u >described
		while read -r o; do
			grep -qxF -- "$o" <<<"$all" || {
				echo "$page: $o is not an option"
				return 1
			}
		done <described
	done
}

@test "every option is in the three completions, and no other" {
	for c in $commands; do
		options_of "$c" | sort -u >options
		bash -c 'source "$1/completions/wdsock"; _wdsock_options "$2"' - \
			"$SRC" "$c" | tr -s '[:space:]' '\n' | sort -u >bash
		diff options bash
		sed -n "/^	$c)/,/;;/p" "$SRC/completions/_wdsock" |
			grep -oE -- "['{,*](-[a-zA-Z0-9]|--[a-z0-9-]+)" |
			sed "s/^['{,*]*//" | sort -u >zsh
		diff options zsh
	done
	for c in $commands; do options_of "$c"; done | sort -u >options
	grep complete "$SRC/completions/wdsock.fish" |
		grep -oE -- '-[ls] [a-zA-Z0-9-]+' |
		sed 's/^-l /--/; s/^-s /-/' | grep -v '^--version' | sort -u >fish
	diff options fish
}

@test "every mode is in help, manual and completions" {
	modes=$(wdsock help modes | sed -n 's/^  \([a-z][a-z0-9-]*\).*/\1/p')
	[ "$(wc -w <<<"$modes")" -ge 14 ]
	for m in $modes; do
		for file in man/wdsock-framing.7 completions/wdsock \
			completions/_wdsock completions/wdsock.fish README.md; do
			[ "$m:$file" != auto:man/wdsock-framing.7 ] || continue
			grep -qw -- "$m" "$SRC/$file" || {
				echo "$m is not in $file"
				return 1
			}
		done
	done
}

@test "every WLanguage constant in the table is a mode, and in the manual" {
	sed "s/\\\\('e/é/g" "$SRC/man/wdsock-framing.7" >page
	for name in $(wdsock help modes | sed -n 's/^ *WLanguage: //p' | tr -d ,); do
		printf '' | wdsock encode -m "$name"
		grep -qw "$name" page || {
			echo "$name is not in the manual"
			return 1
		}
	done
}

@test "every directive of a format is in help, manual and completions, and no other" {
	wdsock help formats | sed -n 's/^  \(%.\)  .*/\1/p' | sort >help
	[ "$(wc -l <help)" = 15 ]
	sed -n 's/^\.It Cm \(\\&\)\{0,1\}\(%.\)$/\2/p' \
		"$SRC/man/wdsock-format.7" | sort | diff help -
	grep -v %% help >letters
	bash -c 'source "$1/completions/wdsock"
		_wdsock_values connect --format' - "$SRC" | tr ' ' '\n' |
		sort | diff letters -
	sed -n '/^_wdsock_format/,/^}/p' "$SRC/completions/_wdsock" |
		grep -o '%[a-zA-Z]' | sort | diff letters -
	grep '^set -l directives' "$SRC/completions/wdsock.fish" |
		grep -o '%[a-zA-Z]' | sort | diff letters -
	while read -r d; do
		printf '1\r\na' | wdsock decode --format "$d"
	done <help
}

@test "the exit statuses are one table: in the code, in help and in the manual" {
	wdsock help exit | sed 's/^ *\([0-9]*\)  /\1 /' >help
	sed -n '/^\.Sh EXIT STATUS/,/^\.El/p' "$SRC/man/wdsock.1" |
		sed -n '/^\.It [0-9]/{s/^\.It //;N;s/\n/ /p;}' >manual
	diff help manual
	[ "$(wc -l <help)" = 13 ]
}

@test "the version stands in one place" {
	version=$(sed -n 's/^AC_INIT(\[wdsock\], \[\(.*\)\])/\1/p' "$SRC/configure.ac")
	[ -n "$version" ]
	wdsock --version | grep -qx "wdsock $version"
	grep -q "^## $version\$" "$SRC/NEWS.md"
	run grep -rn "wdsock $version" "$SRC"/src "$SRC"/man "$SRC"/README.md
	[ "$status" = 1 ]
}

@test "every example in the manual pages says what it shows" {
	needs_json
	for page in $pages $pages7; do
		mkdir "$page"
		(cd "$page" &&
			perl "$SRC/tests/bats/examples.pl" man "$SRC/man/$page")
	done
	for f in "$SRC"/tests/bats/examples.d/*; do
		cmp "$f" "wdsock-serve-multi.1/${f##*/}"
	done
}

@test "every example in README says what it shows" {
	needs_json
	perl "$SRC/tests/bats/examples.pl" markdown "$SRC/README.md"
}

@test "the manual pages are clean" {
	command -v mandoc >/dev/null || skip "no mandoc"
	cd "$SRC/man"
	# shellcheck disable=SC2086
	run mandoc -Tlint -Wwarning $pages $pages7
	[ -z "$output" ]
}

@test "the demo ends by itself and says yes" {
	needs_json
	run_bytes 0 "$SRC/tests/demo" "$W"
	grep -q '^demo: all as it should be$' out
}

@test "each shell loads its completion, and offers a mode" {
	bash -c 'source "$1/completions/wdsock"
		COMP_WORDS=(wdsock decode -m net); COMP_CWORD=3; _wdsock
		[ "${COMPREPLY[0]}" = netstring ]
		COMP_WORDS=(wdsock-connect --mode-in net); COMP_CWORD=2; _wdsock
		[ "${COMPREPLY[0]}" = netstring ]
		COMP_WORDS=(wdsock connect -X c); COMP_CWORD=3; _wdsock
		[ "${COMPREPLY[*]}" = connect ]
		COMP_WORDS=(wdsock serve-single ud); COMP_CWORD=2; _wdsock
		[ "${COMPREPLY[*]}" = udp: ]
		COMP_WORDS=(wdsock serve-multi --slow d); COMP_CWORD=3; _wdsock
		[ "${COMPREPLY[*]}" = drop ]
		COMP_WORDS=(wdsock-serve-multi :8001 uni); COMP_CWORD=2; _wdsock
		[ "${COMPREPLY[*]}" = "unix: unix-dgram:" ]' - "$SRC"
	if command -v fish >/dev/null; then
		fish -c "source $SRC/completions/wdsock.fish
			complete -C 'wdsock decode -m net'" | grep -q '^netstring'
		for c in connect serve-single serve-multi; do
			fish -c "source $SRC/completions/wdsock.fish
				complete -C 'wdsock $c -'
				complete -C 'wdsock $c --'" | cut -f1 |
				sort -u >fish
			options_of "$c" | sort -u | diff - fish
		done
	fi
	if command -v zsh >/dev/null; then
		zsh -n "$SRC/completions/_wdsock"
	fi
}

@test "bash offers files behind --, whatever their names begin with" {
	: >-capture
	for words in 'wdsock decode -- -' 'wdsock-decode -- -' \
		'wdsock encode -0 -- -'; do
		# shellcheck disable=SC2016
		run bash -c 'source "$1/completions/wdsock"
			read -ra COMP_WORDS <<<"$2"
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			_wdsock
			echo "${COMPREPLY[*]}"' - "$SRC" "$words"
		[ "$output" = -capture ]
	done
}

@test "what .ci/run says last is how many passed and failed, and no more" {
	# shellcheck disable=SC2016
	grep -B 1 '^\[\[ $failed -eq 0' "$SRC/.ci/run" | head -1 >last
	passed=3 failed=1
	# shellcheck disable=SC1091
	. ./last >out
	out_is '3 passed, 1 failed\n'
}

@test "no page sends its reader to another one for what is not there" {
	run grep -A 3 'charset is no part' "$SRC/man/wdsock-framing.7"
	[[ $output != *.Xr* ]]
}
