# What is written about the program is what it does: the table of options is
# the measure for the manual, the help and the completions, and every example
# is run.

load helper

commands="encode decode help"

# The options of a command as its help lists them, one in a line.
options_of() {
	wdsock "$1" --help | sed -n 's/^  \(-.\|   \)[, ] *--\([a-z-]*\).*/\1 --\2/p' |
		tr ' ' '\n' | grep '^-'
}

# The page that a command is described on, as plain text.
page_of() {
	case $1 in
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
		wdsock help | grep -q "^  $c "
	done
	n=$(wdsock help | grep -c '^  [a-z][a-z-]*  ')
	[ "$n" = "$(wc -w <<<"$commands")" ]
}

@test "every option of every command is in its manual page" {
	for c in encode decode; do
		for o in $(options_of "$c"); do
			dashes=${o%%[a-z0-9]*}
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
	for page in wdsock.1 wdsock-encode.1; do
		sed -n '/^\.It/s/Fl Fl \([a-z-]*\)/\n--\1\n/gp' "$SRC/man/$page" |
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
	for c in encode decode; do
		options_of "$c" | sort -u >options
		bash -c 'source "$1/completions/wdsock"; _wdsock_options "$2"' - \
			"$SRC" "$c" | tr -s '[:space:]' '\n' | sort -u >bash
		diff options bash
		sed -n "/^	$c)/,/;;/p" "$SRC/completions/_wdsock" |
			grep -oE -- "['{,*](-[a-z0-9]|--[a-z-]+)" |
			sed "s/^['{,*]*//" | sort -u >zsh
		diff options zsh
	done
	{ options_of encode; options_of decode; } | sort -u >options
	grep complete "$SRC/completions/wdsock.fish" |
		grep -oE -- '-[ls] [a-z0-9-]+' |
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
	for page in wdsock.1 wdsock-encode.1 wdsock-framing.7; do
		perl "$SRC/tests/bats/examples.pl" man "$SRC/man/$page"
	done
}

@test "every example in README says what it shows" {
	perl "$SRC/tests/bats/examples.pl" markdown "$SRC/README.md"
}

@test "the manual pages are clean" {
	command -v mandoc >/dev/null || skip "no mandoc"
	cd "$SRC/man"
	run mandoc -Tlint -Wwarning wdsock.1 wdsock-encode.1 wdsock-framing.7
	[ -z "$output" ]
}

@test "the demo ends by itself and says yes" {
	run_bytes 0 "$SRC/tests/demo" "$W"
	grep -q '^demo: all as it should be$' out
}

@test "each shell loads its completion, and offers a mode" {
	bash -c 'source "$1/completions/wdsock"
		COMP_WORDS=(wdsock decode -m net); COMP_CWORD=3; _wdsock
		[ "${COMPREPLY[0]}" = netstring ]' - "$SRC"
	if command -v fish >/dev/null; then
		fish -c "source $SRC/completions/wdsock.fish
			complete -C 'wdsock decode -m net'" | grep -q '^netstring'
	fi
	if command -v zsh >/dev/null; then
		zsh -n "$SRC/completions/_wdsock"
	fi
}
