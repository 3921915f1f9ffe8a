"""Our flows with other people's weights are their flows: log-densities and latent variables, in float64.

Theirs run from noise to data where a layer has a cheap direction that way, so ours is turned round where they do.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.core.densities import standard_normal
from genjax_models.families.flows import Conditioner, chain, invert, log_prob
from genjax_models.families.flows.autoregressive import autoregressive
from genjax_models.families.flows.coupling import coupling
from genjax_models.families.flows.elementwise import Transformer, affine, gated
from genjax_models.families.flows.glow import step as glow_step
from genjax_models.families.flows.planar import planar
from genjax_models.families.flows.radial import radial
from genjax_models.families.flows.residual import residual
from genjax_models.families.flows.splines import rational_quadratic
from genjax_models.nets import MADE
from genjax_models.pretrained.layouts import layer

torch = pytest.importorskip("torch")
nf = pytest.importorskip("normflows")
splines = pytest.importorskip("normflows.flows.neural_spline.coupling")
zuko = pytest.importorskip("zuko")
pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:torch.lu is deprecated", "ignore:Inputs to the softmax"),
]

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


def assert_same(flow, params, theirs, x):
    """`theirs` is `x -> log-density` in torch, under a standard normal."""
    base = standard_normal(x.shape[1:])
    ours = jax.jit(lambda x: log_prob(flow, base, params, x))(jnp.asarray(x))
    np.testing.assert_allclose(ours, theirs(torch.tensor(x)).detach().numpy(), rtol=1e-9, atol=1e-9)


def assert_same_map(flow, params, theirs, x):
    """`theirs` are layers whose cheap direction is ours: the result and the log-determinant."""
    z, log_det = torch.tensor(x), 0.0
    for part in theirs:
        z, own = part(z)
        log_det = log_det + own
    ours = jax.jit(lambda x: flow.forward_and_log_det(params, x, None))(jnp.asarray(x))
    np.testing.assert_allclose(ours[0], z.detach().numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours[1], log_det.detach().numpy(), rtol=1e-9, atol=1e-9)


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


def test_residual_is_normflows():
    """With the determinant of the whole Jacobian, which theirs has in the plane alone."""
    nets = [torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2)) for _ in range(2)]
    for net in nets:
        for part in (net[0], net[2]):
            part.weight.data *= 0.8 / torch.linalg.matrix_norm(part.weight, 2)

    def apply(params, h, cond):
        first, second = params
        return jnp.tanh(h @ first["kernel"] + first["bias"][None]) @ second["kernel"] + second["bias"][None]

    ours = chain([residual(Conditioner(lambda key, h, cond: [], apply))] * 2)
    theirs = [nf.flows.Residual(net, brute_force=True) for net in reversed(nets)]  # from noise to data
    assert_same(ours, tuple(map(perceptron_of, nets)), normflow(theirs, 2).log_prob, data(6, 2))


def test_spline_coupling_is_normflows():
    """NSF's coupling layer, in the code of its authors that normflows has taken over; some of the data lie outside."""

    class Net(nf.nets.MLP):
        def forward(self, x, context=None):
            return self.net(x)

    bins, least = 8, 1e-3
    layers, params = [], []
    for number in range(2):
        mask = torch.tensor([0, 0, 0, 1, 1, 1]) if number % 2 == 0 else torch.tensor([1, 1, 1, 0, 0, 0])
        options = {"num_bins": bins, "tails": "linear", "tail_bound": 3.0}
        theirs = splines.PiecewiseRationalQuadraticCoupling(mask, lambda i, o: Net([i, 16, o]), **options)
        layers.append(theirs)
        hidden, last = perceptron_of(theirs.transform_net)
        slopes = np.tile(np.arange(3 * bins - 1) >= 2 * bins, 3)
        bias = last["bias"] - np.where(slopes, np.log(np.expm1(1 - least)), 0.0)  # our zeros are slopes of 1
        params.append([hidden, {"kernel": 3.0 * last["kernel"], "bias": bias}])
        theirs.transform_net.net[-1].weight.data *= 3.0
    spline = rational_quadratic(bins, bound=3.0, min_size=least, min_slope=least)
    ours = chain([coupling(spline, perceptron, channels=6, swap=bool(i % 2)) for i in range(2)])
    x = 2.0 * data(20, 6)
    assert (np.abs(x) > 3.0).any()
    assert_same(invert(ours), tuple(params), normflow(layers, 6).log_prob, x)


