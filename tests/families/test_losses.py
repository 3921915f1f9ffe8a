"""Losses against closed forms: with the exact model the loss is the irreducible error of Gaussian data."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian

from genjax_models.core.types import LossOutput
from genjax_models.families.diffusion import denoising_loss
from genjax_models.families.flow_matching import velocity_loss, velocity_target
from genjax_models.processes import PREDICTIONS, Denoiser, cosine, rectified_flow, vp
from genjax_models.processes.times import uniform_time
from genjax_models.processes.weightings import on_type

AT_HALF = lambda key, n: jnp.full(n, 0.5)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("process", [vp(), cosine(), rectified_flow()])
def test_exact_model_leaves_the_posterior_variance(process, prediction):
    r"""For $x_0 \sim N(m, s^2)$, $Var[x_0 | x_t] = s^2\sigma^2/(\alpha^2 s^2 + \sigma^2)$, times $A^2$ elsewhere."""
    data, n = gaussian(std=0.5, dim=8), 4096
    denoiser = Denoiser(process, data.denoiser(process), "x0")
    model = lambda x, t: process.convert(denoiser(x, t, "x0"), "x0", prediction, x, t)
    x = data.sample(jax.random.key(0), n)
    loss = denoising_loss(jax.random.key(1), model, x, process=process, prediction=prediction, time=AT_HALF)
    t = jnp.array(0.5)
    alpha, sigma = process.alpha(t), process.sigma(t)
    variance = 0.25 * sigma**2 / (alpha**2 * 0.25 + sigma**2) * process.conversion("x0", prediction, t)[0] ** 2
    assert loss.value.shape == (n,)
    standard_error = float(loss.value.std()) / np.sqrt(n)
    assert float(loss.value.mean()) == pytest.approx(float(variance), abs=4 * standard_error)


def test_velocity_loss_of_the_zero_model():
    """E|eps - x|^2 = 1 + m^2 + s^2 per axis."""
    x = gaussian(mean=0.3, std=0.5, dim=16).sample(jax.random.key(0), 4096)
    loss = velocity_loss(jax.random.key(1), lambda x, t: jnp.zeros_like(x), x)
    assert float(loss.value.mean()) == pytest.approx(1 + 0.09 + 0.25, rel=0.01)


def test_velocity_loss_equals_denoising_loss_on_velocity():
    x = jax.random.normal(jax.random.key(0), (32, 4, 4, 1))
    model = lambda x, t: jnp.sin(x) * t[:, None, None, None]
    ours = velocity_loss(jax.random.key(1), model, x)
    other = denoising_loss(jax.random.key(1), model, x, process=rectified_flow(), prediction="velocity")
    np.testing.assert_allclose(ours.value, other.value, rtol=1e-5)


def test_velocity_loss_of_a_data_predictor_is_weighted_data_error():
    x = jax.random.normal(jax.random.key(0), (32, 6))
    time = functools.partial(uniform_time, low=0.1, high=0.9)
    model = lambda x, t: jnp.tanh(x)
    ours = velocity_loss(jax.random.key(1), model, x, prediction="x0", time=time)
    other = denoising_loss(
        jax.random.key(1),
        model,
        x,
        process=rectified_flow(),
        prediction="x0",
        weighting=on_type("velocity"),
        time=time,
    )
    np.testing.assert_allclose(ours.value, other.value, rtol=1e-4)


def test_velocity_target_is_the_processes_own():
    x, eps = jax.random.normal(jax.random.key(0), (2, 5, 3))
    np.testing.assert_allclose(
        velocity_target(x, eps), rectified_flow().target("velocity", x, eps, jnp.full(5, 0.3)), rtol=1e-6
    )


def test_gradient_flows_and_jit_agrees():
    x = jax.random.normal(jax.random.key(0), (8, 3))

    def value(w, loss) -> LossOutput:
        return loss(jax.random.key(1), lambda x, t: w * x, x)

    for loss in (velocity_loss, functools.partial(denoising_loss, process=vp())):
        mean = lambda w, loss=loss: value(w, loss).value.mean()
        gradient = jax.grad(mean)(0.3)
        finite_difference = (mean(0.31) - mean(0.29)) / 0.02  # exact for a quadratic
        assert float(gradient) == pytest.approx(float(finite_difference), rel=1e-3)
        np.testing.assert_allclose(jax.jit(mean)(0.3), mean(0.3), rtol=1e-5)
