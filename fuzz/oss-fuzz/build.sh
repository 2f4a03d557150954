#!/bin/bash -eu
# Builds all fuzzers as OSS-Fuzz and ClusterFuzzLite want them, without Bazel: into $OUT goes each fuzzer with its seeds
# (NAME_seed_corpus.zip), the dictionary (NAME.dict) and its options (NAME.options). What they are made of is listed in
# targets.txt, which Bazel writes; see defs.bzl beside it for the form.
#
# From the caller: $CC, $CXX, $CFLAGS, $CXXFLAGS, $LIB_FUZZING_ENGINE, $SANITIZER, $SRC, $WORK, $OUT. Nothing is chosen by
# $ARCHITECTURE: what it means is in the flags. BoringSSL is built from $SRC/boringssl, unless BORINGSSL_CFLAGS and
# BORINGSSL_LIBS say where one is.
set -o pipefail
cd "${EHLO_ROOT:-$SRC/ehlo}"
list=fuzz/oss-fuzz/targets.txt
objects=$WORK/ehlo-objects
jobs=$(nproc)
export objects

build_boringssl() {
  local build=$WORK/boringssl flags=()
  # MemorySanitizer does not see what assembly writes.
  [[ ${SANITIZER:-} != memory ]] || flags+=(-DOPENSSL_NO_ASM=1)
  # A library that is weakened for fuzzing would not be the one to test against.
  local weakened=-UFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  cmake -S "$SRC/boringssl" -B "$build" -GNinja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS="$CFLAGS $weakened" -DCMAKE_CXX_FLAGS="$CXXFLAGS $weakened" "${flags[@]}"
  ninja -C "$build" ssl crypto
  BORINGSSL_CFLAGS="-I$SRC/boringssl/include"
  BORINGSSL_LIBS="$build/ssl/libssl.a $build/crypto/libcrypto.a -lpthread"
}

# What Bazel's rules write, into $WORK/made.
make_sources() {
  mkdir -p "$WORK/made/tools/explain"
  python3 tools/explain/catalogue.py table tools/explain/catalogue/*.toml >"$WORK/made/tools/explain/catalogue_table.c"
}

# compile "FILE@TARGET FLAG…"
compile() {
  local words id out file
  read -ra words <<<"$1"
  id=${words[0]}
  out=$objects/${id//\//-}.o
  file=${id%@*}
  [[ $file != made/* ]] || file=$WORK/$file
  # shellcheck disable=SC2086  # flags are words
  $CC -std=c11 $CFLAGS $BORINGSSL_CFLAGS -I. "${words[@]:1}" -c "$file" -o "$out"
}
export -f compile

# objects_of FILE@TARGET…
objects_of() {
  local id
  for id in "$@"; do
    printf '%s\n' "$objects/${id//\//-}.o"
  done
}

# link OUT ENGINE FILE@TARGET…
link() {
  local out=$1 engine=$2
  shift 2
  # shellcheck disable=SC2046,SC2086
  $CXX $CXXFLAGS $(objects_of "$@") $engine $BORINGSSL_LIBS -l:libjansson.a -o "$out"
}

# lines KIND [NAME]: what follows in the lines of that kind.
lines() {
  sed -n "s,^$1 ${2:+$2 \?},,p" "$list"
}

# All files below the directories, in an order that is always the same.
files_in() {
  (($# == 0)) || find -L "$@" -type f | LC_ALL=C sort
}

# seeds NAME: $OUT/NAME_seed_corpus.zip, each file by its number and name.
seeds() {
  local name=$1 folder=$WORK/seeds-$1 number=0 file line words
  rm -rf "$folder"
  mkdir -p "$folder"
  read -ra words <<<"$(lines seeds "$name")"
  while IFS= read -r file; do
    cp "$file" "$folder/$((number += 1))-${file##*/}"
  done < <(files_in "${words[@]}")
  while IFS= read -r line; do
    read -ra words <<<"$line"
    rm -rf "$WORK/made-seeds"
    mkdir -p "$WORK/made-seeds"
    files_in "${words[@]:1}" | xargs -d '\n' "$WORK/${words[0]}" "$WORK/made-seeds"
    while IFS= read -r file; do
      cp "$file" "$folder/$((number += 1))-${file##*/}"
    done < <(files_in "$WORK/made-seeds")
  done < <(lines made "$name")
  (cd "$folder" && python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" ./*)
}

[[ -n ${BORINGSSL_LIBS:-} ]] || build_boringssl
export BORINGSSL_CFLAGS
# Programs that only write seeds need not free their memory.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
rm -rf "$objects"
mkdir -p "$objects" "$OUT"
make_sources
lines source | xargs -d '\n' -P "$jobs" -n 1 bash -euc 'compile "$0"'

while read -r name sources; do
  # shellcheck disable=SC2086
  link "$WORK/$name" "" $sources
done < <(lines program)
"$WORK/$(lines dictionary)" >"$WORK/ehlo.dict"

while read -r name sources; do
  # shellcheck disable=SC2086
  link "$OUT/$name" "$LIB_FUZZING_ENGINE" $sources
  cp "$WORK/ehlo.dict" "$OUT/$name.dict"
  printf '[libfuzzer]\ndict = %s.dict\nmax_len = 16384\n' "$name" >"$OUT/$name.options"
  seeds "$name"
done < <(lines fuzzer)
