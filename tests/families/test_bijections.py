"""Every layer of the flows' room against autodiff's log-determinant and its own inverse: a new layer adds a row."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bijections import check_bijection, network

from genjax_models.families.flows import (
    actnorm,
    chain,
    coupling_flow,
    flatten,
    flow_plus_plus,
    glow,
    invert,
    invertible_linear,
    logit,
    nice,
    permutation,
    real_nvp,
    repeat,
    rescale,
    reverse,
    spline_coupling,
    split,
    squeeze,
)
from genjax_models.families.flows.coupling import checkerboard_mask, coupling, masked_coupling
from genjax_models.families.flows.elementwise import additive, affine, gated
from genjax_models.families.flows.mixture_logistic import mixture_logistic
from genjax_models.families.flows.splines import circular, rational_quadratic

LAYERS = {
    "additive coupling": (lambda: coupling(additive(), network, channels=5), (5,)),
    "affine coupling": (lambda: coupling(affine(), network, channels=5, swap=True), (5,)),
    "affine coupling of images": (lambda: coupling(affine(), network, channels=4), (2, 3, 4)),
    "gated coupling": (lambda: coupling(gated(), network, channels=5), (5,)),
    "checkerboard": (lambda: masked_coupling(affine(), network, checkerboard_mask(2, 3, 2)), (2, 3, 2)),
    "chain": (lambda: chain([_pair(), invert(_pair())]), (4,)),
    "repeat": (lambda: repeat(_pair(), 3), (4,)),
    "spline coupling": (lambda: coupling(rational_quadratic(4, 2.0), network, channels=5), (5,)),
    "mixture coupling": (lambda: coupling(mixture_logistic(3), network, channels=5), (5,)),
    "actnorm": (actnorm, (2, 3, 4)),
    "invertible linear": (invertible_linear, (2, 3, 4)),
    "permutation": (lambda: permutation([2, 0, 3, 1]), (2, 4)),
    "reverse": (reverse, (4,)),
    "squeeze": (lambda: chain([squeeze(), flatten((1, 2, 8))]), (2, 4, 2)),
    "rescale": (lambda: rescale(-1.7, 0.4), (2, 3)),
    "split": (lambda: split(actnorm(), chain([reverse(), flatten((2, 1, 2))]), (2, 1, 5)), (2, 1, 5)),
    "nice": (lambda: nice(5, network), (5,)),
    "real nvp of vectors": (lambda: coupling_flow(affine(), network, features=5, depth=2), (5,)),
    "real nvp": (lambda: real_nvp((4, 4, 1), network), (4, 4, 1)),
    "glow": (lambda: glow((4, 4, 1), network, levels=2, depth=1), (4, 4, 1)),
    "glow, scanned": (lambda: glow((4, 4, 1), network, levels=2, depth=2, scan=True), (4, 4, 1)),
    "neural spline flow": (lambda: spline_coupling((4,), network, depth=1, bins=4), (4,)),
    "neural spline flow of images": (lambda: spline_coupling((2, 2, 1), network, depth=1, bins=3), (2, 2, 1)),
    "flow++": (lambda: flow_plus_plus((2, 2, 1), network, components=2, depths=(1, 1, 1)), (2, 2, 1)),
}
BOUNDED = {
    "logit": (lambda: logit(0.05), (2, 3), 1.0),
    "circular spline": (lambda: coupling(circular(4), network, channels=4), (4,), 3.0),
}


def _pair():
    return chain([coupling(affine(), network, channels=4, swap=swap) for swap in (False, True)])


SLOW = ("real nvp", "glow", "glow, scanned", "flow++", "neural spline flow of images")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in LAYERS])
def test_log_determinant_and_inverse(name):
    make, shape = LAYERS[name]
    check_bijection(make(), shape)


@pytest.mark.parametrize("name", BOUNDED)
def test_log_determinant_and_inverse_of_bounded_data(name):
    make, shape, bound = BOUNDED[name]
    check_bijection(make(), shape, low=-bound, high=bound)


def test_a_condition_reaches_the_network():
    check_bijection(coupling(affine(), network, channels=4), (4,), cond=np.random.default_rng(0).normal(size=(4, 3)))


def test_one_channel_cannot_be_split():
    with pytest.raises(ValueError, match="at least 2 channels"):
        coupling(affine(), network, channels=1)


def test_a_gate_never_magnifies():
    """Whatever the network says, differences of two inputs shrink: a deep stack cannot explode by its scales."""
    h = 100.0 * jax.random.normal(jax.random.key(0), (64, 2))
    x = jax.random.normal(jax.random.key(1), (2, 64))
    (a, log_scale), (b, _) = (gated().forward(h, row) for row in x)
    assert (log_scale <= 0).all()
    assert (jnp.abs(a - b) <= jnp.abs(x[0] - x[1]) + 1e-4).all()
