#!/bin/bash
# Tests the wrapper tools/bazel on a pretend machine: a root directory, and a PATH, that hold only what a case puts
# there. apt-get, sudo and Bazel are stand-ins that write down how they were called.
set -uo pipefail

wrapper=$PWD/tools/bazel
failed=0 passed=0
everything="bazel-bootstrap clang lld libclang-rt-dev android-libboringssl-dev libcriterion-dev libjansson-dev \
libgmime-3.0-dev libedit-dev libc-ares-dev pkg-config libpcap-dev patch python3 ca-certificates postfix dovecot-core dovecot-imapd dovecot-submissiond dovecot-lmtpd python3-aiosmtpd swaks \
libnet-ssleay-perl gsasl tmux curl msmtp openssl php-cli libphp-phpmailer nodejs node-nodemailer tcpdump strace python3-yaml chromium \
git-email libmailtools-perl mutt cron mandoc bash-completion zsh fish haproxy dante-server tinyproxy iproute2 g++ dpkg-dev"
commands="bazel clang ld.lld patch python3 swaks gsasl tmux curl msmtp openssl php node tcpdump strace chromium socat \
pkg-config mutt cron mandoc zsh fish haproxy tinyproxy ip g++ dpkg-shlibdeps"

# A command that records its name, its arguments and whether services may start, and exits with $2.
stand_in() {
  cat >"$machine/bin/$1" <<END
#!/bin/bash
policy=\$([[ -x $machine/usr/sbin/policy-rc.d ]] && echo "no-services " || true)
[[ ! -p /dev/stdin ]] || cat >>"$machine/stdin"
echo "\${policy}$1 \$*" >>"$machine/calls"
exit ${2:-0}
END
  chmod +x "$machine/bin/$1"
}

# A file of the pretend machine.
put() {
  mkdir -p "$(dirname "$machine/$1")"
  : >"$machine/$1"
}

# Makes us the user with this number.
i_am() {
  printf '#!/bin/bash\necho %s\n' "$1" >"$machine/bin/id"
  chmod +x "$machine/bin/id"
}

# A machine with everything on it, and us as root.
new_machine() {
  machine=$(mktemp -d "$TEST_TMPDIR/machine.XXXXXX")
  mkdir -p "$machine/bin" "$machine/usr/sbin"
  : >"$machine/calls"
  local tool
  for tool in bash cat chmod rm; do ln -s "$(type -P "$tool")" "$machine/bin/$tool"; done
  for tool in $commands apt-get debconf-set-selections systemctl; do stand_in "$tool"; done
  i_am 0
  put usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-any.a
  put usr/include/android/openssl/is_boringssl.h
  put usr/include/criterion/criterion.h
  put usr/include/jansson.h
  put usr/include/pcap/pcap.h
  put usr/include/gmime-3.0/gmime/gmime.h
  put usr/include/histedit.h
  put usr/include/ares.h
  put etc/ssl/certs/ca-certificates.crt
  put usr/sbin/postfix
  put usr/sbin/dovecot
  put usr/lib/dovecot/imap
  put usr/lib/dovecot/submission
  put usr/lib/dovecot/lmtp
  put usr/lib/python3/dist-packages/aiosmtpd/controller.py
  put usr/lib/x86_64-linux-gnu/perl5/5.36/Net/SSLeay.pm
  put usr/lib/python3/dist-packages/yaml/__init__.py
  put usr/lib/git-core/git-send-email
  put usr/share/perl5/Mail/Address.pm
  put usr/share/bash-completion/bash_completion
  put usr/sbin/danted
  put usr/share/php/libphp-phpmailer/autoload.php
  put usr/share/nodejs/nodemailer/package.json
  put usr/include/libetpan/libetpan.h
  put usr/share/llhttp/llhttp.c
}

# Runs the wrapper there: run_wrapper [VARIABLE=value...] -- argument...
run_wrapper() {
  local settings=()
  while [[ $1 != -- ]]; do settings+=("$1"); shift; done
  shift
  output=$(env -i PATH="$machine/bin" EHLO_WRAPPER_ROOT="$machine" "${settings[@]}" "$machine/bin/bash" "$wrapper" "$@" 2>&1)
  status=$?
}

# check DESCRIPTION COMMAND...: counts the case as passed where the command succeeds.
check() {
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n  status %s, output:\n%s\n  calls:\n%s\n' "$what" "$status" "$output" "$(<"$machine/calls")"
  fi
}
calls_are() { [[ $(<"$machine/calls") == "$1" ]]; }
called() { grep -qxF -- "$1" "$machine/calls"; }
not_called() { ! grep -q -- "$1" "$machine/calls"; }
says() { [[ $output == *"$1"* ]]; }
exits() { [[ $status == "$1" ]]; }
install="apt-get install -q -y -o Dpkg::Use-Pty=0 --no-install-recommends --no-remove"

new_machine
run_wrapper -- test //...
check "with everything there Bazel is run, and nothing else" calls_are "bazel test //..."
check "... in silence" [ -z "$output" ]

new_machine
stand_in real 7
run_wrapper BAZEL_REAL="$machine/bin/real" -- build -k //...
check "BAZEL_REAL is what is run" calls_are "real build -k //..."
check "... and its status is the wrapper's" exits 7

new_machine
cp "$wrapper" "$machine/bin/bazel"
run_wrapper -- build //...
check "a wrapper that only finds itself does not loop" exits 1

