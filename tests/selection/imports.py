"""The import graph of the repository, as text: no module is imported to build it.

A node is the path of a Python file, relative to the root. File a has an edge to file b where a
  * imports b, or a name that a package re-exports from b (a package's other modules are then not reached);
  * holds b's name as a string: "genjax_models.nets.UNet", "experiments.gan", "--config=configs/gan/x.py:smoke". A
    string that is only the beginning of a name, as in f"configs.vae.{name}", or has a `*`, stands for all that it fits.
Docstrings do not count. Outside tests neither do strings with a blank or a `<placeholder>`: messages to the user.
"""

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

TREES = ("genjax_models", "experiments", "configs", "tests")
NAME = re.compile(rf"\b(?:{'|'.join(TREES)})[./][\w./*]*")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class ImportGraph:
    """Edges between the Python files of `TREES` below `root`."""

    def __init__(self, root: Path):
        self.root = root
        self.files = {str(p.relative_to(root)) for tree in TREES for p in sorted((root / tree).rglob("*.py"))}
        self._syntax = {file: ast.parse((root / file).read_text()) for file in self.files}
        self.reexports = {
            file: _names_of_imports(syntax)
            for file, syntax in self._syntax.items()
            if file.endswith("/__init__.py") and _only_imports(syntax)
        }
        self.edges = {file: self._edges(file) - {file} for file in sorted(self.files)}

    def distances(self, file: str) -> dict[str, int]:
        """Every file that `file` reaches, itself among them, and by how many edges."""
        found, queue = {file: 0}, deque([file])
        while queue:
            here = queue.popleft()
            for there in self.edges.get(here, ()):
                if there not in found:
                    found[there] = found[here] + 1
                    queue.append(there)
        return found

    def _edges(self, file: str) -> set[str]:
        if file in self.reexports:
            return set()
        found = set()
        for name in _imported_names(self._syntax[file], package=Path(file).parent.as_posix().replace("/", ".")):
            found |= self.resolve(name)
            if file.startswith("tests/"):
                found |= self._bare(file, name)
        for text in _strings(self._syntax[file]):
            if file.startswith("tests/") and text.endswith(".py"):
                found |= self._bare(file, text.removesuffix(".py"))
            if file.startswith("tests/") or not re.search(r"[\s<]", text):
                for name in NAME.findall(text):
                    found |= self._fits(name)
        return found

    def resolve(self, name: str) -> set[str]:
        """The files that the import of a dotted name reaches: a module, what a package re-exports, or a package."""
        path = name.replace(".", "/")
        if f"{path}.py" in self.files:
            return {f"{path}.py"}
        if path in TREES or "/" not in path:
            return set()
        if any(file.startswith(f"{path}/") for file in self.files):
            return self._below(path)
        parent, _, attribute = name.rpartition(".")
        folder = parent.replace(".", "/")
        exported = self.reexports.get(f"{folder}/__init__.py", {})
        if attribute in exported:
            return self.resolve(exported[attribute])
        return self.resolve(parent)

    def _fits(self, name: str) -> set[str]:
        """The files that a string names: a path, a dotted name, the beginning of either, or a pattern."""
        path = name.removesuffix(".py").rstrip("./")
        if "*" in path:
            return {file for file in self.files if fnmatchcase(file.removesuffix(".py"), path.replace(".", "/"))}
        if path in TREES:
            return self._below(path)
        return self.resolve(path.replace("/", "."))

    def _below(self, folder: str) -> set[str]:
        return {file for file in self.files if file.startswith(f"{folder}/")}

    def _bare(self, file: str, name: str) -> set[str]:
        """A file of tests imports its neighbours, and those on `sys.path`, without a package."""
        module = name.split(".", maxsplit=1)[0]
        neighbour = f"{Path(file).parent.as_posix()}/{module}.py"
        if neighbour in self.files:
            return {neighbour}
        return {other for other in self.files if other.startswith("tests/") and Path(other).name == f"{module}.py"}


def _only_imports(syntax: ast.Module) -> bool:
    """Whether a package's `__init__` does nothing but re-export."""
    return all(
        isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets))
        for node in syntax.body
    )


def _names_of_imports(syntax: ast.Module) -> dict[str, str]:
    """Local name -> the dotted name that it was imported from."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(syntax)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _imported_names(syntax: ast.Module, package: str) -> Iterator[str]:
    """Dotted names; of `from a import b`, those attributes `a.b.c` that the file uses, or `a.b` if it uses none."""
    attributes: dict[str, set[str]] = {}
    for node in ast.walk(syntax):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            attributes.setdefault(node.value.id, set()).add(node.attr)
    for node in ast.walk(syntax):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [above, node.module]))
            for alias in node.names:
                name = module if alias.name == "*" else f"{module}.{alias.name}"
                used = attributes.get(alias.asname or alias.name, ())
                yield from (f"{name}.{attribute}" for attribute in used) if used else (name,)


def _strings(syntax: ast.Module) -> Iterator[str]:
    """Every string constant, pieces of f-strings among them, that is not a docstring."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(syntax)
        if isinstance(node, DOCUMENTED) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(syntax):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def nearest(distances: dict[str, int], changed: Iterable[str]) -> int | None:
    """The least number of edges to a changed file; `None` if none is reached."""
    return min((distances[file] for file in changed if file in distances), default=None)
