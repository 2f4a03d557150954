"""Reads the catalogue of replies and prints it as a table in C, or writes the transcripts of its entries.

    catalogue.py table FILE…          the C source on standard output
    catalogue.py transcripts DIR FILE…    one transcript an entry

A mistake in a file is told with the entry's name, and the exit status is 1.
"""
import os
import re
import sys
import tomllib

STAGES = {
    "connect": ["CONNECT", "GREETING", "EHLO"],
    "starttls": ["STARTTLS", "TLS"],
    "auth": ["AUTH"],
    "envelope": ["MAIL", "RCPT", "DATA", "BODY"],
    "connecting": ["CONNECT"],
    **{name.lower(): [name] for name in ("GREETING", "EHLO", "TLS", "MAIL", "RCPT", "DATA", "BODY", "QUIT")},
}
# What an entry may be for, where no reply ended the session, and its enumeration in C.
CAUSES = {"outcome": ("OUTCOME", "EHLO_OUTCOME"), "status": ("STATUS", "EHLO_E"), "line": ("LINE", "EXPLAIN_LINE"),
          "problem": ("PROBLEM", "EHLO_PROBLEM")}
WHO = {"sender": "SENDER", "admin": "ADMIN", "domain": "DOMAIN", "recipient": "RECIPIENT", "server": "SERVER",
       "time": "TIME", "nobody": "NOBODY"}
FIELDS = {"id", "stage", "codes", "text", "match", "enhanced", "shared", "needs_enhanced", "meaning", "who", "fix",
          "retry", "source", "charset", "provider", "when", "scene", "at"}
LINE = re.compile(r"([2-5]\d\d)([ -]|$)(?:(\d)\.(\d{1,3})\.(\d{1,3})(?= |$))?")
FIX_MAX = 5  # with the sentence on trying again
MEANING_MAX = 480
CODES_MAX = 4
MATCHES_MAX = 12
CAUSES_MAX = 8


class Mistake(Exception):
    pass


def read(paths):
    providers, entries = {}, []
    for path in sorted(paths):
        with open(path, "rb") as file:
            data = tomllib.load(file)
        if os.path.basename(path) == "providers.toml":
            providers = data
            continue
        for entry in data["reply"]:
            provider, _, rest = entry["id"].rpartition("/")
            entry.setdefault("source", data["source"])
            entry["as_of"] = data["as_of"]
            entry["provider"] = provider or data["provider"]
            entry["id"] = entry["provider"] + "/" + rest
            entries.append(entry)
    return providers, entries


def check(providers, entries):
    seen = set()
    for e in entries:
        def wrong(what):
            raise Mistake(f"{e['id']}: {what}")
        unknown = set(e) - FIELDS - {"as_of"}
        if unknown:
            wrong(f"no such field: {', '.join(sorted(unknown))}")
        if e["id"] in seen:
            wrong("stands twice")
        seen.add(e["id"])
        if e["provider"] != "any" and e["provider"] not in providers:
            wrong("providers.toml does not have its provider")
        if e["who"] not in WHO or not set(e["stage"].split()) <= set(STAGES) | {"any"}:
            wrong("who or stage is not one of the words that there are")
        if not matches(e) and not e.get("when"):
            wrong("it has neither match nor when")
        for match in matches(e):
            if not 5 <= len(match.replace("\\*", "x").replace("*", "")) <= 200 and match not in ("+OK ", "Sorry."):
                wrong("a match has to have 5 to 200 characters")
        if not set(cause.split(" ")[0] for cause in e.get("when", [])) <= set(CAUSES):
            wrong("when says something else than outcome, status, line or problem")
        if not code_of(e)[0] and not (e.get("codes") or e.get("retry")):
            wrong("it has no code, so it has to say whether to try again")
        for sentence in [e["meaning"]] + e["fix"]:
            if sentence[-1] not in ".)" or len(sentence) > MEANING_MAX:
                wrong(f"this is no sentence, or one of more than {MEANING_MAX} characters: {sentence}")
        if not 1 <= len(e["fix"]) < FIX_MAX or len(e.get("codes", [])) > CODES_MAX:
            wrong("it has too many fixes or codes, or no fix")
        if len(matches(e)) > MATCHES_MAX or len(e.get("when", [])) > CAUSES_MAX:
            wrong("it has too many matches or causes")


def matches(entry):
    match = entry.get("match", [])
    return [match] if isinstance(match, str) else match


def code_of(entry):
    found = LINE.match(entry["text"])
    return (int(found[1]) if found and found[1][0] in "45" else 0), found


