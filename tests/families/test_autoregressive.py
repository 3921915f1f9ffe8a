"""Autoregressive models of tokens, on tables of probabilities that NumPy multiplies."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families.autoregressive import CachedModel, draw_token, log_prob, next_token_loss, sample

SIZE, LENGTH = 3, 4
RNG = np.random.default_rng(0)
FIRST = RNG.normal(size=SIZE)
TABLE = 1.5 * RNG.normal(size=(SIZE, SIZE, SIZE))
"""Logits of a token given the two before it; before the first token the context holds token 0."""
ALL = np.array(list(itertools.product(range(SIZE), repeat=LENGTH)), np.int32)


def softmax(logits):
    weights = np.exp(logits)
    return weights / weights.sum()


def probability(x, temperature=1.0):
    """Of one sequence, by the chain rule."""
    p, before, last = softmax(FIRST / temperature)[x[0]], 0, x[0]
    for token in x[1:]:
        p *= softmax(TABLE[before, last] / temperature)[token]
        before, last = last, token
    return p


def full(x):
    """The same chain as a model of whole sequences."""
    before = jnp.concatenate([jnp.zeros((len(x), 1), x.dtype), x[:, :-2]], axis=1)
    rest = jnp.asarray(TABLE)[before, x[:, :-1]]
    return jnp.concatenate([jnp.broadcast_to(jnp.asarray(FIRST), (len(x), 1, SIZE)), rest], axis=1)


def init(num):
    return jnp.broadcast_to(jnp.asarray(FIRST), (num, SIZE)), jnp.zeros(num, jnp.int32)


def step(before, token):
    return jnp.asarray(TABLE)[before, token], token


CACHED = CachedModel(init, step)


def test_the_likelihood_is_the_chain_rule_and_all_sequences_sum_to_one():
    found = log_prob(full, jnp.asarray(ALL))
    assert found.kind == "exact" and found.value.shape == (SIZE**LENGTH,)
    np.testing.assert_allclose(found.value, np.log([probability(x) for x in ALL]), rtol=1e-5)
    assert float(jnp.exp(found.value).sum()) == pytest.approx(1.0, abs=1e-5)


def test_the_loss_is_the_sum_over_tokens_in_nats():
    x = jnp.asarray(ALL[:7])
    output = next_token_loss(full, x)
    np.testing.assert_allclose(output.value, -log_prob(full, x).value, rtol=1e-6)
    np.testing.assert_allclose(output.aux["nats_per_token"], output.value / LENGTH, rtol=1e-6)


def test_the_gradient_of_a_logit_is_the_probability_minus_the_token():
    x = jnp.asarray([[2, 0, 1, 1]])
    logits = full(x)
    gradient = jax.grad(lambda logits: next_token_loss(lambda _: logits, x).value[0])(logits)
    expected = [softmax(row) - np.eye(SIZE)[token] for row, token in zip(np.asarray(logits[0]), x[0], strict=True)]
    np.testing.assert_allclose(gradient[0], expected, atol=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_samples_have_the_probabilities_of_the_model(temperature):
    num = 20_000
    draw = jax.jit(lambda key: sample(key, CACHED, num, LENGTH, temperature=temperature))
    x = draw(jax.random.key(0))
    assert x.shape == (num, LENGTH) and x.dtype == jnp.int32
    counts = np.bincount(np.asarray(x) @ SIZE ** np.arange(LENGTH)[::-1], minlength=SIZE**LENGTH)
    expected = num * np.array([probability(x, temperature) for x in ALL])
    chi_squared = np.sum((counts - expected) ** 2 / expected)  # 80 degrees of freedom, standard deviation 12.6
    assert expected.sum() == pytest.approx(num)
    assert abs(chi_squared - 80) < 5 * 12.6


def test_temperature_zero_is_greedy_and_small_temperatures_tend_to_it():
    chain, before = [int(np.argmax(FIRST))], 0
    for _ in range(LENGTH - 1):
        chain, before = [*chain, int(np.argmax(TABLE[before, chain[-1]]))], chain[-1]
    greedy = sample(jax.random.key(0), CACHED, 5, LENGTH, temperature=0.0)
    np.testing.assert_array_equal(greedy, np.tile(chain, (5, 1)))
    np.testing.assert_array_equal(sample(jax.random.key(1), CACHED, 5, LENGTH, temperature=1e-3), greedy)


def test_a_sequence_may_be_one_token():
    x = sample(jax.random.key(0), CACHED, 3, 1, temperature=0.0)
    np.testing.assert_array_equal(x, np.full((3, 1), np.argmax(FIRST)))


def test_logits_in_half_precision_are_summed_in_float32():
    half = lambda x: full(x).astype(jnp.bfloat16)
    assert log_prob(half, jnp.asarray(ALL)).value.dtype == jnp.float32
    assert float(jnp.exp(log_prob(half, jnp.asarray(ALL)).value).sum()) == pytest.approx(1.0, abs=1e-5)


def test_misuse_is_named():
    x = jnp.asarray(ALL)
    with pytest.raises(TypeError, match="tokens as integers, got float32"):
        next_token_loss(full, x.astype(jnp.float32))
    with pytest.raises(ValueError, match=r"expected logits \[B, L, V\] of tokens \[B, L\], got \(81, 3, 3\)"):
        log_prob(lambda x: full(x)[:, 1:], x)
    with pytest.raises(ValueError, match="must not be negative"):
        draw_token(jax.random.key(0), jnp.zeros((1, 2)), temperature=-1.0)
    with pytest.raises(ValueError, match="expected at least 1 token"):
        sample(jax.random.key(0), CACHED, 3, 0)
