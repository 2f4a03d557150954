"""What the fuzzers are made of, as a list for a build without Bazel.

OSS-Fuzz and ClusterFuzzLite call a script with a compiler and its flags, where Bazel is not at hand. The list that the
script goes by is written from the BUILD files, kept in the tree, and held against them by a test. Its lines:

    source FILE@TARGET FLAG…         to compile, with flags of its own; made/FILE is one that a rule writes
    program NAME FILE@TARGET…        to link, and to run while building
    fuzzer NAME FILE@TARGET…         to link with the fuzz engine
    seeds NAME DIRECTORY…            of that fuzzer, as they are in the tree
    made NAME PROGRAM [DIRECTORY…]   more of them: PROGRAM OUT_DIRECTORY FILE… writes them
    dictionary PROGRAM               writes the dictionary of all
"""

load("//tools/build:defs.bzl", "EHLO_COPTS")

_Parts = provider("What a target adds to the list.", fields = ["sources", "files", "seeds", "made"])

# Libraries that the script finds by itself, whatever they are called there.
_OUTSIDE = ["boringssl", "jansson"]

def _path(file):
    return file.path if file.is_source else "made/" + file.short_path

def _flags(attr):
    defines = ["-D" + d for d in getattr(attr, "local_defines", []) + getattr(attr, "defines", [])]
    return defines + [c for c in getattr(attr, "copts", []) if c not in EHLO_COPTS]

def _parts_impl(target, ctx):
    attr = ctx.rule.attr
    if target.label.workspace_name:
        if target.label.workspace_name not in _OUTSIDE:
            fail("%s: a fuzzer outside Bazel cannot have it" % target.label)
        return _Parts(sources = depset(), files = depset(), seeds = depset(), made = depset())
    deps = [d[_Parts] for d in getattr(attr, "deps", []) + getattr(attr, "srcs", []) if _Parts in d]
    files = getattr(ctx.rule.files, "srcs", []) + getattr(ctx.rule.files, "hdrs", [])
    is_cc = ctx.rule.kind in ["cc_library", "cc_binary"]
    sources = [" ".join([_path(f) + "@" + target.label.name] + _flags(attr)) for f in files if is_cc and f.extension == "c"]
    seeds = [f.dirname for f in files if not is_cc and f.is_source and ctx.rule.kind != "genrule"]
    seeds_of_deps = depset(transitive = [d.seeds for d in deps])
    made = []
    if hasattr(attr, "tool"):
        made = [" ".join([attr.tool.label.name] + sorted(depset(seeds, transitive = [seeds_of_deps]).to_list()))]
        seeds, seeds_of_deps = [], depset()
    return _Parts(
        sources = depset(sources, transitive = [d.sources for d in deps]),
        files = depset([f for f in files if f.is_source], transitive = [d.files for d in deps]),
        seeds = depset(seeds, transitive = [seeds_of_deps]),
        made = depset(made, transitive = [d.made for d in deps]),
    )

_parts = aspect(
    implementation = _parts_impl,
    attr_aspects = ["deps", "srcs"],
)

def _as_fuzzers_impl(settings, attr):
    return {"//fuzz:engine": "libfuzzer"}

# A fuzzer has its flags with --config=fuzz alone.
_as_fuzzers = transition(
    implementation = _as_fuzzers_impl,
    inputs = [],
    outputs = ["//fuzz:engine"],
)

def _paths(parts):
    return sorted([line.split(" ")[0] for line in parts.sources.to_list()])

def _manifest_impl(ctx):
    lines = []
    targets = {t.label.name: t[_Parts] for t in ctx.attr.fuzzers + ctx.attr.programs}
    sources = depset(transitive = [p.sources for p in targets.values()]).to_list()
    lines += ["source " + line for line in sorted(sources)]
    for t in ctx.attr.programs:
        lines.append(" ".join(["program", t.label.name] + _paths(t[_Parts])))
    for t in ctx.attr.fuzzers:
        lines.append(" ".join(["fuzzer", t.label.name] + _paths(t[_Parts])))
    for t in ctx.attr.corpora:
        name = t.label.name[:-len("_corpus")] + "_fuzzer"
        seeds = sorted(t[_Parts].seeds.to_list())
        lines.append(" ".join(["seeds", name] + seeds))
        lines += ["made %s %s" % (name, made) for made in t[_Parts].made.to_list()]
    lines.append("dictionary " + ctx.attr.dictionary)
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(out, "\n".join(lines) + "\n")
    parts = targets.values() + [t[_Parts] for t in ctx.attr.corpora]
    files = depset(transitive = [p.files for p in parts])
    return [
        DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out])),
        OutputGroupInfo(files = files),
    ]

oss_fuzz_manifest = rule(
    doc = "NAME.txt, the list; output group `files`: all that it names, and the headers.",
    implementation = _manifest_impl,
    attrs = {
        "fuzzers": attr.label_list(aspects = [_parts], cfg = _as_fuzzers),
        "programs": attr.label_list(aspects = [_parts], cfg = _as_fuzzers),
        "corpora": attr.label_list(aspects = [_parts], cfg = _as_fuzzers),
        "dictionary": attr.string(),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)

def oss_fuzz(name, programs, dictionary, visibility):
    """The list NAME of all fuzzers of this package; to stand at the end of its BUILD file.

    Args:
      name: the list's.
      programs: what runs while building.
      dictionary: which of them writes the dictionary.
      visibility: of the list and of the files.
    """
    rules = native.existing_rules()
    fuzzers = sorted([r for r in rules if "fuzzer" in rules[r].get("tags", [])])
    oss_fuzz_manifest(
        name = name,
        testonly = True,
        corpora = [":" + f[:-len("_fuzzer")] + "_corpus" for f in fuzzers],
        dictionary = dictionary,
        fuzzers = [":" + f for f in fuzzers],
        programs = [":" + p for p in programs],
        visibility = visibility,
    )
    native.filegroup(
        name = name + "_files",
        testonly = True,
        srcs = [":" + name],
        output_group = "files",
        visibility = visibility,
    )
