"""Prints the branches of one folder's sources that no run took: branches.py BUILD FOLDER

Reads what a --coverage build left, through gcov. A branch is an edge of gcov's; nothing is left out of the count.
"""
import json
import pathlib
import subprocess
import sys


def read(build, folder):
    """Lines of a source with the counts of their branches."""
    found = {}
    for data in sorted(build.glob(f"**/{folder}/CMakeFiles/*/*.gcda")):
        made = subprocess.run(
            ["gcov", "--json-format", "--branch-probabilities", "--stdout", str(data)],
            check=True, capture_output=True, text=True, cwd=build)
        for line in made.stdout.splitlines():
            for file in json.loads(line)["files"]:
                if not file["file"].lstrip("/").startswith(folder + "/"):
                    continue
                lines = found.setdefault(file["file"].lstrip("/"), {})
                for one in file["lines"]:
                    if one["branches"]:
                        lines[one["line_number"]] = [b["count"] for b in one["branches"]]
    return found


def main():
    build, folder = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    found = read(build, folder)
    if not found:
        print(f"branches.py: no coverage data of {folder} under {build}", file=sys.stderr)
        return 1
    total = taken = 0
    for name in sorted(found):
        source = pathlib.Path(name).read_text(encoding="utf-8").splitlines()
        of_file = sum(len(counts) for counts in found[name].values())
        of_file_taken = sum(count > 0 for counts in found[name].values() for count in counts)
        total += of_file
        taken += of_file_taken
        print(f"{name}: {of_file_taken} of {of_file} branches, {100 * of_file_taken / of_file:.1f} %")
        for number, counts in sorted(found[name].items()):
            missed = [str(i) for i, count in enumerate(counts) if count == 0]
            if missed:
                print(f"  {number}: {source[number - 1].strip()}    "
                      f"({', '.join(missed)} of {len(counts)})")
    print(f"{folder}: {taken} of {total} branches, {100 * taken / total:.2f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
