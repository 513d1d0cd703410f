# serve-multi against a model: random clients and lines, and what each channel
# must receive and tell.

load talk

# modelled STEPS LINGER [OPTION...]: runs with seeds that are always the same,
# and one with another each time, or as many as `make check-model` asks for.
modelled() {
	local steps=$1 linger=$2 first=${SEED:-$RANDOM} i
	shift 2

	for i in 1 2 $(seq "$first" $((first + ${WDSOCK_SEEDS:-1} - 1))); do
		rm -rf run
		mkdir run
		(cd run && perl "$SRC/tests/bats/many_model.pl" \
			--seed "$i" --steps "$steps" \
			--linger "$linger" --limit 25 \
			"$W" serve-multi "$@") 2>err || {
			cat err
			return 1
		}
	done
}

@test "whatever clients and lines come in whatever order, each channel has what it must" {
	needs_json
	modelled 400 0
}

@test "the same where clients that have closed their half are still spoken to" {
	needs_json
	modelled 400 1h
}

@test "the same where the source waits for slow clients" {
	needs_json
	modelled 300 0 --slow wait --queue 64k
}
