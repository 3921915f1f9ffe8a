"""StyleGAN3's generator: the paper's formulas in NumPy, and what they are for: equivariance to translation."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from numpy_layers import conv, upfirdn

from genjax_models.nets import StyleGAN3
from genjax_models.nets.gan import stylegan3
from genjax_models.nets.gan.stylegan3 import AliasFreeLayer, Signal, UnitMagnitude, resampling_matrices, signals
from genjax_models.nets.layers.alias_free import along_both_axes
from genjax_models.nets.layers.equalized import leaky_relu

PLAN = dict(critical=2, first_cutoff=2.0, first_stopband=2**2.1, last_stopband=2**0.3, margin=10, channels=4)


def decibels(signal, error):
    return 10 * np.log10(np.square(signal).mean() / np.square(error).mean())


def he(kernel):
    return kernel / np.sqrt(np.prod(kernel.shape[:-1]))


def test_the_layers_signals_are_the_papers():
    """Appendix F in the form it is published in, where rates are powers of two."""
    layers, resolution = 14, 256
    plan = signals(resolution, layers, **PLAN, max_channels=100)
    progress = np.minimum(np.arange(layers) / (layers - 2), 1)
    cutoffs = 2 * (resolution / 2 / 2) ** progress
    stopbands = 2**2.1 * (resolution / 2 * 2**0.3 / 2**2.1) ** progress
    rates = np.exp2(np.ceil(np.log2(np.minimum(2 * stopbands, resolution))))
    sizes = np.where(np.arange(layers) < layers - 1, rates + 20, resolution)
    expected = [cutoffs, np.maximum(stopbands, rates / 2) - cutoffs, rates, sizes]
    expected.append(np.minimum(np.rint(4 * resolution / 2 / cutoffs), 100))
    np.testing.assert_allclose(np.array(plan), np.array(expected).T, rtol=1e-12)
    assert [signal.rate for signal in signals(28, 6, **PLAN, max_channels=8)] == [14, 14, 28, 28, 28, 28]


def test_resampling_keeps_a_signal_where_it_is():
    """A sine below the cut-off, sampled at each layer's rate about the same centre, loses amplitude but no phase."""
    plan = signals(64, 6, **PLAN, max_channels=8)
    assert {after.rate // before.rate for before, after in pairwise(plan)} == {1, 2}
    for before, after in pairwise(plan):
        positions = lambda size, rate: (np.arange(size) + 0.5 - size / 2) / rate
        up, down = resampling_matrices(before, after, before.size + 2)
        here, there = (np.pi * before.cutoff * positions(*at) for at in ((before.size + 2, before.rate), after[3:1:-1]))
        interior = np.abs(there) < here.max() - 7 * np.pi * before.cutoff / before.rate
        y = (down @ up @ np.sin(here + 0.1))[interior]
        basis = np.stack([np.sin(there), np.cos(there)], axis=1)[interior]
        (sine, cosine), *_ = np.linalg.lstsq(basis, y)
        np.testing.assert_allclose(np.arctan2(cosine, sine), 0.1, atol=1e-4)
        assert 0.7 < np.hypot(sine, cosine) < 1.05
        np.testing.assert_allclose(basis @ [sine, cosine], y, atol=1e-3)


def waves(rng, signal, channels, shift):
    """A map whose channels are each five waves up to the cut-off, moved down by `shift` samples."""
    positions = (np.arange(signal.size) - signal.size / 2) / signal.rate
    angles, radii = 2 * np.pi * rng.uniform(size=(5, channels)), signal.cutoff * rng.uniform(size=(5, channels))
    rows, columns = radii * np.cos(angles), radii * np.sin(angles)
    phases = rows[:, None, None] * (positions - shift / signal.rate)[:, None, None]
    phases = phases + columns[:, None, None] * positions[None, :, None] + rng.uniform(size=(5, 1, 1, channels))
    return np.sin(2 * np.pi * phases).sum(0)[None]


def naive(x, up, down):
    """The activation on samples at the low rate, and the same two resamplings after it."""
    return along_both_axes(down, along_both_axes(up, leaky_relu(x)))


def layer_error(after, shift, samples):
    """How far a layer's results of `waves` moved by `shift` input samples are from its results moved by `samples`."""
    before = Signal(cutoff=3.0, half_width=5.0, rate=16, size=48, channels=4)
    layer = AliasFreeLayer(before, after, dtype=jnp.float64)
    x, moved = (waves(np.random.default_rng(0), before, 4, s) for s in (0, shift))
    w = jnp.ones((1, 3))
    params = layer.init(jax.random.key(0), x, w)
    y, y_moved = (np.asarray(layer.apply(params, jnp.asarray(a), w)) for a in (x, moved))
    rim = 10 * after.rate // before.rate
    return y[:, rim : -rim - samples, rim:-rim], y_moved[:, rim + samples : -rim, rim:-rim]


def test_a_layer_moves_its_result_as_its_input_is_moved(monkeypatch):
    """Half a sample in, one out. Without the filters around the activation the error is its aliases."""
    finer = Signal(cutoff=4.0, half_width=12.0, rate=32, size=92, channels=4)
    with jax.enable_x64(True):
        y, moved = layer_error(finer, 0.5, 1)
        filtered = decibels(y, y - moved)
        monkeypatch.setattr(stylegan3, "filtered_leaky_relu", naive)
        y, moved = layer_error(finer, 0.5, 1)
        pointwise = decibels(y, y - moved)
    assert filtered > 60
    assert filtered > pointwise + 20


def test_a_layer_is_exactly_equivariant_to_whole_samples():
    same = Signal(cutoff=3.0, half_width=5.0, rate=16, size=48, channels=4)
    with jax.enable_x64(True):
        y, moved = layer_error(same, 3, 3)
        np.testing.assert_allclose(moved, y, rtol=1e-10, atol=1e-10 * np.abs(y).max())


def resample(x, taps, up, down, padding):
    """`upfirdn` whose padding may cut off."""
    low, high = padding
    y = upfirdn(x, taps * up, up, 1, (max(low, 0), max(high, 0)))
    size = y.shape[1]
    return y[:, max(-low, 0) : size - max(-high, 0), max(-low, 0) : size - max(-high, 0)][:, ::down, ::down]


def generator(p, w, plan, magnitudes):
    """The paper's order of things: a kernel an example, zeros and filters of SciPy's."""

    def modulated(q, x, w, demodulate, pad):
        results = []
        for image, style in zip(x, w @ he(q["style"]["kernel"]) + q["style"]["bias"], strict=True):
            kernel = he(q["kernel"]) * style[None, None, :, None]
            if demodulate:
                kernel = kernel / np.sqrt((kernel**2).sum((0, 1, 2)) + 1e-8)
            results.append(conv(image[None], kernel, pad=pad)[0])
        return np.array(results)

    first = plan[0]
    random = np.random.RandomState(0)
    radius, angle, phase = random.uniform(size=(3, first.channels))
    frequencies = first.cutoff * np.sqrt(radius) * np.exp(2j * np.pi * angle)
    line = (np.arange(first.size) - (first.size - 1) / 2) / first.rate
    positions = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)
    x = []
    for row in w[:, 0] @ p["input"]["transform"]["kernel"] / np.sqrt(w.shape[2]) + p["input"]["transform"]["bias"]:
        cosine, sine, down, right = row / np.hypot(row[0], row[1])
        place = (positions - np.array([down, right])) @ np.array([[cosine, -sine], [sine, cosine]]).T
        x.append(np.sin(2 * np.pi * (place @ np.array([frequencies.real, frequencies.imag]) + phase)))
    x = np.array(x) @ he(p["input"]["mix"]["kernel"])

    for i, (before, after) in enumerate(pairwise(plan[:1] + plan)):
        rate = 2 * max(before.rate, after.rate)
        up, down = rate // before.rate, rate // after.rate
        rise = scipy.signal.firwin(6 * up, before.cutoff, width=2 * before.half_width, fs=rate)
        fall = scipy.signal.firwin(6 * down, after.cutoff, width=2 * after.half_width, fs=rate)
        total = (after.size - 1) * down + 1 - (before.size + 2) * up + len(rise) + len(fall) - 2
        low = (total + up) // 2
        x = modulated(p[f"layer_{i}"]["conv"], x / np.sqrt(magnitudes[i]), w[:, i + 1], True, 2)
        x = resample(x + p[f"layer_{i}"]["bias"], rise, up, 1, (low, total - low))
        x = resample(np.sqrt(2) * np.where(x > 0, x, 0.2 * x), fall, 1, down, (0, 0))
        assert x.shape[1:3] == (after.size, after.size)
    y = modulated(p["to_rgb"]["conv"], x / np.sqrt(magnitudes[-1]), w[:, -1], False, 0)
    return 0.25 * (y + p["to_rgb"]["bias"])


