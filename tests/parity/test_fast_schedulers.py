"""Whole runs of the fast samplers against diffusers' schedulers: one nonlinear model, the same float64 noise levels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families.diffusion.samplers import (
    deis,
    dpm_multistep,
    dpm_singlestep,
    edm_heun,
    plms,
    pndm,
    sde_dpm_multistep,
    unipc,
)
from genjax_models.processes import Denoiser, ddpm, edm, karras_grid, log_snr_grid
from genjax_models.solvers import sample

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.parity

STEPS = 16  # diffusers lowers the order of the last steps of runs of fewer than 15
TYPES = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
RNG = np.random.default_rng(0)
MIX, START = RNG.normal(size=(8, 8)) / 4, RNG.normal(size=(4, 8))
KEY = 7


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def model(x, t):
    return jnp.tanh(x @ MIX) + 0.3 * jnp.cos(3.0 * t)[:, None]


def their_model(x, t: float):
    return torch.tanh(x @ torch.tensor(MIX)) + 0.3 * np.cos(3.0 * t)


def options(prediction: str, **others) -> dict:
    return {"beta_schedule": "linear", "prediction_type": TYPES[prediction], "final_sigmas_type": "sigma_min", **others}


def plain(options: dict) -> dict:
    return {name: value for name, value in options.items() if name != "final_sigmas_type"}


MULTISTEP, SINGLESTEP = diffusers.DPMSolverMultistepScheduler, diffusers.DPMSolverSinglestepScheduler
UNIPC, DEIS = diffusers.UniPCMultistepScheduler, diffusers.DEISMultistepScheduler
EPS = {"algorithm_type": "dpmsolver"}
SDE = {"algorithm_type": "sde-dpmsolver++"}
PAIRS = {
    "dpm++ 1": (dpm_multistep(1), MULTISTEP, {"solver_order": 1}, 1),
    "dpm++ 2m": (dpm_multistep(2), MULTISTEP, {"solver_order": 2}, 1),
    "dpm 2m": (dpm_multistep(2, "eps"), MULTISTEP, {"solver_order": 2, **EPS}, 1),
    "sde-dpm++ 1": (sde_dpm_multistep(1), MULTISTEP, {"solver_order": 1, **SDE}, 1),
    "sde-dpm++ 2m": (sde_dpm_multistep(2), MULTISTEP, {"solver_order": 2, **SDE}, 1),
    "dpm++ 2s": (dpm_singlestep(2, "x0"), SINGLESTEP, {"solver_order": 2, "lower_order_final": False}, 2),
    "dpm 2s": (dpm_singlestep(2), SINGLESTEP, {"solver_order": 2, "lower_order_final": False, **EPS}, 2),
    "deis 2": (deis(2), DEIS, {"solver_order": 2}, 1),
    "deis 3": (deis(3), DEIS, {"solver_order": 3}, 1),
    "unipc 1": (unipc(1), UNIPC, {"solver_order": 1, "lower_order_final": False}, 1),
    "unipc 2": (unipc(2), UNIPC, {"solver_order": 2, "lower_order_final": False}, 1),
    "unipc 3": (unipc(3), UNIPC, {"solver_order": 3, "lower_order_final": False}, 1),
    "unipc bh1": (unipc(2, "bh1"), UNIPC, {"solver_order": 2, "lower_order_final": False, "solver_type": "bh1"}, 1),
}


@pytest.mark.parametrize("prediction", TYPES)
@pytest.mark.parametrize("pair", PAIRS)
def test_on_the_same_noise_levels(pair, prediction, monkeypatch):
    """Levels even in log-SNR, where the middle of a single-step solver's step is a level of theirs."""
    monkeypatch.setattr(torch, "float32", torch.float64)  # DPMSolverMultistepScheduler casts the state to it
    sampler, their_class, special, stride = PAIRS[pair]
    settings = options(prediction, **special)
    scheduler = their_class(**(plain(settings) if their_class is DEIS else settings))
    process = ddpm()
    grid = log_snr_grid(process, STEPS, start=0.98, end=0.02)
    found = sample(
        jax.random.key(KEY), Denoiser(process, model, prediction), jnp.asarray(START), grid[::stride], sampler
    )

    scheduler.set_timesteps(STEPS)
    scheduler.sigmas = torch.tensor(np.array(process.sigma(grid) / process.alpha(grid)))
    x = torch.tensor(START)
    for i, step in enumerate(scheduler.timesteps):
        noise = {}
        if "sde" in pair:
            z = jax.random.normal(jax.random.fold_in(jax.random.key(KEY), i), START.shape, jnp.float64)
            noise = {"variance_noise": torch.tensor(np.array(z))}
        x = scheduler.step(their_model(x, float(grid[i])), step, x, **noise).prev_sample
    np.testing.assert_allclose(found, x.numpy(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("sampler", "skip"), [(plms(), True), (pndm(), False)])
def test_pseudo_numerical_methods(sampler, skip):
    """On their own steps: their i of 0..999 is our t = (i + 1)/1000.

    Of noise predictions only: of others diffusers combines the raw outputs, not the noise that they stand for.
    """
    scheduler = diffusers.PNDMScheduler(
        **plain(options("eps")), skip_prk_steps=skip, set_alpha_to_one=True, timestep_spacing="leading"
    )
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    scheduler.alphas_cumprod = torch.cumprod(1 - betas, 0)
    scheduler.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    scheduler.set_timesteps(10)
    x = torch.tensor(START)
    for i in scheduler.timesteps:
        x = scheduler.step(their_model(x, (float(i) + 1) / 1000), i, x).prev_sample
    grid = jnp.array([(i + 1) / 1000 for i in range(900, -1, -100)] + [0.0])
    found = sample(jax.random.key(0), Denoiser(ddpm(), model, "eps"), jnp.asarray(START), grid, sampler)
    np.testing.assert_allclose(found, x.numpy(), rtol=1e-7, atol=1e-7)


def test_heun_of_edm():
    process = edm()
    grid = karras_grid(process, STEPS)
    scheduler = diffusers.HeunDiscreteScheduler(use_karras_sigmas=True)
    scheduler.set_timesteps(STEPS)
    levels = torch.tensor(np.array(process.sigma(grid)))
    scheduler.sigmas = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]])
    times = np.concatenate([grid[:1], np.repeat(grid[1:-1], 2)])
    x = torch.tensor(80.0 * START)
    for i, step in enumerate(scheduler.timesteps):
        x = scheduler.step(their_model(x, float(times[i])), step, x).prev_sample
    found = sample(jax.random.key(0), Denoiser(process, model, "eps"), jnp.asarray(80.0 * START), grid, edm_heun())
    np.testing.assert_allclose(found, x.numpy(), rtol=1e-8, atol=1e-8)
