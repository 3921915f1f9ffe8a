"""The contracting convolutions: their bound against the singular values of the whole map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets.flow.lipschitz_conv import LipschitzConv, convolution_norm_bound
from genjax_models.nets.layers.convolution import convolve


@pytest.mark.parametrize(("size", "channels", "features"), [(3, 2, 3), (3, 3, 1), (1, 2, 4), (5, 1, 1)])
def test_the_bound_lies_just_above_the_norm_of_the_convolution(size, channels, features):
    height, width = 6, 5
    kernel = jnp.asarray(np.random.default_rng(size).normal(size=(size, size, channels, features)), jnp.float32)
    inputs = jnp.eye(height * width * channels).reshape(-1, height, width, channels)
    matrix = jax.jit(lambda x, kernel: convolve(x, kernel, padding=size // 2))(inputs, kernel)
    largest = np.linalg.svd(matrix.reshape(len(inputs), -1), compute_uv=False)[0]
    bound = float(convolution_norm_bound(kernel, height, width))
    # The torus has sums at its rim that the image has not; there are none for a kernel of one pixel.
    assert largest * (1 - 1e-5) <= bound <= (1.005 if size == 1 else 1.6) * largest


def test_the_network_contracts_by_its_coefficient_whatever_the_weights():
    net = LipschitzConv(width=4, coefficient=0.9)
    x = 0.3 * jax.random.normal(jax.random.key(0), (20, 4, 3, 2))

    @jax.jit
    def jacobians(scale):
        params = jax.tree.map(lambda leaf: scale * leaf, net.init(jax.random.key(1), x))
        one = lambda x: net.apply(params, x[None])[0].ravel()
        return jax.vmap(jax.jacrev(one))(x).reshape(20, 24, 24)

    for scale in (1.0, 30.0):
        norms = np.linalg.svd(jacobians(scale), compute_uv=False)[:, 0]
        assert norms.max() <= 0.9
        assert norms.max() > 0.01  # the bound is on a network that does something
