"""Every test runs on four devices, with implicit rank promotion forbidden.

Compiling is what most of the suite's time goes into, so XLA is asked for little optimisation and for its older, faster
code generator. Tests that start processes of their own run what users run.
"""

import os
import time

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_disable_most_optimizations", True)

flags = os.environ.get("XLA_FLAGS")
os.environ["XLA_FLAGS"] = f"{flags or ''} --xla_cpu_use_fusion_emitters=false"
jax.devices()  # reads the flags
if flags is None:
    del os.environ["XLA_FLAGS"]
else:
    os.environ["XLA_FLAGS"] = flags

COLLECTED = pytest.StashKey[list[pytest.Item]]()


def pytest_addoption(parser):
    parser.addoption(
        "--until", type=float, help="seconds since 1970 from which on tests are skipped, and the skips listed"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    config.stash[COLLECTED] = list(items)  # before `-m` takes some away


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    until = item.config.getoption("--until")
    if until is not None and time.time() >= until:
        pytest.skip("out of time; `make everything` runs it")


@pytest.fixture
def collected(pytestconfig) -> list[pytest.Item]:
    """Every test of the files that pytest was given, those that `-m` leaves out among them."""
    return pytestconfig.stash[COLLECTED]
