"""Latent consistency models: the guided teacher, and the loss at random scales."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian, gaussian_consistency, gaussian_teacher

from genjax_models.families.consistency import (
    ddim_step,
    guided_teacher,
    heun_step,
    latent_consistency_loss,
)
from genjax_models.processes import Denoiser, edm, vp

KEY = jax.random.key(0)
STD, T_MIN = 0.5, 0.22


def test_guided_teacher_extrapolates_in_every_prediction_type():
    """Two Gaussians of one width, guided, are the Gaussian with the extrapolated mean."""
    process, w = vp(), jnp.array([0.0, 2.0, 5.0])
    guided = guided_teacher(gaussian_teacher(process, 0.4), gaussian_teacher(process, -0.1), w)
    x, t = jax.random.normal(KEY, (3, 2)), jnp.array([0.2, 0.5, 0.9])
    means = [(1 + float(weight)) * 0.4 + float(weight) * 0.1 for weight in w]

    def one(i: int, target: str):
        return gaussian_teacher(process, means[i])(x[i : i + 1], t[i : i + 1], target)[0]

    for target in ("x0", "eps", "velocity"):
        found, expected = jax.jit(lambda target=target: (guided(x, t, target), [one(i, target) for i in range(3)]))()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_guided_teacher_takes_predictions_of_different_types():
    process, w = vp(), jnp.array([1.0, 2.0])
    other = gaussian_teacher(process, -0.1)
    as_eps = Denoiser(process, lambda x, t: other(x, t, "eps"), "eps")
    x, t = jax.random.normal(KEY, (2, 2)), jnp.array([0.4, 0.7])
    both = lambda: [guided_teacher(gaussian_teacher(process, 0.4), null, w)(x, t) for null in (other, as_eps)]
    same, mixed = jax.jit(both)()
    np.testing.assert_allclose(mixed, same, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("solver", "order"), [(ddim_step, 1), (heun_step, 2)])
def test_latent_consistency_of_the_exact_guided_flow_vanishes_with_the_step(solver, order):
    with jax.enable_x64(True):
        process = vp(0.1, 12.0)
        x = gaussian(0.4, STD).sample(KEY, 64)
        f = lambda x, t, w: gaussian_consistency(process, T_MIN, ((1 + w) * 0.4 + w * 0.1)[:, None])(x, t)

        @jax.jit
        def error(num_steps):
            loss = latent_consistency_loss(
                KEY,
                f,
                x,
                conditional=gaussian_teacher(process, 0.4),
                unconditional=gaussian_teacher(process, -0.1),
                target=f,
                t_min=T_MIN,
                w_min=1.0,
                w_max=3.0,
                num_steps=num_steps,
                position=lambda _, n: jnp.full(n, 0.5),
                solver=solver,
            )
            return jnp.sqrt(loss.value.mean()), loss.aux["w"]

        (coarse, w), (fine, _) = error(64), error(128)
        assert w.shape == (64,)
        assert 1.0 <= float(w.min()) < 1.3
        assert 2.7 < float(w.max()) <= 3.0
        assert np.log2(float(coarse / fine)) == pytest.approx(order + 1, abs=0.15)


def test_an_empty_range_of_guidance_is_refused():
    null = gaussian_teacher(edm())
    g = lambda x, t, w: x
    loss = functools.partial(latent_consistency_loss, conditional=null, unconditional=null, target=g, t_min=0.1)
    with pytest.raises(ValueError, match="between w_min and w_max"):
        loss(KEY, g, jnp.zeros((2, 2)), w_min=3.0, w_max=2.0)
