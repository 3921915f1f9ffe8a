"""The field `dtype` of every network: products in bfloat16, parameters in float32."""

from collections import Counter

import jax
import jax.numpy as jnp
import pytest
from small_networks import FEATURE_NETS, SMALL, WITH_TIME, dtype_of, small

from genjax_models import nets
from genjax_models.nets import LogLoss

BUILT_ON_OTHERS = {"LogLoss"}  # not called as a network: tested by itself
FLOAT32_SCOPES = ("spectral_norm", "norm_bound", "demodulation")
"""Named scopes of the products that stay in float32, all of them of weights or styles."""
SLOW = ("InceptionV3",)


@pytest.fixture(autouse=True)
def accelerator(monkeypatch):
    """Trace the form for accelerators: on CPUs, where bfloat16 saves no time, attention computes in float32."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")


def test_every_exported_network_is_listed():
    exported = {name for name in vars(nets) if name[0].isupper()}
    assert set(SMALL) | BUILT_ON_OTHERS == exported


def inner(parameter):
    """The programs among a parameter of an equation."""
    for leaf in jax.tree.leaves(parameter, is_leaf=lambda p: hasattr(p, "jaxpr") or hasattr(p, "eqns")):
        if hasattr(leaf, "eqns"):
            yield leaf
        elif hasattr(leaf, "jaxpr"):
            yield leaf.jaxpr


def products(jaxpr):
    """The dtypes of the operands of every matrix product and convolution that is in none of `FLOAT32_SCOPES`."""
    for eqn in jaxpr.eqns:
        if any(scope in str(eqn.source_info.name_stack) for scope in FLOAT32_SCOPES):
            continue
        if eqn.primitive.name in ("dot_general", "conv_general_dilated"):
            yield tuple(str(v.aval.dtype) for v in eqn.invars)
        for parameter in eqn.params.values():
            for program in inner(parameter):
                yield from products(program)


def arguments(name, shape):
    x = jax.ShapeDtypeStruct(shape, dtype_of(name))
    t = jax.ShapeDtypeStruct(shape[:1], jnp.float32) if name in WITH_TIME else None
    return x, t


def products_and_variables(name, dtype, **fields):
    net, shape = small(name, dtype=dtype, **fields)
    x, t = arguments(name, shape)
    cond = {"label": jax.ShapeDtypeStruct(shape[:1], jnp.int32)} if "num_classes" in fields else None
    variables = jax.eval_shape(net.init, jax.random.key(0), x, t, cond)
    program = jax.make_jaxpr(net.apply)(variables, x, t, cond)
    return Counter(products(program.jaxpr)), variables, jax.eval_shape(net.apply, variables, x, t, cond)


def with_classes(name):
    own = getattr(nets, name, None)
    own = getattr(own, "func", own)
    return {"num_classes": 3} if own is not None and "num_classes" in own.__dataclass_fields__ else {}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in (*SMALL, *FEATURE_NETS)]
)
def test_products_are_of_bfloat16_and_parameters_and_results_of_float32(name):
    found, variables, result = products_and_variables(name, jnp.bfloat16, **with_classes(name))
    assert set(found) == {("bfloat16", "bfloat16")}, found
    assert {a.dtype for a in jax.tree.leaves((variables, result))} == {jnp.dtype("float32")}


@pytest.mark.parametrize("name", ["UNet", "R3GANDiscriminator"])
def test_the_same_products_are_of_float32_by_default(name):
    low, _, _ = products_and_variables(name, jnp.bfloat16)
    high, _, _ = products_and_variables(name, jnp.float32)
    assert list(high) == [("float32", "float32")]
    assert high.total() == low.total()


def test_the_log_loss_multiplies_in_its_dtype():
    net, t = LogLoss(dtype=jnp.bfloat16), jax.ShapeDtypeStruct((2,), jnp.float32)
    variables = jax.eval_shape(net.init, jax.random.key(0), t)
    assert set(products(jax.make_jaxpr(net.apply)(variables, t).jaxpr)) == {("bfloat16", "bfloat16")}
    assert {a.dtype for a in jax.tree.leaves((variables, jax.eval_shape(net.apply, variables, t)))} == {
        jnp.dtype("float32")
    }
