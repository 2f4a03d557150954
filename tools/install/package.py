#!/usr/bin/python3
"""Makes a Debian package of what install.py installs: package.py INSTALL.PY CHANGELOG COPYRIGHT OVERRIDES OUT.DEB FILE…

What it depends on is asked of dpkg, by the symbols that program and libraries take from others. The same parts make
the same package: its times are the changelog's.
"""

import email.utils
import gzip
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# What may be linked into the program from an archive: the package, and a function that tells that it is there.
LINKED_IN = {"libedit-dev": "el_init", "libbsd-dev": "strvis", "libmd-dev": "SHA512Init", "libncurses-dev": "tgetent",
             "libc-ares-dev": "ares_init"}
DESCRIPTION = """\
Description: SMTP submission client that shows and records what the server says
 It logs in over verified TLS, submits a message, explains refusals, and records
 the session as a text file that runs again offline. With the engine as a
 library for programs in C and C++.
"""


def run(*arguments, **more):
    try:
        done = subprocess.run(arguments, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    except FileNotFoundError:
        sys.exit(f"package: {arguments[0]} is not here; on Debian the package dpkg-dev has it")
    if done.returncode != 0:
        sys.exit(f"package: {arguments[0]} failed\n{done.stderr}")
    return done.stdout


def depends(root, binaries):
    """What dpkg-shlibdeps makes of the binaries; it wants to stand beside a debian/control."""
    with tempfile.TemporaryDirectory() as scratch:
        control = pathlib.Path(scratch, "debian/control")
        control.parent.mkdir()
        control.write_text("Source: ehlo\n\nPackage: ehlo\nArchitecture: any\n")
        found = run("dpkg-shlibdeps", "-O", "-xehlo", f"-S{root}", *map(str, binaries), cwd=scratch)
    return re.search(r"^shlibs:Depends=(.+)$", found, re.M)[1]


def linked_in(program):
    """The packages whose archives went into the program."""
    symbols = set(re.findall(r" T (\w+)$", run("nm", "--defined-only", str(program)), re.M))
    return [package for package, function in LINKED_IN.items() if function in symbols]


def write_documents(root, changelog, copyright_text, overrides):
    """Before the program is stripped of its symbols."""
    doc = root / "usr/share/doc/ehlo"
    others = linked_in(root / "usr/bin/ehlo")
    (doc / "copyright").write_text(copyright_text + "".join(
        f"\n\n==== {package}\n\n{pathlib.Path('/usr/share/doc', package, 'copyright').read_text()}" for package in others))
    (doc / "changelog.Debian.gz").write_bytes(gzip.compress(changelog.encode(), 9, mtime=0))
    place = root / "usr/share/lintian/overrides/ehlo"
    place.parent.mkdir(parents=True)
    place.write_text(overrides)


def strip(root, libdir):
    for file in [root / "usr/bin/ehlo", *(root / libdir).glob("*.so.0")]:
        run("strip", "--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", str(file))
    for file in (root / libdir).glob("*.a"):
        run("strip", "--strip-debug", "--remove-section=.comment", "--enable-deterministic-archives", str(file))
    for page in sorted(root.glob("usr/share/man/man?/*")):
        run("gzip", "-9n", str(page))


def write_control(root, libdir, version, maintainer):
    files = sorted(f for f in root.rglob("*") if f.is_file() and not f.is_symlink())
    sums = "".join(f"{hashlib.md5(f.read_bytes()).hexdigest()}  {f.relative_to(root)}\n" for f in files)
    size = sum((f.stat().st_size + 1023) // 1024 for f in files)
    libraries = sorted((root / libdir).glob("*.so.0"))
    control = root / "DEBIAN"
    control.mkdir()
    (control / "md5sums").write_text(sums)
    (control / "triggers").write_text("activate-noawait ldconfig\n")
    (control / "shlibs").write_text("".join(f"{file.name.removesuffix('.so.0')} 0 ehlo (>= {version.split('-')[0]})\n" for file in libraries))
    needs = depends(root, [root / "usr/bin/ehlo", *libraries])
    (control / "control").write_text(
        f"Package: ehlo\nVersion: {version}\nArchitecture: {run('dpkg', '--print-architecture').strip()}\n"
        f"Section: mail\nPriority: optional\nMaintainer: {maintainer}\nInstalled-Size: {size}\n"
        f"Depends: {needs}, ca-certificates\n{DESCRIPTION}")


def main(install, changelog, copyright_file, overrides, out, parts):
    os.umask(0o022)
    changelog = pathlib.Path(changelog).read_text()
    version = re.match(r"ehlo \((\S+)\)", changelog)[1]
    maintainer, date = re.search(r"^ -- (.*>)  (.*)$", changelog, re.M).groups()
    libdir = "usr/lib/" + run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip()
    with tempfile.TemporaryDirectory() as stage:
        root = pathlib.Path(stage)
        root.chmod(0o755)
        run(sys.executable, install, "--prefix", "/usr", "--libdir", libdir.removeprefix("usr/"), "--destdir", stage, *parts)
        header = (root / "usr/include/ehlo/engine/ehlo.h").read_text()
        if re.search(r'EHLO_VERSION "([^"]+)"', header)[1] != version.split("-")[0]:
            sys.exit(f"package: {version}, the changelog's last entry, is not of the version that engine/ehlo.h has")
        zsh = root / "usr/share/zsh"
        (zsh / "site-functions").rename(zsh / "vendor-completions")
        write_documents(root, changelog, pathlib.Path(copyright_file).read_text(), pathlib.Path(overrides).read_text())
        strip(root, libdir)
        write_control(root, libdir, version, maintainer)
        epoch = str(int(email.utils.parsedate_to_datetime(date).timestamp()))
        run("dpkg-deb", "--root-owner-group", "--build", "-Zxz", stage, out, env={**os.environ, "SOURCE_DATE_EPOCH": epoch})


if __name__ == "__main__":
    main(*sys.argv[1:6], sys.argv[6:])
