#!/bin/bash
# The list in the tree is what the BUILD files say: targets_test.sh IN-THE-TREE BY-BAZEL
set -euo pipefail
if ! diff -u "$1" "$2"; then
  echo "the list of sources is behind: tools/bazel run //fuzz/oss-fuzz:update"
  exit 1
fi
