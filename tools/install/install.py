#!/usr/bin/python3
"""Installs ehlo: program, manual, completions, headers, libraries and their pkg-config files.

usage: install.py FILE… [--prefix DIR] [--libdir DIR] [--destdir DIR] [--with-sendmail]

FILE… are the parts, as //tools/install:files has them.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

# What a program includes; whatever these include comes along.
ROOTS = {
    "ehlo": ["engine/ehlo.h", "engine/submit.h", "engine/preflight.h", "engine/base64.h"],
    "ehlo-replay": ["engine/sasl/sasl.h", "replay/harness.h", "replay/pump.h", "replay/recorder.h", "replay/replay.h",
                    "replay/transcript.h"],
}
# Which packages a program for the library has to be linked with.
ABOUT = {
    "ehlo": ("SMTP submission client engine without I/O", "", ""),
    "ehlo-replay": ("Recorded SMTP sessions as tests", "ehlo", "-L{android} -Wl,-rpath,{android} -lcrypto"),
}


class Parts:
    """The files by their place in the tree, wherever they were built."""

    def __init__(self, names):
        self.paths = {}
        for name in names:
            place = re.sub(r"^(?:\./|bazel-out/[^/]+/bin/|external/[^/]+/)", "", name)
            self.paths[place] = pathlib.Path(name).resolve()

    def __getitem__(self, place):
        if place not in self.paths:
            sys.exit(f"install: {place} is not among the parts")
        return self.paths[place]

    def has(self, place):
        return place in self.paths


def version_of(parts):
    return re.search(r'#define EHLO_VERSION "([^"]+)"', parts["engine/ehlo.h"].read_text())[1]


def closure(parts, roots):
    """The headers, and those that they include."""
    found, todo = [], list(roots)
    while todo:
        place = todo.pop(0)
        if place in found:
            continue
        found.append(place)
        todo += [p for p in re.findall(r'#include "([^"]+)"', parts[place].read_text()) if parts.has(p)]
    return found


class Installer:
    def __init__(self, prefix, libdir, destdir):
        self.prefix = pathlib.Path(prefix)
        self.libdir = libdir  # below the prefix
        self.root = pathlib.Path(str(destdir) + str(self.prefix)) if destdir else self.prefix

    def put(self, source, place, mode=0o644):
        target = self.root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or target.exists():
            target.unlink()
        if isinstance(source, str):
            target.write_text(source)
        else:
            shutil.copyfile(source, target)
        target.chmod(mode)

    def link(self, to, place):
        target = self.root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or target.exists():
            target.unlink()
        target.symlink_to(to)


def install_program(i, parts):
    program = parts["tools/ehlo"]
    i.put(program, "bin/ehlo", 0o755)
    listing = subprocess.run([program, "--help=complete"], check=True, stdout=subprocess.PIPE, text=True).stdout
    for command in [line.split("\t")[0] for line in listing.splitlines()]:
        page = subprocess.run([program, command, "--help=man"], check=True, stdout=subprocess.PIPE, text=True).stdout
        i.put(page, f"share/man/man1/ehlo-{command}.1")
    i.put(parts["tools/install/ehlo.1"], "share/man/man1/ehlo.1")
    i.put(parts["tools/install/ehlo.conf.5"], "share/man/man5/ehlo.conf.5")
    i.put(parts["tools/install/ehlo.bash"], "share/bash-completion/completions/ehlo")
    i.put(parts["tools/install/_ehlo"], "share/zsh/site-functions/_ehlo")
    i.put(parts["tools/install/ehlo.fish"], "share/fish/vendor_completions.d/ehlo.fish")
    i.put(parts["README.md"], "share/doc/ehlo/README.md")
    i.put(parts["engine/SPECIFICATION.md"], "share/doc/ehlo/SPECIFICATION.md")


def install_libraries(i, parts):
    version = version_of(parts)
    # Debian keeps BoringSSL outside the loader's search path.
    crypto = subprocess.run(["clang", "-print-file-name=android/libcrypto.so"], check=False, stdout=subprocess.PIPE, text=True)
    android = os.path.realpath(os.path.dirname(crypto.stdout.strip()))
    for name, (description, requires, more) in ABOUT.items():
        for place in closure(parts, ROOTS[name]):
            i.put(parts[place], f"include/ehlo/{place}")
        i.put(parts[f"tools/install/lib{name}.a"], f"{i.libdir}/lib{name}.a")
        i.put(parts[f"tools/install/lib{name}.so.0"], f"{i.libdir}/lib{name}.so.0")
        i.link(f"lib{name}.so.0", f"{i.libdir}/lib{name}.so")
        i.put(f"prefix={i.prefix}\nlibdir=${{prefix}}/{i.libdir}\n\nName: {name}\nDescription: {description}\nVersion: {version}\n"
              f"Requires: {requires}\nCflags: -I${{prefix}}/include/ehlo\n"
              f"Libs: -L${{libdir}} -l{name}\nLibs.private: {more.format(android=android)}\n",
              f"{i.libdir}/pkgconfig/{name}.pc")
        lines = "".join(f'#include "{header}"\n' for header in ROOTS[name])
        i.put(f"// Everything of the library.\n{lines}", f"include/ehlo/{name}.h")


def main():
    parser = argparse.ArgumentParser(prog="install", description="Installs ehlo.")
    parser.add_argument("parts", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--prefix", default="/usr/local", help="where to (default: /usr/local)")
    parser.add_argument("--libdir", default="lib", help="where below the prefix the libraries go (default: lib)")
    parser.add_argument("--destdir", default="", help="put before the prefix, for packages")
    parser.add_argument("--with-sendmail", action="store_true", help="a link sbin/sendmail besides")
    arguments = parser.parse_args()
    here = os.environ.get("BUILD_WORKING_DIRECTORY", ".")
    prefix = os.path.normpath(os.path.join(here, arguments.prefix))
    destdir = os.path.normpath(os.path.join(here, arguments.destdir)) if arguments.destdir else ""
    parts, installer = Parts(arguments.parts), Installer(prefix, arguments.libdir, destdir)
    try:
        install_program(installer, parts)
        install_libraries(installer, parts)
        if arguments.with_sendmail:
            installer.link("../bin/ehlo", "sbin/sendmail")
    except OSError as error:
        sys.exit(f"install: {error}")
    print(f"ehlo {version_of(parts)} is in {destdir}{prefix}")


if __name__ == "__main__":
    main()
