#!/usr/bin/env python3
"""The longest that a transaction of each kind took, against the work that it is charged: see README.md."""

import argparse
import pathlib
import subprocess


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="folder of the programs bench_work_*", type=pathlib.Path)
    programs = sorted(parser.parse_args().programs.glob("bench_work_*"))
    longest = {}
    for program in programs:
        lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
        for fields in (line.split() for line in lines if line.startswith("work ")):
            name, count, mean, most, unit = fields[1], int(fields[3]), *map(float, fields[5::2])
            before = longest.get(name, (0, 0.0, 0.0, 0.0))
            total = before[0] + count
            longest[name] = (total, (before[0] * before[1] + count * mean) / total, max(before[2], most), max(before[3], unit))
    print(f"{'kind':<24}{'count':>8}{'mean us':>10}{'most us':>10}{'us a unit, most':>18}")
    for name, (count, mean, most, unit) in sorted(longest.items(), key=lambda row: -row[1][3]):
        print(f"{name:<24}{count:>8}{mean:>10.1f}{most:>10.1f}{unit:>18.2f}")


if __name__ == "__main__":
    main()
