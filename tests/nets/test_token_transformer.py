"""The token transformer: which logits see which tokens, and the same numbers from a cache as all at once."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families.autoregressive import CachedModel, log_prob, sample
from genjax_models.nets import CausalTransformer, TokenTransformer

SIZE, LENGTH = 4, 5
NET = TokenTransformer(SIZE, LENGTH, width=16, depth=2, heads=2, num_classes=3, vectors=("text",))


@pytest.fixture(scope="module")
def case():
    """Variables, none of them zero, and a condition of three examples."""
    rng = np.random.default_rng(0)
    cond = {"label": jnp.asarray([0, 1, 3]), "text": jnp.asarray(rng.normal(size=(3, 6)), jnp.float32)}
    shapes = jax.eval_shape(NET.init, jax.random.key(0), jnp.zeros((3, LENGTH), jnp.int32), None, cond)
    return jax.tree.map(lambda a: jnp.asarray(0.3 * rng.normal(size=a.shape), a.dtype), shapes), cond


def cached(variables, cond):
    step = lambda caches, token: NET.apply(variables, token, caches, cond, method="next_logits")
    return CachedModel(lambda num: step(NET.apply(variables, num, method="empty_caches"), None), step)


def test_logits_see_exactly_the_tokens_before_them(case):
    variables, cond = case
    apply = jax.jit(lambda x: NET.apply(variables, x, None, jax.tree.map(lambda a: a[:1], cond))[0])
    x = np.array([0, 3, 1, 1, 2])
    y = np.asarray(apply(jnp.asarray(x[None])))
    for place, token in itertools.product(range(LENGTH), range(SIZE)):
        other = x.copy()
        other[place] = token
        moved = np.abs(np.asarray(apply(jnp.asarray(other[None]))) - y).max(axis=1)
        assert (moved[: place + 1] == 0).all()
        assert (moved[place + 1 :] > 1e-4).all() or token == x[place]


def test_all_sequences_sum_to_one(case):
    variables, cond = case
    x = jnp.asarray(list(itertools.product(range(SIZE), repeat=LENGTH)), jnp.int32)
    one = {name: jnp.repeat(value[1:2], len(x), axis=0) for name, value in cond.items()}
    found = jax.jit(lambda x: log_prob(lambda x: NET.apply(variables, x, None, one), x).value)(x)
    assert float(jnp.exp(found).sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(found.std()) > 0.1


def test_the_cache_gives_the_logits_of_the_full_pass(case):
    variables, cond = case
    x = jnp.asarray(np.random.default_rng(1).integers(SIZE, size=(3, LENGTH)))
    full = jax.jit(NET.apply)(variables, x, None, cond)
    assert full.shape == (3, LENGTH, SIZE)
    init, step = cached(variables, cond)
    logits, cache = init(3)
    parts, step = [logits], jax.jit(step)
    for token in x.T[:-1]:
        logits, cache = step(cache, token)
        parts.append(logits)
    np.testing.assert_allclose(jnp.stack(parts, axis=1), full, rtol=1e-4, atol=1e-5)
    assert int(cache[1].length) == LENGTH
    assert step._cache_size() <= 1  # 0 where the cache that all functions share was full


def test_cached_samples_are_those_of_the_full_pass(case):
    """The full pass draws token i with the i-th key from the logits of place i of the whole sequence."""
    variables, cond = case
    key = jax.random.key(7)
    found = jax.jit(lambda key: sample(key, cached(variables, cond), 3, LENGTH))(key)
    apply, x = jax.jit(NET.apply), jnp.zeros((3, LENGTH), jnp.int32)
    for i, own in enumerate(jax.random.split(key, LENGTH)):
        x = x.at[:, i].set(jax.random.categorical(own, apply(variables, x, None, cond)[:, i]))
    np.testing.assert_array_equal(found, x)


def test_untrained_it_is_uniform_and_has_one_set_of_parameters_for_both_ways():
    net = TokenTransformer(7, 6, width=8, depth=1, heads=2)
    x = jnp.asarray(np.random.default_rng(0).integers(7, size=(5, 6)))
    variables = jax.jit(net.init)(jax.random.key(0), x)
    nats = log_prob(lambda x: net.apply(variables, x), x).value
    np.testing.assert_allclose(-nats / (6 * np.log(2)), np.log2(7), rtol=1e-6)
    caches = net.apply(variables, 5, method="empty_caches")
    again = jax.eval_shape(lambda key: net.init(key, None, caches, method="next_logits"), jax.random.key(0))
    assert jax.tree.map(jnp.shape, again) == jax.tree.map(jnp.shape, variables)
    assert variables["params"]["embedding"]["embedding"].shape == (8, 8)
    assert "in" not in variables["params"]["transformer"]


def test_in_bfloat16_logits_are_float32_and_caches_bfloat16():
    net = NET.clone(dtype=jnp.bfloat16, num_classes=0, vectors=())
    variables = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((2, LENGTH), jnp.int32))
    caches = jax.eval_shape(lambda v: net.apply(v, 2, method="empty_caches"), variables)
    logits, caches = jax.eval_shape(lambda v, c: net.apply(v, None, c, method="next_logits"), variables, caches)
    assert logits.dtype == jnp.float32 and caches[0].k.dtype == jnp.bfloat16


def test_misuse_is_named():
    x = jnp.zeros((1, LENGTH), jnp.int32)
    with pytest.raises(ValueError, match="6 tokens is longer than the 5"):
        jax.eval_shape(NET.init, jax.random.key(0), jnp.zeros((1, 6), jnp.int32))
    with pytest.raises(ValueError, match="3 channels do not have the width 8"):
        jax.eval_shape(
            CausalTransformer(5, width=8, heads=2, project=False).init, jax.random.key(0), jnp.ones((1, 5, 3))
        )
    with pytest.raises(ValueError, match="integer"):
        jax.eval_shape(NET.init, jax.random.key(0), x.astype(jnp.float32))
