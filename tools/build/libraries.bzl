"""The system's libraries as Bazel repositories: @boringssl, @cares, @criterion, @gmime, @jansson, @libedit, @pcap.

A library is found by asking the C compiler where it is (-print-file-name), so no multiarch directory, and
no architecture, is assumed. It is linked by its full path, BoringSSL with an rpath to its directory, because Debian
keeps it outside the loader's search path. One that needs the headers of others, as GMime does GLib's,
is asked of pkg-config instead. What one command in many uses is linked from its archive, so that the others do not
load it.

BoringSSL. Debian 12's android-libboringssl-dev 13.0.0+r24-2 is the BoringSSL of the Android 13.0.0 r24
platform: upstream revision 1530333b25589ee4d4d52b10e78ee55dd82f6dcd (BORINGSSL_API_VERSION 17).
To use a checkout of your own instead, built with CMake, or an install tree of it:

    tools/bazel test //... --repo_env=EHLO_BORINGSSL=/home/me/boringssl

The headers are taken from include/, libssl and libcrypto (.a or .so) from the directory itself or from its
lib/, build/, build/ssl/ and build/crypto/. The option may stand in .bazelrc.local.
"""

_OWN_INCLUDE = ["include", "src/include"]
_OWN_LIB = ["lib", "lib64", "build", "build/ssl", "build/crypto", "."]

def _first(ctx, root, dirs, names):
    """The first file of `names` that exists in one of `dirs` under `root`, or None."""
    for name in names:
        for dir in dirs:
            path = ctx.path("%s/%s/%s" % (root, dir, name))
            if path.exists:
                return path
    return None

def _find_own(ctx, root):
    """Finds headers and libraries in a source, build or install tree that the reader names."""
    if not root.startswith("/"):
        fail("%s=%s: give an absolute path" % (ctx.attr.own_env, root))
    marker = _first(ctx, root, _OWN_INCLUDE, ctx.attr.headers)
    if not marker:
        fail("%s=%s: no include/%s there" % (ctx.attr.own_env, root, ctx.attr.headers[0]))
    libraries = []
    for name in ctx.attr.libraries:
        path = _first(ctx, root, _OWN_LIB, ["lib%s.a" % name, "lib%s.so" % name])
        if not path:
            fail("%s=%s: no lib%s.a or lib%s.so there; is it built?" %
                 (ctx.attr.own_env, root, name, name))
        libraries.append(path)
    return marker.dirname, libraries

def _find_system(ctx):
    """Finds headers and libraries where the distribution's package puts them."""
    cc = ctx.which(ctx.os.environ.get("CC", "cc")) or fail("no C compiler: CC is not on the PATH")
    include = ctx.path(ctx.attr.include)
    found = include.get_child(ctx.attr.headers[0]).exists
    libraries = []
    for name in ctx.attr.libraries:
        file = ctx.attr.lib_prefix + "lib%s.%s" % (name, "a" if ctx.attr.static else "so")
        path = ctx.execute([cc, "-print-file-name=" + file]).stdout.strip()
        found = found and path.startswith("/")
        libraries.append(path)
    if not found:
        fail("@%s is not installed. On Debian: apt-get install %s (tools/bazel does it)" %
             (ctx.name, ctx.attr.package))
    return include, [ctx.path(path).realpath.dirname.get_child(path.split("/")[-1]) for path in libraries]

def _system_library_impl(ctx):
    own = ctx.os.environ.get(ctx.attr.own_env, "") if ctx.attr.own_env else ""
    include, libraries = _find_own(ctx, own) if own else _find_system(ctx)
    for header in ctx.attr.headers:
        ctx.symlink(include.get_child(header), "include/" + header)

    build = ["package(default_visibility = [\"//visibility:public\"])"]
    previous = None
    for name, path in reversed(zip(ctx.attr.libraries, libraries)):
        if ctx.attr.static:
            srcs, linkopts = [], [str(path)]
        elif path.basename.endswith(".a"):
            ctx.symlink(path, path.basename)
            srcs, linkopts = [path.basename], ["-lstdc++", "-lpthread"]
        elif own or ctx.attr.lib_prefix:
            srcs, linkopts = [], [str(path), "-Wl,-rpath," + str(path.dirname)]
        else:
            srcs, linkopts = [], [str(path)]
        build.append("""
cc_library(
    name = "{name}",
    srcs = {srcs},
    hdrs = glob(["include/**/*.h"]),
    includes = ["include"],
    linkopts = {linkopts},
    deps = {deps},
)""".format(
            name = name,
            srcs = srcs,
            linkopts = linkopts,
            deps = [":" + previous] if previous else [],
        ))
        previous = name
    ctx.file("BUILD.bazel", "\n".join(build) + "\n", executable = False)

