"""The rules that the project's BUILD files use: C libraries, programs and Criterion tests in house style.

They add the warnings that every file has to pass and the check that a file includes only headers of what its
target declares in `deps`. What holds for a whole build (compiler, linker, optimisation, sanitizers) stands in
.bazelrc instead.
"""

EHLO_COPTS = [
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wswitch-enum",
    "-Wshadow",
    "-Wmissing-prototypes",
    "-Werror",
]

EHLO_FEATURES = ["layering_check"]

def _in_house_style(kwargs):
    kwargs["copts"] = EHLO_COPTS + kwargs.get("copts", [])
    kwargs["features"] = EHLO_FEATURES + kwargs.get("features", [])
    return kwargs

def ehlo_cc_library(name, **kwargs):
    """A C library. A feature-test macro that it needs goes into `local_defines`."""
    native.cc_library(name = name, linkstatic = True, **_in_house_style(kwargs))

def ehlo_cc_binary(name, **kwargs):
    """A C program."""
    native.cc_binary(name = name, **_in_house_style(kwargs))

def ehlo_cc_test(name, size = "small", deps = [], **kwargs):
    """A test written with Criterion, which brings the main()."""
    native.cc_test(
        name = name,
        size = size,
        linkstatic = True,
        deps = deps + ["@criterion"],
        **_in_house_style(kwargs)
    )
