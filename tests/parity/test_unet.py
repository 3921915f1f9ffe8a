"""Our UNet with diffusers' weights is diffusers' `UNet2DModel`: output, and gradient of a loss.

In float64, but for the sines of the time, which diffusers takes in float32: hence a tolerance of 1e-5.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import UNet
from genjax_models.pretrained import unet_from_diffusers

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.parity


SETTINGS = {
    "adm": dict(scale_shift=True, num_classes=10),
    "ddpm": dict(scale_shift=False, freq_shift=1),
    "biggan": dict(scale_shift=True, resblock_updown=True),
    "no-mid-attention": dict(scale_shift=True, mid_attention=False),
}


def pair(setting):
    """The same network twice: theirs, and ours with its parameters, in float64."""
    torch.manual_seed(0)
    net = UNet(
        channels=16, multipliers=(1, 2, 3), num_blocks=1, attention_levels=(1,), head_dim=8, groups=8,
        dtype=jnp.float64, **setting,
    )  # fmt: skip
    resample = "resnet" if net.resblock_updown else "conv"
    plain = ("Resnet{}sampleBlock2D" if net.resblock_updown else "{}Block2D").format
    down, up = ((plain(way), f"Attn{way}Block2D", plain(way)) for way in ("Down", "Up"))
    model = diffusers.UNet2DModel(
        in_channels=2,
        out_channels=2,
        block_out_channels=(16, 32, 48),
        layers_per_block=1,
        down_block_types=down,
        up_block_types=up,
        norm_num_groups=8,
        attn_norm_num_groups=8,
        attention_head_dim=8,
        add_attention=net.mid_attention,
        resnet_time_scale_shift="scale_shift" if net.scale_shift else "default",
        downsample_type=resample,
        upsample_type=resample,
        freq_shift=int(net.freq_shift),
        num_class_embeds=net.num_classes + 1 if net.num_classes else None,
    ).double()
    return net, model


@pytest.mark.parametrize("name", SETTINGS)
def test_same_function_and_gradient(name):
    with jax.enable_x64(True):
        net, model = pair(SETTINGS[name])
        params = unet_from_diffusers({name: value.detach().numpy() for name, value in model.named_parameters()})
        rng = np.random.default_rng(0)
        x = rng.normal(size=(3, 8, 12, 2))
        steps = np.array([3, 500, 999])
        label = np.array([4, 10, 0], np.int32) if net.num_classes else None
        cond = None if label is None else {"label": jnp.asarray(label)}

        expected_params = jax.eval_shape(net.init, jax.random.key(0), x, steps / 1000, cond)["params"]
        assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, expected_params)

        x_torch = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
        labels = None if label is None else torch.tensor(label, dtype=torch.long)
        theirs = model(x_torch, torch.tensor(steps), class_labels=labels).sample
        (theirs**2).sum().backward()

        def loss(params, x):
            y = net.apply({"params": params}, x, jnp.asarray(steps / 1000), cond)
            return (y**2).sum(), y

        (grads, grad_x), ours = jax.grad(loss, argnums=(0, 1), has_aux=True)(params, jnp.asarray(x))
        expected = theirs.detach().numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
        expected = x_torch.grad.numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(grad_x, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())

        norm = np.sqrt(sum(float((g**2).sum()) for g in jax.tree.leaves(grads)))
        expected_norm = np.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
        np.testing.assert_allclose(norm, expected_norm, rtol=1e-5)
