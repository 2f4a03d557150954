#!/bin/bash
# A private mail server on loopback for the integration test: a real Postfix that takes submissions and delivers
# into Maildirs, and a real Dovecot that checks the passwords for it. Everything lives in one directory under /tmp
# (not TEST_TMPDIR: its path is too long for the name of a socket), nothing of the system's own mail setup is
# read or touched, no name is looked up in DNS, and the ports are whatever is free.
#
# Run by hand, it prints what a client needs to know and serves until Ctrl-C. Sourced, it gives
#   mailserver_start    returns once the ports answer; 1 with the reason on stderr when they will not
#   mailserver_stop     ends the processes and removes the files; also runs when the shell exits
# and these, valid between the two:
#   MAIL_DIR            the directory: mail/NAME/new, log/, tls/
#   MAIL_LOG            Postfix's log file
#   MAIL_CA             the test CA; MAIL_OTHER_CA is one that signed nothing here
#   MAIL_PORT_STARTTLS  TLS required before anything else; every mechanism after it
#   MAIL_PORT_LOGIN     the same with LOGIN alone
#   MAIL_PORT_SMTPS     implicit TLS; every mechanism
#   MAIL_PORT_CLEAR     no STARTTLS on offer; every mechanism in cleartext
#   MAIL_PORT_LIMITED   as STARTTLS, two recipients in a transaction
#   MAIL_PORT_XCLIENT   as STARTTLS, and whoever comes may speak for somebody else with XCLIENT
#   MAIL_PORT_CLOSED    nobody listens here
#   MAIL_USER           alice@ehlo.test, whose password is in the file MAIL_PASSWORD_FILE; bob@ and carol@ehlo.test
#                       are mailboxes with the same password, and björn@ehlo.test is the mailbox bjoern
#   MAIL_TOKEN_FILE     a token that lets her in with XOAUTH2 and OAUTHBEARER; MAIL_OLD_TOKEN_FILE is expired
# Mechanisms are PLAIN, LOGIN, CRAM-MD5, DIGEST-MD5, SCRAM-SHA-1, SCRAM-SHA-256, XOAUTH2, OAUTHBEARER, EXTERNAL.
# The certificate carries the names localhost and mail.ehlo.test and the address 127.0.0.1.
#
# A guard process outlives the shell: when the shell is gone, by whatever signal, it does the stopping and the
# removing; what a killed guard leaves, the next start removes. Postfix's master has to be started by root, who must
# be able to become the user postfix.

PATH=$PATH:/usr/sbin:/sbin

mailserver_file=${BASH_SOURCE[0]}
mailserver_prefix=/tmp/ehlo-mail
mailserver_domain=ehlo.test
mailserver_users=(alice bob carol)
# What breaks a client that quotes, splits, trims or re-encodes its password.
mailserver_password=$'p:a s\\s"w\'0r d$1%{u}<&>=+/\xc3\xa9\xe2\x82\xac#;`'

# ---- one function per step of the start ---------------------------------------------------------------------

# Prints the packages that are missing, as apt names them.
mailserver_missing() {
  command -v postconf >/dev/null || printf 'postfix '
  command -v dovecot >/dev/null || printf 'dovecot-core '
  command -v openssl >/dev/null || printf 'openssl '
  command -v python3 >/dev/null || printf 'python3 '
}

# shellcheck disable=SC2034  # some are for the one who sources this
mailserver_pick_ports() {
  local ports
  # All are open at once, so that they differ.
  ports=$(python3 -c '
import socket
socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(7)]
print(*(s.getsockname()[1] for s in socks))') || return
  read -r MAIL_PORT_STARTTLS MAIL_PORT_LOGIN MAIL_PORT_SMTPS MAIL_PORT_CLEAR MAIL_PORT_LIMITED MAIL_PORT_XCLIENT \
    MAIL_PORT_CLOSED <<<"$ports"
}

mailserver_make_ca() {  # NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj "/CN=ehlo test CA $1" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$MAIL_DIR/tls/$1.key" -out "$MAIL_DIR/tls/$1.pem"
}

