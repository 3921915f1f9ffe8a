"""The exact distance where the optimal map is known, and beside it the path energy of the flow along that map."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.evaluation import wasserstein
from genjax_models.families.flow_matching import normalized_path_energy, path_energy, rk4
from genjax_models.processes import Denoiser, rectified_flow
from genjax_models.solvers import uniform_grid

RNG = np.random.default_rng(0)
STRETCH, SHIFT = np.array([[1.5, 0.6], [0.6, 0.8]]), np.array([2.0, -1.0])  # symmetric, positive definite


def test_on_the_line_it_sorts():
    x, y = RNG.normal(size=(2, 50, 1))
    expected = np.sqrt(np.mean((np.sort(x[:, 0]) - np.sort(y[:, 0])) ** 2))
    assert wasserstein(x, y) == pytest.approx(expected, rel=1e-12)


def test_no_pairing_is_better():
    x, y = RNG.normal(size=(2, 6, 3))
    costs = [np.mean(np.sum((x - y[list(order)]) ** 2, 1)) for order in permutations(range(6))]
    assert wasserstein(x, y) == pytest.approx(np.sqrt(min(costs)), rel=1e-12)


def test_the_gradient_of_a_convex_function_is_optimal():
    """Brenier: y = A x + b with A symmetric and positive definite, whatever the points."""
    x = RNG.normal(size=(200, 2))
    y = x @ STRETCH + SHIFT
    expected = np.sqrt(np.mean(np.sum((y - x) ** 2, 1)))
    assert wasserstein(x, RNG.permutation(y)) == pytest.approx(expected, rel=1e-9)


def test_samples_of_gaussians_come_near_the_closed_form():
    """W2^2 = |m|^2 + tr(I + S - 2 S^(1/2)), here with S^(1/2) = A; ten percent is five standard errors of the mean."""
    x, z = RNG.normal(size=(2, 16, 200, 2))
    squares = [wasserstein(a, b) ** 2 for a, b in zip(x, z @ STRETCH + SHIFT, strict=True)]
    expected = SHIFT @ SHIFT + np.trace(np.eye(2) + STRETCH @ STRETCH - 2 * STRETCH)
    assert np.mean(squares) == pytest.approx(expected, rel=0.1)


def test_the_flow_along_the_optimal_map_has_no_excess_energy():
    r"""$x_t = ((1-t)A + t)\,\epsilon + (1-t)b$ moves points straight: the energy is W2^2 of the same points."""

    def velocity(x, t):
        t = t[:, None, None]
        maps, moved = (1 - t) * STRETCH[None] + t * np.eye(2)[None], x[:, :, None] - (1 - t) * SHIFT[None, :, None]
        eps = jnp.linalg.solve(maps, moved)[..., 0]
        return eps - eps @ STRETCH - SHIFT[None]

    eps = jnp.asarray(RNG.normal(size=(100, 2)), jnp.float32)
    flow = Denoiser(rectified_flow(), velocity, "velocity")
    energy = jax.jit(lambda eps: path_energy(jax.random.key(0), flow, eps, uniform_grid(16), rk4()))(eps)
    squared_w2 = wasserstein(eps, np.asarray(eps) @ STRETCH + SHIFT) ** 2
    assert float(normalized_path_energy(energy, jnp.asarray(squared_w2))) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(("sizes", "said"), [((4, 5), "sets of one size, got 4 and 5"), ((0, 0), "at least 1 samples")])
def test_sets_that_do_not_compare_are_refused(sizes, said):
    with pytest.raises(UserError, match=said):
        wasserstein(*(np.zeros((size, 2)) for size in sizes))
