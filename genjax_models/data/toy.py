r"""Toy densities on the line and the plane, each with a sampler and its density.

All of `DENSITIES` lie in about [-1, 1]; `affine` moves a density elsewhere. Five constructions, with $N_s$ the normal
density of standard deviation $s$:

* Gaussian mixture, $p(x) = \sum_k w_k N_s(x - \mu_k)$;
* noisy curves, $p(x) = \frac1K \sum_k \int_0^1 N_s(x - c_k(u))\,du$, by Gauss-Legendre quadrature (it is exact to
  float32 with a few nodes for each $s$ along the curve);
* polar: an angle that is uniform and a radius with density $q$, $p(x) = q(r) / (2 \pi r)$;
* volume-preserving twist, $x = R(\omega |f|) f$, a rotation by an angle that depends on the radius alone, so that
  $p(x)$ is the density of $f$;
* mixture of wrapped normals on the torus, whose angles are counted in half turns, so that -1 and 1 are one: with
  $W_s(a) = \sum_n N_s(a + 2n)$ and whole $c_k$,
  $p(x) = \sum_k w_k W_{s_k}(x_1 - a_k)\, W_{t_k}(x_2 - c_k x_1 - b_k)$ on $[-1, 1)^2$.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Key
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.spec import of_vectors


class ToyDensity(NamedTuple):
    """A distribution that is known exactly.

    Attributes:
      dim: D, 1 or 2.
      sample: `(key, n) -> x`, `[n, D]` float32.
      log_prob: `x [N, D] -> [N]`, nats; `-inf` outside the support.
    """

    dim: int
    sample: Callable[[Key, int], Array]
    log_prob: Callable[[Array], Array]


def gaussian_mixture(means: np.ndarray, std: float, weights: np.ndarray | None = None) -> ToyDensity:
    """Isotropic components of one `std` at `means` `[K, D]`; equal weights unless `weights` `[K]` are given."""
    count, dim = means.shape
    log_weight = np.log(np.full(count, 1 / count) if weights is None else weights).astype(np.float32)
    means = means.astype(np.float32)

    def sample(key: Key, n: int) -> Array:
        which, noise = jax.random.split(key)
        component = jax.random.categorical(which, log_weight, shape=(n,))
        return jnp.asarray(means)[component] + std * jax.random.normal(noise, (n, dim))

    def log_prob(x: Array) -> Array:
        components = _log_normal(x[:, None] - means[None], std).sum(-1)
        return jax.nn.logsumexp(components + log_weight[None], axis=1)

    return ToyDensity(dim, sample, log_prob)


def noisy_curves(curves: Callable[[Array], Array], std: float, panels: int) -> ToyDensity:
    """Points on K curves, `u [N] -> [K, N, 2]` with `u` uniform, plus noise; `panels` of 16 nodes each integrate."""
    roots, weights = np.polynomial.legendre.leggauss(16)
    abscissae = ((np.arange(panels)[:, None] + (roots[None] + 1) / 2) / panels).ravel().astype(np.float32)
    log_weight = np.tile(np.log(weights / (2 * panels)), panels).astype(np.float32)

    def sample(key: Key, n: int) -> Array:
        which, along, noise = jax.random.split(key, 3)
        points = curves(jax.random.uniform(along, (n,)))
        curve = jax.random.randint(which, (n,), 0, points.shape[0])
        return points[curve, jnp.arange(n)] + std * jax.random.normal(noise, (n, 2))

    def log_prob(x: Array) -> Array:
        points = curves(jnp.asarray(abscissae))  # [K, 16 panels, 2]
        terms = _log_normal(x[:, None, None] - points[None], std).sum(-1) + log_weight[None, None]
        return jax.nn.logsumexp(terms, axis=(1, 2)) - np.log(points.shape[0])

    return ToyDensity(2, sample, log_prob)


def rings(radii: tuple[float, ...], std: float) -> ToyDensity:
    """Concentric circles of equal weight; the radius is normal about each, with `std` far below the least."""
    radius = gaussian_mixture(np.array(radii)[:, None], std)

    def sample(key: Key, n: int) -> Array:
        around, along = jax.random.split(key)
        angle = 2 * jnp.pi * jax.random.uniform(around, (n,))
        return radius.sample(along, n) * _direction(angle)

    def log_prob(x: Array) -> Array:
        r = jnp.linalg.norm(x, axis=1, keepdims=True)
        return radius.log_prob(r) - jnp.log(2 * jnp.pi * r[:, 0])

    return ToyDensity(2, sample, log_prob)


def checkerboard(cells: int = 4) -> ToyDensity:
    """Uniform on every other square of a `cells` x `cells` board (an even number) over [-1, 1]^2."""

    def sample(key: Key, n: int) -> Array:
        which, within = jax.random.split(key)
        square = jax.random.randint(which, (n,), 0, cells * cells // 2)
        row, column = square // (cells // 2), 2 * (square % (cells // 2))
        corner = jnp.stack([column + row % 2, row], axis=1)
        return (corner + jax.random.uniform(within, (n, 2))) * (2 / cells) - 1

    def log_prob(x: Array) -> Array:
        cell = jnp.floor((x + 1) * (cells / 2))
        inside = jnp.all((cell >= 0) & (cell < cells), axis=1) & (cell.sum(axis=1) % 2 == 0)
        return jnp.where(inside, -np.log(2.0), -jnp.inf)

    return ToyDensity(2, sample, log_prob)


def pinwheel(arms: int = 5, twist: float = 3.5) -> ToyDensity:
    """Radial blobs bent into spiral arms: a Gaussian per arm, then the twist of the module's docstring.

    The pinwheel of Johnson et al. (https://arxiv.org/abs/1603.06277) turns by a function of one coordinate,
    which leaves no simple density; ours turns by `twist` radians a unit of radius.
    """
    mean, std = np.array([0.5, 0.0], np.float32), np.array([0.14, 0.05], np.float32)
    arm_angle = (2 * np.pi * np.arange(arms) / arms).astype(np.float32)

    def sample(key: Key, n: int) -> Array:
        which, noise = jax.random.split(key)
        arm = jnp.asarray(arm_angle)[jax.random.randint(which, (n,), 0, arms)]
        blob = jnp.asarray(mean)[None] + std[None] * jax.random.normal(noise, (n, 2))
        return _rotate(blob, arm + twist * jnp.linalg.norm(blob, axis=1))

    def log_prob(x: Array) -> Array:
        angle = jnp.asarray(arm_angle)[None] + twist * jnp.linalg.norm(x, axis=1)[:, None]
        blob = _rotate(jnp.broadcast_to(x[:, None], (len(x), arms, 2)), -angle)
        terms = _log_normal(blob - mean[None, None], std[None, None]).sum(-1)
        return jax.nn.logsumexp(terms, axis=1) - np.log(arms).astype(np.float32)

    return ToyDensity(2, sample, log_prob)


def torus() -> ToyDensity:
    """Two angles: half of the mass on a ridge that runs once around both, the rest in spots on either seam."""
    # weights, a, s, b, t and c of the module's docstring; W of s = 2 is uniform to nine digits
    parts = [[0.5, 0.0, 2.0, 0.0, 0.08, 1.0], [0.25, 1.0, 0.12, 0.0, 0.2, 0.0], [0.25, 0.0, 0.2, 1.0, 0.12, 0.0]]
    table = np.array(parts, np.float32).T
    weight, a, s, b, t, c = table
    windings = 2 * np.arange(-5, 6, dtype=np.float32)

    def sample(key: Key, n: int) -> Array:
        which, noise = jax.random.split(key)
        k = jax.random.categorical(which, np.log(weight), shape=(n,))
        _, mean, std, shift, spread, turns = jnp.asarray(table)[:, k]
        first, second = jax.random.normal(noise, (2, n))
        angle = mean + std * first
        return _wrap(jnp.stack([angle, shift + turns * angle + spread * second], axis=1))

    def log_wrapped(angle: Array, std: np.ndarray) -> Array:
        return jax.nn.logsumexp(
            _log_normal(_wrap(angle)[..., None] + windings[None, None], std[None, :, None]), axis=-1
        )

    def log_prob(x: Array) -> Array:
        first, second = x[:, :1], x[:, 1:]
        terms = log_wrapped(first - a[None], s) + log_wrapped(second - c[None] * first - b[None], t)
        inside = jnp.all((x >= -1) & (x < 1), axis=1)
        return jnp.where(inside, jax.nn.logsumexp(terms + np.log(weight)[None], axis=1), -jnp.inf)

    return ToyDensity(2, sample, log_prob)


def moons(std: float = 0.05) -> ToyDensity:
    """Two half circles of radius 0.6: scikit-learn's `make_moons` about its centre (1/2, 1/4), times 0.6."""
    return noisy_curves(_moons, std, panels=max(8, round(0.4 / std)))


def circle_of_eight() -> np.ndarray:
    """The centres `[8, 2]` of the eight Gaussians, on a circle of radius 0.8."""
    angle = 2 * np.pi * np.arange(8) / 8
    return 0.8 * np.stack([np.cos(angle), np.sin(angle)], 1)


def grid_of_twenty_five() -> np.ndarray:
    """The centres `[25, 2]` of the twenty-five Gaussians, 0.4 apart."""
    along = np.linspace(-0.8, 0.8, 5)
    return np.stack(np.meshgrid(along, along), -1).reshape(-1, 2)


def eight_gaussians(std: float = 0.05) -> ToyDensity:
    """Eight equal Gaussians on a circle of radius 0.8."""
    return gaussian_mixture(circle_of_eight(), std)


def affine(density: ToyDensity, scale: float, shift: tuple[float, ...]) -> ToyDensity:
    """The distribution of `scale` x + `shift`, for x from `density`; `scale` is not zero."""
    offset = np.asarray(shift, np.float32)[None]
    log_volume = density.dim * np.log(abs(scale)).astype(np.float32)
    return ToyDensity(
        density.dim,
        lambda key, n: scale * density.sample(key, n) + offset,
        lambda x: density.log_prob((x - offset) / scale) - log_volume,
    )


def _moons(u: Array) -> Array:
    upper = _direction(jnp.pi * u) - jnp.array([0.5, 0.25])[None]
    return 0.6 * jnp.stack([upper, -upper])


def _spirals(u: Array) -> Array:
    turn = jnp.sqrt(0.02 + 0.98 * u)  # evenly dense along the arm, which starts just off the centre
    arm = 0.9 * turn[:, None] * _direction(3 * jnp.pi * turn)
    return jnp.stack([arm, -arm])


def _wrap(half_turns: Array) -> Array:
    return half_turns - 2 * jnp.floor((half_turns + 1) / 2)


def _direction(angle: Array) -> Array:
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)


