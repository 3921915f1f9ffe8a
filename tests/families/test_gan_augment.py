"""Augmentations against NumPy and SciPy, the laws of their random numbers, and the controller on a toy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats
from scipy.spatial.transform import Rotation

from genjax_models.families.gan import POLICIES, ada_augment, adapt, diff_augment, overfitting
from genjax_models.families.gan.augment import ada, warp
from genjax_models.families.gan.augment.diff_augment import brightness, contrast, saturation
from genjax_models.families.gan.augment.warp import compose, linear_map, rotation, translation

RNG = np.random.default_rng(0)
AUGMENT = jax.jit(ada_augment)


def images(*shape):
    return jnp.asarray(RNG.uniform(-1, 1, shape), jnp.float32)


def one_map(linear, shift=(0.0, 0.0)):
    return jnp.asarray(
        np.block([[np.asarray(linear), np.asarray(shift)[:, None]], [np.zeros((1, 2)), np.ones((1, 1))]])
    )


@pytest.mark.parametrize("shape, dtype", [((3, 8, 8, 3), "float32"), ((3, 7, 4, 1), "bfloat16")])
def test_at_probability_zero_images_stay_exactly_as_they_are(shape, dtype):
    x = images(*shape).astype(dtype)
    np.testing.assert_array_equal(AUGMENT(jax.random.key(0), x, 0.0), x)
    assert np.all(jnp.any(AUGMENT(jax.random.key(0), x, 1.0) != x, axis=(1, 2, 3)))


def test_a_warp_is_scipys():
    """SciPy takes rows before columns, and maps from a corner; its "mirror" is ours."""
    x = RNG.normal(size=(4, 7, 10, 2))
    linear, shift = np.eye(2)[None] + 0.6 * RNG.normal(size=(4, 2, 2)), 4 * RNG.normal(size=(4, 2))
    centre = (np.array([7, 10]) - 1) / 2
    with jax.enable_x64(True):
        maps = jnp.stack([one_map(a, b) for a, b in zip(linear, shift, strict=True)])
        out = jax.jit(warp)(jnp.asarray(x), maps)
    for image, a, b, got in zip(x, linear, shift, out, strict=True):
        rows_first = a[::-1, ::-1]
        offset = centre - rows_first @ centre + b[::-1]
        for c in range(2):
            expected = ndimage.affine_transform(image[..., c], rows_first, offset, order=1, mode="mirror")
            np.testing.assert_allclose(got[..., c], expected, atol=1e-10)


def test_flips_turns_and_whole_shifts_are_exact():
    x = RNG.normal(size=(1, 8, 8, 3)).astype(np.float32)
    maps = jnp.stack(
        [one_map(np.diag([-1.0, 1.0])), one_map([[0.0, -1.0], [1.0, 0.0]]), one_map(np.eye(2), (-3, 2))],
    )
    shifted = np.pad(x, ((0, 0), (0, 2), (3, 0), (0, 0)), "reflect")[:, 2:, :8]
    flipped, turned = x[:, :, ::-1], np.rot90(x, axes=(1, 2))
    out = jax.jit(warp)(jnp.broadcast_to(x, (3, 8, 8, 3)), maps)
    np.testing.assert_array_equal(out, np.concatenate([flipped, turned, shifted]))


def test_constant_images_stay_constant():
    geometry = jax.jit(lambda key: ada.geometry(key, (6, 1, 5, 1), 1.0))(jax.random.key(0))
    for height in (1, 5):  # with one row there is nothing to mirror
        flat = jnp.full((6, height, 5, 1), 0.7)
        np.testing.assert_allclose(jax.jit(warp)(flat, geometry), flat, rtol=1e-6)


def test_maps_compose_in_the_order_of_the_warps():
    x = images(2, 9, 9, 1)
    turn = linear_map(*(jnp.full(2, v) for v in (0.0, -1.0, 1.0, 0.0)))
    shift = translation(jnp.array([2.0, -1.0]), jnp.array([0.0, 3.0]))
    twice, once = jax.jit(lambda x: (warp(warp(x, turn), shift), warp(x, compose(turn, shift))))(x)
    inside = (slice(None), slice(3, 6), slice(3, 6))  # away from what comes in at the border
    np.testing.assert_array_equal(twice[inside], once[inside])
    np.testing.assert_allclose(rotation(jnp.full(2, np.pi / 2)), turn, atol=1e-6)


def test_the_distribution_of_blits():
    n, p, size = 4000, 0.6, 32
    maps = np.asarray(jax.jit(lambda key: ada.blits(key, (n, size, size, 1), p))(jax.random.key(1)))
    np.testing.assert_array_equal(maps, np.round(maps))
    linear, shift = maps[:, :2, :2], np.abs(maps[:, :2, 2])
    np.testing.assert_array_equal(np.abs(np.linalg.det(linear)), np.ones(n))
    assert shift.max() == size / 8
    unmoved = (1 - p / 2) * (1 - 3 * p / 4) * (1 - p + p / 64)
    for event, chance in (
        (np.linalg.det(linear) < 0, p / 2),
        (linear[:, 0, 0] == 0, p / 2),
        ((maps == np.eye(3)[None]).all(axis=(1, 2)), unmoved),
    ):
        assert stats.binomtest(int(event.sum()), n, chance).pvalue > 1e-3


def test_the_distribution_of_the_geometry():
    n, p = 4000, 0.4
    run = jax.jit(lambda key, p: ada.geometry(key, (n, 16, 8, 1), p))
    unmoved = (np.asarray(run(jax.random.key(2), p)) == np.eye(3)[None]).all(axis=(1, 2))
    assert stats.binomtest(int(unmoved.sum()), n, (1 - p) ** 4).pvalue > 1e-3
    maps = np.asarray(run(jax.random.key(3), 1.0), np.float64)
    linear = maps[:, :2, :2]
    stretches = np.linalg.svd(linear, compute_uv=False)
    shift = np.linalg.solve(linear, maps[:, :2, 2:])[..., 0] / [8, 16]
    for value, law in (
        (np.log2(np.linalg.det(linear)), stats.norm(scale=0.4)),
        (np.log2(stretches[:, 0] / stretches[:, 1]), stats.halfnorm(scale=0.4)),
        (shift.ravel(), stats.norm(scale=0.125)),
        (
            np.arctan2(linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1]),
            stats.uniform(-np.pi, 2 * np.pi),
        ),
    ):
        assert stats.kstest(value, law.cdf).pvalue > 1e-3


def test_the_distribution_of_the_colours():
    n, p = 4000, 0.4
    colours = jnp.broadcast_to(jnp.array([0.1, 0.4, -0.2]), (n, 1, 1, 3))
    run = jax.jit(ada.recolour)
    for channels, chance in ((1, (1 - p) ** 2 * (1 - p / 2)), (3, (1 - p) ** 4 * (1 - p / 2))):
        x = colours[..., :channels]
        same = jnp.all(run(jax.random.key(4), x, p) == x, axis=(1, 2, 3))
        assert stats.binomtest(int(same.sum()), n, chance).pvalue > 1e-3

    out = np.asarray(run(jax.random.key(5), colours, 1.0), np.float64)[:, 0, 0]
    basis = np.linalg.qr(np.stack([np.ones(3), [1, -1, 0], [0, 1, -1]], axis=1))[0]
    before, after = np.array([0.1, 0.4, -0.2]) @ basis[:, 1:], out @ basis[:, 1:]
    gain = np.log2(np.linalg.norm(after, axis=1) / np.linalg.norm(before))
    turn = np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[1], before[0])
    assert stats.kstest(gain, stats.norm(scale=np.sqrt(0.25 + 1)).cdf).pvalue > 1e-3
    assert stats.kstest(np.mod(turn, 2 * np.pi), stats.uniform(0, 2 * np.pi).cdf).pvalue > 1e-3

    grey = np.asarray(run(jax.random.key(6), jnp.zeros((n, 1, 1, 1)), 1.0), np.float64).ravel()  # ± 0.2 n 2^(n'/2)
    size = np.log(np.abs(grey))
    mean, spread = np.log(0.2) - (np.euler_gamma + np.log(2)) / 2, np.sqrt(np.pi**2 / 8 + np.log(2) ** 2 / 4)
    assert size.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(n))
    assert size.std() == pytest.approx(spread, rel=0.1)
    level = np.asarray(run(jax.random.key(6), jnp.full((n, 1, 1, 1), 5.0), 1.0)).ravel()
    assert stats.binomtest(int((level < 0).sum()), n, 0.5).pvalue > 1e-3


def test_hues_turn_about_grey():
    angle = np.array([0.3, -2.0])
    expected = Rotation.from_rotvec(angle[:, None] * np.full((1, 3), 1 / np.sqrt(3))).as_matrix()
    np.testing.assert_allclose(ada.hue_rotation(jnp.asarray(angle)), expected, atol=1e-6)


@pytest.mark.parametrize("augment", [lambda key, x: ada_augment(key, x, 0.9), diff_augment])
def test_augmentations_are_affine_so_gradients_flow(augment):
    """J x is the difference of the values at 2x and at x, and J transposed has the same inner products."""
    x, key = images(6, 8, 8, 3), jax.random.key(7)

    @jax.jit
    def run(x):
        value, pull = jax.vjp(lambda x: augment(key, x), x)
        return value, augment(key, 2 * x) - value, pull(value)[0]

    value, change, gradient = (np.asarray(out, np.float64) for out in run(x))
    inner = (value * change).sum(axis=(1, 2, 3))
    np.testing.assert_allclose((np.asarray(x) * gradient).sum(axis=(1, 2, 3)), inner, rtol=1e-4, atol=1e-3)
    assert np.all(np.abs(inner) > 0.1)


def test_colours_of_diff_augment():
    x = images(2000, 2, 2, 3)
    bright, vivid, sharp = jax.jit(lambda key, x: [f(key, x) for f in (brightness, saturation, contrast)])(
        jax.random.key(8), x
    )
    centred = lambda x, axes: np.asarray(x) - np.asarray(x).mean(axis=axes, keepdims=True)
    whole, pixel = (1, 2, 3), 3
    for axes, changed, low, high in ((pixel, vivid, 0.0, 2.0), (whole, sharp, 0.5, 1.5)):
        np.testing.assert_allclose(changed.mean(axis=axes), x.mean(axis=axes), atol=1e-6)
        ratio = (centred(changed, axes) * centred(x, axes)).sum(axis=whole) / (centred(x, axes) ** 2).sum(axis=whole)
        np.testing.assert_allclose(centred(changed, axes), ratio[:, None, None, None] * centred(x, axes), atol=1e-5)
        assert stats.kstest(ratio, stats.uniform(low, high - low).cdf).pvalue > 1e-3
    added = np.asarray(bright - x)
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1, :1], added.shape), atol=1e-6)
    assert stats.kstest(added[:, 0, 0, 0], stats.uniform(-0.5, 1.0).cdf).pvalue > 1e-3


def test_translation_and_cutout_of_diff_augment():
    n = 3000
    x = images(1, 8, 12, 2)
    many = jnp.broadcast_to(x, (n, *x.shape[1:]))
    run = jax.jit(diff_augment, static_argnums=2)
    moved, cut = (np.asarray(run(jax.random.key(9), many, (name,))) for name in ("translation", "cutout"))

    padded = np.pad(np.asarray(x[0]), ((1, 1), (2, 2), (0, 0)))  # an eighth of 8, and 1.5 rounded
    windows = [padded[i : i + 8, j : j + 12] for i in range(3) for j in range(5)]
    assert_evenly_one_of(moved, windows)

    rows, columns = (
        [np.isin(np.arange(size), np.arange(c - size // 4, c - size // 4 + size // 2)) for c in range(size + 1)]
        for size in (8, 12)
    )
    assert_evenly_one_of(cut, [np.where(np.outer(r, c)[..., None], 0.0, x[0]) for r in rows for c in columns])


def assert_evenly_one_of(got, expected):
    flat, candidates = got.reshape(len(got), -1), np.stack(expected).reshape(len(expected), -1)
    which = (flat[:, None] == candidates[None]).all(axis=2)
    np.testing.assert_array_equal(which.sum(axis=1), 1)
    assert stats.chisquare(which.sum(axis=0)).pvalue > 1e-3


def test_policies_apply_in_order_with_keys_of_their_own():
    x = images(4, 8, 8, 3)
    np.testing.assert_array_equal(diff_augment(jax.random.key(0), x, ()), x)
    both = np.asarray(jax.jit(diff_augment)(jax.random.key(10), x))
    assert set(POLICIES) == {"color", "translation", "cutout"}
    holes = (both == 0).all(axis=3)
    assert np.all(holes.any(axis=(1, 2)))
    assert len({hole.tobytes() for hole in holes}) > 1
    assert np.any(both != jax.jit(diff_augment)(jax.random.key(11), x))


def test_the_controller_reaches_its_target_on_a_toy():
    """A discriminator that is right about a share 1 - p/2 of the data: r = 1 - p, so that p ends at 1 - target."""

    @jax.jit
    def run(start):
        logits = lambda p: jnp.where(jnp.arange(1000) < 1000 * (1 - p / 2), 2.0, -0.5)
        step = lambda p, _: (adapt(p, overfitting(logits(p)), data=64, target=0.6, thousands=10.0), p)
        return jax.lax.scan(step, start, length=200)

    for start in (0.0, 1.0):
        end, path = run(start)
        assert float(end) == pytest.approx(0.4, abs=0.0064 + 1e-3)
        assert abs(float(path[1] - path[0])) == pytest.approx(64 / 10_000, rel=1e-5)
    assert float(adapt(jnp.array(0.001), jnp.array(-1.0), data=4000)) == 0.0
    assert float(adapt(jnp.array(0.999), jnp.array(1.0), data=4000)) == 1.0
    assert float(overfitting(jnp.array([[3.0, -1.0], [2.0, 1.0]]))) == 0.5