# shellcheck disable=SC2034
mailserver_make_certificates() {
  local tls=$MAIL_DIR/tls
  MAIL_CA=$tls/ca.pem MAIL_OTHER_CA=$tls/other-ca.pem
  mkdir -m 700 "$tls" && mailserver_make_ca ca && mailserver_make_ca other-ca &&
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=mail.$mailserver_domain" \
      -keyout "$tls/server.key" -out "$tls/server.csr" &&
    printf '%s\n' "subjectAltName=DNS:localhost,DNS:mail.$mailserver_domain,IP:127.0.0.1" \
      basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth \
      >"$tls/server.ext" &&
    openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -days 2 \
      -extfile "$tls/server.ext" -out "$tls/server.pem" &&
    cat "$tls/server.key" "$tls/server.pem" >"$tls/chain.pem"
}

mailserver_make_users() {
  local user encoded
  MAIL_USER=alice@$mailserver_domain
  MAIL_PASSWORD_FILE=$MAIL_DIR/password
  printf '%s\n' "$mailserver_password" >"$MAIL_PASSWORD_FILE" && chmod 600 "$MAIL_PASSWORD_FILE" || return
  encoded=$(printf %s "$mailserver_password" | base64 -w 0)
  mkdir "$MAIL_DIR/mail" && chown nobody "$MAIL_DIR/mail" || return
  for user in "${mailserver_users[@]}"; do
    printf '%s@%s:{PLAIN.b64}%s\n' "$user" "$mailserver_domain" "$encoded" >>"$MAIL_DIR/dovecot/users"
    printf '%s@%s %s/\n' "$user" "$mailserver_domain" "$user" >>"$MAIL_DIR/postfix/mailboxes"
  done
  printf 'bj\xc3\xb6rn@%s bjoern/\n' "$mailserver_domain" >>"$MAIL_DIR/postfix/mailboxes"
  chgrp dovecot "$MAIL_DIR/dovecot/users" && chmod 640 "$MAIL_DIR/dovecot/users"
}

# Prints a token (RFC 7519, HS256) for the user that ends so many seconds from now.
mailserver_token() {  # KEY SECONDS
  python3 -c '
import base64, hashlib, hmac, json, sys, time
def text(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=")
key, user, seconds = sys.argv[1].encode(), sys.argv[2], int(sys.argv[3])
now = int(time.time())
claims = {"sub": user, "iss": "ehlo-test", "iat": now - 7200, "nbf": now - 7200, "exp": now + seconds}
signed = text(b"""{"typ":"JWT","alg":"HS256","kid":"test"}""") + b"." + text(json.dumps(claims).encode())
print((signed + b"." + text(hmac.digest(key, signed, hashlib.sha256))).decode())
' "$1" "$MAIL_USER" "$2"
}

# shellcheck disable=SC2034
mailserver_make_tokens() {
  local key keys=$MAIL_DIR/dovecot/keys/default/HS256
  MAIL_TOKEN_FILE=$MAIL_DIR/token MAIL_OLD_TOKEN_FILE=$MAIL_DIR/old-token
  key=$(openssl rand -hex 32) && mkdir -p "$keys" && printf %s "$key" | base64 -w 0 >"$keys/test" &&
    mailserver_token "$key" 3600 >"$MAIL_TOKEN_FILE" && mailserver_token "$key" -3600 >"$MAIL_OLD_TOKEN_FILE" &&
    chmod 600 "$MAIL_TOKEN_FILE" "$MAIL_OLD_TOKEN_FILE" &&
    chgrp -R dovecot "$MAIL_DIR/dovecot/keys" && chmod -R g+rX "$MAIL_DIR/dovecot/keys"
}

mailserver_configure_dovecot() {
  cat >"$MAIL_DIR/dovecot/oauth2.conf" <<END
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=$MAIL_DIR/dovecot/keys/
username_attribute = sub
END
  cat >"$MAIL_DIR/dovecot/dovecot.conf" <<END
base_dir = $MAIL_DIR/dovecot/run
state_dir = $MAIL_DIR/dovecot/state
log_path = $MAIL_DIR/log/dovecot.log
instance_name = ehlo-test
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer external
auth_verbose = yes
auth_failure_delay = 0
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $MAIL_DIR/dovecot/oauth2.conf
}
passdb {
  driver = passwd-file
  args = $MAIL_DIR/dovecot/users
}
service anvil {
  # No growing delay after a wrong password.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener $MAIL_DIR/auth {
    mode = 0600
    user = postfix
  }
}
END
}

