#!/bin/bash
# The engine touches nothing outside itself: whatever its archives leave undefined is a mem* or str* function of the
# C library or stands in one of the archives themselves. Compilers spell a memcmp that only asks for equality "bcmp".
# A sanitizer's hooks do not count.
set -uo pipefail

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

archives=("$@")
[[ ${#archives[@]} -gt 0 ]] || fail "no archive was named"
symbols=
for archive in "${archives[@]}"; do
  [[ $archive == *.a && -s $archive ]] || fail "$archive is no archive"
  symbols+=$(nm "$archive")$'\n' || fail "nm cannot read $archive"
done

defined=$(awk 'NF == 3 && $2 ~ /[A-TV-Z]/ { print $3 }' <<<"$symbols" | sort -u)
undefined=$(awk 'NF == 2 && $1 ~ /[Uw]/ { print $2 }' <<<"$symbols" | sort -u)

# What must be there, so that an empty or foreign archive is no success.
for symbol in ehlo_client_init ehlo_input ehlo_send_mail ehlo_submit_next ehlo_preflight_feed; do
  grep -qx "$symbol" <<<"$defined" || fail "$symbol is not in ${archives[*]}"
done
grep -qE "^(__asan_)?memcpy$" <<<"$undefined" || fail "not even memcpy is undefined: that is no list of symbols"

foreign=$(comm -13 <(echo "$defined") <(echo "$undefined") |
  grep -vxE '(mem|str)[a-z]+|bcmp|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|sanitizer)_.*')
[[ -z $foreign ]] || fail "the engine needs ${foreign//$'\n'/ }"

# No state of its own either: no writable data, initialised or not, apart from what a sanitizer adds.
if ! grep -q __asan_ <<<"$undefined"; then
  sections=$(size -A "${archives[@]}") || fail "size cannot read ${archives[*]}"
  writable=$(awk '$1 ~ /^[.]t?(data|bss)/ && $1 !~ /^[.]data[.]rel[.]ro/ && $2 > 0' <<<"$sections")
  [[ -z $writable ]] || fail "the engine has variables: $writable"
fi
echo "$(wc -w <<<"$defined") symbols defined, needed from outside: $(comm -13 <(echo "$defined") <(echo "$undefined") | xargs)"
