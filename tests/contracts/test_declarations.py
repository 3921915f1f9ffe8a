"""Every field of every config is declared, and what follows from the declarations is up to date."""

import importlib
import math
import subprocess
import sys
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from experiments import reference
from experiments.config.modules import fields_of, modules
from experiments.run.tasks import TASKS, able_to
from genjax_models.core.errors import UserError
from genjax_models.training.settings import Open, Setting, check, lines

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.glob("configs/*/*.py"))
BAD = (None, "no such thing", -1, 0, 1.5, math.nan, math.inf, 1e30, 2**40, True, (), (1, 2, 3), {"a": 1})
"""Values of the wrong type, negative, zero, not whole, not finite, huge, empty, of the wrong length."""


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("variant", ["", "smoke"])
def test_a_config_holds_what_its_experiment_declares(name, variant):
    config = importlib.import_module(name.replace("/", ".")).get_config(variant)
    check(fields_of(config), config)
    if config.get("teacher"):
        check(fields_of(config.teacher), config.teacher)


@pytest.mark.parametrize("name", modules())
def test_a_bad_value_is_one_clear_line_or_in_range(name):
    """Over all fields: what passes is of the field's type and in its range."""
    module = modules()[name]
    good = module.get_config()
    refused = 0
    for field, entry, _ in lines(module.FIELDS, good):
        if isinstance(entry, Open):
            continue
        for value in BAD:
            config = ConfigDict(good.copy_and_resolve_references().to_dict(), type_safe=False)
            place, _, last = field.rpartition(".")
            section = config
            for part in filter(None, place.split(".")):
                section = section[part]
            section[last] = value
            try:
                check(module.FIELDS, config)
            except UserError as error:
                refused += 1
                assert field in str(error) and "\n" not in str(error)
            else:
                kind = type(entry.default)
                assert isinstance(value, (int, float) if kind is float else kind), (field, value)
                assert not isinstance(value, float) or math.isfinite(value)
    fields = [entry for _, entry, _ in lines(module.FIELDS, good) if isinstance(entry, Setting)]
    assert refused > 7 * len(fields)  # of thirteen


@pytest.mark.slow
@pytest.mark.parametrize("name", modules())
def test_an_experiment_states_the_tasks_that_it_has(name):
    """Those of its default config, which the refusal of a task that another lacks names."""
    experiment = modules()[name].build(modules()[name].get_config())
    for task in TASKS:
        assert (name in able_to(task)) == (getattr(experiment, task) is not None), task


def test_every_task_can_be_had():
    assert all(map(able_to, TASKS))


def test_the_reference_page_is_that_of_the_declarations():
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == reference.page(), "run `python -m experiments.reference > docs/configuration.md`"


def test_explain_is_a_flag_of_the_commands():
    command = [sys.executable, "-m", "experiments.train", "--config=configs/vae/kingma2014_digits.py"]
    done = subprocess.run([*command, "--explain=likelihood"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("likelihood.kind = 'importance' (a text")
