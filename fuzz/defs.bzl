"""Fuzz targets: one macro for the corpus test, the fuzzer, and the directory of its seeds.

`bazel test //...` runs a target over its corpus, without a fuzz engine. With `--config=fuzz` the same source, the
engine below it included, is built for libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer:

    tools/bazel run --config=fuzz //fuzz:reply_fuzzer -- -max_total_time=60 /tmp/found $PWD/corpus/fuzz/reply
"""

load("//fuzz/planted:defs.bzl", "planted_tests")
load("//tools/build:defs.bzl", "EHLO_COPTS", "EHLO_FEATURES")

def ehlo_fuzz_test(name, srcs, corpus, deps = [], mutator = [], planted = [], size = "small", copts = [], shards = 1, **kwargs):
    """NAME, the corpus test; NAME_fuzzer, the fuzzer; NAME_corpus, a directory with all seeds.

    Args:
      name: the target's.
      srcs: define LLVMFuzzerTestOneInput() and ehlo_fuzz_goals.
      corpus: labels of input files, or of directories of them.
      deps: what the target tests.
      mutator: a library with LLVMFuzzerCustomMutator(), which goes into the fuzzer alone.
      planted: defects that the corpus has to find, see planted_tests().
      size: of the corpus test.
      copts: more than the house's, for both.
      shards: how many the corpus test is cut into, see corpus_main.c.
      **kwargs: for both.
    """
    planted_tests(name, planted, srcs, corpus, deps, kwargs.get("local_defines", []))
    deps = deps + ["//fuzz"]
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = ["$(rootpaths %s)" % label for label in corpus],
        copts = EHLO_COPTS + copts,
        data = corpus,
        features = EHLO_FEATURES,
        linkstatic = True,
        shard_count = shards if shards > 1 else None,
        deps = deps + ["//fuzz:corpus_main"],
        **kwargs
    )
    fuzzer(
        name = name + "_fuzzer",
        srcs = srcs,
        copts = copts,
        tags = ["fuzzer"],
        deps = deps + mutator + ["//fuzz:states"],
        **kwargs
    )
    fuzz_corpus(
        name = name + "_corpus",
        testonly = True,
        srcs = corpus,
        tags = ["manual"],
    )

def _fuzz_engine_impl(ctx):
    return []

fuzz_engine = rule(
    doc = "Which fuzz engine a build is for: \"libfuzzer\" or \"none\".",
    implementation = _fuzz_engine_impl,
    build_setting = config.string(flag = True),
)

def fuzzer(name, srcs, deps, tags = [], copts = [], **kwargs):
    """A fuzzer alone. Campaigns run those that have the tag "fuzzer".

    Args:
      name: the program's.
      srcs: define LLVMFuzzerTestOneInput() and ehlo_fuzz_goals.
      deps: //fuzz and what the target tests.
      tags: more than "manual".
      copts: more than the house's.
      **kwargs: of the program.
    """
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        copts = EHLO_COPTS + copts,
        features = EHLO_FEATURES,
        linkopts = select(
            {"//fuzz:libfuzzer": ["-fsanitize=fuzzer"]},
            no_match_error = "a fuzzer is built with --config=fuzz",
        ),
        tags = tags + ["manual"],
        deps = deps + ["//fuzz:flags"],
        **kwargs
    )

def _fuzz_corpus_impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        command = """
            out=$1 n=1
            shift
            find -L "$@" -type f | LC_ALL=C sort | while IFS= read -r file; do
                name=${file##*/}
                [ ! -e "$out/$name" ] || name=$((n += 1))-$name
                cp "$file" "$out/$name"
            done
        """,
        arguments = [out.path] + [f.path for f in ctx.files.srcs],
        inputs = ctx.files.srcs,
        outputs = [out],
        mnemonic = "FuzzCorpus",
    )
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

fuzz_corpus = rule(
    doc = "A directory with the files of `srcs` and of the directories among them, side by side.",
    implementation = _fuzz_corpus_impl,
    attrs = {"srcs": attr.label_list(allow_files = True)},
)

def _session_seeds_impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run(
        executable = ctx.executable.tool,
        arguments = [out.path] + [f.path for f in ctx.files.srcs],
        inputs = ctx.files.srcs,
        outputs = [out],
        mnemonic = "SessionSeeds",
    )
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

session_seeds = rule(
    doc = "A directory of inputs of the session target: `tool` DIRECTORY `srcs`… writes them.",
    implementation = _session_seeds_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".smtp"]),
        "tool": attr.label(default = "//fuzz:session_seeds_tool", executable = True, cfg = "host"),
    },
)
