"""Consistency losses on Gaussian data, whose probability flow, and so whose consistency function, is linear."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import Mixture, gaussian, gaussian_consistency, gaussian_teacher

from genjax_models.families.consistency import (
    consistency_distillation_loss,
    consistency_function,
    consistency_training_loss,
    ddim_step,
    equal_weight,
    heun_step,
    improved_consistency_training_loss,
    inverse_gap,
    l2,
    lognormal_position,
    pseudo_huber,
)
from genjax_models.processes import Denoiser, edm, rectified_flow, vp

KEY = jax.random.key(0)
MEAN, STD, T_MIN = 0.3, 0.5, 0.22


def test_metrics():
    x, y = jax.random.normal(KEY, (2, 5, 4, 3))
    square = np.asarray(((x - y) ** 2).sum((1, 2)), np.float64)
    np.testing.assert_allclose(l2(x, y), square / 12, rtol=1e-5)
    c = 0.00054 * np.sqrt(12)
    np.testing.assert_allclose(pseudo_huber(x, y), np.sqrt(square + c**2) - c, rtol=1e-5)
    np.testing.assert_array_equal(pseudo_huber(x, x), 0.0)
    assert bool(jnp.isfinite(jax.grad(lambda y: pseudo_huber(x, y).sum())(x)).all())


def test_weights():
    t, s = jnp.array([0.8, 0.5]), jnp.array([0.6, 0.4])
    np.testing.assert_array_equal(equal_weight(edm(), t, s), 1.0)
    np.testing.assert_allclose(inverse_gap(edm(10.0, 1.0), t, s), 1 / (10 * (t - s)), rtol=1e-5)


@pytest.mark.parametrize(("solver", "order"), [(ddim_step, 1), (heun_step, 2)])
@pytest.mark.parametrize("process", [edm(20.0, 3.0), vp(0.1, 12.0)], ids=["edm", "vp"])
def test_distillation_of_the_exact_teacher_vanishes_with_the_step(process, solver, order):
    """With the exact function, what is left is the solver's local error, of one order more than its global one."""
    with jax.enable_x64(True):
        f, data = gaussian_consistency(process, T_MIN), gaussian(MEAN, STD)
        x = data.sample(KEY, 64)

        @jax.jit
        def error(num_steps):
            loss = consistency_distillation_loss(
                KEY,
                f,
                x,
                teacher=gaussian_teacher(process),
                target=f,
                t_min=T_MIN,
                num_steps=num_steps,
                position=lambda _, n: jnp.full(n, 0.5),  # all grids have the interval that starts half-way
                solver=solver,
            )
            assert loss.value.shape == (64,)
            return jnp.sqrt(loss.value.mean())

        errors = [float(error(n)) for n in (64, 128)]
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order + 1, abs=0.15)
        assert errors[1] < 1e-3


def test_heun_starts_from_pure_noise():
    """Where there is no signal its correction has no meaning, and DDIM's step is what remains."""
    teacher = gaussian_teacher(rectified_flow(), MEAN, STD)
    x, t, s = jax.random.normal(KEY, (8, 2)), jnp.ones(8), jnp.full(8, 0.9)
    np.testing.assert_array_equal(heun_step(teacher, x, t, s), ddim_step(teacher, x, t, s))


def test_distillation_is_zero_for_a_point_mass():
    """All paths are straight in sigma, so either solver is exact at any width."""
    data = Mixture(jnp.ones(1), jnp.array([[0.4, -0.2]]), jnp.array([0.0]))
    process = edm()
    # x - m shrinks with sigma, down to what it is at t_min.
    f = lambda x, t: data.means + (T_MIN / t[:, None]) ** 7 * (x - data.means)
    loss = functools.partial(
        consistency_distillation_loss, KEY, f, jnp.broadcast_to(data.means, (32, 2)), target=f, t_min=T_MIN, num_steps=3
    )
    teacher = Denoiser(process, data.denoiser(process), "x0")
    values = jax.jit(lambda: [loss(teacher=teacher, solver=solver).value for solver in (ddim_step, heun_step)])
    np.testing.assert_allclose(values(), 0.0, atol=1e-8)


