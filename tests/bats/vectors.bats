# The vectors of the codec, asked of the program. One test for each file.

load helper

holds() {
	perl "$SRC/tests/bats/vectors.pl" "$W" "$SRC/tests/vectors/$1.tsv"
}

@test "the filters do what the vectors say: windev" {
	holds windev
}

@test "the filters do what the vectors say: windev with count and tail" {
	holds windev-count
}

@test "the filters do what the vectors say: end tags" {
	holds end-tag
}

@test "the filters do what the vectors say: fixed headers" {
	holds fixed-header
}

@test "the filters do what the vectors say: binary lengths" {
	holds binary
}

@test "the filters do what the vectors say: raw, until-close, lines, netstring" {
	holds others
}

@test "every file of vectors has its test, and there are 200 vectors or more" {
	for file in "$SRC"/tests/vectors/*.tsv; do
		name=${file##*/}
		grep -q "holds ${name%.tsv}\$" "$BATS_TEST_FILENAME"
	done
	n=$(cat "$SRC"/tests/vectors/*.tsv | grep -cv '^#\|^$')
	[ "$n" -ge 200 ]
}
