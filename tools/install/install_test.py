#!/usr/bin/python3
"""Installs into a directory and uses what is there, as somebody would who has never seen the tree.

usage: install_test.py INSTALL.PY EHLO.DEB FILE…
"""

import gzip
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

BOUND = 20  # seconds: what takes longer hangs
LETTER = "letter to Bob.eml"  # a file to complete
failures, passed = [], 0
work = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")))
prefix = work / "prefix"
ENVIRONMENT = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": str(work), "LC_ALL": "C.UTF-8",
               "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig", "MANPATH": f"{prefix}/share/man", "TERM": "dumb"}

ENGINE = r"""
#include <ehlo.h>
#include <stdio.h>
#include <string.h>
int main(void) {
  static uint8_t buffer[EHLO_BUFFER_DEFAULT];
  struct ehlo_client c;
  struct ehlo_event event;
  size_t used;
  const char *greeting = "220 mail.example ready\r\n";
  ehlo_client_init(&c, &(struct ehlo_config){0}, buffer, sizeof(buffer), 0);
  ehlo_input(&c, &used, (const uint8_t *)greeting, strlen(greeting), 1);
  while (ehlo_next(&c, &event) == EHLO_EVENT_REPLY) {
    printf("%u %s\n", event.reply.code, EHLO_VERSION);
  }
  return 0;
}
"""
REPLAY = r"""
#include <ehlo-replay.h>
#include <stdio.h>
#include <string.h>
static void on_input(void *me, struct ehlo_harness *h, const struct ehlo_harness_input *in) {
  (void)me;
  if (in->len > 3 && memcmp(in->bytes, "220", 3) == 0) {
    ehlo_harness_send(h, "QUIT\r\n", 6);
  }
}
int main(void) {
  static const char text[] = "S: 220 mail.example\nC: QUIT\nS: 221 bye\n";
  static struct ehlo_harness harness;
  struct ehlo_memory transcript = {.bytes = (const uint8_t *)text, .len = sizeof(text) - 1};
  struct ehlo_harness_options options = {.chunks = EHLO_CHUNKS_RECORDED};
  struct ehlo_harness_result r;
  ehlo_harness_run(&harness, &r, ehlo_memory_read, &transcript, &options, on_input, NULL);
  printf("%s\n", r.verdict == EHLO_REPLAY_DIVERGED ? "diverged" : "same");
  return 0;
}
"""

CXX = r"""
#include <ehlo.h>
#include <ehlo-replay.h>
#include <cstdio>
#include <cstring>
int main() {
  static const char text[] = "S: 220 mail.example\nC: QUIT\nS: 221 2.0.0 bye\n";
  static uint8_t buffer[EHLO_BUFFER_DEFAULT];
  const ehlo_mechanism *const mechanisms[] = {&ehlo_mechanism_scram_sha_256, &ehlo_mechanism_plain};
  ehlo_config config = {};
  ehlo_client client;
  ehlo_event event;
  size_t used;
  const char *greeting = "220-mail.example\r\n220 2.0.0 ready\r\n";
  ehlo_client_init(&client, &config, buffer, sizeof(buffer), 0);
  ehlo_input(&client, &used, reinterpret_cast<const uint8_t *>(greeting), std::strlen(greeting), 1);
  while (ehlo_next(&client, &event) == EHLO_EVENT_REPLY) {
    struct ehlo_reply_line line;
    size_t at = 0;
    while (ehlo_reply_line(&event.reply, &at, &line)) {
      ehlo_enhanced enhanced;
      size_t len = ehlo_enhanced_parse(&enhanced, line.text);
      std::printf("%u %u ", event.reply.code, len > 0 ? enhanced.class_code : 0U);
    }
  }
  ehlo_memory transcript = {};
  transcript.bytes = reinterpret_cast<const uint8_t *>(text);
  transcript.len = sizeof(text) - 1;
  ehlo_replay_options options = {};
  ehlo_replay_result result;
  ehlo_replay_run(&result, ehlo_memory_read, &transcript, &options);
  std::printf("%s %s\n", mechanisms[1]->name, result.verdict == EHLO_REPLAY_SAME ? "same" : "differs");
  return 0;
}
"""
CXX_SAYS = "220 0 220 2 PLAIN same\n"
C_COMPILERS = [["gcc", "-std=c11"], ["clang", "-std=c11"]]
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
CXX_COMPILERS = [[compiler, f"-std={standard}"] for compiler in ("g++", "clang++") for standard in ("c++11", "c++17")]


