"""The CPU's remedies change no numbers, and other backends never see them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.core import cpu
from genjax_models.nets.layers import attention as nets_attention
from genjax_models.nets.layers import convolution as nets_convolution


def softmax_attention(q, k, v, mask=True):
    """The formula, in the precision of the arguments."""
    scores = jnp.where(mask, jnp.einsum("blhd,bshd->bhls", q, k) / np.sqrt(q.shape[-1]), -jnp.inf)
    return jnp.einsum("bhls,bshd->blhd", jax.nn.softmax(scores), v)


def draw(*shapes, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return [jax.random.normal(key, shape, dtype) for key, shape in zip(keys, shapes, strict=True)]


@pytest.mark.parametrize("at_once", [cpu.SCORES_AT_ONCE, 0], ids=["together", "chunks"])
@pytest.mark.parametrize(
    ("query", "key"), [((2, 5, 3, 4), (2, 5, 3, 4)), ((3, 7, 1, 8), (3, 2, 1, 8)), ((1, 1, 2, 6), (1, 9, 2, 6))]
)
def test_attention_is_the_formula_forward_and_backward(monkeypatch, at_once, query, key):
    monkeypatch.setattr(cpu, "SCORES_AT_ONCE", at_once)
    monkeypatch.setattr(cpu, "SCORES_A_CHUNK", 60)
    with jax.enable_x64(True):
        q, k, v, dy = draw(query, key, key, query, dtype=jnp.float64)
        y, pullback = jax.vjp(cpu.attention, 3 * q, k, v)
        expected, expected_pullback = jax.vjp(softmax_attention, 3 * q, k, v)
        np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)
        for ours, theirs in zip(pullback(dy), expected_pullback(dy), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("at_once", [cpu.SCORES_AT_ONCE, 0], ids=["together", "chunks"])
def test_masked_attention_is_the_formula_and_the_librarys(monkeypatch, at_once):
    monkeypatch.setattr(cpu, "SCORES_AT_ONCE", at_once)
    monkeypatch.setattr(cpu, "SCORES_A_CHUNK", 60)
    mask = np.tril(np.ones((5, 7), bool), 1)
    with jax.enable_x64(True):
        q, k, v, dy = draw((2, 5, 3, 4), (2, 7, 3, 4), (2, 7, 3, 4), (2, 5, 3, 4), dtype=jnp.float64)
        y, pullback = jax.vjp(lambda *args: cpu.attention(*args, jnp.asarray(mask)), 3 * q, k, v)
        expected, expected_pullback = jax.vjp(lambda *args: softmax_attention(*args, mask[None, None]), 3 * q, k, v)
        for ours, theirs in zip((y, *pullback(dy)), (expected, *expected_pullback(dy)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
        monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
        library = nets_attention.attention(3 * q, k, v, jnp.asarray(mask))
        np.testing.assert_allclose(library, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_attention_is_the_librarys_within_rounding(dtype):
    q, k, v, dy = draw(*[(2, 6, 3, 8)] * 4, dtype=dtype)
    tolerance = 4 * float(jnp.finfo(dtype).eps)
    y, pullback = jax.vjp(cpu.attention, q, k, v)
    expected, expected_pullback = jax.vjp(jax.nn.dot_product_attention, q, k, v)
    assert y.dtype == dtype
    pairs = zip((y, *pullback(dy)), (expected, *expected_pullback(dy)), strict=True)
    for pair in pairs:
        ours, theirs = (np.asarray(a, np.float32) for a in pair)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * np.abs(theirs).max())


def test_attention_survives_large_scores():
    q, k, v = draw(*[(1, 4, 1, 8)] * 3)
    y, pullback = jax.vjp(cpu.attention, 1e4 * q, k, v)
    assert all(np.isfinite(a).all() for a in (y, *pullback(y)))


def lax_convolve(x, kernel, stride, padding):
    pads = [(padding, padding)] * 2
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))


@pytest.mark.parametrize(("height", "width"), [(8, 6), (7, 9)])
@pytest.mark.parametrize(("channels", "features"), [(3, 5), (5, 2)])
@pytest.mark.parametrize(
    ("size", "stride", "padding"),
    [(3, 1, 1), (3, 2, 1), (4, 2, 1), (5, 2, 3), (2, 1, 1), (2, 1, 0), (3, 3, 2), (1, 1, 0)],
)
def test_convolution_has_the_gradients_of_lax(height, width, channels, features, size, stride, padding):
    with jax.enable_x64(True):
        shapes = (2, height, width, channels), (size, size, channels, features)
        x, kernel = draw(*shapes, dtype=jnp.float64)
        y, pullback = jax.vjp(lambda x, kernel: cpu.convolve(x, kernel, stride, padding), x, kernel)
        expected, expected_pullback = jax.vjp(lambda x, k: lax_convolve(x, k, stride, padding), x, kernel)
        (dy,) = draw(y.shape, dtype=jnp.float64)
        pairs = zip((y, *pullback(dy)), (expected, *expected_pullback(dy)), strict=True)
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_other_backends_get_no_options_and_the_librarys_functions(monkeypatch):
    def never(*args):
        pytest.fail("a function for CPUs was called")

    cpu.compiler_options.cache_clear()
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    monkeypatch.setattr(cpu, "attention", never)
    monkeypatch.setattr(cpu, "convolve", never)
    assert cpu.compiler_options() == {}
    cpu.compiler_options.cache_clear()
    x, kernel = draw((2, 6, 6, 3), (3, 3, 3, 4))
    np.testing.assert_array_equal(
        nets_convolution.convolve(x, kernel, stride=2, padding=1), lax_convolve(x, kernel, 2, 1)
    )
    q, k, v = draw(*[(1, 4, 2, 8)] * 3)
    np.testing.assert_array_equal(nets_attention.attention(q, k, v), jax.nn.dot_product_attention(q, k, v))


def test_a_jaxlib_without_the_option_gets_none(monkeypatch):
    cpu.compiler_options.cache_clear()
    jit = jax.jit

    def old(fun, compiler_options):
        return jit(fun, compiler_options={"xla_cpu_option_of_another_version": "1"})

    with monkeypatch.context() as patch:
        patch.setattr(jax, "jit", old)
        assert cpu.compiler_options() == {}
    cpu.compiler_options.cache_clear()


def test_options_change_no_numbers():
    x, kernel = draw((2, 8, 8, 3), (3, 3, 3, 4))

    def loss(kernel):
        y = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return (jax.nn.silu(y) ** 2).mean()

    plain = jax.jit(jax.value_and_grad(loss))(kernel)
    tuned = jax.jit(jax.value_and_grad(loss), compiler_options=cpu.compiler_options())(kernel)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), plain, tuned)