def subtracting_gate():
    """`gated()` with a shift that is taken away, as theirs is."""
    sign = jnp.array([-1.0, 1.0])
    flipped = lambda f: lambda h, x: f(h * sign.reshape((1,) * (h.ndim - 1) + (2,)), x)
    return Transformer(2, flipped(gated().forward), flipped(gated().inverse))


def inverse_affine():
    return Transformer(2, affine(FREE).inverse, affine(FREE).forward)


@pytest.mark.parametrize(("scale_map", "transformer"), [("exp", inverse_affine), ("sigmoid", subtracting_gate)])
def test_a_step_of_glow_is_normflows(scale_map, transformer):
    """With their permutation and signs, which ours are without, set to one; their coupling is the inverse of ours."""
    block = nf.flows.GlowBlock(4, 16, scale_map=scale_map, init_zeros=False)
    couple, mix, norm = block.flows
    mix.P.copy_(torch.eye(4))
    mix.sign_S.fill_(1.0)
    norm.data_dep_init_done = torch.tensor(1.0)
    for free in (mix.L, mix.U, mix.log_S, norm.s, norm.t):
        free.data = 0.5 * torch.randn_like(free)

    def network(channels):
        def apply(params, h, cond):
            for i, p in enumerate(params):
                h = jax.nn.relu(h) if i else h
                dims = ("NHWC", "HWIO", "NHWC")
                h = jax.lax.conv_general_dilated(h, p["kernel"], (1, 1), "SAME", dimension_numbers=dims)
                h = h + p["bias"][None, None, None]
            return h

        return Conditioner(lambda key, h, cond: [], apply)

    ours = glow_step(transformer(), network, channels=4)
    w, n = weights_of(mix), weights_of(norm)
    params = (
        {"shift": -n["t"].ravel(), "log_scale": -n["s"].ravel()},
        {"lower": w["L"], "upper": w["U"], "log_scale": w["log_S"]},
        perceptron_of(couple),
    )
    theirs = normflow([block], (4, 2, 6))
    x = data(5, 2, 6, 4)
    assert_same(ours, params, lambda x: theirs.log_prob(x.permute(0, 3, 1, 2)), x)


def test_maf_is_zuko():
    """Their hidden units go through the degrees one by one, ours have them sorted: the same units in another order."""
    dims, width = 4, 12
    theirs = zuko.flows.MAF(
        dims,
        transforms=3,
        hidden_features=(width, width),
        univariate=lambda shift, scale: torch.distributions.AffineTransform(shift, scale.exp()),
    )
    units = np.argsort(np.arange(width) % (dims - 1), kind="stable")
    layers, params = [], []
    for number, transform in enumerate(theirs.transform.transforms):
        order = tuple(range(dims))[:: -1 if number % 2 else 1]
        first, second, last = perceptron_of(transform.hyper)
        params.append(
            {
                "in": {"kernel": first["kernel"][:, units], "bias": first["bias"][units]},
                "hidden_1": {"kernel": second["kernel"][units][:, units], "bias": second["bias"][units]},
                "out": {"kernel": last["kernel"][units], "bias": last["bias"]},
            }
        )

        def network(channels, order=order):
            net = MADE(channels, width=width, depth=2, order=order, dtype=jnp.float64)
            return Conditioner(net.init, lambda params, h, cond: net.apply({"params": params}, h))

        layers.append(autoregressive(affine(FREE), network, order=order))
    assert_same(chain(layers), tuple(params), lambda x: theirs().log_prob(x), data(5, dims))


def test_planar_is_normflows():
    theirs = [nf.flows.Planar((5,)) for _ in range(3)]
    params = tuple({"u": w["u"][0], "w": w["w"][0], "b": w["b"][0]} for w in map(weights_of, theirs))
    assert_same_map(chain([planar()] * 3), params, theirs, data(6, 5))


def test_radial_is_normflows():
    theirs = [nf.flows.Radial((5,)) for _ in range(3)]
    params = tuple(
        {"center": w["z_0"][0], "log_alpha": np.log(np.abs(w["alpha"][0])), "beta": w["beta"][0]}
        for w in map(weights_of, theirs)
    )
    assert_same_map(chain([radial()] * 3), params, theirs, data(6, 5))
