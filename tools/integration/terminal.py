"""A real terminal for one program: tmux, with its keys and its screen.

Nothing here knows of a particular case.
"""

import itertools
import os
import re
import subprocess
import time

from harness import RUN_BOUND, Complaint

WAIT_BOUND = 20  # seconds for something to appear

_numbers = itertools.count()


class Tmux:
    """A terminal of its own for one program."""

    def __init__(self, ehlo, *arguments, width=100, height=30, **variables):
        self.server = f"ehlo-{os.getpid()}-{next(_numbers)}"
        self.directory, self.variables = ehlo.directory, variables
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c",
                  # Ctrl-C goes to the shell around the program too.
                  'trap : INT; printf ready; read go; "$@"; echo "status $?"; while :; do read end; done', "sh",
                  ehlo.program, *map(str, arguments))
        self.expect("ready")
        self.keys("Enter")

    def tmux(self, *arguments):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "LC_ALL": "C.UTF-8", "TERM": "xterm",
                       "TMUX_TMPDIR": str(self.directory), **self.variables}
        return subprocess.run(["tmux", "-L", self.server, "-f", "/dev/null", *arguments], capture_output=True,
                              cwd=self.directory, env=environment, timeout=RUN_BOUND, check=True).stdout.decode()

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        """The characters as they are, without Enter."""
        self.tmux("send-keys", "-l", "--", text)

    def line(self, text):
        self.type(text)
        self.keys("Enter")

    def screen(self):
        """All of it, with what has scrolled away; a line that the terminal wrapped is one."""
        return self.tmux("capture-pane", "-p", "-J", "-S", "-")

    def expect(self, pattern):
        """Waits until the screen has it."""
        end = time.monotonic() + WAIT_BOUND
        while True:
            screen = self.tmux("capture-pane", "-p")
            if re.search(pattern, screen, re.M):
                return screen
            if time.monotonic() > end:
                raise Complaint(f"the screen has no {pattern!r}:\n{screen}")
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.tmux("kill-server")
        except subprocess.CalledProcessError:
            pass  # it is gone already
