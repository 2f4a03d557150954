#!/bin/bash
# Base64 takes no decision by what it encodes or decodes: valgrind looks on. Skipped where valgrind is not there.
set -uo pipefail

if ! type -P valgrind >/dev/null; then
  echo "skipped: no valgrind here"
  exit 0
fi
if ! built=$("$1"); then
  echo "skipped: $built"
  exit 0
fi
if ! valgrind --quiet --log-file="$TEST_TMPDIR/valgrind.log" "$1"; then
  cat "$TEST_TMPDIR/valgrind.log"
  exit 1
fi
