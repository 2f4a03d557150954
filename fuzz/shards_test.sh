#!/bin/bash
# That no input is lost, and none run twice, where a corpus test is cut into shards; that the first shard judges
# the goals for all, and the others judge none.
#   shards_test.sh CORPUS_TEST SEED…
set -u
target=$1
shift
fail() {
  echo "$1"
  exit 1
}

shard() {  # shard INDEX TOTAL SEED…
  local index=$1 total=$2
  shift 2
  TEST_TOTAL_SHARDS=$total TEST_SHARD_INDEX=$index TEST_SHARD_STATUS_FILE=$TEST_TMPDIR/status-$index \
    "$target" "$@" >"$TEST_TMPDIR/out" 2>"$TEST_TMPDIR/err"
}

printf '%s\n' "$@" | sort >"$TEST_TMPDIR/wanted"
for total in 1 3 4 $(($# + 2)); do
  : >"$TEST_TMPDIR/run"
  for ((index = 0; index < total; index++)); do
    shard "$index" "$total" "$@" || fail "shard $index of $total: $(tail -n 3 "$TEST_TMPDIR/err")"
    [[ -e $TEST_TMPDIR/status-$index ]] || fail "Bazel is not told that shards are known"
    grep -v '(of another shard)$' "$TEST_TMPDIR/err" >>"$TEST_TMPDIR/run"
    others=$(grep -c '(of another shard)$' "$TEST_TMPDIR/err")
    if ((index > 0)); then
      ((others == 0)) || fail "shard $index of $total runs files of others"
    else
      (($(wc -l <"$TEST_TMPDIR/err") == $#)) || fail "the first of $total does not see the whole corpus"
    fi
  done
  sort "$TEST_TMPDIR/run" | diff "$TEST_TMPDIR/wanted" - || fail "$total shards: not each file once"
done

# Two files of these cannot reach all goals.
shard 0 2 "$1" "$2" && fail "the first shard judges no goals"
grep -q 'no input of the corpus reaches' "$TEST_TMPDIR/err" || fail "the first shard names no goal"
shard 1 2 "$1" "$2" || fail "the second shard judges goals"
