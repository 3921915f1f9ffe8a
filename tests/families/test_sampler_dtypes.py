"""Every sampler keeps the dtype of its sample, whatever those of the grid, the model and JAX's default."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families import diffusion, flow_matching
from genjax_models.processes import (
    Denoiser,
    cosine,
    ddpm,
    edm,
    init_monotone,
    learned,
    log_snr_grid,
    rectified_flow,
    ve,
)
from genjax_models.solvers import Sampler, adaptive, sample

KEY = jax.random.key(0)
SAMPLERS = {
    "ancestral": diffusion.ancestral(),
    "ddim": diffusion.ddim(0.5),
    "deis": diffusion.deis(),
    "dpm_multistep": diffusion.dpm_multistep(3),
    "dpm_multistep eps": diffusion.dpm_multistep(2, "eps"),
    "sde_dpm_multistep": diffusion.sde_dpm_multistep(),
    "dpm_singlestep": diffusion.dpm_singlestep(3),
    "unipc": diffusion.unipc(3),
    "plms": diffusion.plms(),
    "pndm": diffusion.pndm(),
    "edm_heun": diffusion.edm_heun(10.0),
    "euler_maruyama": diffusion.euler_maruyama(),
    "predictor_corrector": diffusion.predictor_corrector(diffusion.reverse_diffusion(), diffusion.langevin_corrector()),
    "annealed_langevin": diffusion.annealed_langevin(num_steps=2),
    "euler": flow_matching.euler(),
    "midpoint": flow_matching.midpoint(),
    "heun": flow_matching.heun(),
    "rk4": flow_matching.rk4(),
    "adaptive_ode": flow_matching.adaptive_ode(1e-2, 1e-2),
    "interpolant_sde": flow_matching.interpolant_sde(),
}
PROCESSES = {
    "ddpm": ddpm,
    "cosine": cosine,
    "edm": edm,
    "ve": ve,
    "rectified_flow": rectified_flow,
    "learned": lambda: learned(init_monotone(KEY, hidden=8)),
}


def standard_normal(process, dtype):
    """The denoiser of N(0, 1) data, which answers in a dtype of its own."""

    def x0(x, t):
        alpha, sigma = process.alpha(t)[:, None], process.sigma(t)[:, None]
        return (alpha * x / (alpha**2 + sigma**2)).astype(dtype)

    return Denoiser(process, x0, "x0")


def test_every_sampler_of_both_families_is_here():
    made = {
        name
        for room in (diffusion, flow_matching)
        for name in room.__all__
        if getattr(getattr(room, name), "__annotations__", {}).get("return") is Sampler
    }
    elsewhere = {"reverse_diffusion", "learned_variance_ancestral", "geodesic_euler"}  # a predictor above; others below
    assert made - {name.split()[0] for name in SAMPLERS} == elsewhere


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.float32])
def test_samples_keep_their_dtype_and_are_those_of_float32(name, dtype):
    """In half precision the sample is rounded at each of ten steps; the same draws otherwise."""
    process = ddpm()
    grid = np.linspace(0.95, 0.05, 11)  # a NumPy array, of float64
    x = jax.random.normal(KEY, (4, 2), dtype)
    run = lambda x, answer: sample(KEY, standard_normal(process, answer), x, grid, SAMPLERS[name], keep=2)
    (found, path), (expected, _) = run(x, dtype), run(x.astype(jnp.float32), jnp.float32)
    assert found.dtype == path.dtype == dtype
    tolerance = {"bfloat16": 0.25, "float16": 0.04, "float32": 1e-6}[jnp.dtype(dtype).name]
    np.testing.assert_allclose(np.asarray(found, np.float32), expected, atol=tolerance)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.float32])
def test_samplers_of_other_models_keep_the_dtype_too(dtype):
    x, grid = jax.random.normal(KEY, (4, 2), dtype), np.array([1.0, 0.5, 0.25])
    twice = Denoiser(ddpm(), lambda x, t: jnp.concatenate([x, x], axis=-1).astype(dtype), "eps")
    assert sample(KEY, twice, x, grid, diffusion.learned_variance_ancestral()).dtype == dtype
    geodesic = flow_matching.geodesic_euler(flow_matching.torus(2))
    assert sample(KEY, lambda x, t: jnp.sin(x).astype(dtype), x, grid, geodesic).dtype == dtype


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_likelihoods_of_half_precision_are_of_float32(dtype):
    """Under the flow of N(0, 1) data the density is that of N(0, 1)."""
    x = jax.random.normal(KEY, (4, 2), dtype)
    found, _ = diffusion.log_prob(KEY, standard_normal(cosine(), jnp.float32), x, rtol=1e-4, atol=1e-4)
    expected = jax.scipy.stats.norm.logpdf(x.astype(jnp.float32)).sum(1)
    assert found.value.dtype == jnp.float32
    np.testing.assert_allclose(found.value, expected, atol=1e-3)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_keep_their_dtype_where_jax_has_float64(name, process):
    """Traced alone, since nothing else could fail: float32 and float64 samples, on grids of float64."""
    with jax.enable_x64(True):
        made = PROCESSES[process]()
        grid = log_snr_grid(made, 4, start=0.9, end=0.1)
        assert grid.dtype == jnp.float64
        for dtype in (jnp.float32, jnp.float64, jnp.bfloat16):
            run = lambda x: sample(KEY, standard_normal(made, jnp.float64), x, grid, SAMPLERS[name])
            assert jax.eval_shape(run, jax.ShapeDtypeStruct((4, 2), dtype)).dtype == dtype


def test_float64_is_used_where_it_is_asked_for():
    """DDIM of N(0, 1) data keeps the norm of a sample on a variance-preserving process: x_s = cos(a - b) x_t."""
    with jax.enable_x64(True):
        x, grid, process = jnp.ones((1, 1), jnp.float64), np.array([0.9, 0.5]), cosine()
        found = sample(KEY, standard_normal(process, jnp.float64), x, grid, diffusion.ddim())
        tau = [2 / np.pi * np.arctan(np.exp(-bound / 2)) for bound in (15.0, -15.0)]
        angles = np.pi / 2 * (tau[0] + grid * (tau[1] - tau[0]))
        np.testing.assert_allclose(found, np.cos(angles[0] - angles[1]), rtol=1e-12)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_an_adaptive_solve_keeps_time_in_float32(dtype):
    """dx/dt = -x over a time that is no number of half precision."""
    x = {"x": jnp.ones((3, 2), dtype), "total": jnp.zeros(3, jnp.float32)}
    field = lambda state, t: {"x": -state["x"], "total": jnp.ones(3) * (1.0 + 0.0 * t)}
    end, _ = adaptive(field, x, 0.0, 0.70001)
    assert (end["x"].dtype, end["total"].dtype) == (dtype, jnp.float32)
    np.testing.assert_allclose(np.asarray(end["x"], np.float32), np.exp(-0.70001), rtol=4e-3)
    np.testing.assert_allclose(end["total"], 0.70001, rtol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.uint8, jnp.bool_])
def test_what_is_not_real_is_no_sample(dtype):
    with pytest.raises(ValueError, match=r"give it a float dtype"):
        sample(
            KEY, standard_normal(ddpm(), jnp.float32), jnp.ones((4, 2), dtype), np.array([1.0, 0.5]), SAMPLERS["ddim"]
        )


@pytest.mark.parametrize("shape", [(4, 1), (4, 4), (1, 2), (4,), (4, 2, 1)])
def test_a_model_whose_output_has_another_shape_is_refused(shape):
    denoiser = Denoiser(ddpm(), lambda x, t: jnp.zeros(shape), "x0")
    with pytest.raises(ValueError, match=r"the model's output has shape \[.*\], expected \[4, 2\]"):
        sample(KEY, denoiser, jnp.ones((4, 2)), np.array([1.0, 0.5]), SAMPLERS["ddim"])


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("target", ["x0", "eps", "v", "score", "velocity"])
def test_a_time_may_be_a_python_number(process, target):
    denoiser = standard_normal(PROCESSES[process](), jnp.float32)
    x = jnp.ones((4, 2))
    np.testing.assert_allclose(denoiser(x, 0.5, target), denoiser(x, jnp.asarray(0.5), target))
