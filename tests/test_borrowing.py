"""A borrower installs the base dependencies alone: there the light rooms import and the README's example runs."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from genjax_models.core.errors import UserError
from genjax_models.core.optional import MissingPackageError, optional

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LIGHT = ("core", "processes", "solvers", "families", "guidance", "nets")
BLOCK = """
import importlib, importlib.abc, json, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent = set(json.loads(sys.argv.pop(1)))
sys.meta_path.insert(0, Absent())
"""
"""A program's first lines: from here on it runs as if the modules of its first argument were not installed."""


def closure(requirements: list[str]) -> set[str]:
    """The distributions that an installation of `requirements` brings, by the metadata of those installed here."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in {"", *requirement.extras} - {extra for known, extra in found if known == name}:
            found.add((name, wanted))
            waiting += [(Requirement(text), wanted) for text in distribution(name).requires or []]
    return {name for name, _ in found}


def modules_outside(distributions: set[str]) -> list[str]:
    """The top-level modules of other people that are installed and belong to none of the distributions."""
    owners = packages_distributions().items()
    outside = [module for module, names in owners if not distributions & {canonicalize_name(name) for name in names}]
    return sorted(set(outside) - {"genjax_models"})


def run(program: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


def in_base(program: str) -> subprocess.CompletedProcess:
    """Run a program where only the base dependencies can be imported."""
    return run(BLOCK + program, json.dumps(modules_outside(closure(PROJECT["dependencies"]))))


def test_the_base_is_small_and_the_rest_is_blocked():
    base = closure(PROJECT["dependencies"])
    assert {"jax", "flax", "optax"} <= base
    assert not {"chex", "jaxtyping"} & base
    absent = modules_outside(base)
    assert {"diffrax", "grain", "matplotlib", "ml_collections", "ott", "tensorboardX", "tqdm"} <= set(absent)
    assert not {"jax", "flax", "numpy", "orbax", "scipy"} & set(absent)


def test_the_light_rooms_and_the_example_of_the_readme_need_the_base_alone():
    files = [path for room in LIGHT for path in sorted((ROOT / "genjax_models" / room).rglob("*.py"))]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]
    imports = "".join(f"importlib.import_module({module!r})\n" for module in modules)
    section = (ROOT / "README.md").read_text().partition("## Borrow one function")[2]
    example = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert example is not None
    done = in_base(imports + example[1] + "assert loss.value.shape == (16,) and images.shape == x.shape")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ["data", "evaluation", "pretrained", "report"])
def test_a_room_with_optional_packages_imports_without_them(room):
    done = in_base(f"import genjax_models.{room}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "call", "package", "extra"),
    [
        ("solvers", "adaptive(lambda x, t: x, np.ones((2, 3)), 0.0, 1.0)", "diffrax", "solvers"),
        ("families.flow_matching.couplings", "entropic_plan(np.ones((2, 3)), np.ones((2, 3)), 1.0)", "ott", "solvers"),
        ("pretrained", "load_tree('weights.safetensors')", "safetensors", "pretrained"),
        ("report", "save_grid(np.ones((1, 8, 8, 3), np.uint8), 'a.png')", "PIL", "plot"),
        ("report", "save_points({'a': np.ones((5, 2))}, 'a.png')", "matplotlib", "plot"),
        (
            "data",
            "batches(ArrayDataset(data_spec('moons'), 'train', {'x': np.ones((4, 2))}), 2, seed=0)",
            "grain",
            "data",
        ),
        ("training", "train_step", "ml_collections", "train"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(module, call, package, extra):
    imports = "import numpy as np\nfrom genjax_models.data.spec import of_vectors"
    done = in_base(f"{imports}\nfrom genjax_models.{module} import *\n{call}")
    assert done.returncode == 1
    message = f"the package {package} is not installed: run `pip install 'genjax_models[{extra}]'`"
    assert done.stderr.splitlines()[-1] == f"genjax_models.core.optional.MissingPackageError: {message}"


def test_a_command_without_its_packages_ends_in_one_line():
    done = in_base(
        "import runpy; sys.argv[0] = '-m'; runpy.run_module('experiments.train', run_name='__main__', alter_sys=True)"
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: the package ml_collections is not installed: run `pip install 'genjax_models[train]'`\n"
    )


def test_every_extra_that_a_message_names_is_declared():
    extras = PROJECT["optional-dependencies"]
    files = [path for room in ("genjax_models", "experiments") for path in (ROOT / room).rglob("*.py")]
    named = {name for path in files for name in re.findall(r"optional\(\"([\w-]+)\"\)", path.read_text())}
    assert named and named <= set(extras)
    assert set(re.findall(r"\w+", extras["all"][0])) >= named


def test_optional_passes_other_errors_on_and_is_both_a_user_error_and_an_import_error():
    with pytest.raises(MissingPackageError, match="absent_package is not installed") as caught, optional("data"):
        import absent_package  # noqa: F401, PLC0415
    assert caught.value.name == "absent_package"
    assert isinstance(caught.value, UserError) and isinstance(caught.value, ImportError)
    with pytest.raises(ZeroDivisionError), optional("data"):
        _ = 1 / 0


def test_a_family_imports_nothing_beside_jax_and_what_flax_struct_and_optax_import():
    """What an import costs is what it loads: of other people's packages no module that those three do not load."""
    modules = "\nprint(*(name for name in sys.modules if not name.startswith('genjax_models')))"
    loaded = lambda imports: set(run(f"import sys\n{imports}{modules}").stdout.split())
    base = loaded("import jax, flax.struct, optax")
    assert "jax" in base
    rooms = ["guidance", "processes", "solvers", *families()]
    added = loaded("\n".join(f"import genjax_models.{room}" for room in rooms)) - base
    tops = {name.partition(".")[0] for name in added} - sys.stdlib_module_names
    assert tops <= {"jax"}, sorted(added)


def families() -> list[str]:
    folders = (ROOT / "genjax_models" / "families").iterdir()
    return [f"families.{folder.name}" for folder in sorted(folders) if (folder / "__init__.py").exists()]
