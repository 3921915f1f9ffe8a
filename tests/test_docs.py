"""What the documentation says is so: its snippets run, and the commands, flags, fields, paths and names in it exist.

A Python block that needs fetched data has `<!-- needs: kjv, minilm -->` in the line above, and runs where they are at
hand; one that cannot run has `<!-- not run: why -->`. The blocks of a file run in their order, in one namespace.
CHANGELOG.md is history and calls things by the names that they had.
"""

import ast
import re
import signal
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from experiments import toy_modes, toy_paths
from experiments.config.modules import modules
from genjax_models.data.catalog import SETS
from genjax_models.data.encoders import ENCODERS, find_encoder
from genjax_models.data.prepared import find_prepared
from genjax_models.training.settings import Open, lines

ROOT = Path(__file__).parents[1]
ROOMS = sorted(path.name for path in (ROOT / "genjax_models").iterdir() if (path / "__init__.py").exists())
TREES = ("genjax_models", "experiments", "configs", "tests", "benchmarks")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = sorted(path for tree in TREES for path in (ROOT / tree).rglob("*.py") if tree != "tests")
PATHS = re.compile(rf"(?<![\w/.\-<>*])(?:{'|'.join([*TREES, 'docs', *ROOMS])})/[\w./*<>-]*")
NAMES = re.compile(rf"(?<![\w/.-])(?:{'|'.join({*TREES, *ROOMS} - {'data'})})\.[A-Za-z_][\w.*]*")
COMMAND = re.compile(r"python3? -m ((?:experiments|benchmarks|genjax_models)(?:\.\w+)+)([^`\n]*)")
FIELD = re.compile(r"(?<![\w/-])(?:--)?config\.(?!py\b|json\b)([a-z_][\w.]*)")
SECONDS = 120
"""Of a page's snippets, at most."""
NEVER_RUN = 1
"""Python blocks that are marked as `not run`."""


class Block(NamedTuple):
    line: int
    mark: str
    code: str


def blocks(page: Path) -> list[Block]:
    """The Python blocks of a page."""
    found, opened, above = [], None, ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if opened is not None and line.startswith("```"):
            found.append(Block(opened[0], opened[1], "\n".join(opened[2])))
            opened = None
        elif opened is not None:
            opened[2].append(line)
        elif line.startswith("```python"):
            opened = (number, above, [])
        above = line
    return found


