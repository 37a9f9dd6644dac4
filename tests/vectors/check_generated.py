#!/usr/bin/env python3
"""Runs make_vectors and compares what it writes with the vectors beside this file. Usage: check_generated.py PROGRAM"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def contents(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.startswith(("proof-", "genesis-")) and name.endswith(".hex"):
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = file.read()
    return found


def main():
    if len(sys.argv) != 2:
        print("usage: check_generated.py PROGRAM", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        made, kept = contents(folder), contents(HERE)
    wrong = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    for name in wrong:
        print(f"{name} differs from what make_vectors writes: bytes changed, or run make_vectors tests/vectors")
    return 1 if wrong or not made else 0


if __name__ == "__main__":
    sys.exit(main())
