"""The libraries that //tools/bench compares the engine with: @libetpan and @llhttp.

Both are optional. Where one is not on the machine its repository holds an empty library, the bench is built without
it and says so. tools/bazel installs them when the bench is asked for, and tells what is there in EHLO_BENCH_PEERS, so
that Bazel looks again once that changed. Nothing of them is ever copied into this workspace.

libetpan is Debian's libetpan-dev. llhttp is the npm package's C sources, of which the registry's own `llhttp` has only
the part written by hand: Debian's node-llhttp has all of them, as generated. They are compiled with -O3, like
llhttp's own Makefile does. To use sources of your own (llhttp.h and the .c files in one directory, as in llhttp's
releases' branch): --repo_env=EHLO_LLHTTP=/home/me/llhttp.
"""

_ABSENT = """
cc_library(
    name = "{name}",
    visibility = ["//visibility:public"],
)
"""

_LIBETPAN = """
cc_library(
    name = "libetpan",
    hdrs = glob(["include/**/*.h"]),
    defines = ["EHLO_BENCH_ETPAN"],
    includes = ["include"],
    linkopts = ["-letpan"],
    visibility = ["//visibility:public"],
)
"""

_LLHTTP = """
cc_library(
    name = "llhttp",
    srcs = glob(["src/*.c"]),
    hdrs = ["include/llhttp.h"],
    copts = ["-O3", "-w"],
    defines = ["EHLO_BENCH_LLHTTP"],
    includes = ["include"],
    visibility = ["//visibility:public"],
)
"""

_LLHTTP_SOURCES = ["api.c", "http.c", "llhttp.c"]

def _find_llhttp(ctx):
    """Where llhttp.h and the sources are, or None."""
    own = ctx.os.environ.get("EHLO_LLHTTP", "")
    candidates = [(own + "/", own + "/")] if own else []
    candidates += [(own + "/include/", own + "/src/")] if own else []
    candidates += [] if own else [("/usr/share/include/llhttp/", "/usr/share/llhttp/")]
    for include, src in candidates:
        if ctx.path(include + "llhttp.h").exists and ctx.path(src + "llhttp.c").exists:
            return include, src
    if own:
        fail("EHLO_LLHTTP=%s: no llhttp.h and llhttp.c there" % own)
    return None

def _llhttp_impl(ctx):
    found = _find_llhttp(ctx)
    if found:
        ctx.symlink(found[0] + "llhttp.h", "include/llhttp.h")
        for source in _LLHTTP_SOURCES:
            ctx.symlink(found[1] + source, "src/" + source)
    ctx.file("BUILD.bazel", _LLHTTP if found else _ABSENT.format(name = "llhttp"), executable = False)

def _libetpan_impl(ctx):
    include = ctx.path("/usr/include/libetpan")
    found = include.get_child("libetpan.h").exists
    if found:
        ctx.symlink(include, "include/libetpan")
    ctx.file("BUILD.bazel", _LIBETPAN if found else _ABSENT.format(name = "libetpan"), executable = False)

_llhttp = repository_rule(
    implementation = _llhttp_impl,
    local = True,
    environ = ["EHLO_BENCH_PEERS", "EHLO_LLHTTP"],
)

_libetpan = repository_rule(
    implementation = _libetpan_impl,
    local = True,
    environ = ["EHLO_BENCH_PEERS"],
)

def ehlo_bench_peers():
    """Declares @libetpan and @llhttp."""
    _libetpan(name = "libetpan")
    _llhttp(name = "llhttp")