mailserver_configure_postfix() {
  local daemons=$1
  cat >"$MAIL_DIR/postfix/main.cf" <<END
compatibility_level = 3.6
queue_directory = $MAIL_DIR/postfix/queue
data_directory = $MAIL_DIR/postfix/data
daemon_directory = $daemons
maillog_file = $MAIL_LOG
maillog_file_prefixes = $MAIL_DIR
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.$mailserver_domain

# No world outside: one interface, no DNS, no relaying.
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_peername_lookup = no
mynetworks =
default_transport = error:5.4.4 this server delivers here only

# Mail for the users alone, one file for each message, and not a header more than a delivery adds.
mydestination =
alias_maps =
local_recipient_maps =
notify_classes =
virtual_mailbox_domains = $mailserver_domain
virtual_mailbox_base = $MAIL_DIR/mail
virtual_mailbox_maps = texthash:$MAIL_DIR/postfix/mailboxes
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
local_header_rewrite_clients =
smtputf8_enable = yes
message_size_limit = 1048576

# A strict server: a client's slip must show here, and not be forgiven.
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_forbid_unauth_pipelining = yes
smtpd_forbid_bare_newline = reject
smtpd_forbid_bare_newline_exclusions =
strict_rfc821_envelopes = yes
smtpd_helo_required = yes

# No slowing down after errors, and no counting of connections.
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0

smtpd_sasl_type = dovecot
smtpd_sasl_path = $MAIL_DIR/auth
smtpd_sasl_auth_enable = yes
smtpd_sasl_security_options = noanonymous
smtpd_tls_chain_files = $MAIL_DIR/tls/chain.pem
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
END
  cat >"$MAIL_DIR/postfix/master.cf" <<END
127.0.0.1:$MAIL_PORT_STARTTLS inet n - n - - smtpd
  -o syslog_name=postfix/starttls -o smtpd_tls_security_level=encrypt
127.0.0.1:$MAIL_PORT_LOGIN inet n - n - - smtpd
  -o syslog_name=postfix/login -o smtpd_tls_security_level=encrypt -o smtpd_sasl_mechanism_filter=login
127.0.0.1:$MAIL_PORT_SMTPS inet n - n - - smtpd
  -o syslog_name=postfix/smtps -o smtpd_tls_wrappermode=yes
127.0.0.1:$MAIL_PORT_CLEAR inet n - n - - smtpd
  -o syslog_name=postfix/clear -o smtpd_tls_security_level=none -o smtpd_tls_auth_only=no
127.0.0.1:$MAIL_PORT_LIMITED inet n - n - - smtpd
  -o syslog_name=postfix/limited -o smtpd_tls_security_level=encrypt -o smtpd_recipient_limit=2
127.0.0.1:$MAIL_PORT_XCLIENT inet n - n - - smtpd
  -o syslog_name=postfix/xclient -o smtpd_tls_security_level=encrypt -o smtpd_authorized_xclient_hosts=127.0.0.1
cleanup   unix       n - n - 0 cleanup
qmgr      unix       n - n 300 1 qmgr
tlsmgr    unix       - - n 1000? 1 tlsmgr
rewrite   unix       - - n - - trivial-rewrite
bounce    unix       - - n - 0 bounce
defer     unix       - - n - 0 bounce
trace     unix       - - n - 0 bounce
proxymap  unix       - - n - - proxymap
error     unix       - - n - - error
retry     unix       - - n - - error
virtual   unix       - n n - - virtual
anvil     unix       - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
END
}

