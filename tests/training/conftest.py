"""Runs of the same tiny experiment share their compiled programs, as a user's do."""

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

FOLDER = "jax_compilation_cache_dir"
EVERYTHING = {"jax_persistent_cache_min_compile_time_secs": 0, "jax_persistent_cache_min_entry_size_bytes": -1}


@pytest.fixture(scope="module", autouse=True)
def shared_programs(tmp_path_factory):
    """A compilation cache for one file of tests; what was set before comes back after it."""
    before = {name: getattr(jax.config, name) for name in (FOLDER, *EVERYTHING)}
    use({**EVERYTHING, FOLDER: str(tmp_path_factory.mktemp("xla"))})
    yield
    use(before)


def use(settings):
    for name, value in settings.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
