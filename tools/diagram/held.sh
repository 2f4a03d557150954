#!/bin/bash
# Holds what the README and the specification show of the state machine against what //tools/diagram prints:
#   held.sh check  PROGRAM README SPECIFICATION    fails where they differ
#   held.sh update PROGRAM README SPECIFICATION    writes it there
set -euo pipefail
mode=$1
program=$(realpath "$2")
readme=$3
specification=$4
if [[ $mode == update ]]; then
  cd "$BUILD_WORKSPACE_DIRECTORY"  # what `bazel run` was called in
fi

# The text with what stands between two lines, each given by its beginning, replaced by standard input.
# `keep`: the first line belongs to what is replaced, the second one does not.
with_block() {
  awk -v from="$2" -v to="$3" -v keep="$4" '
    NR == FNR { block = block $0 "\n"; next }
    inside && index($0, to) == 1 { inside = 0 }
    index($0, from) == 1 { if (!keep) print; printf "%s", block; inside = 1; found = 1; next }
    !inside { print }
    END { exit !found || inside }' - "$1"
}

failed=0
hold() {
  local file=$1 fresh
  fresh=$(mktemp)
  with_block "$@" >"$fresh" || { echo "$file has no place for the block"; exit 1; }
  if cmp -s "$fresh" "$file"; then
    :
  elif [[ $mode == update ]]; then
    cat "$fresh" >"$file"
    echo "$file is written anew"
  else
    diff "$file" "$fresh" || true
    echo "$file is not what the state machine says; tools/bazel run //tools/diagram:update writes it"
    failed=$((failed + 1))
  fi
  rm -f "$fresh"
}

hold "$readme" "<!-- printed by //tools/diagram;" "<!-- end -->" 0 < <("$program" transitions)
hold "$specification" "        EHLO HELO" '```' 1 < <("$program" legality)
hold "$specification" "<!-- declared transitions," "<!-- end -->" 0 < <("$program" declared)
[[ $mode == update ]] || echo "$((3 - failed)) passed, $failed failed"
((failed == 0))
