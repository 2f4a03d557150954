"""Dovecot as a submission server and as one for LMTP, for tests that want a server which somebody else wrote. It changes
user, which takes root.
"""

import base64
import contextlib
import grp
import os
import pwd
import signal
import socket
import subprocess
import sys
import time

MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
START_BOUND = 20  # seconds


def free_ports(number):
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


def write_configuration(home, ports, password):
    """In `home`, where server.crt and server.key are: alice, bob and carol, at the ports "submission", "submissions" and
    "lmtp". What is submitted goes to an SMTP server at the port "sink"."""
    nobody = pwd.getpwnam("nobody")
    encoded = base64.b64encode(password.encode()).decode()
    users = home / "users"
    users.write_text("".join(f"{name}@ehlo.test:{{PLAIN.b64}}{encoded}:{nobody.pw_uid}:{nobody.pw_gid}::"
                             f"{home}/mail/{name}\n" for name in ("alice", "bob", "carol")))
    os.chown(users, 0, grp.getgrnam("dovecot").gr_gid)
    users.chmod(0o640)
    (home / "mail").mkdir()
    os.chown(home / "mail", nobody.pw_uid, nobody.pw_gid)
    listen = "address = 127.0.0.1\n    port ="
    (home / "dovecot.conf").write_text(f"""
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
instance_name = ehlo-peers
protocols = submission lmtp
ssl_cert = <{home}/server.crt
ssl_key = <{home}/server.key
disable_plaintext_auth = no
auth_mechanisms = {" ".join(MECHANISMS).lower()}
auth_realms = ehlo.test
auth_failure_delay = 0
first_valid_uid = 1
hostname = mail.ehlo.test
mail_location = maildir:~/
submission_relay_host = 127.0.0.1
submission_relay_port = {ports["sink"]}
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = passwd-file
  args = {home}/users
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service submission-login {{
  inet_listener submission {{
    {listen} {ports["submission"]}
  }}
  inet_listener submissions {{
    {listen} {ports["submissions"]}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    {listen} {ports["lmtp"]}
  }}
  unix_listener {home}/lmtp {{
    mode = 0600
  }}
}}
""")


def wait_for_port(home, port, what):
    end = time.monotonic() + START_BOUND
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{what} does not answer:\n{(home / 'log').read_text() if (home / 'log').exists() else ''}")


@contextlib.contextmanager
def running(home, ports, password):
    write_configuration(home, ports, password)
    with subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", home / "dovecot.conf"]) as dovecot:
        try:
            wait_for_port(home, ports["lmtp"], "Dovecot")
            wait_for_port(home, ports["submissions"], "Dovecot")
            yield
        finally:
            dovecot.send_signal(signal.SIGTERM)
            dovecot.wait()
