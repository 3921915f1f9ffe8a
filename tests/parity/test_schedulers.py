"""One-step samplers, step by step against diffusers' schedulers, on the same predictions, in float64.

The Euler schedulers of k-diffusion and of flow matching cast the state to float32; here that name stands for float64.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families.diffusion import ancestral, ddim
from genjax_models.families.diffusion.samplers.ancestral import posterior_variance
from genjax_models.families.flow_matching import euler
from genjax_models.processes import Denoiser, ddpm, rectified_flow
from genjax_models.solvers import shifted_grid, uniform_grid

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.parity

# diffusers' names for our prediction types; its step i in 0..999 is our t = (i + 1)/1000.
TYPES = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def arrays(seed: int):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, 8)), rng.normal(size=(4, 8))


def theirs(scheduler_class, prediction: str, **options):
    scheduler = scheduler_class(
        num_train_timesteps=1000,
        beta_schedule="linear",
        prediction_type=TYPES[prediction],
        clip_sample=False,
        **options,
    )
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)  # its own table is float32
    scheduler.alphas_cumprod = torch.cumprod(1 - betas, 0)
    scheduler.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    scheduler.one = torch.tensor(1.0, dtype=torch.float64)
    scheduler.betas, scheduler.alphas = betas, 1 - betas
    return scheduler


@pytest.mark.parametrize("prediction", TYPES)
@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_ddim(prediction, eta):
    scheduler = theirs(diffusers.DDIMScheduler, prediction, set_alpha_to_one=True, timestep_spacing="leading")
    scheduler.set_timesteps(20)
    sampler, process = ddim(eta), ddpm()
    for i in (950, 500, 50, 0):
        x, model_output = arrays(i)
        noise = np.random.default_rng(i + 1).normal(size=x.shape)
        t, s = jnp.array((i + 1) / 1000), jnp.array((i + 1 - 50) / 1000 if i else 0.0)
        expected = scheduler.step(
            torch.tensor(model_output), i, torch.tensor(x), eta=eta, variance_noise=torch.tensor(noise)
        ).prev_sample.numpy()
        denoiser = Denoiser(process, lambda x, t, out=model_output: jnp.asarray(out), prediction)
        ours, _ = ddim(0.0).step(jax.random.key(0), denoiser, (), jnp.asarray(x), t, s) if not eta else (None, None)
        if eta:  # the same noise in: add it by hand to the step's mean
            key = jax.random.key(0)
            ours, _ = sampler.step(key, denoiser, (), jnp.asarray(x), t, s)
            spread = eta * jnp.sqrt(posterior_variance(process, t, s))
            ours = ours + spread * (noise - jax.random.normal(key, x.shape, jnp.float64))
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("prediction", TYPES)
@pytest.mark.parametrize("variance", ["fixed_small", "fixed_large"])
def test_ddpm_mean_and_variance(prediction, variance):
    scheduler = theirs(diffusers.DDPMScheduler, prediction, variance_type=variance)
    process, sampler = ddpm(), ancestral(large_variance=variance == "fixed_large")
    for i in (999, 500, 1, 0):
        x, model_output = arrays(i)
        t, s = jnp.array((i + 1) / 1000), jnp.array(i / 1000)
        generator = torch.Generator().manual_seed(i)
        expected = scheduler.step(torch.tensor(model_output), i, torch.tensor(x), generator=generator).prev_sample
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(i), dtype=torch.float64).numpy()
        denoiser = Denoiser(process, lambda x, t, out=model_output: jnp.asarray(out), prediction)
        key = jax.random.key(i)
        ours, _ = sampler.step(key, denoiser, (), jnp.asarray(x), t, s)
        spread = jnp.sqrt(scheduler._get_variance(i).item()) if i else 0.0
        ours = ours + spread * (noise - jax.random.normal(key, x.shape, jnp.float64))
        np.testing.assert_allclose(ours, expected.numpy(), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "sampler", "prediction"),
    [("EulerDiscrete", ddim(), prediction) for prediction in TYPES]
    + [("EulerAncestralDiscrete", sampler, "eps") for sampler in (ddim(1.0), ancestral())]
    + [("EulerAncestralDiscrete", ddim(1.0), "v")],
)
def test_euler_of_k_diffusion(name, sampler, prediction, monkeypatch):
    r"""In its variables $x/\alpha$ and $\sigma/\alpha$ Euler is DDIM, and ancestral Euler DDPM's ancestral sampling.

    Its network sees $x/\alpha$ divided by $\sqrt{1 + \sigma^2/\alpha^2}$, which is our x on a process that preserves
    the variance.
    """
    monkeypatch.setattr(torch, "float32", torch.float64)
    scheduler_class = getattr(diffusers, f"{name}Scheduler")
    scheduler = scheduler_class(beta_schedule="linear", prediction_type=TYPES[prediction])
    process, grid, key = ddpm(), uniform_grid(6, start=0.98), jax.random.key(3)
    scheduler.set_timesteps(6)
    scheduler.sigmas = torch.tensor(np.array(process.scaled_sigma(grid)))
    for i, step in enumerate(scheduler.timesteps):
        x, model_output = arrays(i)
        noise = np.array(jax.random.normal(key, x.shape, jnp.float64))
        if "Ancestral" in name:
            monkeypatch.setattr(f"{scheduler_class.__module__}.randn_tensor", lambda *_, z=noise, **__: torch.tensor(z))
        t, s = grid[i], grid[i + 1]
        their_x = torch.tensor(x / float(process.alpha(t)))
        np.testing.assert_allclose(scheduler.scale_model_input(their_x, step), x, rtol=1e-9)
        expected = scheduler.step(torch.tensor(model_output), step, their_x).prev_sample
        denoiser = Denoiser(process, lambda x, t, out=model_output: jnp.asarray(out), prediction)
        ours, _ = sampler.step(key, denoiser, (), jnp.asarray(x), t, s)
        np.testing.assert_allclose(ours / process.alpha(s), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_match_euler(shift, monkeypatch):
    """Its grid, which it keeps in float32, is ours to 1e-6; on ours, the steps are the same."""
    monkeypatch.setattr(torch, "float32", torch.float64)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=shift)
    scheduler.set_timesteps(sigmas=list(np.array(uniform_grid(10)[:-1])))
    grid = shifted_grid(10, shift)
    np.testing.assert_allclose(scheduler.sigmas, grid, atol=1e-6)
    scheduler.sigmas = torch.tensor(np.array(grid))
    for i, step in enumerate(scheduler.timesteps):
        x, model_output = arrays(i)
        expected = scheduler.step(torch.tensor(model_output), step, torch.tensor(x)).prev_sample
        denoiser = Denoiser(rectified_flow(), lambda x, t, out=model_output: jnp.asarray(out), "velocity")
        ours, _ = euler().step(jax.random.key(0), denoiser, (), jnp.asarray(x), grid[i], grid[i + 1])
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)
