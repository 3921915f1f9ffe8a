"""Penalties of gradients, where the gradient is known: linear and quadratic discriminators, linear generators."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from genjax_models.families.gan import (
    PENALTIES,
    clip_weights,
    consistency_penalty,
    gradient_penalty,
    lazy,
    lazy_with_state,
    path_length_penalty,
    path_lengths,
)

RNG = np.random.default_rng(0)
HALF = RNG.normal(size=(6, 6))
A, SHIFT = HALF + HALF.T, RNG.normal(size=6)
REAL, FAKE = RNG.normal(size=(2, 5, 2, 3))
PARABOLA = lambda x: 0.5 * (x**2).sum(axis=1)  # its gradient at x is x


def flat(x):
    return x.reshape(len(x), -1)


def test_penalties_of_a_quadratic_and_of_a_linear_discriminator():
    quadratic = lambda x: 0.5 * jnp.einsum("bi,ij,bj->b", flat(x), A, flat(x)) + flat(x) @ SHIFT
    linear = lambda x: flat(x) @ SHIFT
    patches = lambda x: quadratic(x)[:, None, None] * jnp.array([[0.5, 1.0, 1.5]])[None]  # their mean is the quadratic

    @jax.jit
    def penalties(key, real, fake):
        run = lambda D: {name: penalty(key, D, real, fake) for name, penalty in PENALTIES.items()}
        return run(quadratic), run(linear), run(patches), run(lambda x: 0.0 * linear(x))

    with jax.enable_x64(True):
        curved, straight, judged, level = penalties(jax.random.key(0), REAL, FAKE)
    squared = lambda x: ((flat(x) @ A + SHIFT) ** 2).sum(axis=1)
    np.testing.assert_allclose(curved["r1"], 0.5 * squared(REAL), rtol=1e-12)
    np.testing.assert_allclose(curved["r2"], 0.5 * squared(FAKE), rtol=1e-12)
    np.testing.assert_allclose(curved["r1_r2"], 0.5 * squared(REAL) + 0.5 * squared(FAKE), rtol=1e-12)
    for name in ("gradient_penalty", "dragan"):
        np.testing.assert_allclose(straight[name], (np.linalg.norm(SHIFT) - 1) ** 2, rtol=1e-12)
        np.testing.assert_allclose(level[name], 1.0, rtol=1e-12)
    for name in PENALTIES:
        np.testing.assert_allclose(judged[name], curved[name], rtol=1e-12)


def test_where_the_penalties_look():
    """Of a parabola the penalty (|x| - 1)^2 tells the point: uniform on the line, or a product of uniforms away."""
    n = 2000
    real, fake = np.full((n, 1), 2.0), np.full((n, 1), 3.5)
    data = 20.0 + RNG.normal(size=(n, 1))
    with jax.enable_x64(True):
        on_line = jax.jit(lambda key: gradient_penalty(key, PARABOLA, real, fake))(jax.random.key(1))
        around = jax.jit(lambda key: PENALTIES["dragan"](key, PARABOLA, jnp.asarray(data), data))(jax.random.key(2))
    place = 1 + np.sqrt(on_line)
    assert stats.kstest(place, stats.uniform(2.0, 1.5).cdf).pvalue > 1e-3
    ratio = (1 + np.sqrt(around) - data[:, 0]) / (0.5 * data.std())
    assert ratio.min() > -1e-9
    assert stats.kstest(np.maximum(ratio, 1e-9), lambda t: t * (1 - np.log(t))).pvalue > 1e-3


def test_penalties_are_differentiable_by_the_parameters():
    """With the logit theta x^2 / 2 the penalties are theta^2 x^2 / 2 and (theta |x| - 1)^2; theta = 0 makes it flat."""
    at = lambda theta: lambda x: theta * PARABOLA(x)
    x = np.array([[2.0], [-3.0]])

    @jax.jit
    def slopes(theta):
        return {
            name: jax.jacfwd(lambda theta, p=penalty: p(jax.random.key(3), at(theta), x, x))(theta)
            for name, penalty in PENALTIES.items()
            if name != "dragan"
        } | {"reverse": jax.grad(lambda theta: gradient_penalty(jax.random.key(3), at(theta), x, x).sum())(theta)}

    with jax.enable_x64(True):
        out, level = slopes(0.7), slopes(0.0)
    size = np.array([2.0, 3.0])
    np.testing.assert_allclose(out["r1"], 0.7 * size**2, rtol=1e-12)
    np.testing.assert_allclose(out["gradient_penalty"], 2 * (0.7 * size - 1) * size, rtol=1e-12)
    assert float(out["reverse"]) == pytest.approx(np.sum(2 * (0.7 * size - 1) * size))
    assert float(level["reverse"]) == 0.0


def test_bad_lines_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        gradient_penalty(jax.random.key(0), PARABOLA, jnp.zeros((3, 1)), jnp.zeros((2, 1)))


def test_consistency_averages_squares_over_patches():
    a, b = RNG.normal(size=(2, 3, 2, 2))
    np.testing.assert_allclose(consistency_penalty(jnp.asarray(a), b), flat((a - b) ** 2).mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(consistency_penalty(jnp.array([1.0, 2.0]), jnp.array([3.0, 2.5])), [4.0, 0.25])


def test_a_lazy_penalty_rests_and_then_counts_for_all():
    """On resting steps there is neither value nor gradient, not even of a penalty that could not be computed."""
    penalty = lambda theta, step: jnp.sqrt(theta - (step % 4).astype(float)) * jnp.array([1.0, 2.0])  # NaN at 3, 7, ...
    loss = lambda theta, step: lazy(step, 4, lambda: penalty(theta, step))
    run = jax.jit(lambda theta, step: (loss(theta, step), jax.jacrev(loss)(theta, step)))
    for step in range(9):
        value, slope = run(1.0, step)
        np.testing.assert_allclose(value, np.array([4.0, 8.0]) * (step % 4 == 0))
        np.testing.assert_allclose(slope, np.array([2.0, 4.0]) * (step % 4 == 0))

    def count(step):
        return lazy_with_state(step, 3, lambda seen: (jnp.ones(2) * seen, seen + 1.0), jnp.array(5.0))

    assert [float(jax.jit(count)(step)[1]) for step in range(4)] == [6.0, 5.0, 5.0, 6.0]
    with pytest.raises(ValueError, match="interval=0"):
        lazy(jnp.array(0), 0, lambda: jnp.ones(2))


def test_clipped_weights():
    params = {"a": jnp.array([0.5, -0.2, 0.03]), "b": jnp.array([[0.05]])}
    grads = {"a": jnp.array([1.0, 1.0, -1.0]), "b": jnp.array([[0.1]])}
    tx = optax.chain(optax.sgd(0.1), clip_weights(0.1))
    updates, _ = tx.update(grads, tx.init(params), params)
    new = optax.apply_updates(params, updates)
    for name, old in params.items():
        np.testing.assert_allclose(new[name], np.clip(old - 0.1 * grads[name], -0.1, 0.1), atol=1e-7)
    with pytest.raises(ValueError, match="needs the parameters"):
        tx.update(grads, tx.init(params))
    with pytest.raises(ValueError, match="positive"):
        clip_weights(0.0)


def test_path_lengths_of_linear_generators():
    """E |J'y|^2 is the squared Frobenius norm over HW; of one latent variable the length is half-normal."""
    n, maps = 4000, RNG.normal(size=(3, 4, 2, 5, 2))  # layers, latent, height, width, channels
    layered = lambda w: jnp.einsum("blz,lzhwc->bhwc", w, maps)
    single = lambda w: w[:, :, None, None] * maps[0, 0][None]

    @jax.jit
    def lengths(key):
        w = jnp.zeros((n, 3, 4))
        return path_lengths(key, layered, w), path_lengths(key, single, w[:, 0, :1])

    many, one = (np.asarray(x, np.float64) for x in lengths(jax.random.key(4)))
    expected = (maps**2).sum() / 3 / (2 * 5)
    assert (many**2).mean() == pytest.approx(expected, abs=4 * (many**2).std() / np.sqrt(n))
    assert stats.kstest(one, stats.halfnorm(scale=np.sqrt((maps[0, 0] ** 2).sum() / 10)).cdf).pvalue > 1e-3


