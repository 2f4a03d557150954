#!/bin/bash
# Each seed of the session target as a transcript: it replays the same in all chunkings, before and after `--update`
# writes its events down, and what is known of one input comes out word for word.
set -uo pipefail
converter=$1 corpus=$2 ehlo=$3
folder=$TEST_TMPDIR/transcripts
mkdir "$folder"

fail() {
  echo "FAILED: $*"
  exit 1
}

num=0
for input in "$corpus"/*; do
  num=$((num + 1))
  "$converter" "$input" >"$folder/$num.smtp" || fail "$input"
done
((num > 300)) || fail "only $num seeds"
"$ehlo" replay -q --chunks all "$folder" || fail "as they are"
"$ehlo" replay -q --update "$folder" || fail "--update"
grep -qh '^= reply 250' -r "$folder" || fail "no events"
"$ehlo" replay -q --chunks all "$folder" || fail "with their events"

printf '%s\n' M7 'S220 hi' 'CEHLO me' S250-me s250 'S AUTH PLAIN' 'CAUTH PLAIN abc' 'S235 ok' 'CMAIL FROM:<a@b>' 'S250 k' \
  'CRCPT TO:<c@d>' 'S250 k' CDATA 'S354 go' Bhello B.dot . '+700000' >"$TEST_TMPDIR/input"
"$converter" "$TEST_TMPDIR/input" >"$TEST_TMPDIR/output" || fail "one input"
diff - "$TEST_TMPDIR/output" <<'END' || fail "one input says something else"
! ehlo-transcript 1
+0.000000  S: 220 hi
+0.000000  C: EHLO me
+0.000000  S: 250-me
+0.000000  S: 250\
+0.000000  S:  AUTH PLAIN
+0.000000  C: AUTH PLAIN \{secret}
+0.000000  S: 235 ok
+0.000000  C: MAIL FROM:<a@b>
+0.000000  S: 250 k
+0.000000  C: RCPT TO:<c@d>
+0.000000  S: 250 k
+0.000000  C: DATA
+0.000000  S: 354 go
+0.000000  C: hello
+0.000000  C: ..dot
+0.000000  C: .
+700.000000  ! timeout
END
echo "$num seeds"
