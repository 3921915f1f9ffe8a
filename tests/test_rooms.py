"""The house keeps its order: which room may import which, and no file that grows without a subject."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "genjax_models"
MAY_IMPORT = {
    "core": set(),
    "processes": {"core"},
    "solvers": {"core"},
    "families": {"core", "processes", "solvers"},
    "guidance": {"core", "processes", "solvers"},
    "nets": {"core"},
    "report": {"core"},
    "data": {"core", "pretrained"},  # captions become vectors by a published encoder
    "modalities": {"core", "data", "report"},
    "training": {"core", "data"},
    "pretrained": {"core", "nets"},
    "evaluation": {"core", "nets", "pretrained", "data"},
}
LONGEST = 350
FILES = sorted(ROOT.rglob("*.py"))


def imported_names(path: Path, package: str) -> set[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names += [node.module or ""] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith(f"{package}.")}


def test_every_room_is_listed():
    assert {path.relative_to(ROOT).parts[0] for path in FILES if path.parent != ROOT} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downward(path):
    room = path.relative_to(ROOT).parts[0]
    if path.parent != ROOT:
        assert imported_names(path, "genjax_models") <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_one_subject(path):
    assert path.stem not in ("utils", "misc", "base", "helpers")
    assert len(path.read_text().splitlines()) <= LONGEST


EXPERIMENTS = ROOT.parent / "experiments"
SHARED = {"config": set(), "run": {"config"}, "gaussian_path": {"config", "run"}}
"""What several families share, and what of it each may import."""
FAMILIES = {"consistency": {"diffusion"}, "image_translation": {"gan"}}
"""Families that build on another."""


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.rglob("*.py")), ids=lambda path: str(path.relative_to(EXPERIMENTS)))
def test_experiments_import_downward(path):
    """Commands may import anything, families what is shared, and what is shared no family."""
    room = path.relative_to(EXPERIMENTS).parts[0]
    if path.parent == EXPERIMENTS:
        return
    names = imported_names(path, "experiments")
    if room in SHARED:
        assert names <= SHARED[room] | {room}
    else:
        assert names <= set(SHARED) | {room} | FAMILIES.get(room, set())


def test_no_two_files_of_tests_have_one_name():
    """pytest imports a file by its name alone, and refuses the second of a name when both are collected."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
