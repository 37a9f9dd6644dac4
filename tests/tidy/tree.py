"""The source tree as the checks see it: files, and C text without comments and literals."""

import os
import re

SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", "node_modules"}
LAYERS = ("proto", "consensus", "ledger", "node", "cli")
TEXT_ENDINGS = (".c", ".h", ".proto", ".md", ".txt", ".py", ".sh", ".cmake", ".json", ".yaml", ".yml", ".service", ".R", ".scd")


class Tree:
    """Files under a root, by their path from it. Reads each once."""

    def __init__(self, root):
        self.root = root
        self.paths = []
        self._texts = {}
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
            for name in sorted(files):
                self.paths.append(os.path.relpath(os.path.join(folder, name), root))

    def full(self, path):
        return os.path.join(self.root, path)

    def exists(self, path):
        return os.path.exists(self.full(path))

    def text(self, path):
        if path not in self._texts:
            with open(self.full(path), encoding="utf-8", errors="replace", newline="") as file:
                self._texts[path] = file.read()
        return self._texts[path]

    def lines(self, path):
        return self.text(path).split("\n")

    def c_files(self):
        return [path for path in self.paths if path.endswith((".c", ".h"))]

    def markdown(self):
        return [path for path in self.paths if path.endswith(".md")]

    def texts(self):
        """Everything a person wrote: known endings, and scripts that begin with #!."""
        return [path for path in self.paths if path.endswith(TEXT_ENDINGS) or self._is_script(path)]

    def scripts(self):
        return [path for path in self.paths if self._is_script(path)]

    def _is_script(self, path):
        if "." in os.path.basename(path) and not path.endswith((".sh", ".py")):
            return False
        with open(self.full(path), "rb") as file:
            return file.read(2) == b"#!"


TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)


def code_only(text):
    """C text with comments and literals blanked out; line numbers stay."""

    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] * 2
        return "\n" * token.count("\n") + " "

    return TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
