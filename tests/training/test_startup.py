"""What happens before the first device is touched: the compilation cache and the other processes."""

import subprocess
import sys

import pytest

from genjax_models.core.errors import UserError
from genjax_models.training import parallel

SHOW_CACHE = """
import jax
from genjax_models.training import parallel
parallel.enable_compilation_cache()
print(jax.config.jax_compilation_cache_dir)
jax.jit(lambda x: x + 1)(1.0)
"""


def run(code, **environ):
    environ = {"PATH": "/usr/bin:/bin", **environ}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout


def test_programs_are_cached_under_the_users_cache_folder(tmp_path):
    assert run(SHOW_CACHE, XDG_CACHE_HOME=str(tmp_path)).strip() == str(tmp_path / "genjax_models" / "xla")
    assert list((tmp_path / "genjax_models" / "xla").iterdir())


def test_the_users_own_choice_of_a_cache_stands(tmp_path):
    own = str(tmp_path / "own")
    environ = {"XDG_CACHE_HOME": str(tmp_path / "not_this"), "JAX_COMPILATION_CACHE_DIR": own}
    assert run(SHOW_CACHE, **environ).strip() == own
    assert not (tmp_path / "not_this").exists()


def test_one_process_alone_joins_nobody(monkeypatch):
    monkeypatch.delenv("JAX_COORDINATOR_ADDRESS", raising=False)
    parallel.initialize_distributed()


def test_an_incomplete_description_of_the_processes_is_refused(monkeypatch):
    monkeypatch.setenv("JAX_NUM_PROCESSES", "two")
    with pytest.raises(UserError, match="JAX_NUM_PROCESSES must be a whole number, got 'two'"):
        parallel.initialize_distributed("localhost:1234")