new_machine
rm "$machine/usr/include/criterion/criterion.h" "$machine/bin/ld.lld"
run_wrapper EHLO_NO_INSTALL=1 -- build //...
check "EHLO_NO_INSTALL names what is missing" says "lacks the Debian packages: lld libcriterion-dev"
check "... calls nothing" calls_are ""
check "... and fails" exits 1

run_wrapper -- build //...
check "root installs what is missing, services down" called "no-services $install lld libcriterion-dev"
check "... after the lists" called "no-services apt-get update -qq"
check "... the policy is gone afterwards" [ ! -e "$machine/usr/sbin/policy-rc.d" ]
check "... and then Bazel runs" called "bazel build //..."

new_machine
stand_in apt-get 100
rm "$machine/usr/include/jansson.h"
run_wrapper -- build //...
check "where apt-get fails, so does the wrapper" exits 1
check "... without Bazel" not_called "^bazel"
check "... without leaving a policy" [ ! -e "$machine/usr/sbin/policy-rc.d" ]

new_machine
printf '#!/bin/sh\nexit 0\n' >"$machine/usr/sbin/policy-rc.d"
rm "$machine/usr/sbin/postfix" "$machine/bin/swaks"
run_wrapper -- --batch test //...
check "mail servers are asked for by test" called "$install postfix swaks"
check "... Postfix asks no question" grep -q "postfix/main_mailer_type select No configuration" "$machine/stdin"
check "... and does not start at boot" called "systemctl disable --quiet postfix"
check "... and a policy of the machine's own stays" grep -q "exit 0" "$machine/usr/sbin/policy-rc.d"

new_machine
rm "$machine/usr/lib/x86_64-linux-gnu/perl5/5.36/Net/SSLeay.pm"
run_wrapper -- test //...
check "what swaks needs for TLS is asked for by test" called "no-services $install libnet-ssleay-perl"

new_machine
rm "$machine/usr/sbin/postfix" "$machine/bin/swaks"
run_wrapper -- run //tools:ehlo -- test
check "mail servers are not asked for by run" calls_are "bazel run //tools:ehlo -- test"

new_machine
run_wrapper -- run //tools/coverage -- --missed
check "coverage asks for LLVM's tools" called "no-services $install llvm"
put usr/lib/llvm-14/bin/llvm-profdata
run_wrapper -- test --config=coverage //engine/...
check "... which may stand beside the compiler" [ "$(grep -c llvm "$machine/calls")" = 1 ]
run_wrapper -- run //fuzz:campaign -- --seconds 90
check "a campaign asks for what gives stacks their names" [ "$(grep -c "$install llvm" "$machine/calls")" = 2 ]
ln -s "$(type -P true)" "$machine/bin/llvm-symbolizer"
run_wrapper -- run //fuzz:campaign
check "... which may be on the PATH" [ "$(grep -c "$install llvm" "$machine/calls")" = 2 ]
run_wrapper -- test --config=valgrind //engine/...
check "valgrind is asked for by its configuration" called "no-services $install valgrind"

new_machine
rm "$machine/usr/share/llhttp/llhttp.c"
run_wrapper -- test //...
check "what the bench compares with is not asked for by test" calls_are "bazel test //..."
run_wrapper -- run //tools:ehlo -- //tools/bench
check "... nor by what stands behind --" not_called apt-get
run_wrapper -- run //tools/bench -- --json
check "... but by the bench" called "no-services $install node-llhttp"
check "... which then runs" called "bazel run //tools/bench -- --json"
stand_in apt-get 100
run_wrapper -- build //tools/bench:bench
check "where it cannot be had the bench does without" says "the bench does without node-llhttp"
check "... and still runs" called "bazel build //tools/bench:bench"
printf '#!/bin/bash\necho "$EHLO_BENCH_PEERS"\n' >"$machine/bin/bazel"
run_wrapper -- test //...
check "Bazel is told what is missing" says "missing:node-llhttp"

new_machine
rm "$machine/usr/include/android/openssl/is_boringssl.h"
run_wrapper -- build //... --repo_env=EHLO_BORINGSSL=/home/me/boringssl
check "a BoringSSL of one's own needs no package" not_called apt-get
run_wrapper EHLO_BORINGSSL=/home/me/boringssl -- build //...
check "... in the environment too" not_called apt-get

new_machine
for tool in $commands apt-get; do rm "$machine/bin/$tool"; done
rm -r "$machine"/usr/{include,lib,share} "$machine/etc" "$machine"/usr/sbin/{postfix,dovecot,danted}
run_wrapper -- test //...
check "without apt-get it is told what to install" says "lacks the Debian packages: $everything"
check "... and that it has to be by hand" says "there is no apt-get here"
check "... and it fails" exits 1

new_machine
i_am 1000
rm "$machine/bin/clang"
run_wrapper -- build //...
check "not root and no sudo: told what root has to do" says "as root, do: apt-get install --no-install-recommends clang"
check "... and it fails" exits 1
printf '#!/bin/bash\necho "sudo $1" >>"%s/calls"\n"$@"\n' "$machine" >"$machine/bin/sudo"
chmod +x "$machine/bin/sudo"
run_wrapper -- build //...
check "sudo is used where not root" called "sudo bash"
check "... to install what is missing, services down" called "no-services $install clang"
check "... and not for Bazel" called "bazel build //..."

echo "[====] Synthesis: Tested: $((passed + failed)) | Passing: $passed | Failing: $failed | Crashing: 0"
((failed == 0))
