#!/usr/bin/env python3
"""Shows that each check can fail: plants violations in a temporary copy and sees each of them found.

Usage: selftest.py CHECK
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import pure  # noqa: E402
from tidy import CHECKS  # noqa: E402
from tree import SKIPPED_FOLDERS, Tree  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNFINISHED = "TO" + "DO"
LONG_FUNCTION = "void long_one(void);\nvoid long_one(void)\n{\n" + "    ;\n" * 69 + "}\n"

# Per check: file, its whole text (or "+" and what is added to it; None: it is removed), what the finding must say.
PLANTS = {
    "sizes": [
        ("node/planted.c", "\n" * 801, "node/planted.c: 801 lines"),
        ("tests/planted.h", LONG_FUNCTION, "tests/planted.h:3: long_one has 71 lines"),
    ],
    "includes": [
        ("consensus/planted.c", '#include "ledger/planted.h"\n', 'consensus/ may not include "ledger/planted.h"'),
        ("consensus/planted.h", "#include <uv.h>\n", "may not include <uv.h>"),
        ("proto/planted.c", "#  include <time.h>\n", "may not include <time.h>"),
        ("ledger/verify/planted.c", "#include <leveldb/c.h>\n", "may not include <leveldb/c.h>"),
        ("ledger/verify/planted.h", '#include "ledger/store/kv.h"\n', 'may not include "ledger/store/kv.h"'),
        ("ledger/planted.c", '#include "consensus/pbft.h"\n', 'may not include "consensus/pbft.h"'),
        ("ledger/planted.h", '#include "node/node.h"\n', 'may not include "node/node.h"'),
        ("cli/planted.c", '#include "proto/no_such.h"\n', "does not exist"),
        ("docs/planted.c", "int x;\n", "belong to a layer"),
    ],
    "banned": [
        ("node/planted.c", "char *f(char *a, char *b) { return strcpy(a, b); }\n", "strcpy() is banned"),
        ("cli/planted.c", "int f(char *a) { return atoi (a); }\n", "atoi() is banned"),
        ("ledger/planted.c", "int f(void) { return rand(); }\n", "rand() is banned"),
        ("proto/planted.c", "typedef struct { int a; } b;\n", "no typedef of a struct"),
        ("proto/planted.h", '/* strcpy() in words */ const char *c = "gets(";\n', None),
    ],
    "rules": [
        ("consensus/README.md", "+\n- **R901** planted\n", "R901 is cited nowhere in consensus/"),
        ("consensus/README.md", "+\n- **R902** planted\n", "R902 is cited by no test"),
        ("consensus/planted.c", "/* R903 */\n", "cites R903"),
    ],
    "layout": [
        ("common/README.md", "# Common\n", "common is not one of the top's fixed names"),
        ("node/planted/planted.c", "int x;\n", "node/planted/README.md is missing"),
        ("tests/planted/run", "#!/bin/sh\n", "tests/planted/README.md is missing"),
    ],
    "links": [
        ("docs/planted.md", "[a](no-such.md)\n", "docs/planted.md:1: the link to no-such.md"),
        ("docs/planted-part.md", "# One two\n[a](#one-three)\n", "has no heading #one-three"),
        ("docs/planted-good.md", "# One, `two` (三)\n[a](#one-two-三)\n[b](../CMakeLists.txt)\n", None),
    ],
    "commands": [
        ("docs/planted.md", "```sh\ndeploy/no-such --keep\n```\n", "deploy/no-such does not exist"),
        ("docs/planted2.md", "```console\n$ cmake --workflow --preset no-such\n```\n", "no preset no-such"),
        ("docs/planted3.md", "```sh\nxuelian no-such\n```\n", "has no command 'no-such'"),
        ("docs/planted4.md", "See `node/no_such.c`.\n", "names `node/no_such.c`"),
        ("docs/planted5.md", "```sh\nxuelian status --no-such here\n```\n", "status has no option --no-such"),
        ("docs/planted6.md", "```sh\nxuelian status -g here --genesis=there\n```\n", None),
    ],
    "words": [
        ("node/planted.c", f"/* {UNFINISHED} */\n", UNFINISHED),
        ("docs/planted.md", "Look in /ho" + "me/someone/x\n", "names a path of one machine"),
        ("deploy/planted", "#!/bin/sh\ncurl https://some-regis" + "try.example/x\n", "names a package host"),
    ],
    "whitespace": [
        ("node/planted.c", "int x; \n", "node/planted.c:1: space"),
        ("node/planted.h", "\tint x;\n", "node/planted.h:1: a tab"),
        ("docs/planted.md", "no end", "docs/planted.md: the last line"),
        ("docs/planted2.md", "a\r\n", "carriage returns"),
    ],
    "glossary": [
        ("docs/glossary.md", "+\n| 中文 | English |\n|---|---|\n| planted | planted |\n", "no Chinese word"),
        ("docs/glossary.md", "+\n| 中文 | English |\n|---|---|\n| 种植 | |\n", "no English word"),
        ("docs/glossary.md", "+\n| 中文 | English |\n|---|---|\n| 种 | seed |\n| 子 | seed |\n", "'seed' is already"),
        ("docs/glossary.md", None, "docs/glossary.md is missing"),
    ],
    "readme": [
        ("README.md", "+\n## Planted\n", "headings of levels"),
        ("README.md", "+\n```sh\ndeploy/planted\n```\n", "'deploy/planted' is in one language only"),
        ("README.zh-CN.md", None, "README.zh-CN.md is missing"),
    ],
    "manual": [
        ("docs/man/xuelian.1.scd", "+\n## xuelian planted\n", "'## xuelian planted' is described"),
        ("docs/man/xuelian.1.scd", "+\n## xuelian status\n\n*--planted*\n", "--planted is described"),
        ("docs/man/xuelian.1.scd", "+\n## xuelian status\n", "--genesis is not described"),
        ("docs/man/xuelian.1.scd", "+\n## xuelian status\n\n*-x*, *--genesis* _FILE_\n", "the short form -g"),
        ("docs/man/xueliand.8.scd", "+\n# CONFIGURATION\n\n*planted*\n", "there is no such setting"),
        ("node/config.c", "+\nSETTING(planted, true, true)\n", "the setting planted is not described"),
        ("docs/man/xueliand.8.scd", None, "every program has a manual page"),
    ],
    "api": [
        ("docs/openapi.yaml", "+\npaths:\n  /v1/planted/{x}:\n    get:\n", "GET /v1/planted/{} is described and not"),
        ("node/rpc/routes.c", '+\n    {"PUT", "/v1/blocks/{}", f},\n', "PUT /v1/blocks/{} is served and not described"),
    ],
}  # fmt: skip

# For "pure": archive, source of its one object, what the finding must say.
ARCHIVE_PLANTS = [
    ("xuelian_consensus", "#include <stdlib.h>\nvoid *planted(void) { return malloc(1); }\n", "consensus.a uses malloc"),
    ("xuelian_verify", "#include <time.h>\nlong planted(void) { return time(0); }\n", "verify.a uses time"),
    ("xuelian_proto", "#include <stdlib.h>\nvoid planted(void *p) { free(p); }\n", "proto.a uses free in"),
    ("xuelian_proto", "#include <unistd.h>\nint planted(void) { return close(0); }\n", "proto.a uses close"),
    ("xuelian_consensus", "static int planted;\nint f(void) { return planted++; }\n", "keeps planted in"),
    ("xuelian_verify", "int planted = 3;\n", "keeps planted in .data"),
    ("xuelian_verify", 'const char *const planted[] = {"a", "b"};\n', None),
]


def fresh_copy(folder):
    """The tree as it is, with the files that plants add to or remove, should it lack them."""
    copy = os.path.join(folder, "copy")
    shutil.copytree(ROOT, copy, ignore=lambda _, names: [n for n in names if n in SKIPPED_FOLDERS or n.endswith(".gz")])
    for path in ("README.md", "README.zh-CN.md", "docs/glossary.md", "consensus/README.md"):
        if not os.path.exists(os.path.join(copy, path)):
            write(copy, path, "# Planted\n")
    return copy


def write(root, path, content):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    if content is None:
        os.remove(full)
        return
    mode, content = ("a", content[1:]) if content.startswith("+") else ("w", content)
    with open(full, mode, encoding="utf-8", newline="") as file:
        file.write(content)


FAKE_XUELIAN = """#!/bin/sh
case $1 in
status) echo 'Usage: xuelian status [-g FILE]'; echo '  -g, --genesis=FILE   the file' ;;
*) echo 'Usage: xuelian COMMAND ...'; echo '  status     shows the network' ;;
esac
"""
FAKE_XUELIAND = """#!/bin/sh
echo 'Usage: xueliand'
echo '  -c, --config=FILE    the file'
"""


def fake_build(folder):
    """A build folder whose xuelian knows one command."""
    build = os.path.join(folder, "fake-build")
    for name, script in (("xuelian", FAKE_XUELIAN), ("xueliand", FAKE_XUELIAND)):
        write(build, f"bin/{name}", script)
        os.chmod(os.path.join(build, "bin", name), 0o755)
    return build


def missed(check, expected, new):
    """None when the plant was found (or, where nothing is expected, nothing was)."""
    if expected is None:
        return f"{check}: found fault where there is none: {sorted(new)}" if new else None
    if any(expected in finding for finding in new):
        return None
    return f"{check}: did not find what was planted, '{expected}'; found {sorted(new)}"


def test_texts(check, folder):
    """One copy for all plants: each is taken out again before the next."""
    build = fake_build(folder)
    copy = fresh_copy(folder)
    before = set(CHECKS[check](Tree(copy), build))
    for path, content, expected in PLANTS[check]:
        full = os.path.join(copy, path)
        original = os.path.join(folder, "original")
        existed = os.path.exists(full)
        if existed:
            shutil.copy2(full, original)
        write(copy, path, content)
        yield missed(f"{check} {path}", expected, set(CHECKS[check](Tree(copy), build)) - before)
        if existed:
            shutil.copy2(original, full)
        else:
            os.remove(full)
            remove_empty(copy, os.path.dirname(path))


def remove_empty(root, folder):
    while folder and not os.listdir(os.path.join(root, folder)):
        os.rmdir(os.path.join(root, folder))
        folder = os.path.dirname(folder)


def test_archives(folder):
    compiler = os.environ.get("CC", "cc")
    for archive, source, expected in ARCHIVE_PLANTS:
        build = os.path.join(folder, "build")
        shutil.rmtree(build, ignore_errors=True)
        for name in pure.ARCHIVES:
            content = source if name == archive else f"int {name}_fine(int a);\nint {name}_fine(int a) {{ return a; }}\n"
            write(build, f"{name}.c", content)
            made = os.path.join(build, "lib", f"lib{name}.a")
            os.makedirs(os.path.dirname(made), exist_ok=True)
            stem = os.path.join(build, name)
            subprocess.run([compiler, "-fPIE", "-c", f"{stem}.c", "-o", f"{stem}.o"], check=True)
            subprocess.run(["ar", "rcs", made, f"{stem}.o"], check=True)
        yield missed(f"pure {archive}", expected, set(pure.pure(build)))


def main():
    check = sys.argv[1] if len(sys.argv) == 2 else None
    if check not in CHECKS:
        print(f"usage: selftest.py CHECK, one of {' '.join(CHECKS)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="xuelian-tidy-") as folder:
        results = list(test_archives(folder) if check == "pure" else test_texts(check, folder))
    problems = [problem for problem in results if problem]
    for problem in problems:
        print(problem)
    print(f"{check}: {len(results) - len(problems)} of {len(results)} plants judged rightly")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