def again(entry):
    """Whether to try again, and the sentence on it."""
    retry, code = entry.get("retry"), code_of(entry)[0]
    if retry == "no" or (retry is None and code >= 500):
        return False, "Do not try again unchanged: waiting does not help."
    if retry is None:
        return code >= 400, "Try again later, and wait longer from one attempt to the next." if code >= 400 else None
    if retry.startswith("only "):
        return False, f"Try again {retry}."
    if retry.split(" ")[0] in ("after", "at", "with"):
        return True, f"Try again {retry}."
    return True, f"Try again after {retry}."


def quoted(text):
    """A string of C; None is NULL."""
    if text is None:
        return "NULL"
    octets = text if isinstance(text, bytes) else text.encode()
    out, after_hex = "", False
    for o in octets:
        c = chr(o)
        if c in '"\\':
            out, after_hex = out + "\\" + c, False
        elif 0x20 <= o < 0x7F:
            out += ('""' if after_hex and c in "0123456789abcdefABCDEF" else "") + c
            after_hex = False
        else:
            out, after_hex = out + f"\\x{o:02x}", True
    return f'"{out}"'


def stages(entry):
    words = entry["stage"].split()
    if "any" in words:
        return "UINT32_MAX"
    return " | ".join(f"1U << EHLO_STAGE_{name}" for word in words for name in STAGES[word])


def cause(text):
    kind, name = text.split(" ")
    return "{EXPLAIN_CAUSE_%s, %s_%s}" % (CAUSES[kind][0], CAUSES[kind][1], name.upper().replace("-", "_"))


def octets(entry):
    return entry["text"].encode(entry.get("charset", "utf-8"))


def print_table(providers, entries):
    names = list(providers)
    print("// Made of tools/explain/catalogue by catalogue.py.")
    print('#include "tools/explain/catalogue.h"\n')
    print("const struct explain_provider explain_providers[] = {")
    for name in names:
        p = providers[name]
        lists = [p.get("hosts", []), p.get("marks", [])]
        runs = " | ".join(f"UINT64_C(1) << {names.index(r)}" for r in p.get("runs", [])) or "0"
        body = ", ".join("{" + ", ".join([quoted(x) for x in items] + ["NULL"]) + "}" for items in lists)
        print(f"    {{{quoted(name)}, {quoted(p['title'])}, {'true' if p.get('software') else 'false'}, {runs}, {body}}},")
    print("};")
    print(f"const size_t explain_num_providers = {len(names)};\n")
    print("const struct explain_entry explain_entries[] = {")
    for e in entries:
        code, found = code_of(e)
        codes = e.get("codes") or ([code] if code else [])
        enhanced = (int(found[4]), int(found[5])) if found and found[3] else None
        rule = "ANY" if e.get("enhanced") == "any" else "NONE" if enhanced is None else "NEEDED" if e.get("needs_enhanced") else "SAME"
        retry, sentence = again(e)
        fixes = e["fix"] + ([sentence] if sentence else [])
        print(f"    {{.id = {quoted(e['id'])},")
        print(f"     .provider = {names.index(e['provider']) if e['provider'] != 'any' else 'EXPLAIN_ANY_PROVIDER'},")
        print(f"     .stages = {stages(e)},")
        print(f"     .codes = {{{', '.join(map(str, codes)) or '0'}}}, .num_codes = {len(codes)},")
        print(f"     .enhanced_rule = EXPLAIN_ENHANCED_{rule},")
        print("     .subject = %d, .detail = %d," % (enhanced or (0, 0)))
        print(f"     .shared = {'true' if e.get('shared') else 'false'},")
        print(f"     .matches = {{{', '.join([quoted(m) for m in matches(e)] + ['NULL'])}}}, .text = {quoted(octets(e))}, .text_len = {len(octets(e))},")
        if e.get("when"):
            print(f"     .causes = {{{', '.join(map(cause, e['when']))}}}, .num_causes = {len(e['when'])},")
        print(f"     .meaning = {quoted(e['meaning'])}, .who = EXPLAIN_{WHO[e['who']]},")
        print(f"     .fix = {{{', '.join(map(quoted, fixes))}}}, .num_fix = {len(fixes)}, .retry = {'true' if retry else 'false'},")
        print(f"     .source = {quoted(e['source'])}, .as_of = {quoted(e['as_of'])}}},")
    print("};")
    print(f"const size_t explain_num_entries = {len(entries)};")


def main(args):
    providers, entries = read([a for a in args[1:] if a.endswith(".toml")])
    check(providers, entries)
    if args[0] == "table":
        print_table(providers, entries)
    else:
        import transcripts
        transcripts.write(args[1], providers, entries)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Mistake, KeyError, tomllib.TOMLDecodeError) as mistake:
        sys.exit(f"catalogue: {mistake}")
