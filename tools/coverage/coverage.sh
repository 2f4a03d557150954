#!/bin/bash
# Line and branch coverage of engine/ by its tests, those of replay/ and the fuzz corpora, file by file:
#   tools/bazel run //tools/coverage [-- --missed]
# Fails under 98 % of lines or 95 % of branches. --missed also names each line and branch that did not run.
# The tests themselves do not count, nor does what only people run. What fuzz targets alone reach: //fuzz:coverage.
set -euo pipefail
lines_wanted=98
branches_wanted=95
cd "$BUILD_WORKSPACE_DIRECTORY"  # what `bazel run` was called in

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests=$(tools/bazel query 'kind(cc_test, //engine/... + //replay/... + //fuzz/...)' 2>/dev/null)
mkdir "$work/raw"
if ! tools/bazel test --config=coverage --test_env="LLVM_PROFILE_FILE=$work/raw/%m-%p.profraw" $tests \
  >"$work/log" 2>&1; then
  tail -n 40 "$work/log"
  exit 1
fi
programs=()
for test in $tests; do
  path=${test#//}
  programs+=("bazel-bin/${path/://}")
done
tools/coverage/report.sh "$@" "$work/raw" $lines_wanted $branches_wanted "${programs[@]}"