def _rotate(x: Array, angle: Array) -> Array:
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([cos * x[..., 0] - sin * x[..., 1], sin * x[..., 0] + cos * x[..., 1]], axis=-1)


def _log_normal(x: Array, std: float | np.ndarray) -> Array:
    return -0.5 * (x / std) ** 2 - jnp.log(std) - 0.5 * np.log(2 * np.pi)


DENSITIES = {
    "mixture_1d": gaussian_mixture(np.array([[-0.6], [0.1], [0.7]]), 0.08, np.array([0.3, 0.5, 0.2])),
    "moons": moons(),
    "eight_gaussians": eight_gaussians(),
    "twenty_five_gaussians": gaussian_mixture(grid_of_twenty_five(), 0.03),
    "checkerboard": checkerboard(),
    "two_spirals": noisy_curves(_spirals, std=0.02, panels=40),
    "rings": rings((0.25, 0.5, 0.75, 1.0), 0.02),
    "pinwheel": pinwheel(),
    "torus": torus(),
}
"""The toy sets that `load` knows by name."""

_TRAIN, _TEST = 50_000, 10_000


def load_toy(name: str, split: str) -> ArrayDataset:
    """50,000 (`train`) or 10,000 (`test`) fixed draws of a density, `float32` `[N, D]`, without classes."""
    rows = slice(_TRAIN) if split == "train" else slice(_TRAIN, None)
    return ArrayDataset(of_vectors(name, DENSITIES[name].dim), split, {"x": _draws(name)[rows]})


@cache
def _draws(name: str) -> np.ndarray:
    sample = jax.jit(DENSITIES[name].sample, static_argnums=1)
    return np.asarray(sample(jax.random.key(0), _TRAIN + _TEST))
