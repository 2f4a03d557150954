#!/bin/bash
# A table of what ran of engine/, file by file, from raw profiles:
#   report.sh [--missed] [--html DIR] RAW LINES BRANCHES PROGRAM…
# RAW is a folder of *.profraw, PROGRAM a program that was built with --config=coverage; those that hold nothing of the
# engine do not matter. Fails under LINES per cent of lines or BRANCHES per cent of branches.
set -euo pipefail
missed=''
html=''
while [[ $1 == --* ]]; do
  case $1 in
    --missed) missed=$1; shift ;;
    --html) html=$2; shift 2 ;;
    *) echo "report.sh: $1?" >&2; exit 64 ;;
  esac
done
raw=$1
lines_wanted=$2
branches_wanted=$3
shift 3

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

# Processes that only start others leave an empty file behind.
find "$raw" -size +0 -name '*.profraw' >"$work/list"
"$(llvm_tool llvm-profdata)" merge -o "$work/profile" --input-files="$work/list"

# Programs that hold something of the engine.
programs=()
for program; do
  if "$(llvm_tool llvm-cov)" report -instr-profile "$work/profile" "$program" >/dev/null 2>&1; then
    programs+=(-object="$program")
  fi
done
((${#programs[@]})) || { echo "no program has any of the engine in it"; exit 1; }

if [[ -n $html ]]; then
  "$(llvm_tool llvm-cov)" show -format=html -output-dir="$html" -show-branches=count -instr-profile "$work/profile" \
    "${programs[@]:0:1}" "${programs[@]:1}"
fi
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
