"""What `.ci/run` takes: the graph follows imports and names, and no file, config or mark is left out for good."""

import ast
import shlex
import subprocess
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from .changes import changes, rotation
from .choice import KINDS, SHARES, SMOKE_SHARES, chosen_configs, chosen_tests, files_with, share_of, takes_oldest
from .imports import ImportGraph

ROOT = Path(__file__).parents[2]
FILES = {
    "genjax_models/core/errors.py": "",
    "genjax_models/nets/__init__.py": "from genjax_models.nets.big import Big; from genjax_models.nets.dit import DiT",
    "genjax_models/nets/big.py": "class Big: ...\n",
    "genjax_models/nets/dit.py": "from genjax_models.nets.attention import attend\nclass DiT: ...\n",
    "genjax_models/nets/attention.py": "attend = None\n",
    "genjax_models/nets/weights.safetensors": "",
    "experiments/vae.py": '"""See experiments.gan."""\nEXPERIMENT = "experiments.vae"\n',
    "experiments/gan.py": 'from genjax_models import nets\nHELP = "run experiments.vae first"\nnet = nets.Big()\n',
    "experiments/games.py": 'NET = "genjax_models.nets.DiT"\n',
    "configs/vae/one.py": "from experiments import vae\n",
    "configs/gan/two.py": "from experiments import games\n",
    "tests/vae/shared.py": "from experiments import vae\n",
    "tests/vae/test_vae.py": 'from shared import vae\n@pytest.mark.slow\ndef test_it(): f"configs.vae.{name}"\n',
    "tests/gan/test_gan.py": 'arguments = ["--config=configs/gan/two.py:smoke"]\nX = pytest.mark.slow\n',
    "tests/gan/test_big.py": "from genjax_models.nets import Big\nX = pytest.mark.slow\n",
    "tests/core/test_errors.py": "import genjax_models.core.errors\nX = pytest.mark.parity\n",
}
SLOW = ["tests/gan/test_big.py", "tests/gan/test_gan.py", "tests/vae/test_vae.py"]


