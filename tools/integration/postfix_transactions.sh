# Part of postfix_test.sh, which reads it: cases of several messages, many recipients, parameters and XCLIENT.
# shellcheck shell=bash disable=SC2154  # the variables are postfix_test.sh's

# Several messages over one connection: 6 flights with BDAT however many there are, 7 and one for each further with
# DATA; the TLS handshake is one of them.
cases_several() {
  local trusted=("localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" --auth PLAIN) transfer
  local names=(plain dots ends-in-dot-line) files=() data=() name number
  for name in "${names[@]}"; do
    files+=("$messages/$name")
    data+=(--data "$messages/$name")
    number=${#files[@]}
    for transfer in auto bdat data; do
      begin "several/$number/$transfer" || continue
      send "${trusted[@]}" "${login[@]}" "${envelope[@]}" --transfer "$transfer" "${data[@]}"
      want_status 0
      want_json outcome=accepted stage=quit error=null recipients.0.accepted=true
      want_mails bob "${files[@]}"
      want_flights "$([[ $transfer == data ]] && echo $((6 + number)) || echo 6)"
      end
    done
  done
  # What does not go in one flight, is not text, or has no end.
  for transfer in auto data; do
    begin "several/all/$transfer" || continue
    files=("$messages/"{300k,8-bit,empty-body,no-final-newline,controls,line-998,300k,plain})
    data=()
    for name in "${files[@]}"; do
      data+=(--data "$name")
    done
    send "${trusted[@]}" "${login[@]}" "${envelope[@]}" --to carol@ehlo.test --transfer "$transfer" "${data[@]}"
    want_status 0
    want_json outcome=accepted messages.7.outcome=accepted messages.7.recipients.1.accepted=true
    want_mails bob "${files[@]}"
    want_mails carol "${files[@]}"
    end
  done
  # The second is too big for the server, which says so beforehand.
  if begin 'several/one-too-big'; then
    send "${trusted[@]}" "${login[@]}" "${envelope[@]}" --data "$messages/plain" --data "$messages/too-big" \
      --data "$messages/dots"
    want_status 1
    want_json outcome=partial messages.0.outcome=accepted messages.1.outcome=refused messages.1.stage=mail \
      messages.2.outcome=accepted
    want_mails bob "$messages/plain" "$messages/dots"
    end
  fi
}

cases_recipients() {
  local trusted=("localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" --auth PLAIN) transfer message to=() user
  for transfer in bdat data; do
    for message in dots 300k; do
      if begin "recipients/one-refused/$transfer/$message"; then
        send "${trusted[@]}" "${login[@]}" --from "$MAIL_USER" --to nobody@ehlo.test --to "$bob" \
          --to carol@ehlo.test --transfer "$transfer" --data "$messages/$message"
        want_status 1
        want_json outcome=partial recipients.0.accepted=false recipients.0.reply.code=550 \
          recipients.1.accepted=true recipients.2.accepted=true
        want_mails bob "$messages/$message"
        want_mails carol "$messages/$message"
        end
      fi
      if begin "recipients/all-refused/$transfer/$message"; then
        send "${trusted[@]}" "${login[@]}" --from "$MAIL_USER" --to nobody@ehlo.test --to none@ehlo.test \
          --transfer "$transfer" --data "$messages/$message"
        want_status 69
        want_json outcome=refused stage=rcpt recipients.0.accepted=false recipients.1.accepted=false
        want_no_mail
        end
      fi
    done
    # Two at a time: everybody has it once.
    if begin "recipients/in-portions/$transfer"; then
      to=()
      for user in alice bob carol; do
        to+=(--to "$user@ehlo.test")
      done
      send "localhost:$MAIL_PORT_LIMITED" --ca-file "$MAIL_CA" "${login[@]}" --from "$MAIL_USER" "${to[@]}" \
        --transfer "$transfer" --data "$messages/dots" --data "$messages/plain"
      want_status 0
      want_json outcome=accepted messages.0.outcome=accepted messages.1.outcome=accepted
      want_in_record '= reply 452 4\.5\.3 to RCPT'
      for user in alice bob carol; do
        want_mails "$user" "$messages/dots" "$messages/plain"
      done
      end
    fi
  done
}

cases_parameters() {
  local trusted=("localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA")
  if begin 'parameters/dsn'; then
    send "${trusted[@]}" "${login[@]}" "${envelope[@]}" --dsn-notify never --dsn-return hdrs \
      --mail-param ENVID=QQ314159 --rcpt-param 'ORCPT=rfc822;bob@ehlo.test' --data "$messages/plain"
    want_accepted
    want_in_record 'C: MAIL FROM:.* RET=hdrs ENVID=QQ314159$'
    want_in_record 'C: RCPT TO:.* NOTIFY=never ORCPT=rfc822;bob@ehlo.test$'
    want_mails bob "$messages/plain"
    end
  fi
  # The report comes back: the parameters arrived.
  if begin 'parameters/dsn-success'; then
    send "${trusted[@]}" "${login[@]}" "${envelope[@]}" --dsn-notify success --mail-param ENVID=QQ271828 \
      --data "$messages/plain"
    want_accepted
    want_mails bob "$messages/plain"
    eventually grep -qr 'Original-Envelope-Id: QQ271828' "$MAIL_DIR/mail/alice/new" || complain 'no report came back'
    end
  fi
  if begin 'parameters/smtputf8'; then
    send "${trusted[@]}" "${login[@]}" --from "$MAIL_USER" --to $'bj\xc3\xb6rn@ehlo.test' --data "$messages/8-bit"
    want_status 0
    want_json outcome=accepted recipients.0.address=$'bj\xc3\xb6rn@ehlo.test' recipients.0.accepted=true
    want_in_record 'C: MAIL FROM:.* BODY=8BITMIME SMTPUTF8$'
    want_mails bjoern "$messages/8-bit"
    end
  fi
  local case extension arguments
  while read -r case extension arguments; do
    begin "parameters/not-offered/$case" || continue
    # shellcheck disable=SC2086  # words
    send "${trusted[@]}" "${login[@]}" "${envelope[@]}" $arguments --data "$messages/plain"
    want_status 64
    want_json outcome=usage stage=mail "error~$extension"
    want_no_mail
    end
  done <<'END'
requiretls REQUIRETLS --require-tls
future-release FUTURERELEASE --mail-param HOLDFOR=60
deliver-by DELIVERBY --mail-param BY=120;R
priority MT-PRIORITY --mail-param MT-PRIORITY=3
binary BINARYMIME --binary
END
}

cases_xclient() {
  if begin 'xclient/accepted'; then
    send "localhost:$MAIL_PORT_XCLIENT" --ca-file "$MAIL_CA" "${login[@]}" "${envelope[@]}" \
      --xclient 'NAME=client.example.com ADDR=192.0.2.7' --data "$messages/plain"
    want_accepted
    want_log 'client=client\.example\.com\[192\.0\.2\.7\]'
    eventually mail_in bob || complain 'no message'
    end
  fi
  if begin 'xclient/not-offered'; then
    send "localhost:$MAIL_PORT_STARTTLS" --ca-file "$MAIL_CA" "${login[@]}" "${envelope[@]}" \
      --xclient 'NAME=client.example.com' --data "$messages/plain"
    want_status 64
    want_json outcome=usage stage=ehlo 'error~XCLIENT'
    want_no_auth
    want_no_mail
    end
  fi
}

cases_transactions() {
  cases_several
  cases_recipients
  cases_parameters
  cases_xclient
}
