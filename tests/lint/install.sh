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

missing() {
	local l
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

rule "it can be installed" run install
rule "each command has its link and its completions" missing
rule "a link runs its command" works wdsock-encode
rule "it can be uninstalled" run uninstall
rule "nothing is left of it" files
rule "it can be installed under other names" \
	run install program_transform_name='s/^/x-/'
rule "a link of another name runs its command" works x-wdsock-encode
rule "it can be uninstalled under other names" \
	run uninstall program_transform_name='s/^/x-/'
rule "nothing is left of these" files
end_rules
