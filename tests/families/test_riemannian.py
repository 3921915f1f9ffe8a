"""Spheres and tori: geodesics by their defining properties, and flows whose field is known exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families.flow_matching import (
    geodesic,
    geodesic_euler,
    riemannian_log_prob,
    riemannian_velocity_loss,
    sphere,
    torus,
)
from genjax_models.solvers import sample, uniform_grid

MANIFOLDS = {"circle": sphere(1), "sphere": sphere(4), "torus": torus(3)}


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


every_manifold = pytest.mark.parametrize("manifold", MANIFOLDS.values(), ids=MANIFOLDS)


def points(manifold, n: int = 128):
    return (manifold.random_uniform(jax.random.key(seed), (n,)) for seed in (0, 1))


def distance(manifold, x, y) -> np.ndarray:
    """Arc length without our `log`: the angle from the chord, or the shorter way around each circle."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if manifold is MANIFOLDS["torus"]:
        return np.linalg.norm(np.minimum(abs(x - y), 2 * np.pi - abs(x - y)), axis=-1)
    return 2 * np.arcsin(np.clip(np.linalg.norm(x - y, axis=-1) / 2, 0, 1))


@pytest.mark.usefixtures("double")
@every_manifold
def test_exp_undoes_log_and_log_measures_the_distance(manifold):
    x, y = points(manifold)
    v = manifold.log(x, y)
    np.testing.assert_allclose(distance(manifold, manifold.exp(x, v), y), 0.0, atol=1e-6)
    np.testing.assert_allclose(jnp.linalg.norm(v, axis=-1), distance(manifold, x, y), atol=1e-6)
    np.testing.assert_allclose(manifold.project(x, v), v, atol=1e-6)


@pytest.mark.usefixtures("double")
@every_manifold
def test_log_undoes_exp_within_the_injectivity_radius(manifold):
    x, _ = points(manifold)
    v = manifold.project(x, jax.random.normal(jax.random.key(2), x.shape))
    v = v / jnp.linalg.norm(v, axis=-1, keepdims=True) * jnp.linspace(0.0, 3.0, len(x))[:, None]
    np.testing.assert_allclose(manifold.log(x, manifold.exp(x, v)), v, atol=1e-6)


@pytest.mark.usefixtures("double")
@every_manifold
def test_geodesics_have_constant_speed_tangent_velocity_and_the_right_ends(manifold):
    x, eps = points(manifold)
    for t in (0.0, 0.3, 1.0):
        x_t, velocity = geodesic(manifold, x, eps, jnp.full(len(x), t))
        np.testing.assert_allclose(distance(manifold, x, x_t), t * distance(manifold, x, eps), atol=1e-6)
        np.testing.assert_allclose(distance(manifold, x_t, eps), (1 - t) * distance(manifold, x, eps), atol=1e-6)
        np.testing.assert_allclose(jnp.linalg.norm(velocity, axis=-1), distance(manifold, x, eps), atol=1e-6)
        np.testing.assert_allclose(manifold.project(x_t, velocity), velocity, atol=1e-6)
        if t < 1:
            np.testing.assert_allclose(velocity * (1 - t), manifold.log(x_t, eps), atol=1e-6)


@pytest.mark.usefixtures("double")
def test_projection_is_orthogonal_and_points_stay_on_the_sphere():
    manifold = sphere(4)
    x, _ = points(manifold)
    v = jax.random.normal(jax.random.key(2), x.shape)
    projected = manifold.project(x, v)
    np.testing.assert_allclose((projected * x).sum(-1), 0.0, atol=1e-6)
    np.testing.assert_allclose(manifold.project(x, projected), projected, atol=1e-6)
    np.testing.assert_allclose(jnp.linalg.norm(manifold.exp(x, 10 * projected), axis=-1), 1.0, rtol=1e-6)


