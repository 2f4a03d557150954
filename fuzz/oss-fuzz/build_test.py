#!/usr/bin/python3
"""Runs build.sh with the compiler of this machine in the place of the image's, and what it built.

Each fuzzer of the list is built, nothing else is; each has its seeds, its dictionary and options, and runs over the
seeds without a finding. What cannot be had here, and so is not tried: the images and BoringSSL's own build.
"""

import os
import subprocess
import sys
import zipfile

SANITIZER = "address"
# Without optimising: the compiler is most of the time.
FLAGS = "-O0 -fno-omit-frame-pointer -fsanitize=address,fuzzer-no-link"


def boringssl():
    """Flags and libraries of the system's BoringSSL."""
    said = subprocess.run(["clang", "-print-file-name=android/libcrypto.so"], stdout=subprocess.PIPE, check=True)
    folder = os.path.dirname(said.stdout.decode().strip())
    if not folder.startswith("/"):
        sys.exit("no BoringSSL here")
    libraries = "-Wl,--as-needed -L%s -Wl,-rpath,%s -lssl -lcrypto" % (folder, folder)
    return "-isystem /usr/include/android", libraries


def build(script, tmp):
    """Runs the script and returns its $OUT."""
    cflags, libraries = boringssl()
    out = os.path.join(tmp, "out")
    env = {
        "PATH": os.environ["PATH"],
        "CC": "clang",
        "CXX": "clang++",
        "CFLAGS": FLAGS,
        "CXXFLAGS": FLAGS + " -fuse-ld=lld",
        "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer",
        "SANITIZER": SANITIZER,
        "ARCHITECTURE": "x86_64",
        "SRC": tmp,
        "WORK": os.path.join(tmp, "work"),
        "OUT": out,
        "EHLO_ROOT": os.getcwd(),
        "BORINGSSL_CFLAGS": cflags,
        "BORINGSSL_LIBS": libraries,
    }
    os.makedirs(env["WORK"])
    subprocess.run([script], env=env, check=True)
    return out


def check_fuzzer(out, name, tmp):
    """Returns what is wrong with one of them, or None."""
    with open(os.path.join(out, name + ".options")) as file:
        if "dict = %s.dict\n" % name not in file.read():
            return "its options name no dictionary"
    seeds = os.path.join(tmp, "seeds", name)
    with zipfile.ZipFile(os.path.join(out, name + "_seed_corpus.zip")) as archive:
        archive.extractall(seeds)
    if not os.listdir(seeds):
        return "it has no seeds"
    command = [os.path.join(out, name), "-runs=1", "-dict=" + os.path.join(out, name + ".dict"), seeds]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp)
    if ran.returncode != 0:
        return "it ended with %d:\n%s" % (ran.returncode, ran.stdout.decode(errors="replace")[-3000:])
    return None


def main():
    script = os.path.abspath(sys.argv[1])
    tmp = os.environ["TEST_TMPDIR"]
    with open(os.path.join(os.path.dirname(script), "targets.txt")) as file:
        wanted = [line.split()[1] for line in file if line.startswith("fuzzer ")]
    out = build(script, tmp)
    extensions = ["", ".dict", ".options", "_seed_corpus.zip"]
    expected = sorted(name + extension for name in wanted for extension in extensions)
    failures = []
    if sorted(os.listdir(out)) != expected:
        failures.append("built %s, not %s" % (sorted(os.listdir(out)), expected))
    for name in wanted:
        wrong = check_fuzzer(out, name, tmp)
        if wrong:
            failures.append("%s: %s" % (name, wrong))
    print("\n".join(failures) or "%d fuzzers" % len(wanted))
    sys.exit(1 if failures or not wanted else 0)


main()
