"""Checks on documents and on every text: links, commands, words, whitespace, both languages, layout."""

import json
import os
import re

from tree import LAYERS, line_of

TOP = set(LAYERS) | {
    "tests", "deploy", "docs", "CMakeLists.txt", "CMakePresets.json", "README.md", "README.zh-CN.md", "LICENSE",
}  # fmt: skip
TOP_FOLDERS = LAYERS + ("tests", "deploy", "docs")


def layout(tree):
    """The top of the tree is fixed, and every folder of sources says what it is."""
    top = {path.split(os.sep)[0] for path in tree.paths}
    for name in sorted(top):
        if name not in TOP and not name.startswith("."):
            yield f"{name} is not one of the top's fixed names: put it into the layer it belongs to"
    folders = {folder for folder in TOP_FOLDERS if folder in top and folder not in ("docs",)}
    for path in tree.paths:
        parts = path.split(os.sep)
        if parts[0] in LAYERS and path.endswith((".c", ".h")):
            folders.add(os.path.dirname(path))
        if parts[0] == "tests" and len(parts) > 2:
            folders.add(os.path.join("tests", parts[1]))
    for folder in sorted(folders):
        if not tree.exists(os.path.join(folder, "README.md")):
            yield f"{folder}/README.md is missing: what the folder is, what it may use, where to start"


LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~)(\w*)[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)


def without_fences(text):
    return FENCE.sub(lambda match: "\n" * match.group(0).count("\n"), text)


def anchor(heading):
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def links(tree):
    for path in tree.markdown():
        text = without_fences(tree.text(path))
        for match in LINK.finditer(text):
            target = match.group(1)
            if re.match(r"[a-z]+:", target):
                continue
            name, _, part = target.partition("#")
            found = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            where = f"{path}:{line_of(text, match.start())}"
            if found.startswith("..") or not tree.exists(found):
                yield f"{where}: the link to {target} leads nowhere"
            elif part and found.endswith(".md"):
                anchors = {anchor(title) for _, title in HEADING.findall(without_fences(tree.text(found)))}
                if part not in anchors:
                    yield f"{where}: {found} has no heading #{part}"


SPAN_PATH = re.compile(r"`((?:" + "|".join(TOP_FOLDERS) + r"|\.ci)/[\w./-]+)`")


def shell_lines(text):
    """Commands of the fenced blocks marked sh, bash or console (there, of the lines after '$ '); offset, line."""
    for block in FENCE.finditer(text):
        language = block.group(2)
        if language not in ("sh", "bash", "console"):
            continue
        offset = block.start(3)
        for line in block.group(3).splitlines(keepends=True):
            command = line.strip()
            if language == "console":
                command = command[2:] if command.startswith("$ ") else ""
            command = re.sub(r"(^|\s)#.*", "", command).strip()
            if command:
                yield offset, command
            offset += len(line)


def commands(tree, known):
    """known: what the built xuelian says of its commands and their options, or None without a build."""
    presets = preset_names(tree)
    for path in tree.markdown():
        text = tree.text(path)
        for match in SPAN_PATH.finditer(without_fences(text)):
            name = match.group(1).rstrip(".")
            if not tree.exists(re.sub(r"\.pb-c\.[ch]$", ".proto", name)):
                yield f"{path}: names `{name}`, which does not exist"
        for offset, command in shell_lines(text):
            problem = command_problem(tree, presets, known, command)
            if problem:
                yield f"{path}:{line_of(text, offset)}: '{command}': {problem}"


def preset_names(tree):
    if not tree.exists("CMakePresets.json"):
        return set()
    presets = json.loads(tree.text("CMakePresets.json"))
    return {entry["name"] for key in presets if key.endswith("Presets") for entry in presets[key]}


def command_problem(tree, presets, known, command):
    words = [word for word in command.split() if "=" not in word or word.startswith("-")]
    if words and words[0] == "sudo":
        words = words[1:]
    if not words:
        return None
    program = words[0][2:] if words[0].startswith("./") else words[0]
    if program.startswith(tuple(folder + "/" for folder in TOP_FOLDERS) + (".ci/",)):
        if not tree.exists(program):
            return f"{program} does not exist"
        if not os.access(tree.full(program), os.X_OK):
            return f"{program} cannot be executed: chmod +x"
    if "--preset" in words[:-1] and words[words.index("--preset") + 1] not in presets:
        return f"there is no preset {words[words.index('--preset') + 1]}"
    if os.path.basename(program) == "xuelian" and known is not None:
        return xuelian_problem(known, words[1:])
    return None


