"""Local stand-ins for the repositories that Bazel 4 would otherwise download.

Bazel's embedded tools load @rules_cc, @rules_java and @rules_proto, and every test names
@remote_coverage_tools. The rules themselves are built into Bazel 4, so re-exporting the native ones is all
that is needed. The coverage tools are Java programs that no Debian package has: their stand-in leaves an empty
report, so `bazel coverage` runs the tests and measures nothing. With these in place a build needs no network.
"""

_RULES_CC = """
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
"""

_RULES_JAVA = """
java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_proto_library = native.java_proto_library
java_runtime = native.java_runtime
java_test = native.java_test
java_toolchain = native.java_toolchain
"""

_RULES_PROTO = """
ProtoInfo = ProtoInfo
proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
"""

_COVERAGE_BUILD = """
[sh_binary(
    name = tool,
    srcs = ["empty_report.sh"],
    visibility = ["//visibility:public"],
) for tool in ["lcov_merger", "coverage_report_generator"]]
"""

_EMPTY_REPORT = """#!/bin/bash
# Called with --output_file=PATH among other options: makes that file.
for arg in "$@"; do
  [[ $arg != --output_file=* ]] || : > "${arg#*=}"
done
"""

def _stand_in_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name, executable = False)
    for path, text in ctx.attr.files.items():
        ctx.file(path, text.lstrip("\n"), executable = path.endswith(".sh"))

_stand_in = repository_rule(
    implementation = _stand_in_impl,
    attrs = {"files": attr.string_dict(doc = "path in the repository: its text")},
)

def offline_stand_ins():
    """Declares the stand-ins. Call it first in WORKSPACE: the first definition of a name wins."""
    _stand_in(name = "rules_cc", files = {"cc/BUILD.bazel": "", "cc/defs.bzl": _RULES_CC})
    _stand_in(name = "rules_java", files = {"java/BUILD.bazel": "", "java/defs.bzl": _RULES_JAVA})
    _stand_in(name = "rules_proto", files = {"proto/BUILD.bazel": "", "proto/defs.bzl": _RULES_PROTO})
    _stand_in(name = "remote_coverage_tools", files = {
        "BUILD.bazel": _COVERAGE_BUILD,
        "empty_report.sh": _EMPTY_REPORT,
    })
