#!/usr/bin/python3
"""The bench runs, its contenders agree, the engine allocates nothing, and its options are what --help says."""
import json
import subprocess
import sys

BENCH = sys.argv[1]
CASES = ["reply", "reply-1", "body-lf", "body-crlf", "base64-encode", "base64-decode", "replay",
         "transcript-read", "transcript-write", "size"]


def bench(*args):
    return subprocess.run([BENCH, *args], capture_output=True, text=True, check=False)


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def check_contender(case, contender):
    name = f"{case['name']}, {contender['name']}"
    if not contender["present"]:
        check(contender["install"], f"{name}: absent without a word on how to get it")
        return
    check(contender["correct"], f"{name}: wrong output")
    check(contender["octets"] > 0 and contender["octets_per_second"] > 0, f"{name}: nothing was measured")
    if contender["name"].startswith("ehlo"):
        check(contender["allocations"] in (0, None), f"{name}: {contender['allocations']} allocations")


def main():
    run = bench("--json", "--rounds", "2", "--megabytes", "1")
    check(run.returncode == 0, f"exit status {run.returncode}: {run.stderr}")
    result = json.loads(run.stdout)
    check([case["name"] for case in result["cases"]] == CASES, "other cases than expected")
    for case in result["cases"]:
        for contender in case["contenders"]:
            check_contender(case, contender)
        check(case["contenders"] or case["sizes"], f"{case['name']} is empty")
        for target in case["targets"]:
            present = {c["name"] for c in case["contenders"] if c["present"]}
            known = target["of"] in present and target["than"] in present
            check(known == (target["got"] is not None), f"{case['name']}: {target}")
        for rate in case["rates"]:
            check(rate["got"] > 0 and rate["of"] in {c["name"] for c in case["contenders"]}, f"{case['name']}: {rate}")
        for size in case["sizes"]:
            check(size["at_most"] is None or size["octets"] <= size["at_most"], f"too large: {size}")

    text = bench("--rounds", "1", "--megabytes", "1", "base64-decode", "size")
    check(text.returncode == 0 and "times BoringSSL" in text.stdout and "reply" not in text.stdout, text.stdout)
    check("--megabytes" in bench("--help").stdout, "--help")
    for wrong in (["--rounds", "0"], ["--rounds", "x"], ["--megabytes", "-1"], ["--what"], ["replies"]):
        check(bench(*wrong).returncode == 64, f"{wrong} is no usage error")
    print("1 passed, 0 failed")


main()
