#!/usr/bin/python3
"""Makes a Debian package of what install.py installs: package.py INSTALL.PY OUT.DEB FILE…

What it depends on is asked of dpkg, by the libraries that the program is linked with.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile


def run(*arguments):
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True).stdout


def packages_of(program):
    """The packages that hold the libraries of a program."""
    needed = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", program)))
    found = set()
    for name, path in re.findall(r"(\S+) => (/\S+)", run("ldd", program)):
        if name not in needed:
            continue
        # The file as dpkg knows it, where /lib is a link to /usr/lib.
        for place in (path, os.path.realpath(path), os.path.realpath(path).removeprefix("/usr")):
            owner = subprocess.run(["dpkg", "-S", place], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   check=False).stdout
            if owner:
                found.add(owner.split(":")[0])
                break
    return sorted(found)


def main(install, out, parts):
    with tempfile.TemporaryDirectory() as stage:
        run(sys.executable, install, "--prefix", "/usr", "--destdir", stage, *parts)
        root = pathlib.Path(stage)
        zsh = root / "usr/share/zsh"
        (zsh / "site-functions").rename(zsh / "vendor-completions")
        root.chmod(0o755)
        for file in [root / "usr/bin/ehlo", *root.glob("usr/lib/*.so.0")]:
            run("strip", "--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", str(file))
        for page in sorted(root.glob("usr/share/man/man?/*")):
            run("gzip", "-9n", str(page))
        header = (root / "usr/include/ehlo/engine/ehlo.h").read_text()
        version = re.search(r'EHLO_VERSION "([^"]+)"', header)[1]
        size = sum(f.lstat().st_size for f in root.rglob("*") if f.is_file()) // 1024
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN/triggers").write_text("activate-noawait ldconfig\n")
        (root / "DEBIAN/control").write_text(
            f"Package: ehlo\nVersion: {version}\nArchitecture: {run('dpkg', '--print-architecture').strip()}\n"
            "Section: mail\nPriority: optional\nMaintainer: The developers of ehlo <developers@ehlo.invalid>\n"
            f"Installed-Size: {size}\nDepends: {', '.join(packages_of(str(root / 'usr/bin/ehlo')) + ['ca-certificates'])}\n"
            "Description: SMTP submission client that shows and records what the server says\n"
            " It logs in over verified TLS, submits a message, explains refusals, and records\n"
            " the session as a text file that runs again offline. With the engine as a\n"
            " library for programs in C.\n")
        run("dpkg-deb", "--root-owner-group", "--build", "-Zxz", stage, out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
