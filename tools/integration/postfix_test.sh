#!/bin/bash
# The whole of ehlo against a real Postfix with Dovecot behind it: what "ehlo send" says, what the server saw, what
# lies in the mailbox, octet by octet, and whether the recorded session replays offline to the same end.
#
#   postfix_test.sh EHLO [PATTERN]     EHLO is the program (or in the environment); PATTERN picks cases by name
#
# A case is begin, send, any number of want_..., end. A want_... that is not met adds a complaint and goes on; end
# prints the complaints with all there is to know about the session. The server is mailserver.sh's; what shell is
# bad at is in check.py.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/integration/mailserver.sh disable=SC2153
source "$here/mailserver.sh"
# shellcheck source=tools/integration/postfix_transactions.sh
source "$here/postfix_transactions.sh"

EHLO=${1:-${EHLO:-}}
pattern=${2:-*}
num_passed=0
num_failed=0

if [[ $EUID -ne 0 ]]; then
  echo "Skipped: a Postfix server can only be started by root, and this is user $EUID."
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
fi
if ! EHLO=$(realpath -e "$EHLO" 2>/dev/null) || [[ ! -x $EHLO ]]; then
  echo "usage: ${0##*/} EHLO [PATTERN]   (EHLO: the program to test)" >&2
  exit 64
fi

# ---- the frame of a case ------------------------------------------------------------------------------------

check() {
  /usr/bin/python3 -I -S "$here/check.py" "$@"
}

complain() {
  complaints+=("$*")
}

# Runs a check: what it prints are complaints, and so is its end when it prints nothing.
complain_of() {  # ARGUMENT...
  local output line
  output=$(check "$@" 2>&1) && return
  while IFS= read -r line; do
    complain "$line"
  done <<<"${output:-check $1 failed}"
}

# What Postfix has logged since the case began.
mail_log() {
  tail -c "+$((log_start + 1))" "$MAIL_LOG" 2>/dev/null
}

# Tries a command for five seconds.
eventually() {
  local tries
  for ((tries = 0; tries < 250; tries++)); do
    "$@" && return
    sleep 0.02
  done
  return 1
}

log_has() {
  mail_log | grep -Eq -- "$1"
}

all_disconnected() {
  (($(grep -c ': connect from' "$MAIL_LOG") == $(grep -c ': disconnect from' "$MAIL_LOG")))
}

