"""Reflow on Gaussian data, where the flow is a scaling: pairs, straightness and energy in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian
from scipy.integrate import quad

from genjax_models.families.flow_matching import (
    make_pairs,
    normalized_path_energy,
    path_energy,
    reflow_loss,
    rk4,
    straightness,
    velocity_loss,
)
from genjax_models.processes import Denoiser, rectified_flow
from genjax_models.processes.schedules import edm
from genjax_models.solvers import uniform_grid

KEY = jax.random.key(0)
MEAN, STD = 0.3, 0.4
LINE = rectified_flow()
MEASURED = {"sampler": rk4(), "grid": uniform_grid(200)}


def curved() -> Denoiser:
    r"""The flow of independent pairs: $x_t$ has mean $(1-t)m$ and variance $(1-t)^2s^2 + t^2$."""

    def velocity(x, t):
        t = t[:, None]
        return -MEAN + (t - (1 - t) * STD**2) / ((1 - t) ** 2 * STD**2 + t**2) * (x - (1 - t) * MEAN)

    return Denoiser(LINE, velocity, "velocity")


def straight() -> Denoiser:
    """The flow of the pairs x0 = mean + std eps: straight lines, and the monotone transport."""

    def velocity(x, t):
        t = t[:, None]
        eps = (x - (1 - t) * MEAN) / ((1 - t) * STD + t)
        return (1 - STD) * eps - MEAN

    return Denoiser(LINE, velocity, "velocity")


@pytest.mark.parametrize("process", [LINE, edm()], ids=["rectified_flow", "edm"])
def test_pairs_follow_the_monotone_map(process):
    r"""The flow keeps $z = (x_t - \alpha m) / \sqrt{\alpha^2 s^2 + \sigma^2}$, so unit noise lands on m + s z."""
    denoiser = Denoiser(process, gaussian(MEAN, STD, 1).denoiser(process), "x0")
    grid = uniform_grid(100, end=0.001)
    x, eps = jax.jit(lambda key: make_pairs(key, denoiser, (512, 1), grid, rk4()))(KEY)
    alpha, sigma = process.alpha(jnp.ones(())), process.sigma(jnp.ones(()))
    z = (sigma * eps - alpha * MEAN) / jnp.sqrt((alpha * STD) ** 2 + sigma**2)
    np.testing.assert_allclose(x, MEAN + STD * z, atol=2e-3)
    np.testing.assert_array_equal(np.argsort(x[:, 0]), np.argsort(eps[:, 0]))
    assert float(eps.std()) == pytest.approx(1.0, abs=4 / np.sqrt(2 * 512))


def test_pairs_start_from_another_source():
    x, eps = make_pairs(KEY, straight(), (4, 1), uniform_grid(20), rk4(), source=lambda _, shape: 2.0 * jnp.ones(shape))
    np.testing.assert_array_equal(eps, 2.0)
    np.testing.assert_allclose(x, MEAN + 2.0 * STD, rtol=1e-4)


def test_reflow_loss_vanishes_at_the_straight_flow_only():
    eps = jax.random.normal(KEY, (256, 2))
    pairs = (MEAN + STD * eps, eps)
    loss = lambda denoiser: reflow_loss(jax.random.key(1), denoiser.model, pairs, prediction=denoiser.prediction).value
    np.testing.assert_allclose(loss(straight()), 0.0, atol=1e-9)
    assert loss(curved()).shape == (256,)
    assert float(loss(curved()).mean()) > 0.01


def test_reflow_loss_on_independent_pairs_is_the_velocity_loss():
    x = jax.random.normal(jax.random.key(1), (16, 3))
    model = lambda x, t: jnp.sin(x) * t[:, None]
    eps = jax.random.normal(jax.random.split(KEY)[1], x.shape)
    np.testing.assert_array_equal(reflow_loss(KEY, model, (x, eps)).value, velocity_loss(KEY, model, x).value)


def test_reflow_loss_at_the_end_is_distillation_into_one_step():
    eps = jax.random.normal(KEY, (16, 1))
    x = MEAN + STD * eps
    model = lambda x, t: 0.5 * x
    loss = reflow_loss(KEY, model, (x, eps), time=lambda _, n: jnp.ones(n)).value
    np.testing.assert_allclose(loss, ((eps - 0.5 * eps - x) ** 2)[:, 0], rtol=1e-4, atol=1e-6)


def test_straight_paths_have_no_straightness_and_the_least_energy():
    eps = jax.random.normal(KEY, (64, 1))
    np.testing.assert_allclose(straightness(KEY, straight(), eps, **MEASURED), 0.0, atol=1e-6)
    energy = path_energy(KEY, straight(), eps, **MEASURED)
    np.testing.assert_allclose(energy, ((eps - MEAN - STD * eps) ** 2)[:, 0], rtol=1e-3, atol=1e-5)


def test_straightness_and_energy_of_the_curved_flow():
    r"""$x_t = (1-t)m + r(t)z$ with $r^2 = (1-t)^2s^2 + t^2$, so $E = \int (\dot r z - m)^2 dt$, and S is less."""
    z = np.array([-1.5, 0.2, 1.0])
    r = lambda t: np.sqrt((1 - t) ** 2 * STD**2 + t**2)
    speed = lambda t: (t - (1 - t) * STD**2) / r(t)
    energy = np.array([quad(lambda t, z=z_: (speed(t) * z - MEAN) ** 2, 0, 1)[0] for z_ in z])
    chord = (z - (MEAN + STD * z)) ** 2
    x_init = jnp.asarray(z, jnp.float32)[:, None]
    measured = jax.jit(lambda x: path_energy(KEY, curved(), x, **MEASURED))(x_init)
    np.testing.assert_allclose(measured, energy, rtol=1e-3)
    np.testing.assert_allclose(straightness(KEY, curved(), x_init, **MEASURED), energy - chord, rtol=5e-3, atol=1e-4)


def test_normalized_path_energy_is_zero_at_the_optimum():
    """W2^2 between N(m, s^2) and N(0, 1) is m^2 + (1 - s)^2; the energies of +z and -z average to it at |z| = 1."""
    squared_w2 = jnp.asarray(MEAN**2 + (1 - STD) ** 2)
    eps = jnp.array([[-1.0], [1.0]])
    best, worse = (path_energy(KEY, flow, eps, **MEASURED) for flow in (straight(), curved()))
    assert float(normalized_path_energy(best, squared_w2)) == pytest.approx(0.0, abs=1e-3)
    assert float(normalized_path_energy(worse, squared_w2)) == pytest.approx(float(worse.mean() / squared_w2) - 1)


def test_a_grid_without_steps_is_refused():
    with pytest.raises(ValueError, match="at least 1 step"):
        make_pairs(KEY, curved(), (4, 1), jnp.ones(1), rk4())