def run(*arguments, **more):
    """What is not there, since it could not be built, fails as it does in a shell."""
    words = [str(a) for a in arguments]
    try:
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BOUND * 3,
                              env={**ENVIRONMENT, **more}, cwd=work, check=False)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(words, 127, str(error))


def check(what, good, told=""):
    global passed
    if good:
        passed += 1
    else:
        failures.append(what)
        print(f"FAILED: {what}\n{told}")


def check_program():
    done = run("ehlo", "--version")
    check("the program runs from its new place", done.returncode == 0 and done.stdout.startswith("ehlo "), done.stdout)
    commands = run("ehlo", "--help=complete").stdout
    for command in re.findall(r"^(\S+)\t", commands, re.M):
        check(f"there is a page on {command}", (prefix / f"share/man/man1/ehlo-{command}.1").exists())


def check_manual():
    pages = sorted(prefix.glob("share/man/man?/*"))
    done = run("mandoc", "-T", "lint", *pages)
    # mandoc looks for other pages where the system has them.
    told = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
    check("mandoc has nothing to say of the manual", not told and len(pages) > 10, "\n".join(told))
    variables = set()
    for page in pages:
        text = page.read_text()
        variables |= set(re.findall(r"Ev (\w+)", text))
        for name, section in re.findall(r"^\.Xr (\S+) (\d)", text, re.M):
            name = name.replace("\\-", "-")
            check(f"{page.name} speaks of {name}", name == "sendmail" or (prefix / f"share/man/man{section}/{name}.{section}").exists())
        check(f"{page.name} has examples", ".Sh EXAMPLES\n" in text)
        check(f"{page.name} has a heading once", all(text.count(h) == 1 for h in re.findall(r"^\.Sh .*\n", text, re.M)), text)
        if re.search(r"^\.It Fl \\-config ", text, re.M):
            check(f"{page.name} says where the configuration is", ".It Pa ~/.config/ehlo/config\n" in text and ".It Ev XDG_CONFIG_HOME\n" in text)
    sources = [*pathlib.Path("tools/driver").glob("*.c"), *pathlib.Path("tools/live").glob("*.c")]
    read = set(re.findall(r'getenv\("(\w+)"\)', "".join(f.read_text() for f in sources if not f.stem.endswith("_test"))))
    # What everybody knows, and what Bazel says to a program that it runs.
    wanted = read - {"HOME", "BUILD_WORKING_DIRECTORY"}
    check("the manual has the variables that the program reads", variables == wanted and len(wanted) > 5, f"{variables ^ wanted}")
    text = run("mandoc", prefix / "share/man/man1/ehlo-send.1").stdout
    check("the page on send has its options", "quit-after" in re.sub(".\b", "", text), text)


def check_libraries():
    for name, source, says in (("ehlo", ENGINE, "220 "), ("ehlo-replay", REPLAY, "same")):
        file = work / f"{name}.c"
        file.write_text(source)
        flags = run("pkg-config", "--cflags", "--libs", name).stdout.split()
        done = run("clang", "-Wall", "-Wextra", "-Werror", file, *flags, "-o", work / "shared")
        check(f"a program is built with the shared {name}", done.returncode == 0, done.stdout)
        done = run(work / "shared", LD_LIBRARY_PATH=f"{prefix}/lib")
        check(f"... and runs with {name}", done.returncode == 0 and done.stdout.startswith(says), done.stdout)
        libraries = [prefix / "lib/libehlo-replay.a"] if name == "ehlo-replay" else []
        private = run("pkg-config", "--libs", "--static", name).stdout.split() if libraries else []
        flags = run("pkg-config", "--cflags", name).stdout.split()
        done = run("clang", file, *flags, *libraries, prefix / "lib/libehlo.a", *[f for f in private if not f.startswith("-lehlo")],
                   "-o", work / "static")
        check(f"a program is built with the archive of {name}", done.returncode == 0, done.stdout)
        done = run(work / "static")
        check(f"... and runs by itself with {name}", done.returncode == 0 and done.stdout.startswith(says), done.stdout)


def headers_in(*places):
    """As a program includes them."""
    include = prefix / "include/ehlo"
    return {str(header.relative_to(include)) for place in places for header in (include / place).rglob("*.h")}


