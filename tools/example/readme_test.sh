#!/bin/bash
# The loop that the README shows is the one that is compiled and tested, to the letter.
set -euo pipefail
readme=$1
example=$2

shown=$(sed -n '/^```c$/,/^```$/p' "$readme" | sed '1d;$d')
compiled=$(sed -n '/^enum ehlo_outcome submit(/,$p' "$example")
if [[ -z $shown || $shown != "$compiled" ]]; then
  diff <(echo "$shown") <(echo "$compiled") || true
  echo "0 passed, 1 failed"
  exit 1
fi
echo "1 passed, 0 failed"
