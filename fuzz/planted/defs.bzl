"""Corpus tests of a build with a defect, which have to fail: they prove that the target would notice."""

load("//tools/build:defs.bzl", "EHLO_COPTS")

def planted_tests(name, planted, srcs, corpus, deps, local_defines):
    """NAME_PATCH_test for each patch: the target's corpus passes as it is, and with the patch fails by the oracle.

    Only the patched file is compiled anew. Its object stands before the library that the file is from, and the linker
    looks into a library for what it still misses alone.

    Args:
      name: the fuzz target's.
      planted: a tuple for each: the label of the patch, the file that it changes, the oracle that has to notice.
      srcs: the target's.
      corpus: the target's.
      deps: the target's.
      local_defines: the target's.
    """
    for patch, file, oracle in planted:
        package, _, base = file.rpartition("/")
        stem = "%s_%s" % (name, patch.rpartition("/")[2].rpartition(":")[2].replace(".patch", "").replace("-", "_"))
        native.genrule(
            name = stem + "_source",
            testonly = True,
            srcs = [
                patch,
                "//%s:sources" % package,
            ],
            outs = ["with_%s/%s" % (stem, base)],
            cmd = "copy=$$(mktemp -d) && cp --parents -L $(locations //%s:sources) $$copy && " % package +
                  "patch -p1 --silent --fuzz=0 -d $$copy <$(location %s) && " % patch +
                  "cp $$copy/%s $@ && rm -r $$copy" % file,
        )
        native.cc_binary(
            name = stem,
            testonly = True,
            srcs = srcs + [
                ":%s_source" % stem,
                "//%s:headers" % package,
            ],
            copts = EHLO_COPTS,
            linkstatic = True,
            local_defines = local_defines,
            deps = deps + [
                "//fuzz",
                "//fuzz:corpus_main",
            ],
        )
        native.sh_test(
            name = stem + "_test",
            size = "small",
            srcs = ["//fuzz/planted:notices.sh"],
            args = [oracle, "$(rootpath :%s)" % name, "$(rootpath :%s)" % stem] +
                   ["$(rootpaths %s)" % label for label in corpus],
            data = corpus + [
                ":" + name,
                ":" + stem,
            ],
            tags = ["novalgrind"],  # what ends at once is not looked at by the others either
        )
