#!/bin/bash
# Holds the transcripts of the catalogue's entries against what catalogue.py makes of it:
#   held.sh check  CATALOGUE.PY DIR FILE…    fails where they differ
#   held.sh update CATALOGUE.PY DIR FILE…    writes them anew
set -euo pipefail
mode=$1 program=$(realpath "$2") directory=$3
shift 3
if [[ $mode == update ]]; then
  files=()
  for file; do files+=("$(realpath "$file")"); done
  PYTHONDONTWRITEBYTECODE=1 python3 "$program" transcripts "$BUILD_WORKSPACE_DIRECTORY/$directory" "${files[@]}"
  exit
fi
fresh=$(mktemp -d)
PYTHONDONTWRITEBYTECODE=1 python3 "$program" transcripts "$fresh" "$@"
if diff -r "$directory" "$fresh"; then
  echo "1 passed, 0 failed"
else
  echo "the catalogue says something else; tools/bazel run //tools/explain:update writes them"
  echo "0 passed, 1 failed"
  exit 1
fi