def bent(manifold):
    """A field without symmetry, and periodic on the torus."""
    matrix = jax.random.normal(jax.random.key(7), (2 * manifold.coordinates, manifold.coordinates))
    return lambda x, t: 0.5 * jnp.sin(jnp.concatenate([jnp.cos(x), jnp.sin(x)], -1) @ matrix + t[:, None])


@pytest.mark.parametrize("name", ["torus", "sphere"])
def test_the_density_integrates_to_one(name):
    """By the trapezium rule on the torus, and Gauss-Legendre in height and trapezia around on the sphere."""
    n = 48
    around = 2 * np.pi * np.arange(n) / n - np.pi
    if name == "torus":
        manifold = torus(2)
        x = np.stack(np.meshgrid(around, around), -1).reshape(-1, 2)
        weights = np.full(n**2, (2 * np.pi / n) ** 2)
    else:
        manifold = sphere(2)
        height, weight = np.polynomial.legendre.leggauss(n)
        z, phi = (a.ravel() for a in np.meshgrid(height, around, indexing="ij"))
        r = np.sqrt(1 - z**2)
        x = np.stack([r * np.cos(phi), r * np.sin(phi), z], -1)
        weights = np.repeat(weight, n) * 2 * np.pi / n
    density = jax.jit(
        lambda x: riemannian_log_prob(bent(manifold), x, manifold=manifold, rtol=1e-6, atol=1e-6)[0].value
    )
    value = np.asarray(density(jnp.asarray(x)))
    assert value.std() > 0.1
    assert (weights * np.exp(value)).sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("manifold", [sphere(2), torus(2)], ids=["sphere", "torus"])
def test_the_likelihoods_gradient_is_its_slope(manifold):
    x = manifold.random_uniform(jax.random.key(0), (8,)).astype(jnp.float64)

    @jax.jit
    def total(scale):
        field = lambda x, t: scale * bent(manifold)(x, t)
        return riemannian_log_prob(field, x, manifold=manifold, rtol=1e-9, atol=1e-9)[0].value.sum()

    slope = (total(1.001) - total(0.999)) / 0.002
    assert float(jax.grad(total)(1.0)) == pytest.approx(float(slope), rel=1e-4)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_uniform_distribution_has_the_manifolds_volume(dim):
    """A rotation keeps it; the sphere's volumes are 2 pi, 4 pi, 2 pi^2."""
    still = lambda x, t: jnp.zeros_like(x)
    for manifold, volume in (
        (sphere(dim), {1: 2 * np.pi, 2: 4 * np.pi, 3: 2 * np.pi**2}[dim]),
        (torus(dim), (2 * np.pi) ** dim),
    ):
        x = manifold.random_uniform(jax.random.key(0), (3, 2))  # a product of two
        likelihood, _ = riemannian_log_prob(still, x, manifold=manifold)
        np.testing.assert_allclose(likelihood.value, np.full(3, -2 * np.log(volume)), rtol=1e-6)


@pytest.mark.usefixtures("double")
def test_torus_wraps_around():
    manifold = torus(1)
    x, y = jnp.array([[3.0]]), jnp.array([[-3.0]])
    np.testing.assert_allclose(manifold.log(x, y), 2 * np.pi - 6, rtol=1e-9)
    np.testing.assert_allclose(manifold.log(y, x), 6 - 2 * np.pi, rtol=1e-9)
    np.testing.assert_allclose(manifold.exp(x, jnp.array([[7 * np.pi]])), 3 - np.pi, rtol=1e-9)
    middle, _ = geodesic(manifold, x, y, jnp.array([0.5]))
    np.testing.assert_allclose(jnp.abs(middle), np.pi, rtol=1e-9)


