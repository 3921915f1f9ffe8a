"""Samples of one, two and three steps are finite and as large as data, wherever a sampler is not refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_sampler_dtypes import SAMPLERS

from genjax_models.processes import Denoiser, cosine, ddpm, edm, karras_grid, log_snr_grid, rectified_flow, vp
from genjax_models.solvers import power_grid, sample, uniform_grid

PROCESSES = {"ddpm": ddpm(), "vp": vp(), "cosine": cosine(), "edm": edm(), "rectified_flow": rectified_flow()}
GRIDS = {
    "uniform": lambda process, steps: uniform_grid(steps),
    "power": lambda process, steps: power_grid(steps, start=0.999),
    "log_snr": lambda process, steps: log_snr_grid(process, steps, start=0.99),
    "karras": lambda process, steps: karras_grid(process, steps) if steps > 1 else None,
}
KEY = jax.random.key(0)


def network(process, prediction):
    """Bounded clean data, `0.7 tanh(x + 0.3)`, expressed as another prediction: a network that is not exact."""
    x0 = Denoiser(process, lambda x, t: 0.7 * jnp.tanh(x + 0.3), "x0")
    return Denoiser(process, lambda x, t: x0(x, t[0], prediction), prediction)


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
            for steps in (1, 2, 3):
                grid = make(process, steps)
                if grid is None or not bool((jnp.diff(grid) < 0).all()):
                    continue
                for prediction in ("x0", "eps", "v", "velocity"):
                    if refused(sampler, process, prediction, grid):
                        continue
                    found = np.asarray(sample(KEY, network(process, prediction), x, grid, sampler))
                    case = f"{name}, {process_name}, {grid_name}, {steps} steps, {prediction}"
                    assert np.isfinite(found).all(), case
                    assert np.abs(found).max() < 10 * max(1.0, float(jnp.abs(x).max())), case
                    done += 1
    assert done > 100
