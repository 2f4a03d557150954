"""What Bazel knows of the fuzz targets, and what it builds of them.

All knowledge of labels and of where Bazel puts things stands here. Nothing of a target is listed: its fuzzer, its seeds,
the folder that its new inputs go to and how a transcript is made of an input are read from the BUILD files.
"""

import pathlib
import subprocess
import xml.etree.ElementTree

PACKAGE = "fuzz"
TRANSCRIPTS = "//corpus:transcripts"
INPUTS = "//corpus/fuzz:"


class ToolError(Exception):
    """Something that a campaign needs does not work. It says what in a sentence or a few."""


class Target:
    """A fuzz target: its name, where new inputs of it belong in the tree, and what makes transcripts of them."""

    def __init__(self, name, home=None, takes_transcripts=False, converter=None):
        self.name = name
        self.home = home  # a folder below the workspace, or None
        self.takes_transcripts = takes_transcripts  # an input is a transcript as it is
        self.converter = converter  # the label of a program that prints the transcript of an input, or None


class Workspace:
    """The tree that the campaign was started in."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.has_dictionary = False

    def bazel(self, *arguments, **more):
        try:
            return subprocess.run([self.root / "tools/bazel", *arguments], cwd=self.root, text=True, check=False, **more)
        except OSError as e:
            raise ToolError(f"tools/bazel: {e.strerror}") from e

    def targets(self):
        """All fuzz targets, by name."""
        answer = self.bazel("query", "--output=xml", f"//{PACKAGE}:all", capture_output=True)
        if answer.returncode != 0:
            raise ToolError(f"Bazel cannot tell the fuzz targets:\n{tail(answer.stderr)}")
        # Bazel says XML 1.1, which Python's reader refuses; nothing in it is peculiar to that.
        document = answer.stdout.partition("\n")[2] if answer.stdout.startswith("<?xml") else answer.stdout
        rules = {rule.get("name").partition(":")[2]: rule
                 for rule in xml.etree.ElementTree.fromstring(document).iter("rule")}
        self.has_dictionary = "dictionary" in rules
        names = [name.removesuffix("_fuzzer") for name, rule in rules.items()
                 if name.endswith("_fuzzer") and "fuzzer" in values(rule, "tags")]
        return {name: described(name, rules) for name in sorted(names)}

    def build(self, labels, quiet):
        """Builds for libFuzzer."""
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quiet else {}
        answer = self.bazel("build", "--config=fuzz", "--keep_going", *labels, **more)
        if answer.returncode != 0:
            raise ToolError("the build failed" + (f":\n{tail(answer.stdout, 40)}" if quiet else ""))

    def labels(self, targets):
        """All that a campaign over these targets needs."""
        labels = [f"//{PACKAGE}:{target.name}_{what}" for target in targets for what in ("fuzzer", "corpus")]
        return labels + ([f"//{PACKAGE}:dictionary"] if self.has_dictionary else [])

    def built(self, label):
        """Where a label's output stands; a converter's or a target's."""
        return self.root / "bazel-bin" / label.removeprefix("//").replace(":", "/")

    def fuzzer(self, target):
        return self.built(f"//{PACKAGE}:{target.name}_fuzzer")

    def seeds(self, target):
        return self.built(f"//{PACKAGE}:{target.name}_corpus")

    def dictionary(self):
        return self.built(f"//{PACKAGE}:dictionary.txt") if self.has_dictionary else None


def described(name, rules):
    corpus = values(rules[f"{name}_corpus"], "srcs") if f"{name}_corpus" in rules else []
    homes = [label.removeprefix(INPUTS) for label in corpus if label.startswith(INPUTS)]
    home = name if name in homes else (homes or [None])[0]
    converter = f"//{PACKAGE}:{name}_transcript" if f"{name}_transcript" in rules else None
    return Target(name, home and f"corpus/fuzz/{home}", TRANSCRIPTS in corpus, converter)


def values(rule, attribute):
    """The strings or labels in a list of a rule."""
    return [entry.get("value") for found in rule.findall(f"list[@name='{attribute}']") for entry in found]


def tail(text, lines=12):
    return "\n".join(text.rstrip().splitlines()[-lines:])
