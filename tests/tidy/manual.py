"""Manual pages beside what the programs say of themselves: every command and option, in both directions."""

import os
import re
import subprocess

PAGES = {"xuelian": "docs/man/xuelian.1.scd", "xueliand": "docs/man/xueliand.8.scd"}
# Sections of options that several commands share.
COMMON = "COMMON OPTIONS"
NETWORK = "NETWORK OPTIONS"
HEADING = re.compile(r"^(#{1,2}) +(.+?) *$", re.MULTILINE)
IN_HELP = re.compile(r"^ +(?:-(\S), +|    )--([a-z][a-z-]*)", re.MULTILINE)
IN_PAGE = re.compile(r"^(?:\*-(\S)\*, )?\*--([a-z][a-z-]*)\*", re.MULTILINE)
TABLE_ROW = re.compile(r"^  ([a-z][a-z-]*) ", re.MULTILINE)
SETTING = re.compile(r"SETTING\(([a-z_]+),")


def ask(build, program, words):
    command = [os.path.join(build, "bin", program), *words, "--help"]
    environment = {**os.environ, "LC_ALL": "C"}
    shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=environment)
    return shown.stdout


def options(pattern, text):
    """{"--keys": "-k"}: long names with their short ones, or None."""
    return {f"--{long}": f"-{short}" if short else None for short, long in pattern.findall(text)}


def commands_of(build, words=()):
    """Each command that does something, with its help: a table of commands says COMMAND in its usage."""
    shown = ask(build, "xuelian", words)
    if " COMMAND" not in shown.split("\n", 1)[0]:
        yield " ".join(("xuelian", *words)), shown
        return
    for name in TABLE_ROW.findall(shown):
        yield from commands_of(build, (*words, name))


def sections(text):
    """Heading (its capitalised arguments cut off) to what stands under it."""
    found = list(HEADING.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in zip(found, ends):
        name = match.group(2)
        if name.startswith("xuelian "):
            name = re.sub(r" +\[?[A-Z].*$", "", name)
        yield name, text[match.end() : end]


def compare(page, name, described, helped):
    for option, short in sorted(helped.items()):
        if option not in described:
            yield f"{page}: {name}: {option} is not described"
        elif described[option] != short:
            yield f"{page}: {name}: {option} has the short form {short}, described as {described[option]}"
    for option in sorted(described):
        if option not in helped:
            yield f"{page}: {name}: {option} is described, and there is no such option"


def command_line(tree, build):
    page = PAGES["xuelian"]
    written = dict(sections(tree.text(page)))
    common = options(IN_PAGE, written.get(COMMON, ""))
    network = options(IN_PAGE, written.get(NETWORK, ""))
    known = dict(commands_of(build))
    for name, shown in known.items():
        if name not in written:
            yield f"{page}: no section '## {name}'"
            continue
        described = {**common, **options(IN_PAGE, written[name])}
        if NETWORK in written[name]:
            described.update(network)
        yield from compare(page, name, described, options(IN_HELP, shown))
    for name in written:
        if name.startswith("xuelian ") and name not in known:
            yield f"{page}: '## {name}' is described, and there is no such command"


def node(tree, build):
    page = PAGES["xueliand"]
    written = dict(sections(tree.text(page)))
    described = options(IN_PAGE, written.get("OPTIONS", ""))
    # argp's own: --help has '?' for short, which a page may show too.
    described.update({"--help": "-?", "--usage": None} if "*--help*" in written.get("OPTIONS", "") else {})
    yield from compare(page, "xueliand", described, options(IN_HELP, ask(build, "xueliand", ())))
    settings = {name for name in SETTING.findall(tree.text("node/config.c")) if name != "field"}
    listed = {name.replace("\\", "") for name in re.findall(r"^\*([a-z\\_]+)\*$", written.get("CONFIGURATION", ""), re.M)}
    for name in sorted(settings - listed):
        yield f"{page}: the setting {name} is not described"
    for name in sorted(listed - settings):
        yield f"{page}: {name} is described, and there is no such setting"


def manual(tree, build):
    for program, check in (("xuelian", command_line), ("xueliand", node)):
        if not tree.exists(PAGES[program]):
            yield f"{PAGES[program]} is missing: every program has a manual page"
        elif not os.path.exists(os.path.join(build, "bin", program)):
            yield f"{program} is not in {build}/bin: build it first"
        else:
            yield from check(tree, build)


API = "docs/openapi.yaml"
ROUTES = "node/rpc/routes.c"
ROUTE = re.compile(r'^ +\{"([A-Z]+)", "(/[^"]*)",', re.MULTILINE)


def described_routes(text):
    """Method and path of each operation: by their indentation under 'paths:'. Names of parameters become {}."""
    path, inside = None, False
    for line in text.split("\n"):
        if not line.startswith(" ") and line:
            inside = line == "paths:"
        match = re.match(r"^( {2}| {4})([/a-z][^ ]*):$", line) if inside else None
        if match and match.group(1) == "  ":
            path = re.sub(r"\{[^}]*\}", "{}", match.group(2))
        elif match and path and match.group(2) in ("get", "post", "put", "delete"):
            yield match.group(2).upper(), path


def api(tree):
    if not tree.exists(API):
        yield f"{API} is missing: it describes the routes of {ROUTES}"
        return
    served = set(ROUTE.findall(tree.text(ROUTES)))
    described = set(described_routes(tree.text(API)))
    if not served:
        yield f"{ROUTES}: no table of routes was found"
    for method, path in sorted(served - described):
        yield f"{API}: {method} {path} is served and not described"
    for method, path in sorted(described - served):
        yield f"{API}: {method} {path} is described and not served"
