#!/usr/bin/env bash
# What make install puts in place is what make uninstall takes away, and each
# name runs its command, also where the installation changes the names.

. "${WDSOCK_SRC:?}/tests/lint/lint.bash"
cd "${WDSOCK_BUILD:?}" || exit 1

# We are not part of the make that runs us.
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR
make=${MAKE:-make}
dest=$(mktemp -d "${TMPDIR:-/tmp}/wdsock-install.XXXXXX") || exit 1
trap 'rm -rf "$dest"' EXIT

# run GOAL WORD...: quietly, unless it fails.
run() {
	"$make" -s "$@" DESTDIR="$dest" >"$dest.log" 2>&1 || cat "$dest.log"
	rm -f "$dest.log"
}

files() {
	find "$dest" ! -type d
}

# The links that are to be there, as the Makefile names them.
links() {
	sed -n 's/^links = //p' "$WDSOCK_SRC/Makefile.am"
}

# The modules of this build.
modules() {
	find . -maxdepth 1 -name 'wdsock-*.so' | sed 's|.*/||'
}

missing() {
	local l
	for l in $(modules); do
		files | grep -q "/wdsock/$l$" || echo "the module $l"
	done
	[ -n "$(links)" ] || echo "no links in Makefile.am"
	for l in $(links); do
		files | grep -q "/bin/$l$" || echo "bin/$l"
		files | grep -q "/bash-completion/completions/$l$" ||
			echo "bash completion of $l"
		files | grep -q "/vendor_completions.d/$l.fish$" ||
			echo "fish completion of $l"
	done
	files | while read -r l; do
		[ -e "$l" ] || echo "$l leads nowhere"
	done
}

# works NAME: does the link of that name encode?
works() {
	local program
	program=$(files | grep "/bin/$1$")
	[ "$(printf 'hi' | "$program" -m netstring)" = 2:hi, ] ||
		echo "$program does not encode"
}

# What this build says of its parts, less where they are.
parts_of() {
	"$1" --version | sed 's/from .*/from/'
}

# finds NAME: has the program of that name all that the one built here has?
# Its modules must be the installed ones, wherever that tree is now.
finds() {
	local program
	program=$(files | grep "/bin/$1$")
	diff <(parts_of "$WDSOCK") <(parts_of "$program")
	"$program" --version | sed -n 's/.*loaded from //p' | grep -v "^$dest/"
}

move_away() {
	mv "$dest" "$dest.moved" && dest=$dest.moved
}

move_back() {
	mv "$dest" "${dest%.moved}" && dest=${dest%.moved}
}

rule "it can be installed" run install
rule "each command has its link and its completions" missing
rule "a link runs its command" works wdsock-encode
rule "it finds its modules where they were put" finds wdsock
move_away
rule "also where the whole of it was moved" finds wdsock
rule "and by a link" finds wdsock-encode
move_back
rule "it can be uninstalled" run uninstall
rule "nothing is left of it" files
rule "it can be installed under other names" \
	run install program_transform_name='s/^/x-/'
rule "a link of another name runs its command" works x-wdsock-encode
rule "a program of another name finds its modules" finds x-wdsock
rule "it can be uninstalled under other names" \
	run uninstall program_transform_name='s/^/x-/'
rule "nothing is left of these" files
end_rules