def declared(headers):
    """The functions and variables that headers declare, as the compiler has them."""
    file = work / "declared.c"
    file.write_text("".join(f'#include "{header}"\n' for header in headers))
    done = subprocess.run(["clang", "-fsyntax-only", f"-I{prefix}/include/ehlo", "-Xclang", "-ast-dump=json", str(file)],
                          check=True, stdout=subprocess.PIPE, text=True, timeout=BOUND * 3)
    return {d["name"] for d in json.loads(done.stdout)["inner"]
            if d["kind"] in ("FunctionDecl", "VarDecl") and d["name"].startswith("ehlo_") and d.get("storageClass") != "static"}


def check_cxx():
    """The headers as C++ reads them, and a program of it linked with what is C."""
    file, all_names = work / "program.cc", work / "names.cc"
    file.write_text(CXX)
    # Whatever has the name that C++ would give it is not found.
    places = "".join(f"(const void *)&{name},\n" for name in sorted(declared(headers_in("engine", "replay"))))
    all_names.write_text(f"#include <ehlo.h>\n#include <ehlo-replay.h>\nextern const void *const names[];\n"
                         f"const void *const names[] = {{\n{places}}};\n")
    flags = run("pkg-config", "--cflags", "--libs", "ehlo-replay").stdout.split()
    for compiler in CXX_COMPILERS:
        (work / "cxx").unlink(missing_ok=True)
        done = run(*compiler, *STRICT, file, all_names, *flags, "-o", work / "cxx")
        check(f"{' '.join(compiler)} builds a program", done.returncode == 0, done.stdout)
        done = run(work / "cxx", LD_LIBRARY_PATH=f"{prefix}/lib")
        check("... and it runs", done.returncode == 0 and done.stdout == CXX_SAYS, done.stdout)


def check_headers():
    """Each by itself: it includes what it needs."""
    flags = run("pkg-config", "--cflags", "ehlo").stdout.split()
    for suffix, compilers in (("c", C_COMPILERS), ("cc", CXX_COMPILERS)):
        files = []
        for place in sorted(headers_in(".")):
            files.append(work / f"{place.replace('/', '_')}.{suffix}")
            # Twice: the second time it says nothing.
            files[-1].write_text(f'#include "{place}"\n' * 2)
        for compiler in compilers:
            done = run(*compiler, *STRICT, "-fsyntax-only", *flags, *files)
            check(f"{' '.join(compiler)} takes each of {len(files)} headers alone", done.returncode == 0 and files, done.stdout)


def check_exports():
    headers = headers_in("engine", "replay")
    engine = {h for h in headers if re.fullmatch(r"engine/[^/]*", h)}
    for name, mine, others, node in (("ehlo", engine, set(), "EHLO_0"), ("ehlo-replay", headers, engine, "EHLO_REPLAY_0")):
        listing = run("nm", "-D", "--defined-only", "--with-symbol-versions", prefix / f"lib/lib{name}.so.0").stdout
        exported = {line.split()[2] for line in listing.splitlines() if line.split()[1] != "A"}
        wanted = {f"{symbol}@@{node}" for symbol in declared(mine) - declared(others)}
        foreign = re.findall(r" [A-TV-Z] (?!ehlo_)(\S+)$", run("nm", "-g", "--defined-only", prefix / f"lib/lib{name}.a").stdout, re.M)
        check(f"lib{name}.a, which can hide nothing, has names of its own alone", not foreign, str(foreign))
        check(f"lib{name}.so exports something", len(exported) > 20, listing)
        check(f"lib{name}.so exports nothing that no header declares", exported <= wanted, str(sorted(exported - wanted)))
        check(f"lib{name}.so exports all that its headers declare", wanted <= exported, str(sorted(wanted - exported)))