@pytest.mark.parametrize("margin", [1, 4])
def test_generator_is_the_papers(margin):
    net = StyleGAN3(
        out_shape=(16, 16, 2), channels=2, max_channels=3, style_features=3, layers=4, margin=margin,
        first_cutoff=1.0, first_stopband=2.0, dtype=jnp.float64,
    )  # fmt: skip
    plan = signals(
        16,
        4,
        critical=2,
        first_cutoff=1.0,
        first_stopband=2.0,
        last_stopband=2**0.3,
        margin=margin,
        channels=2,
        max_channels=3,
    )
    assert [signal.rate for signal in plan] == [4, 16, 16, 16]
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        z = rng.normal(size=(2, 3))
        shapes = jax.eval_shape(net.init, jax.random.key(0), z)
        params = jax.tree.map(lambda a: rng.normal(size=a.shape), shapes["params"])
        magnitudes = jax.tree.map(lambda a: rng.uniform(0.5, 2.0), shapes["batch_stats"])
        running = [magnitudes["to_image"][f"magnitude_{i}"]["mean_square"] for i in (0, 1, 2, 3, "rgb")]
        w = rng.normal(size=(2, 6, 3))
        expected = generator(params["to_image"], w, plan, running)
        variables = {"params": params, "batch_stats": jax.tree.map(jnp.asarray, magnitudes)}
        y = jax.jit(lambda variables, w: net.apply(variables, w, method="synthesis"))(variables, jnp.asarray(w))
        np.testing.assert_allclose(y, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


def test_the_generator_moves_its_image_as_its_input_is_moved():
    """By a pixel, borders included: what a margin is for."""
    net = StyleGAN3(out_shape=(32, 32, 1), layers=6, channels=32, max_channels=64, style_features=32)
    variables = net.init(jax.random.key(0), jnp.zeros((1, 32)))
    w = jax.random.normal(jax.random.key(1), (2, 8, 32))
    draw = jax.jit(lambda shift: net.apply(variables, w, shift=jnp.full((2, 2), shift / 32), method="synthesis"))
    y, moved = np.asarray(draw(0.0)), np.asarray(draw(1.0))
    assert decibels(y - y.mean(), moved[:, 1:, 1:] - y[:, :-1, :-1]) > 60


def test_the_size_is_the_published_one():
    """22.3 M parameters of config T at 1024x1024."""
    net = StyleGAN3(out_shape=(1024, 1024, 3), channels=32, max_channels=512, style_features=512)
    params = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 512)))["params"]
    assert sum(a.size for a in jax.tree.leaves(params)) == pytest.approx(22.3e6, rel=3e-3)


