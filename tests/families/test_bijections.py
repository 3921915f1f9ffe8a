"""Every layer of the flows' room against autodiff's log-determinant and its own inverse: a new layer adds a row."""

import numpy as np
import pytest
from bijections import check_bijection, network

from genjax_models.families.flows import chain, invert, repeat
from genjax_models.families.flows.coupling import checkerboard_mask, coupling, masked_coupling
from genjax_models.families.flows.elementwise import additive, affine

LAYERS = {
    "additive coupling": (lambda: coupling(additive(), network, channels=5), (5,)),
    "affine coupling": (lambda: coupling(affine(), network, channels=5, swap=True), (5,)),
    "affine coupling of images": (lambda: coupling(affine(), network, channels=4), (2, 3, 4)),
    "checkerboard": (lambda: masked_coupling(affine(), network, checkerboard_mask(2, 3, 2)), (2, 3, 2)),
    "chain": (lambda: chain([_pair(), invert(_pair())]), (4,)),
    "repeat": (lambda: repeat(_pair(), 3), (4,)),
}


def _pair():
    return chain([coupling(affine(), network, channels=4, swap=swap) for swap in (False, True)])


@pytest.mark.parametrize("name", LAYERS)
def test_log_determinant_and_inverse(name):
    make, shape = LAYERS[name]
    check_bijection(make(), shape)


def test_a_condition_reaches_the_network():
    check_bijection(coupling(affine(), network, channels=4), (4,), cond=np.random.default_rng(0).normal(size=(4, 3)))


def test_one_channel_cannot_be_split():
    with pytest.raises(ValueError, match="at least 2 channels"):
        coupling(affine(), network, channels=1)