@contextmanager
def time_bound(seconds: int):
    def stop(number, frame):
        raise TimeoutError(f"the snippets of this page take more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def at_hand(name: str) -> bool:
    return (find_encoder if name in ENCODERS else find_prepared)(name) is not None


WITH_SNIPPETS = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", WITH_SNIPPETS, ids=lambda page: page.name)
def test_snippets_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace, missing = {"__name__": page.stem}, []
    with time_bound(SECONDS):
        for block in blocks(page):
            if block.mark.startswith("<!-- not run: "):
                continue
            needs = re.fullmatch(r"<!-- needs: (.*) -->", block.mark)
            lacking = [name for name in (needs[1].split(", ") if needs else ()) if not at_hand(name)]
            if lacking:
                missing += lacking
                continue
            exec(compile("\n" * block.line + block.code, str(page), "exec"), namespace)
    if missing:
        pytest.skip(f"all but the snippets that need {', '.join(missing)} ran")


def test_few_snippets_are_never_run():
    found = [block for page in PAGES for block in blocks(page)]
    marks = [block.mark for block in found if block.mark.startswith("<!--")]
    assert all(re.fullmatch(r"<!-- (not run: .+|needs: [\w, ]+) -->", mark) for mark in marks), marks
    assert len([mark for mark in marks if "not run" in mark]) == NEVER_RUN
    assert len(found) - len(marks) >= 10


@cache
def flags_of(module: str) -> frozenset[str]:
    """The flags that a command defines, and those of the modules of `experiments` that it imports."""
    path = ROOT / f"{module.replace('.', '/')}.py"
    if not path.exists():
        return frozenset()
    syntax, found = ast.parse(path.read_text()), set()
    for node in ast.walk(syntax):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr.startswith("DEFINE_"):
                found.add(node.args[0].value)
            elif node.func.attr == "add_argument":
                found.add(node.args[0].value.removeprefix("--"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("experiments"):
            for alias in node.names:
                found |= flags_of(node.module) | flags_of(f"{node.module}.{alias.name}")
    return frozenset(found)


@cache
def declared() -> frozenset[str]:
    """The fields of all configs and the sections that hold them; `section.` for those with fields of their own."""
    found = set()
    for module in (*modules().values(), toy_modes, toy_paths):
        for name, entry, _ in lines(module.FIELDS, module.get_config()):
            parts = name.split(".")
            found |= {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
            found |= {f"{name}."} if isinstance(entry, Open) else set()
    return frozenset(found)


def is_field(name: str) -> bool:
    name = name.removeprefix("teacher.")
    return any(name == field or (field.endswith(".") and f"{name}.".startswith(field)) for field in declared())


def unknown_commands(text: str) -> list[str]:
    """The commands, flags and fields of configs in a text that there are not."""
    found = []
    for module, arguments in COMMAND.findall(re.sub(r"\\\n\s*", " ", text)):
        path = ROOT / module.replace(".", "/")
        parser = module if path.with_suffix(".py").exists() else f"{module}.__main__"
        if not (ROOT / parser.replace(".", "/")).with_suffix(".py").exists():
            found.append(f"python -m {module}")
        flags = re.findall(r"(?<=\s)--(\w+)", arguments.split("#")[0])
        found += [f"python -m {module} --{flag}" for flag in flags if flag not in flags_of(parser)]
    fields = [name.rstrip(".") for name in FIELD.findall(text)]
    return found + [f"config.{name}" for name in fields if not is_field(name)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_flags_and_fields_exist(page):
    text = page.read_text()
    assert not unknown_commands(text)
    sections = {name.partition(".")[0] for name in declared() if "." in name}
    sections -= {"data", "process", *re.findall(r"^(\w+) = ", text, re.MULTILINE)}  # modules, and what snippets define
    short = re.findall(rf"`((?:{'|'.join(sections)})\.(?!json\b)[\w.]+)", text)
    assert not [name for name in short if not is_field(name)]


def test_commands_in_docstrings_exist():
    wrong = {str(path.relative_to(ROOT)): unknown_commands(docstrings(path)) for path in CODE}
    assert not {path: names for path, names in wrong.items() if names}


def test_the_checks_see_what_is_wrong():
    good = "`python -m experiments.sample --config=configs/gan/*.py --steps=3 --config.net.width=3 --cond.label=3`"
    good += "; experiments.run.inference.averaged, nets.DiT, families/vae, `configs/<family>/<paper>_<dataset>.py`"
    assert unknown_commands(good) == [] and unknown_names(good) == []
    bad = (
        "`python -m experiments.judge --num=3`, python -m experiments.sample --number=3 \\\n --config.conditional=True"
    )
    assert unknown_commands(bad) == [
        "python -m experiments.judge",
        "python -m experiments.judge --num",
        "python -m experiments.sample --number",
        "config.conditional",
    ]
    bad = "experiments.run.inference.average, nets.DIT, genjax_models.parts.x, experiments/choices.py, configs/no/*.py"
    assert unknown_names(bad) == [
        "experiments/choices.py",
        "configs/no/*.py",
        "experiments.run.inference.average",
        "nets.DIT",
        "genjax_models.parts.x",
    ]


def test_sets_that_are_fetched_are_known():
    named = {name for page in PAGES for name in re.findall(r"\bfetch (\w+)", page.read_text())}
    assert named - set(SETS) - set(ENCODERS) <= {"NAME"} and named & set(SETS)


def test_targets_of_make_exist():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = {name for page in PAGES for name in re.findall(r"(?:`|^|\n)make (\w+)", page.read_text())}
    assert named <= set(targets) and "train" in named


def resolves(path: str) -> bool:
    """Whether a path exists; `*` and a `<placeholder>` stand for any name."""
    pattern = re.sub(r"<\w+>", "*", path.rstrip("./"))
    starts = (ROOT, ROOT / "genjax_models")
    return any(any(start.glob(pattern)) or any(start.glob(f"{pattern}.py")) for start in starts)


@cache
def top_level(path: Path) -> frozenset[str]:
    """The names that a module defines or imports."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        for inner in (node, *getattr(node, "body", ())) if isinstance(node, ast.With | ast.If) else (node,):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                found |= {alias.asname or alias.name for alias in inner.names}
            elif isinstance(inner, ast.FunctionDef | ast.ClassDef):
                found.add(inner.name)
            elif isinstance(inner, ast.Assign | ast.AnnAssign):
                targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
                found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return frozenset(found)


def is_name(name: str) -> bool:
    """Whether a dotted name is a package, a module or a name at the top of one; its attributes are not looked at."""
    parts = name.rstrip(".").split(".")
    if parts[0] in ROOMS:
        parts = ["genjax_models", *parts]
    for count in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:count])
        module = place.with_suffix(".py") if place.with_suffix(".py").exists() else place / "__init__.py"
        if count == len(parts) and place.is_dir():
            return True
        if module.exists():
            return count == len(parts) or any(fnmatchcase(known, parts[count]) for known in top_level(module))
        if "*" in parts[count - 1] and any(place.parent.glob(parts[count - 1] + ".py")):
            return True
    return False


def unknown_names(text: str) -> list[str]:
    """The paths and dotted names in a text that lead nowhere."""
    wrong = [path for path in PATHS.findall(text) if not resolves(path)]
    return wrong + [name for name in NAMES.findall(text) if not name.endswith((".md", ".py")) and not is_name(name)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_and_names_exist(page):
    assert not unknown_names(page.read_text())


def test_paths_and_names_in_docstrings_exist():
    wrong = {str(path.relative_to(ROOT)): unknown_names(docstrings(path)) for path in CODE}
    assert not {path: names for path, names in wrong.items() if names}


@cache
def docstrings(path: Path) -> str:
    """The docstrings of a module, and the strings that document its constants."""
    constants = [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    return "\n".join(constant.value for constant in constants if isinstance(constant.value, str))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        there = page.parent / target if target else page
        assert there.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, anchor
