"""mutants.toml: what each planted bug breaks and who must see it; and the table of it in README.md."""

import os
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
FIELDS = {"name": str, "rule": str, "breaks": str, "oracles": list, "run": str, "seeds": int, "fast": bool}
ORACLES = {
    "agreement": "two blocks at one height",
    "validity": "a block that does not follow from its parent, or holds a transaction again",
    "one voice": "an honest node says two things in one place, or votes below a view it has left",
    "certificates": "a certificate does not verify under the set of its height",
    "durability": "what was durable is gone, or is called durable and is not",
    "justice": "evidence names an honest node",
    "no alarm": "an honest node with a sound disk raises an alarm",
    "liveness": "faults have stopped, and not all nodes commit, or a transaction waits",
    "contract": "the core asks its driver for what pbft.h rules out",
    "check": "a CHECK of the core's own ends the process",
    "busy": "a node asks for tick after tick in one moment",
    "transcript": "a transcript goes another way",
    "unit test": "a unit test fails",
}
BEGIN, END = "<!-- the table: tests/mutants/run --table -->", "<!-- end of the table -->"


class Mistake(Exception):
    """The catalogue does not say what it should."""


def patch_path(name):
    return os.path.join(HERE, "patches", name + ".patch")


def check_one(mutant):
    name = mutant.get("name", "?")
    for field, kind in FIELDS.items():
        if field != "fast" and field not in mutant:
            raise Mistake(f"{name}: has no '{field}'")
        if field in mutant and not isinstance(mutant[field], kind):
            raise Mistake(f"{name}: '{field}' is no {kind.__name__}")
    for field in mutant:
        if field not in FIELDS:
            raise Mistake(f"{name}: '{field}' is not a field")
    for oracle in mutant["oracles"]:
        if oracle not in ORACLES:
            raise Mistake(f"{name}: there is no oracle '{oracle}'")
    if not mutant["oracles"] or not 1 <= mutant["seeds"] <= 10000:
        raise Mistake(f"{name}: needs an oracle, and 1 to 10000 seeds")
    if mutant["run"].split()[0] not in ("sim", "transcripts", "unit"):
        raise Mistake(f"{name}: 'run' begins with sim, transcripts or unit")
    if not os.path.exists(patch_path(name)):
        raise Mistake(f"{name}: there is no patches/{name}.patch")


def load():
    with open(os.path.join(HERE, "mutants.toml"), "rb") as file:
        mutants = tomllib.load(file)["mutant"]
    names = [mutant.get("name") for mutant in mutants]
    for mutant in mutants:
        check_one(mutant)
    if len(set(names)) != len(names):
        raise Mistake("two mutants have one name")
    patches = {name[: -len(".patch")] for name in os.listdir(os.path.join(HERE, "patches"))}
    if patches != set(names):
        raise Mistake(f"in patches/ but not in mutants.toml, or the other way: {sorted(patches ^ set(names))}")
    return mutants


def table(mutants):
    lines = ["| mutant | rule | what it breaks | seen by | run | seeds |", "|---|---|---|---|---|---|"]
    for mutant in mutants:
        lines.append(f"| `{mutant['name']}` | {mutant['rule']} | {mutant['breaks']} | {' or '.join(mutant['oracles'])} "
                     f"| `{mutant['run']}` | {mutant['seeds']} |")
    return "\n".join(lines)


def readme_with_table(mutants):
    """README.md as it should be."""
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as file:
        text = file.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise Mistake("README.md: the marks around the table are not there once each")
    before, rest = text.split(BEGIN)
    return text, f"{before}{BEGIN}\n{table(mutants)}\n{END}{rest.split(END)[1]}"
