#!/usr/bin/python3
"""The bench of programs runs over a little input, and what it says has the form that it should. No time is judged."""
import json
import subprocess
import sys

PROGRAMS = sys.argv[1:]
CASES = {"replay-directory": ["ehlo replay --jobs 1", "grep -rc ''"],
         "long-transcript": ["ehlo show", "ehlo show --json", "ehlo show --html", "ehlo replay", "ehlo scrub",
                             "ehlo import", "wc -l"],
         "diff": ["ehlo diff", "diff"],
         "send-record": ["ehlo send, 100 KiB", "ehlo send --record, 100 KiB"],
         "relay": [f"ehlo record{auth}, {how}, to the {side}" for auth in ("", " after AUTH")
                   for how in ("cleartext", "TLS") for side in ("server", "client")],
         "serve": ["ehlo serve, short messages", "ehlo serve, a long message"],
         "shrink": ["ehlo shrink, verbs", "ehlo shrink, a submission"]}


def bench(*args):
    return subprocess.run([*PROGRAMS, *args], capture_output=True, text=True, check=False)


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def check_case(case):
    whos = [row["who"] for row in case["rows"]]
    for who in CASES[case["name"]]:
        check(who in whos, f"{case['name']}: no row {who} in {whos}")
    for row in case["rows"]:
        check(row["unit"].startswith("percent") or row["figure"] > 0, f"{case['name']}: {row}")
        check(row.get("memory", 1) > 0, f"{case['name']}: {row}")
    for bound in case["bounds"]:
        wanted = bound["at_least"] <= bound["got"] if "at_least" in bound else bound["got"] <= bound["at_most"]
        check(bound["kept"] == wanted, f"{case['name']}: {bound}")
        check("memory" not in bound["what"] or bound["kept"], f"{case['name']}: {bound}")


def main():
    run = bench("--json", "--rounds", "1", "--scale", "1")
    check(run.returncode == 0, f"exit status {run.returncode}: {run.stderr}")
    cases = json.loads(run.stdout)["cases"]
    check([case["name"] for case in cases] == list(CASES), "other cases than expected")
    for case in cases:
        check_case(case)
    shrunk = [row for case in cases if case["name"] == "shrink" for row in case["rows"]]
    check(all(row["lines_after"] < row["lines_before"] for row in shrunk), f"nothing was cut: {shrunk}")

    text = bench("--rounds", "1", "--scale", "1", "diff")
    check(text.returncode == 0 and "ehlo diff" in text.stdout and "serve" not in text.stdout, text.stdout)
    for wrong in (["--rounds", "0"], ["--scale", "0"], ["--what"], ["relays"]):
        check(bench(*wrong).returncode == 64, f"{wrong} is no usage error")
    print("1 passed, 0 failed")


main()