# The queue as "postfix set-permissions" would leave it.
mailserver_make_queue() {
  local queue=$MAIL_DIR/postfix/queue
  mkdir "$queue" "$queue"/{pid,active,bounce,corrupt,defer,deferred,flush,hold,incoming,saved,trace,private} &&
    mkdir "$queue"/{public,maildrop} && mkdir -m 700 "$MAIL_DIR/postfix/data" &&
    chown postfix "$MAIL_DIR/postfix/data" "$queue"/[!p]* "$queue/private" "$queue/public" &&
    chgrp postdrop "$queue/public" "$queue/maildrop" &&
    chmod 700 "$queue"/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,saved,trace,private} &&
    chmod 2710 "$queue/public" && chmod 1730 "$queue/maildrop"
}

# The guard's pipe stays with this shell alone: a server that held it open would hide the shell's end from the guard.
mailserver_launch_dovecot() {
  dovecot -c "$MAIL_DIR/dovecot/dovecot.conf" </dev/null {mailserver_guard}>&-
}

mailserver_launch_postfix() {
  local daemons tries
  daemons=$(postconf -dh daemon_directory) || return
  # Somebody else may take a port before Postfix does; other ports are tried then.
  for ((tries = 0; tries < 3; tries++)); do
    mailserver_pick_ports && mailserver_configure_postfix "$daemons" || return
    # Postfix reads a file again and again until it is a second old.
    touch -d '1 minute ago' "$MAIL_DIR"/postfix/{main.cf,mailboxes} || return
    # "-w" returns when the ports are open.
    "$daemons/master" -c "$MAIL_DIR/postfix" -w </dev/null {mailserver_guard}>&- && return
  done
  return 1
}

mailserver_wait_for_auth() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    [[ -S $MAIL_DIR/auth ]] && return
    sleep 0.05
  done
  echo 'mailserver: Dovecot opened no socket for Postfix' >&2
  return 1
}

mailserver_prepare() {
  mkdir "$MAIL_DIR"/{postfix,dovecot,log} && chown postfix "$MAIL_DIR/log" && mailserver_make_queue &&
    mailserver_make_users && mailserver_make_tokens && mailserver_configure_dovecot &&
    mailserver_make_certificates 2>"$MAIL_DIR/log/openssl"
}

mailserver_explain_failure() {
  echo 'mailserver: the server did not start:' >&2
  tail -n 20 "$MAIL_DIR"/log/* >&2
}

# ---- the guard ----------------------------------------------------------------------------------------------

# Whether a process of the group still runs. One that has ended may wait long for a busy init to notice it.
mailserver_group_runs() {  # PGID
  local file fields
  for file in /proc/[0-9]*/stat; do
    { read -r fields <"$file"; } 2>/dev/null || continue
    read -ra fields <<<"${fields##*) }"  # state, parent, group
    [[ ${fields[2]} == "$1" && ${fields[0]} != [ZX] ]] && return
  done
  return 1
}

