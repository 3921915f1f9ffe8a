"""Conditions of networks: vector conditions, null values, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import FEATURE_NETS, SMALL, WITH_TIME, dtype_of, small

from genjax_models import nets
from genjax_models.nets.layers.conditions import check_fields
from genjax_models.nets.layers.embeddings import Conditioning


def has_vectors(name):
    own = getattr(nets, name)
    return "vectors" in getattr(own, "func", own).__dataclass_fields__


WITH_VECTORS = [name for name in SMALL if has_vectors(name)]
LIGHT = ("CausalTransformer", "ConvConditioner", "DiT", "LipschitzMLP", "MADE", "MLP", "ResNetConditioner")


def test_which_networks_take_vectors():
    assert set(WITH_VECTORS) == set(WITH_TIME) - {"PlainMLP", "UNetEncoder"}


def draw(net, shape, dtype, cond):
    """Inputs, and parameters none of which is zero."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.integers(4, size=shape) if dtype == jnp.int32 else rng.normal(size=shape), dtype)
    t = jnp.linspace(0.2, 0.9, shape[0])
    shapes = jax.eval_shape(net.init, jax.random.key(0), x, t, cond)
    return jax.tree.map(lambda a: jnp.asarray(0.3 * rng.normal(size=a.shape), a.dtype), shapes), x, t


@pytest.mark.parametrize(
    "name", [name if name in LIGHT else pytest.param(name, marks=pytest.mark.slow) for name in WITH_VECTORS]
)
def test_vectors_matter_and_a_missing_one_is_zeros(name):
    net, shape = small(name, num_classes=3, vectors=("text", "style"))
    rng = np.random.default_rng(1)
    text, style = (jnp.asarray(rng.normal(size=(shape[0], d)), jnp.float32) for d in (5, 3))
    everything = {"label": jnp.array([0, 3]), "text": text, "style": style}
    params, x, t = draw(net, shape, dtype_of(name), everything)
    apply = jax.jit(lambda cond: net.apply(params, x, t, cond))
    y = apply(everything)
    for field, value in (("text", text), ("style", style)):
        moved = apply(everything | {field: value[::-1]})
        assert float(jnp.abs(moved - y).max()) > 1e-4
        missing = {other: a for other, a in everything.items() if other != field}
        zeros = apply(everything | {field: jnp.zeros_like(value)})
        np.testing.assert_allclose(apply(missing), zeros, rtol=1e-6, atol=1e-6)
        assert float(jnp.abs(zeros - y).max()) > 1e-4
    null = {"label": jnp.full(2, 3), "text": jnp.zeros_like(text), "style": jnp.zeros_like(style)}
    np.testing.assert_allclose(apply(None), apply(null), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", WITH_VECTORS)
def test_the_parameters_of_vectors_are_those_of_fields_at_initialisation(name):
    def parameters(fields, cond):
        net, shape = small(name, **fields)
        x, t = jnp.zeros(shape, dtype_of(name)), jnp.zeros(shape[0])
        return {
            jax.tree_util.keystr(path): a.shape
            for path, a in jax.tree_util.tree_leaves_with_path(jax.eval_shape(net.init, jax.random.key(0), x, t, cond))
        }

    none = parameters({}, None)
    with_text = parameters({"vectors": ("text", "style")}, {"text": jnp.zeros((2, 5))})
    extra = {path: shape for path, shape in with_text.items() if path not in none}
    ((path, shape),) = ((path, shape) for path, shape in extra.items() if "vector_text" in path)
    assert shape[0] == 5
    assert not any("vector_style" in other for other in with_text)
    assert {k: v for k, v in extra.items() if k != path and "mod" not in k} == {}


def test_the_embedding_is_the_sum_of_linear_maps():
    layer = Conditioning(4, num_classes=2, vectors=("text",))
    rng = np.random.default_rng(0)
    cond = {"label": jnp.array([1, 2]), "text": jnp.asarray(rng.normal(size=(2, 3)), jnp.float32)}
    variables = layer.init(jax.random.key(0), None, cond, 2)
    kernel, table = variables["params"]["vector_text"]["kernel"], variables["params"]["label"]["embedding"]
    assert set(variables["params"]["vector_text"]) == {"kernel"}
    expected = np.asarray(table)[[1, 2]] + np.asarray(cond["text"]) @ np.asarray(kernel)
    np.testing.assert_allclose(layer.apply(variables, None, cond, 2), expected, rtol=1e-5, atol=1e-6)


def test_vectors_start_as_small_as_labels():
    layer = Conditioning(64, vectors=("text",))
    variables = layer.init(jax.random.key(0), None, {"text": jnp.zeros((1, 512))}, 1)
    assert float(variables["params"]["vector_text"]["kernel"].std()) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("name", (*SMALL, *FEATURE_NETS))
def test_an_unknown_field_is_refused_by_name(name):
    net, shape = small(name)
    cond = {"texture": jnp.zeros((shape[0], 2))}
    with pytest.raises(ValueError, match="condition field 'texture' is unknown: the network takes"):
        jax.eval_shape(net.init, jax.random.key(0), jnp.zeros(shape, dtype_of(name)), None, cond)


@pytest.mark.parametrize("name", SMALL)
def test_a_label_without_classes_is_refused(name):
    net, shape = small(name)
    with pytest.raises(ValueError, match=r"set num_classes|'label' is unknown: the network takes no condition"):
        x, label = jnp.zeros(shape, dtype_of(name)), jnp.zeros(shape[0], jnp.int32)
        jax.eval_shape(net.init, jax.random.key(0), x, None, {"label": label})


@pytest.mark.parametrize(
    "cond, message",
    [
        ({"text": jnp.zeros(2)}, r"'text' must be vectors \[2, D\], got shape \[2\]"),
        ({"text": jnp.zeros((3, 4))}, r"'text' must be vectors \[2, D\], got shape \[3, 4\]"),
        ({"label": jnp.zeros((2, 1), jnp.int32)}, r"'label' must be integers \[2\], got int32 \[2, 1\]"),
        ({"label": jnp.zeros(2)}, r"'label' must be integers \[2\], got float32 \[2\]"),
        ({"texture": jnp.zeros(2)}, "'texture' is unknown: the network takes label, guidance, text"),
    ],
)
def test_bad_fields_are_refused(cond, message):
    net, shape = small("MLP", num_classes=3, vectors=("text",))
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(net.init, jax.random.key(0), jnp.zeros(shape), None, cond)


def test_every_unknown_field_is_seen_behind_known_ones():
    check_fields(None, ())
    check_fields({"a": jnp.zeros(1)}, ("a", "b"))
    with pytest.raises(ValueError, match="'c' is unknown: the network takes a, b"):
        check_fields({"a": jnp.zeros(1), "c": jnp.zeros(1)}, ("a", "b"))
