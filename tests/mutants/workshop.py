"""A copy of the sources, patched, compiled and linked without CMake: the same flags as the release build.

Objects are kept by what they were made from, so a mutant costs the compilation of what its patch touches.
"""

import concurrent.futures
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

FOLDERS = ("proto", "consensus", "ledger", "tests/sim", "tests/transcripts", "tests/unit")
SKIPPED = ("ledger/verify", "ledger/keyfile")
COMPILER = ["cc"]
FLAGS = (
    "-std=c11 -O2 -w -DNDEBUG -fno-common -fno-omit-frame-pointer -fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 "
    "-fstack-protector-strong -fstack-clash-protection -D_GNU_SOURCE"
).split()
PACKAGES = ("libsecp256k1", "libprotobuf-c", "libcrypto", "jansson")
# Programs: what is linked beside proto/, consensus/, ledger/ and the simulated network. The third, unit, is one unit
# test and the support.c beside it.
PROGRAMS = {"sim": ("tests/sim/main.c", "tests/sim/shrink.c"), "transcripts": ("tests/transcripts/",)}


class Refused(Exception):
    """A patch that does not apply, or sources that do not compile."""


def output_of(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise Refused(f"{' '.join(command[:6])} ... ends with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def digest_of(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def patch_applies(root, patch):
    """The reason why a patch does not apply as it stands, or an empty text."""
    done = subprocess.run(
        ["patch", "-p1", "-F0", "--dry-run", "--force", "-d", root, "-i", patch],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout


class Workshop:
    """Copies, compiles and links. Close it: the copies are under mktemp."""

    def __init__(self, root, cache, jobs):
        self.root = root
        self.cache = cache
        self.jobs = jobs
        self.folder = tempfile.mkdtemp(prefix="xuelian-mutants-")
        os.makedirs(cache, exist_ok=True)
        packages = output_of(["pkg-config", "--cflags", *PACKAGES])
        self.flags = FLAGS + shlex.split(packages)
        self.libraries = shlex.split(output_of(["pkg-config", "--libs", *PACKAGES])) + ["-lleveldb", "-lpthread"]
        self.compiler = output_of(COMPILER + ["--version"])

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def copy(self, patch):
        """A fresh copy of the sources, patched when `patch` is a path. Returns its folder."""
        tree = os.path.join(self.folder, "tree")
        shutil.rmtree(tree, ignore_errors=True)
        for folder in FOLDERS:
            source = os.path.join(self.root, folder)
            if os.path.isdir(source):
                shutil.copytree(source, os.path.join(tree, folder))
        if patch is not None:
            output_of(["patch", "-p1", "-F0", "--force", "--no-backup-if-mismatch", "-d", tree, "-i", patch])
        schemas = sorted(name for name in os.listdir(os.path.join(tree, "proto")) if name.endswith(".proto"))
        output_of(["protoc-c", f"--proto_path={tree}", f"--c_out={tree}", *(f"proto/{name}" for name in schemas)],
                  cwd=tree)
        return tree

    def _sources(self, tree):
        sources, headers = [], []
        for folder, folders, files in os.walk(tree):
            folders.sort()
            for name in sorted(files):
                path = os.path.relpath(os.path.join(folder, name), tree)
                if path.startswith(SKIPPED):
                    continue
                if name.endswith(".c"):
                    sources.append(path)
                elif name.endswith(".h"):
                    headers.append(path)
        return sources, headers

    def _compile(self, tree, source, seen):
        kept = os.path.join(self.cache, digest_of(seen, source, bytes_of(os.path.join(tree, source))) + ".o")
        if not os.path.exists(kept):
            made = f"{kept}.{os.getpid()}"
            output_of(COMPILER + self.flags + ["-I.", "-c", source, "-o", made], cwd=tree)
            os.replace(made, kept)
        return kept

    def build(self, tree, program, test=None):
        """Compiles what is new and links. test: the source of a unit test. Returns the path of the program."""
        sources, headers = self._sources(tree)
        own = PROGRAMS.get(program) or (test, os.path.join(os.path.dirname(test), "support.c"))
        mains = PROGRAMS["sim"] + PROGRAMS["transcripts"] + ("tests/unit/", "tests/sim/test_")
        wanted = [path for path in sources if path.startswith(own)]
        if not wanted:
            raise Refused(f"the sources of '{test or program}' are not in this tree")
        sources = [path for path in sources if not path.startswith(mains) and not path.endswith("_main.c")] + wanted
        seen = digest_of(self.compiler, " ".join(self.flags), *(bytes_of(os.path.join(tree, path)) for path in headers))
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            objects = list(pool.map(lambda source: self._compile(tree, source, seen), sources))
        made = os.path.join(self.folder, program)
        output_of(COMPILER + ["-pie", "-o", made, *objects, *self.libraries, *(["-lcmocka"] if program == "unit" else [])])
        return made

    def forget_old_objects(self, keep=4000):
        """The cache grows with every change of a header; the oldest go."""
        paths = [os.path.join(self.cache, name) for name in os.listdir(self.cache)]
        paths.sort(key=os.path.getmtime, reverse=True)
        for path in paths[keep:]:
            os.unlink(path)


if __name__ == "__main__":
    sys.exit("workshop.py is used by tests/mutants/run")