# Prints the ids of the two main processes: they were told to read a configuration in the directory. Neither's file
# with its id will do, since it is not there yet when a start is interrupted.
mailserver_find() {  # DIR
  local file arguments
  for file in /proc/[0-9]*/cmdline; do
    { mapfile -d '' -t arguments <"$file"; } 2>/dev/null
    [[ ${arguments[1]:-} == -c && ${arguments[2]:-} == "$1"/* ]] || continue
    file=${file%/cmdline}
    echo "${file#/proc/}"
  done
}

# Ends the main processes and the groups that they lead, and waits until all are gone.
mailserver_kill() {  # DIR
  local pid tries running signal=TERM
  local -A known=()
  for ((tries = 0; tries < 200; tries++)); do
    running=$(mailserver_find "$1")
    for pid in $running "${!known[@]}"; do
      [[ -z ${known[$pid]:-} || $signal == KILL ]] && kill "-$signal" -- "$pid" "-$pid" 2>/dev/null
      known[$pid]=1
      mailserver_group_runs "$pid" && running+=" $pid"
    done
    [[ $running ]] || return
    ((tries < 100)) || signal=KILL
    sleep 0.05
  done
}

mailserver_remove() {  # DIR
  mailserver_kill "$1"
  rm -rf -- "$1"
}

# Waits for the other end of the pipe to be closed, which the end of a process does in any case.
mailserver_guard_main() {  # DIR
  trap '' INT TERM HUP
  cd / || return
  read -r _
  mailserver_remove "$1"
}

mailserver_start_guard() {
  mkfifo "$MAIL_DIR/guard" || return
  # For reading as well: an opening that does not wait for the other side.
  exec {mailserver_guard}<>"$MAIL_DIR/guard"
  setsid bash "$mailserver_file" --guard "$MAIL_DIR" <"$MAIL_DIR/guard" {mailserver_guard}>&- &
  mailserver_guard_pid=$!
  echo "$mailserver_guard_pid" >"$MAIL_DIR/guard.pid"
}

# Bazel, when interrupted, kills every descendant of the test, the servers and the guard too: files stay.
mailserver_sweep() {
  local dir pid
  for dir in "$mailserver_prefix".*; do
    [[ -O $dir && -s $dir/guard.pid ]] || continue
    read -r pid <"$dir/guard.pid"
    kill -0 "$pid" 2>/dev/null || mailserver_remove "$dir"
  done
}

# ---- the interface ------------------------------------------------------------------------------------------

mailserver_stop() {
  [[ -n ${mailserver_guard:-} ]] || return 0
  exec {mailserver_guard}>&-
  wait "$mailserver_guard_pid"
  unset mailserver_guard mailserver_guard_pid
}

# Whether this user can be the postfix user: not without root, and not in a user namespace that lacks it.
mailserver_can_change_user() {
  setpriv --reuid postfix --clear-groups true 2>/dev/null
}

mailserver_start() {
  local missing
  missing=$(mailserver_missing)
  if [[ -n $missing ]]; then
    echo "mailserver: not installed: $missing" >&2
    return 1
  fi
  if ! mailserver_can_change_user; then
    echo 'mailserver: this process cannot become the user postfix (not root, or root of a sandbox only)' >&2
    return 1
  fi
  mailserver_sweep
  MAIL_DIR=$(mktemp -d "$mailserver_prefix.XXXXXX") && chmod 711 "$MAIL_DIR" || return
  MAIL_LOG=$MAIL_DIR/log/mail.log
  trap mailserver_stop EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mailserver_start_guard || return
  if ! { mailserver_prepare && mailserver_launch_dovecot && mailserver_launch_postfix &&
    mailserver_wait_for_auth; }; then
    mailserver_explain_failure
    mailserver_stop
    return 1
  fi
}

mailserver_print() {
  cat <<END
STARTTLS, then any mechanism    localhost:$MAIL_PORT_STARTTLS
STARTTLS, then LOGIN            localhost:$MAIL_PORT_LOGIN
implicit TLS                    localhost:$MAIL_PORT_SMTPS
cleartext                       localhost:$MAIL_PORT_CLEAR
two recipients at a time        localhost:$MAIL_PORT_LIMITED
XCLIENT                         localhost:$MAIL_PORT_XCLIENT
CA file                         $MAIL_CA
user                            $MAIL_USER
password file                   $MAIL_PASSWORD_FILE
mailboxes                       $MAIL_DIR/mail/
log                             $MAIL_LOG
Ctrl-C stops it and removes all of it.
END
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  if [[ ${1:-} == --guard ]]; then
    mailserver_guard_main "$2"
    exit
  fi
  mailserver_start || exit
  mailserver_print
  # In the background, so that a signal is acted on at once.
  sleep infinity {mailserver_guard}>&- &
  trap 'kill $!; mailserver_stop' EXIT
  wait
fi
