"""Our flows with other people's weights are their flows: log-densities and latent variables, in float64.

Theirs run from noise to data where a layer has a cheap direction that way, so ours is turned round where they do.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.core.densities import standard_normal
from genjax_models.families.flows import Conditioner, chain, invert, log_prob
from genjax_models.families.flows.coupling import coupling
from genjax_models.families.flows.elementwise import affine
from genjax_models.pretrained.layouts import layer

torch = pytest.importorskip("torch")
nf = pytest.importorskip("normflows")
zuko = pytest.importorskip("zuko")
pytestmark = pytest.mark.parity

FREE = 1e6
"""A bound on log-scales so wide that they are what the network says."""


@pytest.fixture(autouse=True)
def in_float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    with jax.enable_x64(True):
        yield
    torch.set_default_dtype(torch.float32)


def data(*shape):
    return np.random.default_rng(0).normal(size=shape)


def weights_of(module):
    return {name: value.detach().numpy() for name, value in module.state_dict().items()}


def perceptron(channels):
    """Dense layers with ReLUs between, for parameters that `perceptron_of` has copied."""

    def apply(params, h, cond):
        for i, p in enumerate(params):
            h = (jax.nn.relu(h) if i else h) @ p["kernel"] + p["bias"][None]
        assert h.shape[-1] == channels
        return h

    return Conditioner(lambda key, h, cond: [], apply)


def perceptron_of(module):
    """The dense layers of a torch module, in their order."""
    weights = weights_of(module)
    return [layer(weights, name[: -len(".weight")]) for name in weights if name.endswith("weight")]


def assert_same(flow, params, theirs, x, base=None):
    """`theirs` is `x -> log-density` in torch."""
    base = standard_normal(x.shape[1:]) if base is None else base
    ours = jax.jit(lambda x: log_prob(flow, base, params, x))(jnp.asarray(x))
    np.testing.assert_allclose(ours, theirs(torch.tensor(x)).detach().numpy(), rtol=1e-9, atol=1e-9)


def normflow(layers, shape):
    return nf.NormalizingFlow(nf.distributions.DiagGaussian(shape, trainable=False), layers)


def test_realnvp_is_normflows():
    nets = [nf.nets.MLP([3, 16, 16, 6]) for _ in range(4)]
    layers = [part for net in nets for part in (nf.flows.AffineCouplingBlock(net), nf.flows.Permute(6, mode="swap"))]
    ours = chain([coupling(affine(FREE), perceptron, channels=6, swap=bool(i % 2)) for i in range(4)])
    params = tuple(perceptron_of(net) for net in nets)
    assert_same(invert(ours), params, normflow(layers, 6).log_prob, data(5, 6))


def test_realnvp_is_zuko():
    theirs = zuko.flows.RealNVP(
        6,
        transforms=3,
        hidden_features=(16, 16),
        univariate=lambda shift, scale: torch.distributions.AffineTransform(shift, scale.exp()),
    )
    # Its masks are checkered; ours are halves, so the variables come in another order.
    order = np.array([0, 2, 4, 1, 3, 5])
    ours = chain([coupling(affine(FREE), perceptron, channels=6, swap=bool(i % 2)) for i in range(3)])
    params = tuple(perceptron_of(t.hyper) for t in theirs.transform.transforms)
    x = data(5, 6)
    expected = theirs().log_prob(torch.tensor(x)).detach().numpy()
    assert_same(ours, params, lambda _: torch.tensor(expected), x[:, order])
