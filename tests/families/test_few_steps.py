"""Samples of one and of three steps are finite, and as large as data where steps are exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_sampler_dtypes import SAMPLERS

from genjax_models.processes import Denoiser, ddpm, edm, karras_grid
from genjax_models.solvers import sample, uniform_grid

PROCESSES = {"ddpm": ddpm(), "edm": edm()}
GRIDS = {
    "uniform": lambda process, steps: uniform_grid(steps),
    "karras": lambda process, steps: karras_grid(process, steps) if steps > 1 else None,
}
KEY = jax.random.key(0)


EXACT = {"ancestral", "ddim", "deis", "dpm_multistep", "dpm_singlestep", "plms", "pndm", "sde_dpm_multistep", "unipc"}
"""Samplers whose steps end within the data for bounded predictions of clean data; those of an ODE may overshoot."""


def network(process, prediction):
    """A bounded network that is not exact."""
    return Denoiser(process, lambda x, t: 0.7 * jnp.tanh(x + 0.3), prediction)


def refused(sampler, process, prediction, grid):
    """What `experiments` refuse: a grid that begins without a signal, or ends without noise, where these are needed."""
    alpha, sigma = process.alpha(grid[0]), process.sigma(grid[-1])
    needs = not (alpha > 0 or not sampler.needs_signal) or not (sigma > 0 or not sampler.needs_noise)
    return bool(needs or not process.can_convert(prediction, grid[0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(SAMPLERS) - {"adaptive_ode", "annealed_langevin"}))
def test_few_steps_end_at_data(name):
    """`adaptive_ode` takes as many as it needs, `annealed_langevin` steps too large for levels so far apart."""
    sampler, done = SAMPLERS[name], 0
    for process_name, process in PROCESSES.items():
        x = process.sample_prior(KEY, (32, 2))
        for grid_name, make in GRIDS.items():
            for steps in (1, 3):
                grid = make(process, steps)
                if grid is None or not bool((jnp.diff(grid) < 0).all()):
                    continue
                for prediction in ("x0", "velocity"):
                    if refused(sampler, process, prediction, grid):
                        continue
                    found = np.asarray(sample(KEY, network(process, prediction), x, grid, sampler))
                    case = f"{name}, {process_name}, {grid_name}, {steps} steps, {prediction}"
                    assert np.isfinite(found).all(), case
                    if name.split()[0] in EXACT and (grid_name, prediction) == ("uniform", "x0"):
                        assert np.abs(found).max() < 10 * max(1.0, float(jnp.abs(x).max())), case
                    done += 1
    assert done >= 5