@pytest.fixture
def checkout(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def graph(checkout):
    return ImportGraph(checkout)


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder, name="file.py", text="1"):
    (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--message=a")


@pytest.mark.parametrize(
    ("file", "reached"),
    [
        ("tests/gan/test_big.py", {"genjax_models/nets/big.py"}),  # and not the package's other networks
        ("experiments/gan.py", {"genjax_models/nets/big.py"}),  # nor what a message or a docstring names
        ("experiments/games.py", {"genjax_models/nets/dit.py", "genjax_models/nets/attention.py"}),
        ("tests/vae/test_vae.py", {"tests/vae/shared.py", "experiments/vae.py", "configs/vae/one.py"}),
        (
            "tests/gan/test_gan.py",
            {
                "configs/gan/two.py",
                "experiments/games.py",
                "genjax_models/nets/dit.py",
                "genjax_models/nets/attention.py",
            },
        ),
    ],
)
def test_the_graph_follows_imports_reexports_and_names(graph, file, reached):
    assert set(graph.distances(file)) == {file} | reached


def test_what_a_change_reaches_runs_the_nearest_first(graph):
    quiet = next(n for n in range(SHARES) if n not in map(share_of, SLOW))
    chosen = lambda *changed: chosen_tests(graph, SLOW, changed, quiet)
    assert chosen("docs/page.md") == []
    assert chosen("genjax_models/nets/attention.py") == ["tests/gan/test_gan.py"]
    assert chosen("genjax_models/nets/big.py") == ["tests/gan/test_big.py"]
    assert chosen("genjax_models/nets/__init__.py") == []
    assert chosen("genjax_models/nets/weights.safetensors") == ["tests/gan/test_big.py", "tests/gan/test_gan.py"]
    assert chosen("experiments/vae.py", "tests/vae/test_vae.py", "configs/gan/two.py") == [
        "tests/vae/test_vae.py",
        "tests/gan/test_gan.py",
    ]
    for wide in ("genjax_models/core/errors.py", "pyproject.toml", ".ci/run", "tests/contracts/test_families.py"):
        assert set(chosen(wide)) == set(SLOW)


def test_the_share_comes_first(graph):
    file = "tests/vae/test_vae.py"
    assert chosen_tests(graph, SLOW, [".ci/run"], share_of(file))[0] == file
    assert file in chosen_tests(graph, SLOW, [], share_of(file) + 5 * SHARES)


def test_configs_are_the_changed_the_share_and_one_a_family(graph):
    configs = ["configs/gan/two.py", "configs/vae/one.py"]
    assert chosen_configs(graph, configs, [], 0) == configs[:1] and chosen_configs(graph, configs, [], 1) == configs[1:]
    assert chosen_configs(graph, configs, [], 2) == []
    assert chosen_configs(graph, configs, ["experiments/vae.py"], 2) == configs[1:]
    many = [f"configs/vae/{n}.py" for n in range(100)]
    shares = [chosen_configs(graph, many, [], n) for n in range(9, 9 + SMOKE_SHARES)]
    assert sorted(chain.from_iterable(shares)) == sorted(many) and max(map(len, shares)) == 7


def test_the_oldest_jax_takes_its_turn():
    assert [n for n in range(14) if takes_oldest([], n)] == [0, SHARES]
    assert takes_oldest(["genjax_models/solvers/ode.py"], 1) and not takes_oldest(["genjax_models/nets/dit.py"], 1)


def test_changes_are_counted_from_the_landed_main_or_else_from_the_previous_commit(tmp_path, monkeypatch):
    monkeypatch.delenv("SINCE", raising=False)
    monkeypatch.delenv("ROTATION", raising=False)
    assert changes(tmp_path).files == frozenset()  # no git at all
    git(tmp_path, "init")
    commit(tmp_path, "a.py")
    (tmp_path / "new.py").write_text("")
    assert changes(tmp_path).since is None and changes(tmp_path).files == {"new.py"}
    commit(tmp_path, "b.py")
    assert changes(tmp_path).files == {"b.py", "new.py"} and rotation(tmp_path) == 2
    git(tmp_path, "checkout", "-b", "topic")
    commit(tmp_path, "c.py")
    commit(tmp_path, "d.py")
    (tmp_path / "a.py").write_text("changed")
    assert changes(tmp_path).files == {"a.py", "c.py", "d.py"} and rotation(tmp_path) == 4
    monkeypatch.setenv("SINCE", "HEAD~1")
    monkeypatch.setenv("ROTATION", "11")
    assert changes(tmp_path).files == {"a.py", "d.py"} and rotation(tmp_path) == 11


def test_without_history_the_rotation_follows_what_is_checked_out(tmp_path, monkeypatch):
    monkeypatch.delenv("SINCE", raising=False)
    monkeypatch.delenv("ROTATION", raising=False)
    far, near = tmp_path / "far", tmp_path / "near"
    far.mkdir()
    git(far, "init")
    commit(far, "a.py", "1")
    single = rotation(far)
    commit(far, "a.py", "2")
    git(tmp_path, "clone", "--depth=1", f"file://{far}", near)
    assert changes(near) == changes(near) and changes(near).since is None and not changes(near).files
    assert rotation(near) not in (single, 1, 2)


def commands():
    """`(-m expression, paths)` of each line in which pytest runs."""
    dry = ["make", "--dry-run", "--no-print-directory", "test", *KINDS, "VENV=.venv-nowhere", "TESTS=", "UNTIL="]
    lines = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    runs = [shlex.split(line)[3:] for line in lines if "-m pytest" in line]
    return [(run[run.index("-m") + 1], [word for word in run if word.startswith("tests")]) for run in runs]


def test_every_test_is_selected_by_one_command_and_in_some_rotation(collected):
    """Counts what was collected before any mark took tests away: all there is under `make test`."""
    runs, by_command, by_kind = commands(), Counter(), {kind: set(files_with(ROOT, kind)) for kind in KINDS}
    assert len(runs) == 1 + len(KINDS)
    for item in collected:
        marks = {mark.name for mark in item.iter_markers()}
        kinds = {kind: kind in marks for kind in KINDS}
        taken = [n for n, (expression, _) in enumerate(runs) if eval(expression, {}, kinds)]
        taken = [n for n in taken if not runs[n][1] or item.nodeid.startswith(tuple(runs[n][1]))]
        assert taken, f"no command of the Makefile runs {item.nodeid}: its marks are {sorted(marks)}"
        by_command[taken[0]] += 1
        file = item.nodeid.split("::")[0]
        for kind in marks & set(KINDS):
            assert file in by_kind[kind], f"tests/selection does not see the mark `{kind}` of {item.nodeid}"
    assert by_command.total() == len(collected)


def test_every_file_of_tests_has_its_turn(graph):
    for kind in KINDS:
        files = files_with(ROOT, kind)
        shares = [chosen_tests(graph, files, [], n) for n in range(100, 100 + SHARES)]
        assert files and sorted(chain.from_iterable(shares)) == files


def test_no_test_is_where_pytest_does_not_look(collected):
    """In a file of another name, or under a name that a later definition takes."""
    collected_names = {(item.nodeid.split("::")[0], item.originalname) for item in collected}
    whole = {file for file, _ in collected_names} if not any("::" in arg for arg in pytest_args(collected)) else set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        names = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        tests = [name for name in names if name.startswith("test_")]
        file = str(path.relative_to(ROOT))
        assert not tests or path.name.startswith("test_"), file
        assert len(set(tests)) == len(tests), file
        if file in whole:
            assert {(file, name) for name in tests} <= collected_names


def pytest_args(collected):
    return collected[0].config.args
