"""Autoregressive flows over tokens, with a toy network and with the causal transformer; denoising in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bijections import check_bijection

from genjax_models.core.densities import standard_normal
from genjax_models.families.flows import CausalNetwork, autoregressive_over_tokens, denoise, guided, noisy_nll, tarflow
from genjax_models.families.flows.elementwise import affine
from genjax_models.nets.transformer.causal_transformer import CausalTransformer

RNG = np.random.default_rng(0)


def running_sum(channels: int) -> CausalNetwork:
    """The tokens so far, mixed and added up, on top of a condition."""

    def init(key, h, cond):
        first, second = jax.random.split(key)
        return {
            "in": jax.random.normal(first, (h.shape[-1], 8)),
            "out": 0.5 * jax.random.normal(second, (8, channels)),
        }

    def shift(cond):
        return 0.0 if cond is None else cond[:, None, None]

    def step(params, total, h, cond):
        total = total + jnp.tanh(h @ params["in"])
        return shift(cond) + total @ params["out"], total

    def apply(params, h, cond):
        return shift(cond) + jnp.tanh(h @ params["in"]).cumsum(axis=1) @ params["out"]

    return CausalNetwork(init, apply, lambda h: jnp.zeros((len(h), 1, 8), h.dtype), step)


def transformer(channels: int) -> CausalNetwork:
    net = CausalTransformer(5, channels, width=8, depth=1, heads=2, num_classes=3)
    return CausalNetwork(
        lambda key, h, cond: net.init(key, h, None, cond),
        lambda params, h, cond: net.apply(params, h, None, cond),
        lambda h: net.empty_caches(len(h)),
        lambda params, caches, h, cond: net.apply(params, h, None, cond, caches=caches),
    )


LAYERS = {
    "first to last": lambda: autoregressive_over_tokens(affine(), running_sum(2 * 2)),
    "last to first": lambda: autoregressive_over_tokens(affine(), running_sum(2 * 2), backwards=True),
    "in turns": lambda: tarflow(running_sum, channels=2, depth=2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_log_determinant_and_inverse(name):
    check_bijection(LAYERS[name](), (4, 2))


def test_the_causal_transformers_cache_inverts_what_it_does_at_once():
    layer, x, cond = tarflow(transformer, channels=2, depth=2), RNG.normal(size=(3, 5, 2)), {"label": jnp.arange(3)}

    @jax.jit
    def run(x):
        shapes = jax.eval_shape(layer.init, jax.random.key(0), x, cond)
        params = jax.tree.map(lambda leaf: jnp.asarray(0.3 * RNG.normal(size=leaf.shape), leaf.dtype), shapes)
        z, log_det = layer.forward_and_log_det(params, x, cond)
        return z, log_det, layer.inverse_and_log_det(params, z, cond)

    z, log_det, (again, inverse_log_det) = run(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(again, x, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(inverse_log_det, -log_det, rtol=1e-4, atol=1e-4)
    assert float(jnp.abs(z - x).max()) > 0.1
    assert float(jnp.abs(log_det).min()) > 0.01


def test_guidance_exaggerates_the_condition_and_keeps_a_bijection():
    net = running_sum(4)
    strong = guided(net, 1.5, jnp.zeros_like)
    h, cond = jnp.asarray(RNG.normal(size=(2, 4, 2)), jnp.float32), jnp.asarray([1.0, -2.0])
    params = net.init(jax.random.key(0), h, cond)
    expected = net.apply(params, h, jnp.zeros(2)) + 2.5 * cond[:, None, None]
    np.testing.assert_allclose(strong.apply(params, h, cond), expected, rtol=1e-5, atol=1e-5)
    check_bijection(
        tarflow(lambda c: guided(running_sum(c), 1.5, jnp.zeros_like), channels=2, depth=2), (4, 2), cond=np.arange(4.0)
    )


def test_one_token_alone_stays():
    layer = tarflow(running_sum, channels=3, depth=2)
    x = jax.random.normal(jax.random.key(0), (2, 1, 3))
    params = layer.init(jax.random.key(1), x, None)
    for transform in (layer.forward_and_log_det, layer.inverse_and_log_det):
        y, log_det = transform(params, x, None)
        np.testing.assert_array_equal(y, x)
        np.testing.assert_array_equal(log_det, np.zeros(2))


@pytest.mark.parametrize("backwards", [False, True])
def test_only_earlier_patches_matter(backwards):
    layer = autoregressive_over_tokens(affine(), running_sum(2 * 2), backwards=backwards)
    x = jax.random.normal(jax.random.key(0), (1, 4, 2))
    params = layer.init(jax.random.key(1), x, None)
    jacobian = jax.jit(jax.jacfwd(lambda x: layer.forward_and_log_det(params, x, None)[0]))(x)
    seen = np.abs(jacobian).max(axis=(0, 2, 3, 5)) > 1e-6
    triangle = np.tri(4, dtype=bool)
    np.testing.assert_array_equal(seen, triangle.T if backwards else triangle)


def test_denoising_gives_the_mean_of_the_posterior():
    """Of data N(m, s²) and noise of variance v: (s² y + v m)/(s² + v)."""
    mean, variance, std = 0.7, 2.0, 0.6
    log_prob = lambda y: jax.scipy.stats.norm.logpdf(y, mean, np.sqrt(variance + std**2)).sum((1, 2))
    y = jax.random.normal(jax.random.key(0), (3, 4, 2))
    expected = (variance * y + std**2 * mean) / (variance + std**2)
    np.testing.assert_allclose(denoise(log_prob, y, std=std), expected, rtol=1e-5, atol=1e-6)


def test_the_loss_sees_noisy_data():
    """-E log N(x + s eps; 0, I) = (D log 2π + |x|² + D s²)/2, of variance s²|x|² + D s⁴/2."""
    std, count = 0.5, 50_000
    x = jnp.broadcast_to(jnp.asarray([[1.0, -2.0], [0.5, 0.0]])[None], (count, 2, 2))
    loss = noisy_nll(jax.random.key(0), standard_normal((2, 2)).log_prob, x, std=std)
    assert loss.value.shape == (count,)
    expected = 0.5 * (4 * np.log(2 * np.pi) + 5.25 + 4 * std**2)
    stderr = np.sqrt((std**2 * 5.25 + 2 * std**4) / count)
    assert abs(np.asarray(loss.value).mean(dtype=np.float64) - expected) < 4 * stderr
    assert float(loss.value.std()) / np.sqrt(count) == pytest.approx(stderr, rel=0.05)
