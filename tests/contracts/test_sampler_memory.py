"""Memory of a sampler does not grow with its steps, by XLA's own account of the compiled program."""

import jax
import jax.numpy as jnp
import pytest

from experiments.gaussian_path.registry import SAMPLERS
from genjax_models.processes import Denoiser, vp
from genjax_models.solvers import sample

QUICK = ("ddim", "unipc")
STATE = jax.ShapeDtypeStruct((16, 64), jnp.float32)


def temporaries(name: str, steps: int) -> int:
    """Bytes of the compiled sampler's temporaries."""
    denoiser = Denoiser(vp(), lambda x, t: x * t[:, None], "x0")

    def run(key, x, grid):
        return sample(key, denoiser, x, grid, SAMPLERS[name]())

    grid = jax.ShapeDtypeStruct((steps + 1,), jnp.float32)
    key = jax.eval_shape(lambda: jax.random.key(0))
    return jax.jit(run).lower(key, STATE, grid).compile().memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SAMPLERS]
)
def test_memory_is_the_same_for_ten_and_a_thousand_steps(name):
    assert temporaries(name, 10) == temporaries(name, 1000)
