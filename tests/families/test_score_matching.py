"""Score matching on models whose loss, minimiser or noise is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.core.cpu import attention, convolve
from genjax_models.core.jacobian import basis, quadratic_forms
from genjax_models.families.score import annealed_score_matching, score_matching, sliced_score_matching
from genjax_models.processes import ve

COV = np.array([[0.5, 0.2, 0.0], [0.2, 0.4, -0.1], [0.0, -0.1, 0.3]])
MEAN = np.array([0.3, -0.2, 0.1])
CURVED = lambda x: jnp.tanh(x) * jnp.roll(x, 1, axis=-1) - x


def data(n: int) -> jax.Array:
    return jax.random.multivariate_normal(jax.random.key(0), jnp.asarray(MEAN), jnp.asarray(COV), (n,))


def test_basis_gives_the_trace_of_the_jacobian():
    x = jax.random.normal(jax.random.key(0), (5, 2, 3))
    f = lambda x: jnp.sin(x) * x.sum((1, 2), keepdims=True)
    value, forms = quadratic_forms(f, x, basis(x))
    alone = lambda x: f(x[None])[0].ravel()
    traces = jax.vmap(lambda x: jnp.trace(jax.jacfwd(alone)(x).reshape(6, 6)))(x)
    np.testing.assert_allclose(value, f(x), rtol=1e-6)
    np.testing.assert_allclose(forms.sum(1), traces, rtol=1e-5, atol=1e-5)


def test_probes_estimate_it_without_bias():
    x = jax.random.normal(jax.random.key(0), (4, 6))
    exact = quadratic_forms(CURVED, x, basis(x))[1].sum(1)
    for noise in (jax.random.rademacher, jax.random.normal):
        v = noise(jax.random.key(1), (4096, *x.shape), x.dtype)
        forms = quadratic_forms(CURVED, x, v)[1]
        assert forms.shape == (4, 4096)
        np.testing.assert_array_less(jnp.abs(forms.mean(1) - exact), 4 * forms.std(1) / 64 + 1e-5)


@pytest.mark.slow
def test_networks_with_their_own_gradients_have_a_trace():
    """The convolution and attention of core.cpu define backward passes only."""
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 2))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 2, 2))

    def f(x, convolve, attention):
        y = jnp.tanh(convolve(x, kernel)).reshape(2, 16, 1, 2)
        return attention(y, y, y).reshape(x.shape)

    plain_conv = lambda x, k: jax.lax.conv_general_dilated(
        x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    ours = quadratic_forms(lambda x: f(x, lambda x, k: convolve(x, k, 1, 1), attention), x, basis(x))
    plain = quadratic_forms(lambda x: f(x, plain_conv, jax.nn.dot_product_attention), x, basis(x))
    for a, b in zip(ours, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("reduced", [True, False])
def test_sliced_has_the_exact_mean_and_the_variance_of_a_quadratic_form(reduced):
    r"""For normal $v$, $v^\top S v$ has mean tr S, variance $2\lVert S \rVert_F^2$; S = J, plus s s^T / 2 for SSM."""
    x, count = data(8), 4000
    exact = score_matching(jax.random.key(0), CURVED, x).value
    assert exact.shape == (8,)
    draw = lambda key: (
        sliced_score_matching(key, CURVED, x, probes=4, variance_reduced=reduced, noise=jax.random.normal).value
    )
    draws = jax.vmap(draw)(jax.random.split(jax.random.key(1), count))
    np.testing.assert_array_less(jnp.abs(draws.mean(0) - exact), 4 * draws.std(0) / np.sqrt(count))
    form = jax.vmap(jax.jacfwd(lambda x: CURVED(x[None])[0]))(x)
    if not reduced:
        form = form + 0.5 * jax.vmap(jnp.outer)(CURVED(x), CURVED(x))
    form = 0.5 * (form + form.transpose(0, 2, 1))
    # A chi-square's fourth moment makes the spread of a variance up to sqrt(14 / count) of it, less by 4 probes.
    np.testing.assert_allclose(draws.var(0), 2 * (form**2).sum((1, 2)) / 4, rtol=4 * np.sqrt(5 / count))


def test_rademacher_slices_are_exact_for_independent_axes():
    """A diagonal Jacobian has v^T J v = tr J for signs v."""
    score, x = lambda x: -jnp.tanh(x), data(16)
    ours, exact = (f(jax.random.key(0), score, x).value for f in (sliced_score_matching, score_matching))
    np.testing.assert_allclose(ours, exact, rtol=1e-5)


def test_loss_is_half_the_fisher_divergence_up_to_a_constant():
    r"""For N(m, C), E[loss] of s = -(x - n) is half E|s - s*|^2 minus half E|s*|^2, s* the true score."""
    x, n = data(200_000), np.array([0.0, 0.4, 0.2])
    loss = score_matching(jax.random.key(0), lambda x: -(x - jnp.asarray(n, jnp.float32)[None]), x).value
    # s - s* = (P - I)(x - m) - (m - n): its second moment, and that of s*, with P the precision.
    precision = np.linalg.inv(COV)
    gap = (precision - np.eye(3)) @ COV @ (precision - np.eye(3))
    closed = 0.5 * (np.trace(gap) + ((MEAN - n) ** 2).sum()) - 0.5 * np.trace(precision)
    assert float(loss.mean()) == pytest.approx(closed, abs=4 * float(loss.std()) / np.sqrt(200_000))


@pytest.mark.parametrize("loss", [score_matching, sliced_score_matching])
def test_the_best_linear_score_has_the_datas_precision(loss):
    """s = b - A x: the loss is quadratic, one Newton step lands at A = inverse sample covariance, b = A mean."""
    x = data(500)
    probes = {} if loss is score_matching else {"probes": 64}

    def mean_loss(w):
        A, b = w[:9].reshape(3, 3), w[9:]
        return loss(jax.random.key(1), lambda x: b[None] - x @ A.T, x, **probes).value.mean()

    start = jnp.zeros(12)
    w = -jnp.linalg.solve(jax.hessian(mean_loss)(start), jax.grad(mean_loss)(start))
    A, b = np.asarray(w[:9]).reshape(3, 3), np.asarray(w[9:])
    sample = np.asarray(x, np.float64)
    precision = np.linalg.inv(np.cov(sample.T, bias=True))
    # The slices' mean v v^T is the identity within 1/sqrt(500 * 64) off the diagonal.
    atol = 1e-3 if loss is score_matching else 4 * np.abs(precision).max() / np.sqrt(500 * 64)
    np.testing.assert_allclose(A, precision, atol=atol)
    np.testing.assert_allclose(b, A @ sample.mean(0), atol=1e-3)


def test_annealed_loss_is_the_papers():
    r"""$\sigma^2\lVert s + \epsilon/\sigma \rVert^2$ is 1 an axis for s = 0, and 0 for the conditional score itself."""
    x, process = data(4096), ve(0.05, 2.0)
    zero = annealed_score_matching(jax.random.key(1), lambda x, t: jnp.zeros_like(x), x, sigma_min=0.05, sigma_max=2.0)
    assert float(zero.value.mean()) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 3 / 4096))  # E eps^2
    known = lambda x_t, t: (x - x_t) / process.sigma(t)[:, None] ** 2
    truth = annealed_score_matching(jax.random.key(1), known, x, sigma_min=0.05, sigma_max=2.0, num_levels=5)
    np.testing.assert_allclose(truth.value, jnp.zeros(4096), atol=1e-6)
    levels = np.unique(np.asarray(process.sigma(truth.aux["t"])))
    np.testing.assert_allclose(levels, np.geomspace(0.05, 2.0, 5), rtol=1e-5)


def test_misuse_is_named():
    x = jnp.zeros((2, 3))
    with pytest.raises(ValueError, match="at least 1 probe"):
        sliced_score_matching(jax.random.key(0), lambda x: x, x, probes=0)
    with pytest.raises(ValueError, match="sigma_min < sigma_max"):
        annealed_score_matching(jax.random.key(0), lambda x, t: x, x, sigma_min=1.0, sigma_max=0.1)
    with pytest.raises(ValueError, match="at least 2 noise levels"):
        annealed_score_matching(jax.random.key(0), lambda x, t: x, x, num_levels=1)
