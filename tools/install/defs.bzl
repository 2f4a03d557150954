"""What a C library is made of, for one that is installed: its archives and its headers."""

def _mine(path, packages):
    for package in packages:
        if path.startswith(package + "/"):
            return True
    return False

def _library_parts_impl(ctx):
    archives, headers = [], []
    for dep in ctx.attr.deps:
        for input in dep[CcInfo].linking_context.linker_inputs.to_list():
            for library in input.libraries:
                archive = library.pic_static_library or library.static_library
                if archive and archive not in archives and _mine(archive.short_path, ctx.attr.packages):
                    archives.append(archive)
        for header in dep[CcInfo].compilation_context.headers.to_list():
            if header not in headers and _mine(header.short_path, ctx.attr.packages):
                headers.append(header)
    return [
        DefaultInfo(files = depset(archives)),
        OutputGroupInfo(headers = depset(headers)),
    ]

library_parts = rule(
    implementation = _library_parts_impl,
    doc = "The static archives that `deps` consist of; in the output group `headers`, their headers.",
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "packages": attr.string_list(doc = "archives and headers below these; other ones are not ours"),
    },
)

def installed_library(name, deps, node, packages, link = [], needs = []):
    """libNAME.a, libNAME.so.0 and a filegroup NAME_headers, of everything that `deps` need.

    The shared library exports what its installed headers declare; an archive cannot hide anything.

    Args:
      name: of the library.
      deps: its targets.
      node: the version of its symbols.
      packages: directories of the tree that belong to it.
      needs: shared libraries of ours that it is linked with.
      link: words for the linker, behind the archives of the shared library; labels in $(location) are `data`.
    """
    parts = name + "_parts"
    library_parts(name = parts, packages = packages, deps = deps)
    native.filegroup(name = name + "_headers", srcs = [":" + parts], output_group = "headers")
    native.genrule(
        name = name + "_static",
        srcs = [":" + parts],
        outs = ["lib%s.a" % name],
        cmd = "(echo create $@; for file in $(SRCS); do echo addlib $$file; done; echo save; echo end) | ar -M",
    )
    exports = name + ".map"
    native.genrule(
        name = name + "_exports",
        srcs = [":%s_headers" % name],
        outs = [exports],
        cmd = "python3 $(location exports.py) %s %s $(SRCS) > $@" % (name, node),
        tools = ["exports.py", "install.py"],
    )
    native.genrule(
        name = name + "_shared",
        srcs = [":" + parts, exports] + needs,
        outs = ["lib%s.so.0" % name],
        cmd = "clang -shared -fuse-ld=lld -Wl,-z,now -o $@ -Wl,-soname,lib%s.so.0 " % name +
              "-Wl,--version-script=$(location %s) -Wl,--no-undefined-version " % exports +
              "-Wl,--whole-archive $(locations :%s) " % parts +
              "-Wl,--no-whole-archive " + " ".join(["$(location %s)" % label for label in needs] + link),
    )
