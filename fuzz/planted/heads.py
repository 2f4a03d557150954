"""The head of a patch: what stands before its first file. A sentence, and then lines that begin with a word.

    A 4yz to the message is taken for success.
    breaks: RFC 5321, section 4.2.1
    seen: which client had it, where that is known
    targets: submit session

`targets` is a hint: fuzz targets that can see it, the likeliest first. A patch without it is tried with all of them.
"""
import re

WORDS = ("breaks", "seen", "targets", "only")


def read(path):
    """What `path` plants, what it breaks, its targets and the files that it changes."""
    head = {"what": "", "breaks": "", "seen": "", "targets": "", "only": ""}
    files = []
    word = "what"
    in_head = True
    with open(path, encoding="utf-8") as patch:
        for line in patch:
            begins = re.match(r"(\w+): (.*)", line)
            in_head = in_head and not re.match(r"(---|diff|index) ", line)
            if begins and begins[1] in WORDS and in_head:
                word = begins[1]
                line = begins[2]
            if in_head:
                head[word] = f"{head[word]} {line.strip()}".strip()
            elif line.startswith("+++ "):
                files.append(re.sub(r"^[ab]/", "", line[4:].split("\t")[0].strip()))
    return {**head, "targets": head["targets"].split(), "files": files}