begin() {  # NAME
  case_name=$1
  complaints=() failed_replays=()
  # shellcheck disable=SC2254  # a pattern
  case $case_name in $pattern) ;; *) return 1 ;; esac
  [[ -f $MAIL_LOG ]] && eventually all_disconnected
  log_start=$(stat -c %s "$MAIL_LOG" 2>/dev/null || echo 0)
  rm -rf "$MAIL_DIR"/mail/* "$session"
  mkdir "$session"
}

# Runs "ehlo send", bounded, with a home that has no configuration.
send() {  # ARGUMENT...
  command_line="ehlo send $* --json --record session.smtp"
  HOME=$session XDG_CONFIG_HOME=$session timeout -k 5 60 \
    "$EHLO" send "$@" --json --record "$session/session.smtp" >"$session/send.json" 2>"$session/send.err"
  status=$?
}

show_file() {  # TITLE FILE
  [[ -s $2 ]] || return
  printf -- '--- %s\n' "$1"
  head -c 6000 "$2" | cat -v
  echo
}

end() {
  want_replay
  want_no_secret
  if ((${#complaints[@]} == 0)); then
    ((num_passed++))
    echo "ok      $case_name"
    return
  fi
  ((num_failed++))
  echo "FAILED  $case_name"
  printf '  %s\n' "${complaints[@]}"
  echo "--- command (exit status $status)"
  echo "$command_line"
  local file
  for file in send.json send.err session.smtp "${failed_replays[@]}"; do
    show_file "$file" "$session/$file"
  done
  echo '--- mail log'
  mail_log | tail -n 30
  echo
}

# ---- what a case can want -----------------------------------------------------------------------------------

want_status() {
  ((status == $1)) || complain "exit status: expected $1, got $status"
}

want_json() {  # PATH=VALUE...
  complain_of json "$session/send.json" "$@"
}

mail_in() {  # USER
  compgen -G "$MAIL_DIR/mail/$1/new/*" >/dev/null
}

# The message is in the mailbox, once and unchanged.
want_mail() {  # USER MESSAGE
  ((status <= 1)) && eventually mail_in "$1"
  local files=("$MAIL_DIR/mail/$1/new/"*)
  if [[ ! -f ${files[0]} ]]; then
    complain "mailbox of $1: expected a message, found none"
  elif ((${#files[@]} != 1)); then
    complain "mailbox of $1: expected one message, found ${#files[@]}"
  else
    complain_of mail "$2" "${files[0]}"
  fi
}

want_log() {  # REGULAR-EXPRESSION
  eventually log_has "$1" || complain "mail log: expected a line like: $1"
}

mails_in() {  # USER NUMBER
  local files
  files=$(compgen -G "$MAIL_DIR/mail/$1/new/*") && (($(wc -l <<<"$files") >= $2))
}

# So many messages are in the mailbox, each once and unchanged.
want_mails() {  # USER MESSAGE...
  local user=$1
  shift
  eventually mails_in "$user" $#
  complain_of mails "$@" -- "$MAIL_DIR/mail/$user/new/"*
}

# Round trips, and a write for each.
want_flights() {  # NUMBER
  want_json round_trips="$1" writes="$1"
}

# For a session that reached the server and was to leave nothing there.
want_no_mail() {
  want_log ': disconnect from'
  log_has 'qmgr.*: from=' && complain 'mail log: a message was taken'
  mail_in '*' && complain 'mailboxes: expected no message, found one'
}

want_no_auth() {
  want_log ': disconnect from'
  log_has 'disconnect from.* auth=' && complain 'mail log: AUTH was sent'
}

want_turns() {  # MOST
  complain_of turns "$session/session.smtp" "$session/send.json" "$1"
}

want_in_record() {  # REGULAR-EXPRESSION
  grep -Eq -- "$1" "$session/session.smtp" || complain "transcript: expected a line like: $1"
}

# Offline, the transcript gives the same outcome however the bytes are cut.
want_replay() {
  if [[ ! -s $session/session.smtp ]]; then
    complain 'transcript: none was written'
    return
  fi
  local way result
  for way in '' '--json' '--chunks all'; do
    # shellcheck disable=SC2086  # words
    timeout -k 5 60 "$EHLO" replay $way "$session/session.smtp" >"$session/replay$way" 2>"$session/replay$way.err"
    result=$?
    if ((result != 0)); then
      complain "ehlo replay $way: expected exit status 0, got $result"
      failed_replays+=("replay$way" "replay$way.err")
    fi
  done
  complain_of replay "$session/replay--json" "$session/send.json"
}

want_no_secret() {
  complain_of secrets "$MAIL_USER" "$MAIL_PASSWORD_FILE" "$wrong_password_file" "$MAIL_TOKEN_FILE" \
    "$MAIL_OLD_TOKEN_FILE" -- "$session"/*
}

# ---- the cases ----------------------------------------------------------------------------------------------

# Turns that the client cannot do without: EHLO or EHLO STARTTLS EHLO, AUTH, then envelope, message, QUIT.
turns_for() {  # TLS MECHANISM
  local hello=1 login=1
  [[ $1 == starttls ]] && hello=3
  case $2 in
    LOGIN | DIGEST-MD5 | SCRAM-*) login=3 ;;
    CRAM-MD5) login=2 ;;
  esac
  echo $((hello + login + 3))
}

port_for() {  # TLS
  case $1 in
    starttls) echo "$MAIL_PORT_STARTTLS" ;;
    implicit) echo "$MAIL_PORT_SMTPS" ;;
    none) echo "$MAIL_PORT_CLEAR" ;;
  esac
}

want_accepted() {
  want_status 0
  want_json outcome=accepted reply.code=250 error=null recipients.0.address="$bob" recipients.0.accepted=true "$@"
}

want_trusted_tls() {
  want_json tls.verified=true 'tls.version~^TLSv1\.[23]$' 'tls.subject~mail\.ehlo\.test' 'tls.issuer~ehlo test CA ca'
}

# Each message with each mechanism, each way of TLS.
cases_delivery() {
  local tls mechanism message
  for tls in starttls implicit; do
    for mechanism in PLAIN LOGIN; do
      for message in plain dots ends-in-dot-line no-final-newline dot-without-newline empty-body empty-lines \
        blanks crlf line-998 8-bit controls 300k; do
        begin "delivery/$tls/$mechanism/$message" || continue
        send "localhost:$(port_for "$tls")" --tls "$tls" --ca-file "$MAIL_CA" "${login[@]}" --auth "$mechanism" \
          "${envelope[@]}" --data "$messages/$message"
        want_accepted auth="$mechanism" 'capabilities~SIZE 1048576'
        want_trusted_tls
        want_mail bob "$messages/$message"
        want_turns "$(turns_for "$tls" "$mechanism")"
        if [[ $message == 8-bit ]]; then
          want_in_record 'C: MAIL FROM:.* BODY=8BITMIME'
        fi
        end
      done
    done
  done
}

# Each mechanism, each way of TLS, with the right password and with a wrong one. The server's own proof, which
# lets somebody try passwords offline, is not in the record either.
cases_mechanisms() {
  local tls mechanism trusted
  for tls in starttls implicit; do
    trusted=("localhost:$(port_for "$tls")" --tls "$tls" --ca-file "$MAIL_CA")
    for mechanism in PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256; do
      if begin "mechanism/$tls/$mechanism/right"; then
        send "${trusted[@]}" "${login[@]}" --auth "$mechanism" "${envelope[@]}" --data "$messages/plain"
        want_accepted auth="$mechanism" auth_error=null
        want_mail bob "$messages/plain"
        want_turns "$(turns_for "$tls" "$mechanism")"
        case $mechanism in
          DIGEST-MD5 | SCRAM-*) want_in_record 'S: 334 \\\{secret\}$' ;;
        esac
        end
      fi
      if begin "mechanism/$tls/$mechanism/wrong"; then
        send "${trusted[@]}" --user "$MAIL_USER" --password-file "$wrong_password_file" --auth "$mechanism" \
          "${envelope[@]}" --data "$messages/plain"
        want_status 77
        want_json outcome=auth-refused stage=auth reply.code=535 auth="$mechanism"
        want_no_mail
        end
      fi
    done
    for mechanism in XOAUTH2 OAUTHBEARER; do
      if begin "mechanism/$tls/$mechanism/right"; then
        send "${trusted[@]}" --user "$MAIL_USER" --password-file "$MAIL_TOKEN_FILE" --auth "$mechanism" \
          "${envelope[@]}" --data "$messages/plain"
        want_accepted auth="$mechanism" auth_error=null
        want_mail bob "$messages/plain"
        want_turns "$(turns_for "$tls" "$mechanism")"
        end
      fi
      # The 334 says why, and the 535 behind it is what decides.
      if begin "mechanism/$tls/$mechanism/expired"; then
        send "${trusted[@]}" --user "$MAIL_USER" --password-file "$MAIL_OLD_TOKEN_FILE" --auth "$mechanism" \
          "${envelope[@]}" --data "$messages/plain"
        want_status 77
        want_json outcome=auth-refused stage=auth reply.code=535 'auth_error.status~401|invalid_token' 'error~of the token'
        want_no_mail
        end
      fi
    done
  done
}

# Without --auth the strongest is taken; what was refused is followed by another where that was asked for.
cases_choice() {
  local trusted=("localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA")
  if begin 'choice/strongest'; then
    send "${trusted[@]}" "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_accepted auth=SCRAM-SHA-256
    end
  fi
  if begin 'choice/two-attempts'; then
    send "${trusted[@]}" --user "$MAIL_USER" --password-file "$wrong_password_file" --auth SCRAM-SHA-256,CRAM-MD5,PLAIN \
      --auth-attempts 2 "${envelope[@]}" --data "$messages/plain"
    want_status 77
    want_json outcome=auth-refused stage=auth reply.code=535 auth=CRAM-MD5
    grep -q 'no login with SCRAM-SHA-256; trying CRAM-MD5' "$session/send.err" || complain 'not told of the second attempt'
    want_in_record '! note no login with SCRAM-SHA-256, trying CRAM-MD5'
    want_no_mail
    end
  fi
}

# Ways to name the server, the name in its certificate and the mechanism.
cases_server() {
  local server
  for server in "smtps://localhost:$MAIL_PORT_SMTPS" "smtp://localhost:$MAIL_PORT_STARTTLS" \
    "localhost:$MAIL_PORT_STARTTLS" "127.0.0.1:$MAIL_PORT_STARTTLS"; do
    begin "server/${server%:*}" || continue
    send "$server" --ca-file "$MAIL_CA" "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_accepted
    want_trusted_tls
    want_mail bob "$messages/plain"
    end
  done
  if begin 'server/tls-name'; then
    send "localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" --tls-name mail.ehlo.test "${login[@]}" \
      "${envelope[@]}" --data "$messages/plain"
    want_accepted
    want_trusted_tls
    end
  fi
  if begin 'server/login-only'; then
    send "localhost:$MAIL_PORT_LOGIN" --ca-file "$MAIL_CA" "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_accepted auth=LOGIN
    want_mail bob "$messages/plain"
    end
  fi
  if begin 'server/insecure'; then
    send "localhost:$MAIL_PORT_STARTTLS" --insecure "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_accepted tls.verified=false
    want_mail bob "$messages/plain"
    end
  fi
}

# Where the password and the message come from.
cases_sources() {
  local trusted=("localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA")
  if begin 'source/EHLO_PASSWORD'; then
    EHLO_PASSWORD=$(cat "$MAIL_PASSWORD_FILE") \
      send "${trusted[@]}" --user "$MAIL_USER" "${envelope[@]}" --data "$messages/plain"
    want_accepted
    want_mail bob "$messages/plain"
    end
  fi
  if begin 'source/password-command'; then
    send "${trusted[@]}" --user "$MAIL_USER" --password-command "cat '$MAIL_PASSWORD_FILE'" "${envelope[@]}" \
      --data "$messages/plain"
    want_accepted
    want_mail bob "$messages/plain"
    end
  fi
  if begin 'source/standard-input'; then
    send "${trusted[@]}" "${login[@]}" "${envelope[@]}" --data - <"$messages/dots"
    want_accepted
    want_mail bob "$messages/dots"
    end
  fi
}

cases_refusals() {
  local tls mechanism
  for tls in starttls implicit; do
    for mechanism in PLAIN LOGIN; do
      begin "refused/wrong-password/$tls/$mechanism" || continue
      send "localhost:$(port_for "$tls")" --tls "$tls" --ca-file "$MAIL_CA" --user "$MAIL_USER" \
        --password-file "$wrong_password_file" --auth "$mechanism" "${envelope[@]}" --data "$messages/plain"
      want_status 77
      want_json outcome=auth-refused stage=auth reply.code=535 reply.enhanced=5.7.8
      want_no_mail
      end
    done
  done
  if begin 'refused/no-such-mechanism'; then
    send "localhost:$MAIL_PORT_LOGIN" --ca-file "$MAIL_CA" "${login[@]}" --auth PLAIN "${envelope[@]}" \
      --data "$messages/plain"
    want_status 77
    want_json outcome=auth-refused stage=auth
    want_no_auth
    want_no_mail
    end
  fi
  if begin 'refused/unknown-recipient'; then
    send "localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" "${login[@]}" --from "$MAIL_USER" \
      --to nobody@ehlo.test --data "$messages/plain"
    want_status 69
    want_json outcome=refused stage=rcpt reply.code=550 reply.enhanced=5.1.1 recipients.0.accepted=false
    want_no_mail
    end
  fi
  if begin 'refused/one-of-three-recipients'; then
    send "localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" "${login[@]}" --from "$MAIL_USER" --to "$bob" \
      --to nobody@ehlo.test --to carol@ehlo.test --data "$messages/dots"
    want_status 1
    want_json outcome=partial recipients.0.accepted=true recipients.0.reply.code=250 \
      recipients.1.address=nobody@ehlo.test recipients.1.accepted=false recipients.1.reply.code=550 \
      recipients.1.reply.enhanced=5.1.1 recipients.2.accepted=true
    want_mail bob "$messages/dots"
    want_mail carol "$messages/dots"
    end
  fi
  if begin 'refused/without-login'; then
    send "localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" "${envelope[@]}" --data "$messages/plain"
    want_status 69
    want_json outcome=refused stage=rcpt reply.code=554
    want_no_mail
    end
  fi
  if begin 'refused/too-big'; then
    send "localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" "${login[@]}" "${envelope[@]}" \
      --data "$messages/too-big"
    want_status 69
    want_json outcome=refused stage=mail
    want_no_mail
    end
  fi
}

# No security, no session: nothing may be delivered, and the password must stay here.
cases_security() {
  local case server arguments
  while read -r case server arguments; do
    begin "security/$case" || continue
    # shellcheck disable=SC2086  # words
    send "$server" $arguments "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_status 78
    want_json outcome=tls-failed stage=tls reply=null 'error~.'
    want_no_auth
    want_no_mail
    end
  done <<END
untrusted/starttls localhost:$MAIL_PORT_STARTTLS
untrusted/implicit localhost:$MAIL_PORT_SMTPS --tls implicit
other-ca/starttls localhost:$MAIL_PORT_STARTTLS --ca-file $MAIL_OTHER_CA
other-ca/implicit localhost:$MAIL_PORT_SMTPS --tls implicit --ca-file $MAIL_OTHER_CA
wrong-name/starttls localhost:$MAIL_PORT_STARTTLS --ca-file $MAIL_CA --tls-name wrong.example
wrong-name/implicit localhost:$MAIL_PORT_SMTPS --tls implicit --ca-file $MAIL_CA --tls-name wrong.example
wrong-address/starttls 127.0.0.1:$MAIL_PORT_STARTTLS --ca-file $MAIL_CA --tls-name 127.0.0.2
END
  if begin 'security/no-starttls'; then
    send "localhost:$MAIL_PORT_CLEAR" --ca-file "$MAIL_CA" "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_status 78
    want_json outcome=tls-failed stage=starttls tls=null
    want_no_auth
    want_no_mail
    end
  fi
  if begin 'security/cleartext-password'; then
    send "localhost:$MAIL_PORT_CLEAR" --tls none "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_status 78
    want_json outcome=tls-failed stage=auth tls=null
    want_no_auth
    want_no_mail
    end
  fi
  if begin 'security/cleartext-password-allowed'; then
    send "localhost:$MAIL_PORT_CLEAR" --tls none --allow-cleartext-auth "${login[@]}" "${envelope[@]}" \
      --data "$messages/dots"
    want_accepted tls=null
    want_mail bob "$messages/dots"
    end
  fi
  if begin 'security/server-requires-tls'; then
    send "localhost:$MAIL_PORT_STARTTLS" --tls none "${envelope[@]}" --data "$messages/plain"
    want_status 69
    want_json outcome=refused stage=mail reply.code=530 reply.enhanced=5.7.0
    want_no_mail
    end
  fi
}

cases_connection() {
  if begin 'connection/closed-port'; then
    send "localhost:$MAIL_PORT_CLOSED" "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_status 74
    want_json outcome=connect-failed stage=connect reply=null tls=null 'error~.'
    end
  fi
  if begin 'connection/no-such-host'; then
    send name.invalid:587 "${login[@]}" "${envelope[@]}" --data "$messages/plain"
    want_status 68
    want_json outcome=connect-failed stage=connect reply=null tls=null 'error~name\.invalid'
    end
  fi
  # The commonest mistake with port 465: both sides wait for the other to begin.
  if begin 'connection/silence'; then
    send "localhost:$MAIL_PORT_SMTPS" --tls starttls --timeout 1 "${login[@]}" "${envelope[@]}" \
      --data "$messages/plain"
    want_status 75
    want_json outcome=timeout stage=greeting reply=null tls=null
    want_no_mail
    end
  fi
}

# Stopping on the way: the server sees exactly so many commands, and QUIT as the last of them.
cases_quit_after() {
  local stage commands
  while read -r stage commands; do
    begin "quit-after/$stage" || continue
    send "localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" "${login[@]}" "${envelope[@]}" \
      --data "$messages/plain" --quit-after "$stage"
    want_status 0
    want_json outcome=stopped stage="$stage"
    want_log "disconnect from [^ ]+ $commands\$"
    want_no_mail
    end
  done <<'END'
connect quit=1 commands=1
greeting quit=1 commands=1
ehlo ehlo=1 quit=1 commands=2
starttls ehlo=[12] starttls=1 quit=1 commands=[34]
auth ehlo=2 starttls=1 auth=1 quit=1 commands=5
mail ehlo=2 starttls=1 auth=1 mail=1 quit=1 commands=6
rcpt ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 quit=1 commands=7
data ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=.*
END
}

# ---- all of it ----------------------------------------------------------------------------------------------

mailserver_start || exit 1

session=$MAIL_DIR/session
messages=$MAIL_DIR/messages
mkdir "$messages" && check write-messages "$messages" || exit 1

wrong_password_file=$MAIL_DIR/wrong-password
printf '%s\n' 'no: t"h\e %right one' >"$wrong_password_file"

bob=bob@ehlo.test
login=(--user "$MAIL_USER" --password-file "$MAIL_PASSWORD_FILE")
envelope=(--from "$MAIL_USER" --to "$bob")
unset EHLO_PASSWORD SSL_CERT_FILE SSL_CERT_DIR

cases_delivery
cases_mechanisms
cases_choice
cases_server
cases_sources
cases_refusals
cases_security
cases_connection
cases_quit_after
cases_transactions

mailserver_stop
echo "$num_passed passed, $num_failed failed"
((num_failed == 0 && num_passed > 0))
