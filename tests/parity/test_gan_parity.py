"""Networks of adversarial models with the same weights in PyTorch's layers, in float64: results and gradients."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import (
    CycleGANGenerator,
    DCGANGenerator,
    PatchGAN,
    R3GANDiscriminator,
    RRDBNet,
    UNetGenerator,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.parity


def nchw(a):
    return a.transpose(0, 3, 1, 2)


def conv(p, x, stride=1, padding=0, groups=1):
    return F.conv2d(x, p["kernel"].permute(3, 2, 0, 1), p.get("bias"), stride, padding, groups=groups)


def up_conv(p, x):
    """flax turns the kernel of a transposed convolution by 180 degrees with respect to PyTorch's."""
    return F.conv_transpose2d(x, p["kernel"].permute(2, 3, 0, 1).flip(2, 3), p["bias"], 2, 1)


def dense(p, x):
    """On the channels, wherever there is space behind them."""
    y = torch.einsum("bc...,cd->bd...", x, p["kernel"])
    return y + p["bias"].reshape(1, -1, *(1,) * (x.ndim - 2)) if "bias" in p else y


def instance(p, x):
    return F.instance_norm(x, weight=p["scale"], bias=p["bias"])


def reflect(x, size):
    return F.pad(x, (size,) * 4, mode="reflect")


def leaky(x):
    return F.leaky_relu(x, 0.2)


def dcgan(p, z):
    h = dense(p["in"], z).reshape(-1, 2, 2, 4).permute(0, 3, 1, 2)
    for stage in range(2):
        norm = p[f"norm_{stage}"]
        h = F.relu(F.batch_norm(h, None, None, norm["scale"], norm["bias"], training=True))
        h = up_conv(p[f"conv_{stage}"], h)
    return torch.tanh(h)


def patches(p, x):
    h = leaky(conv(p["conv_0"], x, 2, 1))
    h = leaky(instance(p["norm_1"], conv(p["conv_1"], h, 2, 1)))
    h = leaky(instance(p["norm_2"], conv(p["conv_2"], h, 1, 1)))
    return conv(p["logit"], h, 1, 1)


def cyclegan(p, x):
    h = F.relu(instance(p["norm_in"], conv(p["in"], reflect(x, 3))))
    for level in range(2):
        h = F.relu(instance(p[f"norm_down_{level}"], conv(p[f"down_{level}"], h, 2, 1)))
    y = F.relu(instance(p["norm_block_0_1"], conv(p["block_0_1"], reflect(h, 1))))
    h = h + instance(p["norm_block_0_2"], conv(p["block_0_2"], reflect(y, 1)))
    for level in (1, 0):
        h = F.relu(instance(p[f"norm_up_{level}"], up_conv(p[f"up_{level}"], h)))
    return torch.tanh(conv(p["out"], reflect(h, 3)))


def pix2pix(p, x):
    a = conv(p["down_0"], x, 2, 1)
    b = instance(p["norm_down_1"], conv(p["down_1"], leaky(a), 2, 1))
    c = conv(p["down_2"], leaky(b), 2, 1)
    h = torch.cat([instance(p["norm_up_2"], up_conv(p["up_2"], F.relu(c))), b], 1)
    h = torch.cat([instance(p["norm_up_1"], up_conv(p["up_1"], F.relu(h))), a], 1)
    return torch.tanh(up_conv(p["up_0"], F.relu(h)))


def rrdb(p, x):
    first = h = conv(p["in"], x, padding=1)
    y = h
    for i in range(3):
        block, seen = p[f"block_0_{i}"], [y]
        for layer in range(4):
            seen.append(leaky(conv(block[f"conv_{layer}"], torch.cat(seen, 1), padding=1)))
        y = y + 0.2 * conv(block["conv_4"], torch.cat(seen, 1), padding=1)
    h = first + conv(p["trunk"], 0.8 * h + 0.2 * y, padding=1)
    h = leaky(conv(p["up_0"], F.interpolate(h, scale_factor=2), padding=1))
    return conv(p["out"], leaky(conv(p["hidden"], h, padding=1)), padding=1)


def r3gan(p, x):
    h = dense(p["in"], x)
    for stage in range(2):
        if stage:
            taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8
            kernel = torch.outer(taps, taps).expand(h.shape[1], 1, 4, 4)
            h = dense(p["stage_1_in"], F.conv2d(h, kernel, stride=2, padding=1, groups=h.shape[1]))
        block = p[f"stage_{stage}_block_0"]
        y = leaky(dense(block["expand"], h))
        y = leaky(conv(block["mix"], y, padding=1, groups=y.shape[1] // 2))
        h = h + dense(block["contract"], y)
    means = (h * p["basis"].permute(2, 0, 1)[None]).sum((2, 3))
    return dense(p["head"]["logit"], means)[:, 0]


NETWORKS = {
    "dcgan": (DCGANGenerator((8, 8, 2), (4, 3)), dcgan, (5,)),
    "patches": (PatchGAN((3, 4, 5)), patches, (16, 12, 2)),
    "cyclegan": (CycleGANGenerator(3, 2, depth=1), cyclegan, (12, 8, 2)),
    "pix2pix": (UNetGenerator(3, (2, 3, 4)), pix2pix, (8, 16, 2)),
    "rrdb": (RRDBNet(width=4, growth=3, depth=1), rrdb, (5, 4, 2)),
    "r3gan": (R3GANDiscriminator((3, 4), group=2), r3gan, (4, 6, 2)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_same_function_and_gradients(name):
    net, theirs, shape = NETWORKS[name]
    random = np.random.default_rng(0)
    with jax.enable_x64(True):
        net, x = net.clone(dtype=jnp.float64), random.normal(size=(3, *shape))
        settings = {"train": True} if name == "dcgan" else {}
        shapes = jax.eval_shape(partial(net.init, jax.random.key(0)), x)["params"]
        params = jax.tree.map(lambda a: 0.5 * random.normal(size=a.shape), shapes)

        def loss(params, x):
            y = net.apply({"params": params}, x, **settings, mutable="batch_stats")[0]
            y = getattr(y, "logits", y)
            return jnp.sin(y).sum(), y

        (grads, grad_x), ours = jax.jit(jax.grad(loss, (0, 1), has_aux=True))(params, x)

    p = jax.tree.map(lambda a: torch.tensor(a, requires_grad=True), params)
    x_torch = torch.tensor(nchw(x) if x.ndim == 4 else x, requires_grad=True)
    expected = theirs(p, x_torch)
    torch.sin(expected).sum().backward()
    channels_first = lambda a: nchw(np.asarray(a)) if np.ndim(a) == 4 else np.asarray(a)
    ours = np.asarray(ours)[..., None] if name == "patches" else ours
    np.testing.assert_allclose(channels_first(ours), expected.detach().numpy(), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(channels_first(grad_x), x_torch.grad.numpy(), rtol=1e-5, atol=1e-6)
    close = lambda g, a: np.testing.assert_allclose(g, a.grad.numpy(), rtol=1e-5, atol=1e-6)
    jax.tree.map(close, grads, p)