def test_path_length_is_that_of_the_whole_jacobian():
    """Generators of one latent variable show the noise y, up to a sign: lengths |y_i| and |y_0 + y_i|."""
    key, w, weights = jax.random.key(5), RNG.normal(size=(3, 4)), RNG.normal(size=(4, 6))
    image = lambda flat: flat.reshape(-1, 2, 3, 1)
    length_along = lambda pixels: path_lengths(key, lambda w: image(w * pixels[None]), jnp.zeros((3, 1)))

    @jax.jit
    def run(w):
        seen = jax.vmap(length_along)(jnp.concatenate([jnp.eye(6), jnp.eye(6) + jnp.eye(6)[:1]]))
        return seen, path_lengths(key, lambda w: image(jnp.sin(w @ weights)), w)

    with jax.enable_x64(True):
        seen, lengths = run(jnp.asarray(w))
    size, with_first = seen[:6], seen[6:]
    y = np.where(np.isclose(with_first, size + size[:1]), size, -size).T
    jacobian = np.cos(w @ weights)[:, :, None] * weights.T[None]  # [B, pixel, latent]
    np.testing.assert_allclose(lengths, np.linalg.norm(np.einsum("bi,bij->bj", y, jacobian), axis=1), rtol=1e-10)


def test_the_mean_length_runs_and_is_a_constant_to_the_gradient():
    key, w = jax.random.key(6), RNG.normal(size=(5, 2, 3))
    matrix = RNG.normal(size=(2, 3, 4, 4, 1))
    generator = lambda theta: lambda w: theta * jnp.einsum("blz,lzhwc->bhwc", w, matrix)
    with jax.enable_x64(True):
        run = jax.jit(lambda theta, a: path_length_penalty(key, generator(theta), w, a, decay=0.25))
        unit = np.asarray(path_lengths(key, generator(1.0), jnp.asarray(w)))
        penalty, mean = run(1.5, 0.4)
        expected_mean = 0.4 + 0.25 * (1.5 * unit.mean() - 0.4)
        assert float(mean) == pytest.approx(expected_mean, rel=1e-12)
        np.testing.assert_allclose(penalty, (1.5 * unit - expected_mean) ** 2, rtol=1e-10)
        slope = jax.grad(lambda theta: run(theta, 0.4)[0].mean())(1.5)
        assert float(slope) == pytest.approx(np.mean(2 * (1.5 * unit - expected_mean) * unit), rel=1e-10)
        for _ in range(60):
            _, mean = run(1.5, mean)
        assert float(mean) == pytest.approx(1.5 * unit.mean(), rel=1e-6)