def test_the_running_mean_moves_only_in_training_and_takes_no_gradient():
    layer, x = UnitMagnitude(decay=0.75, axis_name=None), 3 * jnp.ones((2, 4))
    start = {"batch_stats": {"mean_square": jnp.float32(4.0)}}
    y, moved = layer.apply(start, x, True, mutable=["batch_stats"])
    np.testing.assert_allclose(moved["batch_stats"]["mean_square"], 0.75 * 4 + 0.25 * 9)
    np.testing.assert_allclose(y, 3 / np.sqrt(5.25), rtol=1e-6)
    y, same = layer.apply(start, x, False, mutable=["batch_stats"])
    np.testing.assert_array_equal(same["batch_stats"]["mean_square"], 4.0)
    np.testing.assert_allclose(layer.apply(start, x, True), 1.5)
    slope = jax.grad(lambda x: layer.apply(start, x, True, mutable=["batch_stats"])[0].sum())(x)
    np.testing.assert_allclose(slope, 1 / np.sqrt(5.25), rtol=1e-6)

    sharded = UnitMagnitude(decay=0.75, axis_name="shards")
    shards = jnp.stack([jnp.ones((2, 4)), jnp.sqrt(17.0) * jnp.ones((2, 4))])
    apply = lambda x: sharded.apply(start, x, True, mutable=["batch_stats"])[1]["batch_stats"]["mean_square"]
    np.testing.assert_allclose(jax.vmap(apply, axis_name="shards")(shards), [5.25, 5.25], rtol=1e-6)


def test_a_plan_that_cannot_be_is_refused():
    for wrong in (dict(out_shape=(4, 4, 3)), dict(critical=6), dict(first_stopband=1.0)):
        net = StyleGAN3(**(dict(out_shape=(32, 32, 3), layers=6) | wrong))
        with pytest.raises(ValueError, match="expected 0 < first_cutoff < resolution / 2"):
            jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((2, 8)))
