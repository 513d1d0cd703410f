# What the lints share: where the sources are, and one line of TAP for each
# rule. A rule prints what breaks it and nothing else.

SRC=${WDSOCK_SRC:?set WDSOCK_SRC to the top of the sources}
cd "$SRC" || exit 1
rules=0
broken=0

# rule NAME COMMAND...: holds if the command prints nothing.
rule() {
	local name=$1 out
	shift
	rules=$((rules + 1))
	out=$("$@" 2>&1)
	if [ -z "$out" ]; then
		echo "ok $rules - $name"
	else
		broken=$((broken + 1))
		echo "not ok $rules - $name"
		printf '%s\n' "$out" | sed 's/^/# /'
	fi
}

skip_rule() {
	rules=$((rules + 1))
	echo "ok $rules - $1 # SKIP $2"
}

end_rules() {
	echo "1..$rules"
	exit $((broken > 0))
}
