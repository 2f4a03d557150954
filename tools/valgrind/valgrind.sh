#!/bin/bash
# Runs a test under valgrind: valgrind.sh PROGRAM ARGUMENT…
# Criterion runs each test in a process of its own and does not look at how that ends once the test is over, when
# leaks are found. So each process has a log, and a log that says anything makes this fail.
set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

valgrind --quiet --trace-children=yes --log-file="$logs/%p" --leak-check=full \
  --show-leak-kinds=definite,possible --errors-for-leak-kinds=definite,possible --error-exitcode=99 \
  --suppressions="$here/libraries.supp" "$@"
status=$?
findings=$(find "$logs" -type f -size +0 | wc -l)
find "$logs" -type f -size +0 -exec cat {} +
echo "valgrind: $(find "$logs" -type f | wc -l) processes, $findings of them with findings"
if ((status == 0 && findings > 0)); then
  status=99
fi
exit "$status"