def xuelian_problem(known, words):
    """The longest run of first words that names a command, and its options."""
    names = [name for name in known if words[: name.count(" ")] == name.split()[1:]]
    name = max(names, key=len, default=None)
    if name is None:
        leading = [word for word in words[:1] if not word.startswith("-")]
        return f"xuelian has no command '{leading[0]}'" if leading else None
    for word in words:
        option = word.split("=")[0]
        if word.startswith("-") and option not in known[name] and option not in known[name].values():
            return f"{name} has no option {option}"
    return None


# Put together here so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK|place" + r"holder|not (yet )?imple" + r"mented)\b")
MACHINE_PATH = re.compile(r"(?<![\w$}.-])/(work|home/\w+|tmp/\w+)\b")
PACKAGE_HOST = re.compile(r"\bhttps?://[^/\s\"'>)]*(registry|artifact|nexus|mirror|npmjs|pypi|crates)[^/\s\"'>)]*")


def words(tree):
    for path in tree.texts():
        text = tree.text(path)
        for pattern, why in (
            (UNFINISHED, "finish it, or say plainly what is and is not there"),
            (MACHINE_PATH, "names a path of one machine; take it from an argument, $HOME or mktemp"),
            (PACKAGE_HOST, "names a package host; a machine's own settings say where packages come from"),
        ):
            for match in pattern.finditer(text):
                yield f"{path}:{line_of(text, match.start())}: '{match.group(0)}': {why}"


def whitespace(tree):
    for path in tree.texts():
        text = tree.text(path)
        if "\r" in text:
            yield f"{path}: carriage returns: lines end with a line feed alone"
        if text and not text.endswith("\n"):
            yield f"{path}: the last line has no end"
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield f"{path}:{number}: space at the end of the line"
            if "\t" in line and not path.endswith((".txt", ".md", ".scd")):
                yield f"{path}:{number}: a tab; indent with spaces"


CHINESE = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{2}")
GLOSSARY = "docs/glossary.md"


def glossary(tree):
    """Each row of the tables in docs/glossary.md: one word of ours in each language, none twice."""
    if not tree.exists(GLOSSARY):
        yield f"{GLOSSARY} is missing: one word per concept, in both languages"
        return
    seen, rows = {}, 0
    for number, line in enumerate(tree.lines(GLOSSARY), 1):
        if not line.startswith("|") or re.match(r"^[|\s:-]+$", line):
            continue
        following = tree.lines(GLOSSARY)[number] if number < len(tree.lines(GLOSSARY)) else ""
        if re.match(r"^\|[|\s:-]+$", following):
            continue  # the head of a table
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        rows += 1
        terms = cells[:2]
        if len(terms) < 2 or not any(CHINESE.search(term) for term in terms):
            yield f"{GLOSSARY}:{number}: no Chinese word among the first two columns"
        if not any(LATIN.search(term) and not CHINESE.search(term) for term in terms):
            yield f"{GLOSSARY}:{number}: no English word among the first two columns"
        for term in terms:
            if term in seen:
                yield f"{GLOSSARY}:{number}: '{term}' is already in line {seen[term]}: one word, one concept"
            seen[term] = number
    if rows == 0:
        yield f"{GLOSSARY} has no table of terms"


def readme(tree):
    """README.md and README.zh-CN.md: the same headings in the same order, the same commands."""
    pair = ("README.md", "README.zh-CN.md")
    for path in pair:
        if not tree.exists(path):
            yield f"{path} is missing"
            return
    levels = [[len(marks) for marks, _ in HEADING.findall(without_fences(tree.text(path)))] for path in pair]
    if levels[0] != levels[1]:
        yield f"README.md has headings of levels {levels[0]}, README.zh-CN.md {levels[1]}: they say the same"
    listed = [[command for _, command in shell_lines(tree.text(path))] for path in pair]
    for path, mine, other in ((pair[0], listed[0], listed[1]), (pair[1], listed[1], listed[0])):
        for command in mine:
            if command not in other:
                yield f"{path}: '{command}' is in one language only"
