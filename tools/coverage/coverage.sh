#!/bin/bash
# Line and branch coverage of engine/ by its tests, those of replay/ and the fuzz corpora, file by file:
#   tools/bazel run //tools/coverage [-- --missed]
# Fails under 98 % of lines or 95 % of branches. --missed also names each line and branch that did not run.
# The tests themselves do not count, nor does what only people run.
set -euo pipefail
lines_wanted=98
branches_wanted=95
missed=${1-}
cd "$BUILD_WORKSPACE_DIRECTORY"  # what `bazel run` was called in

# The tools that fit the compiler stand beside it.
llvm_tool() {
  local beside
  beside=$(dirname "$(readlink -f "$(type -P clang)")")/$1
  if [[ -x $beside ]]; then
    echo "$beside"
  else
    type -P "$1"
  fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests=$(tools/bazel query 'kind(cc_test, //engine/... + //replay/... + //fuzz/...)' 2>/dev/null)
mkdir "$work/raw"
if ! tools/bazel test --config=coverage --test_env="LLVM_PROFILE_FILE=$work/raw/%m-%p.profraw" $tests \
  >"$work/log" 2>&1; then
  tail -n 40 "$work/log"
  exit 1
fi

# Processes that only start others leave an empty file behind.
find "$work/raw" -size +0 -name '*.profraw' >"$work/list"
"$(llvm_tool llvm-profdata)" merge -o "$work/profile" --input-files="$work/list"

# Programs that hold something of the engine.
programs=()
for test in $tests; do
  path=${test#//}
  program=bazel-bin/${path/://}
  if "$(llvm_tool llvm-cov)" report -instr-profile "$work/profile" "$program" >/dev/null 2>&1; then
    programs+=(-object="$program")
  fi
done
((${#programs[@]})) || { echo "no test has any of the engine in it"; exit 1; }

"$(llvm_tool llvm-cov)" export -format=lcov -instr-profile "$work/profile" "${programs[@]:0:1}" \
  "${programs[@]:1}" >"$work/lcov"
awk -F'[:,]' -v lines_wanted=$lines_wanted -v branches_wanted=$branches_wanted -v missed="$missed" '
  function percent(part, of) { return of > 0 ? 100 * part / of : 100 }
  function row(name, l, lr, b, br) {
    printf "%-28s %5d of %5d lines %7.2f %%   %5d of %5d branches %7.2f %%\n",
           name, lr, l, percent(lr, l), br, b, percent(br, b)
  }
  /^SF:/ { file = $2; sub(".*/engine/", "engine/", file); l = lr = b = br = 0 }
  /^DA:/ { l++; lr += $3 > 0; if ($3 == 0) unrun[++num] = file ":" $2 ": line" }
  /^BRDA:/ { taken = $5 != "-" && $5 > 0; b++; br += taken
             if (!taken) unrun[++num] = file ":" $2 ": branch" }
  /^end_of_record/ && l > 0 {
    row(file, l, lr, b, br)
    L += l; LR += lr; B += b; BR += br
  }
  END {
    row("all", L, LR, B, BR)
    for (i = 1; missed == "--missed" && i <= num; i++) print unrun[i]
    good = L > 0 && percent(LR, L) >= lines_wanted && percent(BR, B) >= branches_wanted
    if (!good) printf "wanted: %s %% of lines, %s %% of branches\n", lines_wanted, branches_wanted
    exit !good
  }' "$work/lcov"