def test_training_loss_of_the_exact_function():
    r"""$f = m + a(x - m)$ is linear, so the mean is $(a_t - a_s)^2 s^2 + (a_t\sigma_t - a_s\sigma_s)^2$."""
    process, n = edm(), 8192
    x = gaussian(MEAN, STD).sample(KEY, n)
    f = gaussian_consistency(process, T_MIN)
    run = functools.partial(consistency_training_loss, process=process, target=f, t_min=T_MIN, num_steps=4)
    loss = jax.jit(lambda x: run(jax.random.key(1), f, x, position=lambda _, n: jnp.full(n, 0.5)).value)(x)
    t, s = T_MIN + (1 - T_MIN) * 0.75, T_MIN + (1 - T_MIN) * 0.5
    low, high = (80 * time**7 for time in (s, t))
    a_s, a_t = (np.sqrt((STD**2 + (80 * T_MIN**7) ** 2) / (STD**2 + level**2)) for level in (low, high))
    expected = (a_t - a_s) ** 2 * STD**2 + (a_t * high - a_s * low) ** 2
    assert float(loss.mean()) == pytest.approx(expected, abs=4 * float(loss.std()) / np.sqrt(n))


def test_gradients_stop_at_the_target():
    x = jax.random.normal(KEY, (16, 2))
    model = lambda w: consistency_function(lambda x, t: w * x, edm(), t_min=T_MIN)
    options = {"t_min": T_MIN, "num_steps": 6}
    losses = {
        "training": functools.partial(consistency_training_loss, process=edm(), **options),
        "distillation": functools.partial(consistency_distillation_loss, teacher=gaussian_teacher(edm()), **options),
    }
    for loss in losses.values():
        value = jax.jit(
            jax.value_and_grad(lambda w, u, loss=loss: loss(KEY, model(w), x, target=model(u)).value.mean(), (0, 1))
        )
        at_model, at_target = value(0.3, 0.4)[1]
        assert at_target == 0
        difference = (value(0.31, 0.4)[0] - value(0.29, 0.4)[0]) / 0.02  # exact for a quadratic
        assert float(at_model) == pytest.approx(float(difference), rel=1e-2)


def test_improved_training_is_its_parts():
    x = jax.random.normal(KEY, (32, 3))
    model = consistency_function(lambda x, t: jnp.tanh(x), edm(), t_min=T_MIN)
    options = {"process": edm(), "t_min": T_MIN, "num_steps": 20}

    @jax.jit
    def both():
        levels = []

        def watch(process, t, s):
            levels.extend([process.sigma(t), process.sigma(s)])
            return 1 / (process.sigma(t) - process.sigma(s))

        position = lognormal_position(edm(), t_min=T_MIN)
        parts = {"target": model, "position": position, "metric": pseudo_huber, "weighting": watch}
        ours = improved_consistency_training_loss(KEY, model, x, **options)
        return ours.value, consistency_training_loss(KEY, model, x, **options, **parts).value, levels

    ours, other, levels = both()
    np.testing.assert_allclose(ours, other, rtol=1e-5)
    karras = np.linspace(80 ** (1 / 7) * T_MIN, 80 ** (1 / 7), 21) ** 7
    for level in levels:
        assert np.abs(np.log(np.asarray(level)[:, None] / karras[None])).min(1).max() < 1e-4


def test_bad_arguments_are_refused():
    f = lambda x, t: x
    train = functools.partial(consistency_training_loss, KEY, f, jnp.zeros((2, 2)), process=edm(), target=f)
    with pytest.raises(ValueError, match=r"t_min must lie in \[0, 1\)"):
        train(t_min=-0.1, num_steps=4)
    with pytest.raises(ValueError, match="at least 1 step"):
        train(t_min=0.1, num_steps=0)
