#!/usr/bin/env python3
"""Style as tests. Usage: tidy.py CHECK [--root FOLDER] [--build FOLDER]; no CHECK: list them. Ends with 1 on findings."""

import argparse
import os
import sys

sys.dont_write_bytecode = True

import c_code  # noqa: E402
import manual  # noqa: E402
import pure  # noqa: E402
import text  # noqa: E402
from tree import Tree  # noqa: E402


def commands(build):
    """Each command of the built xuelian ("xuelian key new") to its options, or None without a build."""
    if not build or not os.path.exists(os.path.join(build, "bin", "xuelian")):
        return None
    return {name: manual.options(manual.IN_HELP, shown) for name, shown in manual.commands_of(build)}


# Name to function of (tree, build folder).
CHECKS = {
    "sizes": lambda tree, build: c_code.sizes(tree),
    "includes": lambda tree, build: c_code.includes(tree),
    "banned": lambda tree, build: c_code.banned(tree),
    "rules": lambda tree, build: c_code.rules(tree),
    "pure": lambda tree, build: pure.pure(build),
    "layout": lambda tree, build: text.layout(tree),
    "links": lambda tree, build: text.links(tree),
    "commands": lambda tree, build: text.commands(tree, commands(build)),
    "words": lambda tree, build: text.words(tree),
    "whitespace": lambda tree, build: text.whitespace(tree),
    "glossary": lambda tree, build: text.glossary(tree),
    "readme": lambda tree, build: text.readme(tree),
    "manual": lambda tree, build: manual.manual(tree, build),
    "api": lambda tree, build: manual.api(tree),
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("check", nargs="?", choices=sorted(CHECKS))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--build")
    options = parser.parse_args()
    if options.check is None:
        print("\n".join(CHECKS))
        return 0
    if options.check in ("pure", "manual") and not options.build:
        parser.error(f"the check '{options.check}' looks at what was built: give --build")
    findings = list(CHECKS[options.check](Tree(options.root), options.build))
    for finding in findings:
        print(finding)
    if findings:
        print(f"tidy {options.check}: {len(findings)} to mend")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