def test_uniform_points_are_uniform():
    """Moments: x is centred with covariance I / (n + 1) on the sphere, angles are uniform on the circle."""
    n = 20_000
    x = np.asarray(sphere(2).random_uniform(jax.random.key(0), (n,)))
    np.testing.assert_allclose(x.mean(0), 0.0, atol=4 * np.sqrt(1 / 3 / n))
    np.testing.assert_allclose(x.T @ x / n, np.eye(3) / 3, atol=4 * np.sqrt(0.1 / n))
    angle = np.asarray(torus(2).random_uniform(jax.random.key(0), (n,)))
    assert angle.min() >= -np.pi
    assert angle.max() < np.pi
    np.testing.assert_allclose(np.histogram(angle[:, 0], 8, (-np.pi, np.pi))[0] / n, 1 / 8, atol=4 * np.sqrt(0.11 / n))


@every_manifold
def test_the_exact_field_of_one_point_has_no_loss_and_ends_there(manifold):
    r"""All geodesics lead to p, so the marginal velocity is the conditional one, $-\log_x(p)/t$."""
    target, start = points(manifold, 32)
    target = jnp.broadcast_to(target[:1], target.shape)
    field = lambda x, t: -manifold.log(x, target) / t[:, None]
    loss = riemannian_velocity_loss(jax.random.key(3), field, target, manifold=manifold)
    assert loss.value.shape == (32,)
    np.testing.assert_allclose(loss.value, 0.0, atol=1e-4)
    run = lambda steps: sample(jax.random.key(0), field, start, uniform_grid(steps), geodesic_euler(manifold))
    for steps in (1, 7):
        np.testing.assert_allclose(distance(manifold, run(steps), target), 0.0, atol=1e-3)


def test_the_sampler_follows_a_rotation():
    """The field of a rotation of the sphere is along no geodesic: Euler's error is of first order."""
    manifold, axis = sphere(2), jnp.array([0.0, 0.0, 1.0])
    x = manifold.random_uniform(jax.random.key(0), (16,))
    field = lambda x, t: jnp.cross(jnp.broadcast_to(axis, x.shape), x)
    cos, sin = np.cos(1.0), np.sin(1.0)
    exact = x @ jnp.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])  # turned by -1, from t = 1 to t = 0
    run = lambda steps: sample(jax.random.key(0), field, x, uniform_grid(steps), geodesic_euler(manifold))
    error = [float(jnp.abs(run(steps) - exact).max()) for steps in (20, 40)]
    assert np.log2(error[0] / error[1]) == pytest.approx(1.0, abs=0.15)


def test_only_the_tangent_part_of_a_model_counts():
    manifold = sphere(2)
    x = manifold.random_uniform(jax.random.key(0), (8,))
    model = lambda x, t: jnp.sin(3 * x)
    loss = lambda model: riemannian_velocity_loss(jax.random.key(1), model, x, manifold=manifold).value
    np.testing.assert_allclose(loss(lambda x, t: model(x, t) + 5 * x), loss(model), rtol=1e-3, atol=1e-5)


@every_manifold
def test_products_of_manifolds_and_finite_gradients(manifold):
    """An axis between batch and coordinates; data on top of its noise is no singularity."""
    x = manifold.random_uniform(jax.random.key(0), (4, 5))
    loss = lambda w: riemannian_velocity_loss(jax.random.key(1), lambda x, t: w * x, x, manifold=manifold).value
    assert loss(1.0).shape == (4,)
    assert np.isfinite(jax.grad(lambda w: loss(w).mean())(1.0))
    for t in (0.0, 0.5):
        _, velocity = geodesic(manifold, x, x, jnp.full(4, t))
        np.testing.assert_allclose(velocity, 0.0, atol=1e-3)
    gradient = jax.grad(lambda y: manifold.exp(x, manifold.log(x, y)).sum())(x)
    assert bool(jnp.isfinite(gradient).all())


def test_bad_dimensions_are_refused():
    for make in (sphere, torus):
        with pytest.raises(ValueError, match="at least 1 dimension"):
            make(0)
    with pytest.raises(ValueError, match="3 coordinates, but x ends in 2"):
        riemannian_velocity_loss(jax.random.key(0), lambda x, t: x, jnp.ones((4, 2)), manifold=sphere(2))
