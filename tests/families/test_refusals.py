"""What would broadcast, wrap around or divide by nothing into a wrong number is refused when it is traced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families import consistency, diffusion, flow_matching, gan, score, vae
from genjax_models.families.flows import actnorm
from genjax_models.processes import Denoiser, ddpm, edm, linear_log_snr
from genjax_models.solvers import adaptive

KEY = jax.random.key(0)
LOSSES = {
    "denoising": lambda model, x: diffusion.denoising_loss(KEY, model, x, process=ddpm()),
    "vdm": lambda model, x: diffusion.vdm_loss(KEY, model, x, process=linear_log_snr()),
    "velocity": lambda model, x: flow_matching.velocity_loss(KEY, model, x),
    "bridge": lambda model, x: flow_matching.bridge_loss(
        KEY, model, x, sigma=1.0, coupling=lambda key, x: (x, jax.random.normal(key, x.shape))
    ),
    "riemannian": lambda model, x: flow_matching.riemannian_velocity_loss(
        KEY, model, x, manifold=flow_matching.torus(x.shape[-1])
    ),
    "consistency training": lambda model, x: consistency.consistency_training_loss(
        KEY, model, x, process=edm(), target=lambda x, t: x, t_min=0.2, num_steps=10
    ),
    "consistency distillation": lambda model, x: consistency.consistency_distillation_loss(
        KEY,
        model,
        x,
        teacher=Denoiser(edm(), lambda x, t: x, "x0"),
        target=lambda x, t: x,
        t_min=0.2,
        num_steps=4,
    ),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(8,), (8, 2), (1, 1), (), (8, 1, 1)])
def test_a_model_of_another_shape_is_refused_by_every_loss(name, shape):
    with pytest.raises(ValueError, match=r"the model's output has shape \[.*\], expected \[8, 1\]"):
        jax.eval_shape(lambda x: LOSSES[name](lambda x, t: jnp.zeros(shape), x), jnp.ones((8, 1)))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [jnp.uint8, jnp.int32, jnp.bool_])
def test_data_that_are_not_real_are_refused_by_every_loss(name, dtype):
    with pytest.raises((TypeError, ValueError)):
        jax.eval_shape(lambda x: LOSSES[name](lambda x, t: 0.1 * x, x), jnp.ones((8, 1), dtype))


@pytest.mark.parametrize("name", sorted(gan.GAMES))
@pytest.mark.parametrize(("real", "fake"), [((4, 1), (4,)), ((4,), (3,)), ((4, 2, 2), (4, 1, 2))])
def test_logits_of_two_shapes_are_no_game(name, real, fake):
    with pytest.raises(ValueError, match="fake logits has shape"):
        gan.GAMES[name].discriminator(jnp.zeros(real), jnp.zeros(fake))


@pytest.mark.parametrize(
    ("likelihood", "raw"),
    [
        (vae.bernoulli(), (8, 1)),
        (vae.gaussian(), (1, 4)),
        (vae.gaussian_learned(), (8, 4)),
        (vae.categorical(), (8, 256)),
    ],
)
def test_likelihoods_refuse_other_shapes_and_bytes(likelihood, raw):
    with pytest.raises(ValueError, match="has shape"):
        likelihood.log_prob(jnp.zeros(raw), jnp.zeros((8, 4)))
    whole = (8, likelihood.num_params(4))
    with pytest.raises(TypeError, match="data must be real numbers, got uint8"):
        likelihood.log_prob(jnp.zeros(whole), jnp.zeros((8, 4), jnp.uint8))
    assert likelihood.log_prob(jnp.zeros(whole), jnp.zeros((8, 4))).shape == (8,)


@pytest.mark.parametrize("loss", [vae.iwae_loss, vae.dreg_loss, vae.importance_log_prob])
def test_there_is_no_mean_of_no_samples(loss):
    encode = lambda x: vae.GaussianPosterior(jnp.zeros((8, 2)), jnp.zeros((8, 2)))
    decode = lambda z: jnp.zeros((z.shape[0], 4))
    with pytest.raises(ValueError, match="at least 1 of num_samples, got 0"):
        loss(KEY, encode, decode, jnp.ones((8, 4)), likelihood=vae.bernoulli(), num_samples=0)


@pytest.mark.parametrize("x", [jnp.ones((1, 4)), jax.random.normal(KEY, (64, 4)).at[:, 0].set(3.0)])
def test_activation_normalisation_keeps_the_scale_of_what_is_constant(x):
    layer = actnorm()
    y, _ = layer.forward_and_log_det(layer.init(KEY, x, None), x + 0.01, None)
    np.testing.assert_allclose(y[:, 0], 0.01, atol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_the_sphere_stands_still_without_velocity(dtype):
    manifold, x = flow_matching.sphere(2), jnp.array([[0.0, 0.0, 1.0]], dtype)
    still = manifold.exp(x, jnp.zeros_like(x))
    assert still.dtype == manifold.log(x, x).dtype == dtype
    np.testing.assert_array_equal(still, x)
    np.testing.assert_array_equal(manifold.log(x, x), 0.0)


@pytest.mark.parametrize("b", [jnp.ones((2, 3)), -jnp.ones((2, 3)), jnp.zeros((2, 3))])
def test_slerp_has_a_gradient_where_there_is_no_circle(b):
    total = lambda a: vae.slerp(a, b, 5).sum()
    # A straight line there: the sum over t in 0, 1/4, ..., 1 of (1 - t) is 2.5.
    np.testing.assert_allclose(jax.grad(total)(jnp.ones((2, 3))), 2.5)


def test_an_adaptive_solve_that_gives_up_is_nan_in_half_precision_too():
    end, _ = adaptive(
        lambda x, t: 1e3 * jnp.cos(1e3 * t) + 0 * x, jnp.ones((2, 2), jnp.bfloat16), 0.0, 1.0, max_steps=3
    )
    assert end.dtype == jnp.bfloat16 and jnp.isnan(end).all()


def test_score_matching_refuses_a_score_of_another_shape():
    with pytest.raises((TypeError, ValueError)):
        score.score_matching(KEY, lambda x: x[:, :1], jnp.ones((8, 2)))
