"""Every test runs on four devices, with implicit rank promotion forbidden.

Compiling is what most of the suite's time goes into, so XLA is asked for little optimisation and for its older, faster
code generator, and each process of pytest keeps what it compiled in a folder: many tests trace the same program anew.
The folders are not shared, since JAX writes their files in place, where another process could read half of one.
Tests that start processes of their own run what users run.
"""

import os
import tempfile
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

PROGRAMS = {
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
}
COLLECTED = pytest.StashKey[list[pytest.Item]]()


def pytest_addoption(parser):
    parser.addoption(
        "--until", type=float, help="seconds since 1970 from which on tests are skipped, and the skips listed"
    )


def pytest_configure(config):
    if jax.config.jax_compilation_cache_dir is None:
        folder = tempfile.TemporaryDirectory(prefix="programs-")
        config.add_cleanup(folder.cleanup)
        for name, value in {**PROGRAMS, "jax_compilation_cache_dir": folder.name}.items():
            jax.config.update(name, value)


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
