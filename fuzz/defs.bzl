"""Fuzz targets: one macro, two Bazel targets.

`bazel test //...` runs a target over its corpus, without a fuzz engine. With `--config=fuzz` the same source, the
engine below it included, is built for libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer:

    tools/bazel run --config=fuzz //fuzz:reply_fuzzer -- -max_total_time=60 /tmp/found $PWD/corpus/fuzz/reply
"""

load("//tools/build:defs.bzl", "EHLO_COPTS", "EHLO_FEATURES")

def ehlo_fuzz_test(name, srcs, corpus, deps = [], size = "small", **kwargs):
    """NAME, the corpus test, and NAME_fuzzer, the fuzzer.

    Args:
      name: the target's.
      srcs: define LLVMFuzzerTestOneInput() and ehlo_fuzz_goals.
      corpus: labels of input files, or of directories of them.
      deps: what the target tests.
      size: of the corpus test.
      **kwargs: for both.
    """
    deps = deps + ["//fuzz"]
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = ["$(rootpaths %s)" % label for label in corpus],
        copts = EHLO_COPTS,
        data = corpus,
        features = EHLO_FEATURES,
        linkstatic = True,
        deps = deps + ["//fuzz:corpus_main"],
        **kwargs
    )
    native.cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        srcs = srcs,
        copts = EHLO_COPTS,
        features = EHLO_FEATURES,
        linkopts = select(
            {"//fuzz:libfuzzer": ["-fsanitize=fuzzer"]},
            no_match_error = "a fuzzer is built with --config=fuzz",
        ),
        tags = ["manual"],
        deps = deps,
        **kwargs
    )

def _session_seeds_impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [out.path] + [f.path for f in ctx.files.srcs],
        inputs = ctx.files.srcs,
        outputs = [out],
        mnemonic = "SessionSeeds",
    )
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

session_seeds = rule(
    doc = "A directory with each transcript of `srcs` as an input of the session target.",
    implementation = _session_seeds_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".smtp"]),
        "_tool": attr.label(default = "//fuzz:session_seeds_tool", executable = True, cfg = "host"),
    },
)
