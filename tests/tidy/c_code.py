"""Checks on C sources: sizes, include direction, banned calls, rule numbers."""

import re

from tree import LAYERS, code_only, line_of

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70


def sizes(tree):
    for path in tree.texts():
        if path.endswith((".md", ".json", ".yaml", ".yml", ".txt")):
            continue
        count = tree.text(path).count("\n")
        if count > FILE_LINES_MAX:
            yield f"{path}: {count} lines, at most {FILE_LINES_MAX}: split it by responsibility"
    for path in tree.c_files():
        yield from long_functions(path, tree.lines(path))


def long_functions(path, lines):
    """By our formatting a function's braces, and nothing else's, stand alone in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            count = number - start + 1
            if count > FUNCTION_LINES_MAX:
                name = function_name(lines, start)
                yield (
                    f"{path}:{start}: {name} has {count} lines, at most {FUNCTION_LINES_MAX}: "
                    "give a part of it a name of its own"
                )
            start = None


def function_name(lines, brace):
    for index in range(brace - 2, max(brace - 20, -1), -1):
        match = re.match(r"[A-Za-z_].*?([A-Za-z_]\w*)\(", lines[index])
        if match:
            return match.group(1)
    return "a function"


# What a layer may include of ours, by prefix; the longest matching layer counts.
MAY_INCLUDE = {
    "proto/": ("proto/",),
    "consensus/": ("consensus/", "proto/"),
    "ledger/verify/": ("ledger/verify/", "proto/"),
    "ledger/": ("ledger/", "proto/"),
    "node/evidence/": ("node/evidence/", "consensus/", "ledger/", "proto/"),
    "node/": ("node/", "consensus/", "ledger/", "proto/"),
    "cli/": ("cli/", "node/evidence/", "ledger/", "proto/"),
    "tests/": ("tests/",) + tuple(layer + "/" for layer in LAYERS),
}
PURE = ("proto/", "consensus/", "ledger/verify/")
IMPURE_HEADER = re.compile(
    r"^(uv\.h|leveldb/.*|sys/.*|pthread\.h|threads\.h|stdatomic\.h|time\.h|unistd\.h|fcntl\.h|poll\.h|signal\.h"
    r"|errno\.h|netdb\.h|netinet/.*|arpa/.*|dirent\.h|locale\.h|setjmp\.h)$"
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(tree):
    for path in tree.c_files():
        layer = max((name for name in MAY_INCLUDE if path.startswith(name)), key=len, default=None)
        if layer is None:
            yield f"{path}: C sources belong to a layer ({', '.join(LAYERS)}) or to tests/"
            continue
        text = tree.text(path)
        for match in INCLUDE.finditer(text):
            problem = include_problem(tree, layer, match.group(1), match.group(2))
            if problem:
                yield f"{path}:{line_of(text, match.start())}: {problem}"


def include_problem(tree, layer, mark, header):
    if mark == "<":
        if layer in PURE and IMPURE_HEADER.match(header):
            return f"{layer} is pure and may not include <{header}>: take what it gives as an input"
        return None
    if header == "version.h":
        return None if layer in ("node/", "cli/", "tests/") else f'{layer} may not include "version.h"'
    if not header.startswith(MAY_INCLUDE[layer]):
        return f'{layer} may not include "{header}", only {" ".join(MAY_INCLUDE[layer])} (paths from the top)'
    schema = re.sub(r"\.pb-c\.h$", ".proto", header)
    if not tree.exists(schema):
        return f'"{header}" does not exist'
    return None


# Call, and what to use in its place.
BANNED = {
    "strcpy": "memcpy with a checked size",
    "stpcpy": "memcpy with a checked size",
    "strcat": "snprintf into a sized buffer",
    "strncpy": "memcpy with a checked size",
    "strncat": "snprintf into a sized buffer",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "fgets",
    "scanf": "strtoull and its like, with checks",
    "sscanf": "strtoull and its like, with checks",
    "fscanf": "strtoull and its like, with checks",
    "strtok": "strcspn",
    "strtok_r": "strcspn",
    "atoi": "strtol with checks",
    "atol": "strtol with checks",
    "atoll": "strtoll with checks",
    "atof": "strtod with checks",
    "alloca": "a bounded array or the caller's storage",
    "rand": "a seeded generator, or RAND_bytes for secrets",
    "srand": "a seeded generator, or RAND_bytes for secrets",
    "random": "a seeded generator, or RAND_bytes for secrets",
    "system": "uv_spawn or posix_spawn with an argument vector",
    "popen": "uv_spawn or posix_spawn with an argument vector",
    "tmpnam": "mkstemp or mkdtemp",
    "mktemp": "mkstemp or mkdtemp",
    "setjmp": "enum status",
    "longjmp": "enum status",
    "asctime": "strftime",
    "ctime": "strftime",
    "gmtime": "gmtime_r",
    "localtime": "localtime_r",
    "inet_ntoa": "inet_ntop",
    "gethostbyname": "getaddrinfo",
    "assert": "CHECK, which stays in release builds",
}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")[ \t\n]*\(")
TYPEDEF = re.compile(r"^[ \t]*typedef\s+(struct|union|enum)\b", re.MULTILINE)


def banned(tree):
    for path in tree.c_files():
        code = code_only(tree.text(path))
        for match in BANNED_CALL.finditer(code):
            name = match.group(1)
            yield f"{path}:{line_of(code, match.start())}: {name}() is banned: use {BANNED[name]}"
        for match in TYPEDEF.finditer(code):
            kind = match.group(1)
            yield f"{path}:{line_of(code, match.start())}: no typedef of a {kind}: write '{kind} name' where it is used"


RULES_FILE = "consensus/README.md"
RULE_DEFINED = re.compile(r"^[\s|*#>-]*R(\d+)\b", re.MULTILINE)
RULE_CITED = re.compile(r"\bR(\d+)\b")


def rules(tree):
    if not tree.exists(RULES_FILE):
        yield f"{RULES_FILE} is missing: it defines the protocol's rules R1, R2, …"
        return
    defined = set(RULE_DEFINED.findall(tree.text(RULES_FILE)))
    if not defined:
        yield f"{RULES_FILE} defines no rule: begin a line, list item or table row with R1, R2, …"
    code, tests = {}, {}
    for path in tree.paths:
        if path.startswith("consensus/") and path.endswith((".c", ".h")):
            cite(code, path, tree.text(path))
        elif path.startswith("tests/") and "consensus" in path or path.startswith(("tests/transcripts/", "tests/sim/")):
            cite(tests, path, tree.text(path))
    for number in sorted(defined, key=int):
        if number not in code:
            yield f"{RULES_FILE}: R{number} is cited nowhere in consensus/: name it where the code keeps it"
        if number not in tests:
            yield f"{RULES_FILE}: R{number} is cited by no test of the core: write one that fails without the rule"
    for number, path in sorted({**tests, **code}.items(), key=lambda item: int(item[0])):
        if number not in defined:
            yield f"{path}: cites R{number}, which {RULES_FILE} does not define"


def cite(cited, path, text):
    for number in RULE_CITED.findall(text):
        cited.setdefault(number, path)
