#!/bin/bash
# notices.sh ORACLE TARGET PLANTED CORPUS…: the corpus test TARGET passes over the corpus, and PLANTED, which is the same
# with a defect, fails, and by that oracle.
set -uo pipefail

oracle=$1 target=$2 planted=$3
shift 3
if ! "$target" "$@" >"$TEST_TMPDIR/clean" 2>&1; then
  tail -n 5 "$TEST_TMPDIR/clean"
  echo "FAILED: without the defect something is found"
  exit 1
fi
"$planted" "$@" >"$TEST_TMPDIR/planted" 2>&1
status=$?
tail -n 2 "$TEST_TMPDIR/planted"
if ((status == 0)); then
  echo "FAILED: nobody notices"
  exit 1
fi
if ! grep -q ": does not hold ($oracle): " "$TEST_TMPDIR/planted"; then
  echo "FAILED: it is not $oracle that notices"
  exit 1
fi
