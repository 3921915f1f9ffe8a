"""The consistency function and the sampler that jumps with it: the boundary, the paper's scaling, Gaussian data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian_consistency

from genjax_models.families.consistency import consistency_function, multistep
from genjax_models.processes import Denoiser, cosine, edm, rectified_flow, vp
from genjax_models.solvers import sample, uniform_grid

KEY = jax.random.key(0)
MEAN, STD, T_MIN = 0.3, 0.5, 0.22
PROCESSES = {"edm": edm(), "vp": vp(), "cosine": cosine(), "rectified_flow": rectified_flow()}
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)


@every_process
def test_the_boundary_is_the_identity_whatever_the_network(process):
    x = jax.random.normal(KEY, (8, 3, 2))
    wild = lambda x, t: 100.0 * jnp.cos(7 * x) + t[:, None, None]
    t = jnp.full(8, T_MIN)
    y = x / process.alpha(jnp.asarray(T_MIN))
    found = jax.jit(lambda: [consistency_function(wild, process, t_min=T_MIN, sigma_data=s)(x, t) for s in (0.5, 2.0)])
    for at_t_min in found():
        np.testing.assert_allclose(at_t_min, y, rtol=1e-5, atol=1e-4)


def test_parametrization_is_the_papers():
    """Coefficients of Song et al., app. C, with their time sigma; network input of unit variance."""
    process, s_min, s_data = edm(), 80 * T_MIN**7, 0.5
    t = jnp.array([0.3, 0.6, 0.9])
    s = 80.0 * np.asarray(t, np.float64) ** 7
    x = jax.random.normal(KEY, (3, 2))
    f = consistency_function(lambda x, t: jnp.sin(x) + t[:, None], process, t_min=T_MIN, sigma_data=s_data)
    skip = s_data**2 / ((s - s_min) ** 2 + s_data**2)
    out = s_data * (s - s_min) / np.sqrt(s_data**2 + s**2)
    c_in = 1 / np.sqrt(s_data**2 + s**2)
    skip, out, c_in, time = (np.asarray(c)[:, None] for c in (skip, out, c_in, t))
    np.testing.assert_allclose(f(x, t), skip * x + out * (np.sin(c_in * x) + time), rtol=1e-4, atol=1e-5)


@every_process
def test_parametrization_sees_scaled_variables_only(process):
    """On any process: the same function of x / alpha and sigma / alpha; finite where alpha is zero."""
    low = float(process.sigma(jnp.asarray(T_MIN)) / process.alpha(jnp.asarray(T_MIN)))
    t = jnp.array([0.4, 0.8])
    x = jax.random.normal(KEY, (2, 3))
    network = lambda x, t: jnp.sin(x)
    f = consistency_function(network, process, t_min=T_MIN)
    # `edm(sigma_max, 1)` is the process whose noise level at t is sigma_max t.
    level = process.sigma(t) / process.alpha(t)
    top = 2 * float(level.max())
    g = consistency_function(network, edm(top, 1.0), t_min=low / top)
    np.testing.assert_allclose(f(x, t), g(x / process.alpha(t)[:, None], level / top), rtol=1e-4, atol=1e-5)
    assert bool(jnp.isfinite(f(x, jnp.ones(2))).all())


@pytest.mark.parametrize("process", [edm(), vp()], ids=["edm", "vp"])
@pytest.mark.parametrize("end", [0.0, T_MIN])
def test_multistep_sampling_with_the_exact_function_is_exact(process, end):
    """Each step's renoised sample has the marginal law of its time, so the last has that of t_min."""
    n, dim = 8192, 2
    key_x, key_s = jax.random.split(KEY)
    start, low = (float(process.sigma(jnp.asarray(t)) / process.alpha(jnp.asarray(t))) for t in (1.0, T_MIN))
    y = MEAN + np.sqrt(STD**2 + start**2) * jax.random.normal(key_x, (n, dim))
    denoiser = Denoiser(process, gaussian_consistency(process, T_MIN), "x0")
    grid = jnp.array([1.0, 0.8, 0.5, 0.35, end])
    run = lambda x: sample(key_s, denoiser, x, grid, multistep(T_MIN), keep=4)
    x, path = jax.jit(run)(process.alpha(jnp.ones(())) * y)
    for time, state in zip((0.8, 0.5, 0.35, T_MIN), path, strict=True):
        alpha, sigma = process.alpha(jnp.asarray(time)), process.sigma(jnp.asarray(time))
        if end == 0.0 and time == T_MIN:
            alpha, sigma = jnp.ones(()), jnp.asarray(low)
        std = float(jnp.sqrt((alpha * STD) ** 2 + sigma**2))
        np.testing.assert_allclose(state.mean(0), float(alpha) * MEAN, atol=4 * std / np.sqrt(n))
        np.testing.assert_allclose(jnp.cov(state.T), std**2 * np.eye(dim), atol=4 * std**2 * np.sqrt(2 / n))
    np.testing.assert_allclose(x, path[-1], atol=1e-6)


def test_one_step_is_the_function_itself():
    x = 80 * jax.random.normal(KEY, (16, 2))
    f = gaussian_consistency(edm(), T_MIN)
    for key in (KEY, jax.random.key(1)):
        drawn = sample(key, Denoiser(edm(), f, "x0"), x, uniform_grid(1), multistep(T_MIN))
        np.testing.assert_allclose(drawn, f(x, jnp.ones(16)), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: consistency_function(f, edm(), t_min=-0.1), r"t_min must lie in \[0, 1\)"),
        (lambda f: consistency_function(f, edm(), t_min=1.0), r"t_min must lie in \[0, 1\)"),
        (lambda f: consistency_function(f, edm(), t_min=0.1, sigma_data=0.0), "sigma_data must be positive"),
        (lambda f: multistep(1.0), r"t_min must lie in \[0, 1\)"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make(lambda x, t: x)
