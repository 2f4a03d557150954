#!/bin/bash
# Writes targets.txt anew from the BUILD files: tools/bazel run //fuzz/oss-fuzz:update
set -euo pipefail
install -m 644 "$1" "$BUILD_WORKSPACE_DIRECTORY/fuzz/oss-fuzz/targets.txt"
