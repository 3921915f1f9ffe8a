"""Whole runs of multistep consistency sampling against diffusers' schedulers: one network, one noise, float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families.consistency import consistency_function, multistep
from genjax_models.processes import Denoiser, ddpm, edm, rectified_flow
from genjax_models.solvers import sample, uniform_grid

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.parity

TYPES = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
RNG = np.random.default_rng(0)
MIX, START = RNG.normal(size=(8, 8)) / 4, RNG.normal(size=(4, 8))
KEY = jax.random.key(7)
STEPS = 5


@pytest.fixture(autouse=True)
def float64(monkeypatch):
    """Also where diffusers casts to float32."""
    monkeypatch.setattr(torch, "float32", torch.float64)
    with jax.enable_x64(True):
        yield


def network(x, t):
    return jnp.tanh(x @ MIX) + 0.3 * jnp.cos(3.0 * t)[:, None]


def their_network(x, t: float):
    return torch.tanh(x @ torch.tensor(MIX)) + 0.3 * np.cos(3.0 * t)


def share_noise(monkeypatch, scheduler) -> None:
    """Hand the scheduler the noise that our driver draws: of step i, then of step i + 1."""
    keys = (jax.random.fold_in(KEY, i) for i in range(STEPS))
    draw = lambda *_, **__: torch.tensor(np.array(jax.random.normal(next(keys), START.shape, jnp.float64)))
    monkeypatch.setattr(f"{type(scheduler).__module__}.randn_tensor", draw)


def test_consistency_models(monkeypatch):
    """Parametrization, renoising, and the levels of Karras et al., which theirs keeps in float32: equal to 1e-6."""
    scheduler = diffusers.CMStochasticIterativeScheduler(clip_denoised=False)
    scheduler.set_timesteps(STEPS)
    share_noise(monkeypatch, scheduler)
    process, low, high = edm(), scheduler.config.sigma_min, scheduler.config.sigma_max
    t_min = (low / high) ** (1 / 7)
    spacing = (scheduler.config.num_train_timesteps // STEPS) / (scheduler.config.num_train_timesteps - 1)
    grid = jnp.append(1.0 - (1.0 - t_min) * spacing * jnp.arange(STEPS), t_min)
    np.testing.assert_allclose(scheduler.sigmas, process.sigma(grid), rtol=1e-6)
    scheduler.sigmas = torch.tensor(np.array(process.sigma(grid)))

    x = torch.tensor(high * START)
    for i, step in enumerate(scheduler.timesteps):
        output = their_network(scheduler.scale_model_input(x, step), float(grid[i]))
        x = scheduler.step(output, step, x).prev_sample
    f = consistency_function(network, process, t_min=t_min, sigma_data=scheduler.config.sigma_data)
    found = sample(KEY, Denoiser(process, f, "x0"), jnp.asarray(high * START), grid, multistep(t_min))
    np.testing.assert_allclose(found, x, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("prediction", TYPES)
def test_latent_consistency_models(prediction, monkeypatch):
    r"""LCM takes its smallest noise to be none: `multistep(0)`.

    Its skip connection is a function of the integer step, $c_\mathrm{skip} = \sigma_d^2/((10 i)^2 + \sigma_d^2)$, where
    ours is one of the noise level; the denoiser here is the one with theirs.
    """
    scheduler = diffusers.LCMScheduler(beta_schedule="linear", prediction_type=TYPES[prediction], clip_sample=False)
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    scheduler.alphas_cumprod = torch.cumprod(1 - betas, 0)
    scheduler.set_timesteps(STEPS)
    share_noise(monkeypatch, scheduler)
    process, grid = ddpm(), jnp.array([(int(i) + 1) / 1000 for i in scheduler.timesteps] + [0.0])

    x = torch.tensor(START)
    for i, step in enumerate(scheduler.timesteps):
        x = scheduler.step(their_network(x, float(grid[i])), int(step), x).prev_sample
    plain = Denoiser(process, network, prediction)

    def f(x, t):
        skip, out = scheduler.get_scalings_for_boundary_condition_discrete(1000.0 * t[:, None] - 1.0)
        return skip * x + out * plain(x, t)

    found = sample(KEY, Denoiser(process, f, "x0"), jnp.asarray(START), grid, multistep(0.0))
    np.testing.assert_allclose(found, x, rtol=1e-8, atol=1e-8)


def test_stochastic_flow_matching(monkeypatch):
    """Flow-match Euler's `stochastic_sampling`: the straight path's data prediction, renoised at the next time."""
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(stochastic_sampling=True)
    scheduler.set_timesteps(STEPS)
    share_noise(monkeypatch, scheduler)
    grid = uniform_grid(STEPS)
    scheduler.sigmas = torch.tensor(np.array(grid))
    x = torch.tensor(START)
    for i, step in enumerate(scheduler.timesteps):
        x = scheduler.step(their_network(x, float(grid[i])), step, x).prev_sample
    denoiser = Denoiser(rectified_flow(), network, "velocity")
    found = sample(KEY, denoiser, jnp.asarray(START), grid, multistep(0.0))
    np.testing.assert_allclose(found, x, rtol=1e-8, atol=1e-8)