_system_library = repository_rule(
    implementation = _system_library_impl,
    local = True,
    environ = ["CC", "EHLO_BORINGSSL"],
    attrs = {
        "package": attr.string(doc = "the Debian package, for the error message"),
        "include": attr.string(default = "/usr/include"),
        "headers": attr.string_list(doc = "headers, or directories of them, under `include`"),
        "lib_prefix": attr.string(doc = "directory of the libraries under the compiler's own"),
        "libraries": attr.string_list(doc = "targets to make; each may need those after it"),
        "static": attr.bool(doc = "link the archives: a command that does not use them loads nothing then"),
        "own_env": attr.string(doc = "environment variable that names a tree to use instead"),
    },
)

def _pkg_config_library_impl(ctx):
    pkg_config = ctx.which("pkg-config") or fail("pkg-config is not installed; tools/bazel does it")
    asked = ctx.execute([pkg_config, "--cflags-only-I", "--libs", ctx.attr.module])
    if asked.return_code:
        fail("@%s is not installed. On Debian: apt-get install %s (tools/bazel does it)" %
             (ctx.name, ctx.attr.package))
    includes, linkopts = [], []
    for word in asked.stdout.strip().split(" "):
        if word.startswith("-I"):
            dir = "include%d" % len(includes)
            ctx.symlink(word[2:], dir)
            includes.append(dir)
        elif word not in linkopts:
            linkopts.append(word)
    ctx.file("BUILD.bazel", """
cc_library(
    name = "{name}",
    hdrs = glob({hdrs}),
    includes = {includes},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(
        name = ctx.name,
        hdrs = [dir + "/**/*.h" for dir in includes],
        includes = includes,
        linkopts = linkopts,
    ), executable = False)

_pkg_config_library = repository_rule(
    implementation = _pkg_config_library_impl,
    local = True,
    attrs = {
        "package": attr.string(doc = "the Debian package, for the error message"),
        "module": attr.string(doc = "its name to pkg-config"),
    },
)

def ehlo_libraries():
    """Declares the libraries that ehlo and its tests use."""
    _system_library(
        name = "boringssl",
        package = "android-libboringssl-dev",
        include = "/usr/include/android",
        headers = ["openssl"],
        lib_prefix = "android/",
        libraries = ["ssl", "crypto"],
        own_env = "EHLO_BORINGSSL",
    )
    _system_library(
        name = "cares",
        package = "libc-ares-dev",
        headers = ["ares.h", "ares_build.h", "ares_dns.h", "ares_nameser.h", "ares_rules.h", "ares_version.h"],
        libraries = ["cares"],
        static = True,
    )
    _system_library(
        name = "criterion",
        package = "libcriterion-dev",
        headers = ["criterion"],
        libraries = ["criterion"],
    )
    _pkg_config_library(
        name = "gmime",
        package = "libgmime-3.0-dev",
        module = "gmime-3.0",
    )
    _system_library(
        name = "jansson",
        package = "libjansson-dev",
        headers = ["jansson.h", "jansson_config.h"],
        libraries = ["jansson"],
    )
    _system_library(
        name = "libedit",
        package = "libedit-dev",
        headers = ["histedit.h"],
        libraries = ["edit", "bsd", "md", "tinfo"],
        static = True,
    )
    _system_library(
        name = "pcap",
        package = "libpcap-dev",
        headers = ["pcap.h", "pcap"],
        libraries = ["pcap"],
    )
