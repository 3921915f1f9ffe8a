"""The causal transformer: who sees whom, and the same numbers token by token as all at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets.layers.attention import SelfAttention
from genjax_models.nets.transformer.causal_transformer import CausalTransformer

NET = CausalTransformer(6, 5, width=16, depth=2, heads=2, num_classes=3)


@pytest.fixture(scope="module")
def case():
    """Parameters, none of them zero, a batch of sequences and their labels."""
    rng = np.random.default_rng(0)
    x, cond = jnp.asarray(rng.normal(size=(3, 6, 4)), jnp.float32), {"label": jnp.asarray([0, 1, 3])}
    shapes = jax.eval_shape(NET.init, jax.random.key(0), x, jnp.zeros(3), cond)
    return jax.tree.map(lambda a: jnp.asarray(0.3 * rng.normal(size=a.shape), a.dtype), shapes), x, cond


def test_a_token_sees_itself_and_those_before_it(case):
    params, x, cond = case
    one = lambda x: NET.apply(params, x[None], jnp.ones(1), {"label": cond["label"][:1]})[0]
    jacobian = jax.jit(jax.jacrev(one))(x[0])  # [T, C', T, C]
    seen = np.abs(jacobian).max(axis=(1, 3))
    assert (seen[np.triu_indices(6, 1)] == 0).all()
    assert (seen[np.tril_indices(6)] > 1e-4).all()


@pytest.mark.parametrize("sizes", [(1,) * 6, (2, 1, 3)], ids=["token by token", "in chunks"])
def test_a_cache_changes_no_numbers(case, sizes):
    params, x, cond = case
    t = jnp.linspace(0.0, 1.0, 3)
    full = jax.jit(NET.apply)(params, x, t, cond)
    assert full.shape == (3, 6, 5)
    step = jax.jit(lambda caches, x: NET.apply(params, x, t, cond, caches=caches))
    caches, parts = NET.empty_caches(3), []
    for chunk in jnp.split(x, np.cumsum(sizes)[:-1], axis=1):
        y, caches = step(caches, chunk)
        parts.append(y)
    np.testing.assert_allclose(jnp.concatenate(parts, axis=1), full, rtol=1e-4, atol=1e-5)
    assert int(caches[1].length) == 6


def test_place_class_and_time_matter_and_no_label_is_no_class(case):
    params, x, cond = case
    apply = jax.jit(NET.apply)
    same = jnp.broadcast_to(x[:1, :1], x.shape)
    t = jnp.zeros(3)
    y = apply(params, same, t, cond)
    assert float(jnp.abs(jnp.diff(y, axis=1)).max(axis=2).min()) > 1e-3  # equal tokens at different places
    assert float(jnp.abs(jnp.diff(y, axis=0)).max(axis=(1, 2)).min()) > 1e-3  # equal sequences of different classes
    assert float(jnp.abs(apply(params, same, t + 1.0, cond) - y).max()) > 1e-3
    null = apply(params, x, t, {"label": jnp.full(3, 3)})
    np.testing.assert_allclose(apply(params, x, t), null, rtol=1e-5, atol=1e-5)


def test_it_starts_as_the_zero_function_of_shorter_sequences_too():
    x = jnp.ones((2, 3, 4))
    y, params = jax.jit(CausalTransformer(6, width=8, depth=1, heads=2).init_with_output)(jax.random.key(0), x)
    np.testing.assert_array_equal(y, jnp.zeros_like(x))
    assert "time_in" not in params["params"].get("conditioning", {})


@pytest.mark.slow
def test_bfloat16_computes_nearly_the_same(case):
    params, x, cond = case
    half = NET.clone(dtype=jnp.bfloat16)
    t = jnp.zeros(3)
    y, expected = jax.jit(half.apply)(params, x, t, cond), jax.jit(NET.apply)(params, x, t, cond)
    assert y.dtype == jnp.float32
    assert half.empty_caches(3)[0].k.dtype == jnp.bfloat16
    assert float(jnp.abs(y - expected).mean()) < 0.1 * float(jnp.abs(expected).mean())


def test_misuse_is_named():
    with pytest.raises(ValueError, match="7 tokens is longer than the 6"):
        jax.eval_shape(NET.init, jax.random.key(0), jnp.ones((1, 7, 4)))
    with pytest.raises(ValueError, match="set causal=True"):
        jax.eval_shape(SelfAttention(2).init, jax.random.key(0), jnp.ones((1, 2, 16)), NET.empty_caches(1)[0])
