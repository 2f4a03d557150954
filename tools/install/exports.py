#!/usr/bin/python3
"""Prints what a library exports, for the linker: exports.py LIBRARY NODE HEADER…

That is what those headers declare which are installed with the library. Whatever else it is made of stays its own, so
a program cannot come to rely on it. NODE is the version of the symbols.
"""

import re
import sys

import install


def declared(text):
    """The functions and variables that a header declares."""
    text = re.sub(r"//.*|/\*(?s:.*?)\*/", "", text)
    text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.M)
    text = text.replace('extern "C" {', "")
    while re.search(r"\{[^{}]*\}", text):
        text = re.sub(r"\{[^{}]*\}", " ", text)
    for statement in re.split(r"[;}]", text):
        words = statement.split()
        if not words or words[0] in ("static", "typedef"):
            continue
        name = re.search(r"\b(ehlo_\w+)\s*\(", statement)
        if not name and words[0] == "extern":
            name = re.search(r"\b(ehlo_\w+)\s*(?:\[[^]]*\])?\s*$", statement)
        if name:
            yield name[1]


def main(library, node, names):
    parts = install.Parts(names)
    headers = install.closure(parts, install.ROOTS[library])
    symbols = sorted({name for header in headers for name in declared(parts[header].read_text())})
    print(node, "{\n  global:")
    print("".join(f"    {symbol};\n" for symbol in symbols), end="")
    print("  local:\n    *;\n};")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