def check_bash():
    script = f"source {prefix}/share/bash-completion/completions/ehlo\n"
    for words, wanted in ((["prob"], "probe"), (["send", "--tls-"], "--tls-name"), (["send", "--tls", "star"], "starttls"),
                          (["send", "work"], "works.eml\nwork"), (["send", "--auth", "XO"], "XOAUTH2"), (["explain", "--stage", "rc"], "rcpt"),
                          (["send", "--data", "lett"], LETTER), (["send", "--attach", "lett"], LETTER), (["show", "lett"], LETTER),
                          (["send", "--data", "wor"], "works.eml")):
        line = " ".join(f'"{w}"' for w in ["ehlo", *words])
        done = run("bash", "-c", f"{script}COMP_WORDS=({line}); COMP_CWORD={len(words)}; _ehlo; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        check(f"bash completes {words}", done.stdout == f"{wanted}\n", done.stdout)


def check_fish():
    for line, wanted in (("ehlo prob", "probe"), ("ehlo send --tls-", "--tls-name"), ("ehlo send --tls star", "starttls"), ("ehlo send wor", "work"),
                         ("ehlo send --data lett", LETTER), ("ehlo show lett", LETTER), ("ehlo send --data wor", "works.eml")):
        done = run("fish", "--no-config", "-c", f"source {prefix}/share/fish/vendor_completions.d/ehlo.fish; complete -C '{line}'")
        found = [entry.split("\t")[0] for entry in done.stdout.splitlines()]
        check(f"fish completes {line}", wanted in found, done.stdout)
        check(f"... with no account where a file is wanted: {line}", "--data" not in line or "work" not in found, done.stdout)


def check_zsh():
    """In a terminal: zsh completes nowhere else."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execve("/usr/bin/zsh", ["zsh", "-f", "-i"], {**ENVIRONMENT, "TERM": "vt100"})
    try:
        seen = b""
        os.write(terminal, f"PS1='ready> '; fpath=({prefix}/share/zsh/site-functions $fpath); autoload -U compinit; "
                           "compinit -u -D; echo on\n".encode())
        for typed, wanted in ((b"", b"on\r\n"), (b"ehlo prob\t", b"probe"), (b"\x15ehlo send --ca-f\t", b"--ca-file"),
                              (b"\x15ehlo send --tls start\t", b"starttls"), (b"\x15ehlo send priv\t", b"private"),
                              (b"\x15ehlo send --data lett\t", b"letter\\ to\\ Bob.eml"), (b"\x15ehlo show lett\t", b"letter\\ to\\ Bob.eml")):
            os.write(terminal, typed)
            mark, end = len(seen), time.monotonic() + BOUND
            while wanted not in seen[mark:] and time.monotonic() < end:
                if select.select([terminal], [], [], 0.1)[0]:
                    seen += os.read(terminal, 65536)
            check(f"zsh completes {typed}", wanted in seen[mark:], repr(seen[mark:]))
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def check_package(deb):
    root = work / "root"
    run("dpkg-deb", "-x", deb, root)
    done = run(root / "usr/bin/ehlo", "--version")
    check("the program of the package runs", done.returncode == 0, done.stdout)
    listing = run("dpkg-deb", "-c", deb).stdout
    libdir = next(root.glob("usr/lib/*/libehlo.so.0")).parent
    for file in ("./usr/share/man/man1/ehlo-send.1.gz", f"./{libdir.relative_to(root)}/libehlo-replay.so.0",
                 "./usr/include/ehlo/ehlo.h", "./usr/share/zsh/vendor-completions/_ehlo"):
        check(f"the package has {file}", file in listing, listing)
    asked = run("pkg-config", "--cflags", "--libs", "ehlo", PKG_CONFIG_PATH=f"{libdir}/pkgconfig", PKG_CONFIG_SYSROOT_DIR=str(root),
                PKG_CONFIG_ALLOW_SYSTEM_LIBS="1")
    done = run("clang", work / "ehlo.c", *asked.stdout.split(), "-o", work / "packaged")
    check("a program is built with the package", done.returncode == 0 and str(root) in asked.stdout, asked.stdout + done.stdout)
    done = run(work / "packaged", LD_LIBRARY_PATH=str(libdir))
    check("... and runs with it", done.returncode == 0 and done.stdout.startswith("220 "), done.stdout)
    check_owners(listing)
    check_documents(root)
    control = work / "control"
    run("dpkg-deb", "-e", deb, control)
    check_sums(root, control / "md5sums")
    check_depends(deb, [root / "usr/bin/ehlo", *libdir.glob("*.so.0")])
    for field, wanted in (("Package", "ehlo"), ("Architecture", run("dpkg", "--print-architecture").stdout.strip()),
                          ("Installed-Size", r"[1-9]\d+"), ("Description", r"SMTP .{20,70}(?:\n .{1,79})+")):
        said = run("dpkg-deb", "-f", deb, field).stdout.strip()
        check(f"the package says its {field}", re.fullmatch(wanted, said), said)
    shlibs = (control / "shlibs").read_text()
    check("the package says who has its libraries", re.fullmatch(r"(libehlo(-replay)? 0 ehlo \(>= [\d.]+\)\n){2}", shlibs), shlibs)
    modes = [(f.name, oct(f.stat().st_mode & 0o777)) for f in control.iterdir() if f.stat().st_mode & 0o777 != 0o644]
    check("the package's own files can be read and no more", not modes, str(modes))
    wrong = [line for line in run("readelf", "-d", root / "usr/bin/ehlo", *libdir.glob("*.so.0")).stdout.splitlines()
             if "RUNPATH" in line and not re.search(r"\[(/[^:]*/android:?)+\]", line)]
    check("only BoringSSL is looked for in a place of its own", not wrong, str(wrong))


def check_owners(listing):
    """root's, and nobody else may write."""
    wrong = []
    for line in listing.splitlines():
        mode, owner, name = line.split()[0], line.split()[1], line.split()[5]
        program = name.startswith("./usr/bin/") or mode[0] == "d"
        if owner != "root/root" or mode not in ("lrwxrwxrwx", f"{mode[0]}{'rwxr-xr-x' if program else 'rw-r--r--'}"):
            wrong.append(line)
    check("the package's files are root's, with the usual permissions", not wrong, "\n".join(wrong))


def check_documents(root):
    doc = root / "usr/share/doc/ehlo"
    rights = (doc / "copyright").read_text()
    check("the package says that there is no licence", "There is no licence text" in rights, rights)
    for package in ("libedit-dev", "libc-ares-dev"):
        notice = pathlib.Path("/usr/share/doc", package, "copyright").read_text()
        check(f"the package has the notice of {package}", notice in rights)
    changes = gzip.decompress((doc / "changelog.Debian.gz").read_bytes()).decode()
    version = run("ehlo", "--version").stdout.split()[1]
    check("the changelog begins with this version", changes.startswith(f"ehlo ({version}-"), changes)


def check_sums(root, sums):
    wanted = "".join(f"{hashlib.md5(f.read_bytes()).hexdigest()}  {f.relative_to(root)}\n"
                     for f in sorted(root.rglob("*")) if f.is_file() and not f.is_symlink())
    check("the package has the sum of each file", sums.read_text() == wanted, sums.read_text())


def owner_of(library):
    """The package that a library is from, as dpkg has it, where /lib is a link to /usr/lib or was one."""
    for place in (library, os.path.realpath(library), os.path.realpath(library).removeprefix("/usr")):
        found = subprocess.run(["dpkg", "-S", place], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if found.stdout:
            return found.stdout.split(":")[0]
    return f"nobody, of {library}"


def check_depends(deb, binaries):
    needed = set()
    for binary in binaries:
        names = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", binary).stdout)
        found = dict(re.findall(r"(\S+) => (/\S+)", run("ldd", binary).stdout))
        needed |= {owner_of(found[name]) for name in names if not name.startswith("libehlo") and name in found}
    said = run("dpkg-deb", "-f", deb, "Depends").stdout.strip()
    depends = dict(re.fullmatch(r"(\S+)(?: \((.*)\))?", entry).groups() for entry in said.split(", "))
    check("the package depends on what has its libraries", needed == set(depends) - {"ca-certificates"}, f"{needed}\n{said}")
    check("the package trusts somebody", "ca-certificates" in depends, said)
    check("... of the versions that it was linked with", re.match(r">= 2\.", depends.get("libc6") or ""), said)


def main(install, deb, parts):
    deb = pathlib.Path(deb).resolve()
    done = subprocess.run([sys.executable, install, *parts, "--prefix", str(prefix), "--with-sendmail"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check("it is installed", done.returncode == 0 and str(prefix) in done.stdout, done.stdout)
    config = work / ".config/ehlo/config"
    config.parent.mkdir(parents=True)
    for name in (LETTER, "works.eml"):
        (work / name).write_text("Subject: x\n\nhello\n")
    config.write_text("[work]\nserver = mail.example.com\n[private]\nserver = mail.example.org\n")
    check("sendmail is a link to it", os.readlink(prefix / "sbin/sendmail") == "../bin/ehlo")
    check_program()
    check_manual()
    check_libraries()
    check_exports()
    check_cxx()
    check_headers()
    check_bash()
    check_fish()
    check_zsh()
    check_package(deb)
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
