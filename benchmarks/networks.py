"""The same network twice: ours, and diffusers' with equal blocks and as many parameters.

Both see 28x28 images of one channel. tests/parity shows that with equal weights they are equal functions; where
results are compared they have equal ones.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

SIDE = 28
CLASSES = 10


def ours(name: str) -> Any:
    """Our `unet` (2.9 M parameters) or `dit` (4.2 M)."""
    from genjax_models.nets import DiT, UNet  # noqa: PLC0415 - each process imports its own library only

    if name == "unet":
        return UNet(channels=32, multipliers=(1, 2, 4), num_blocks=1, attention_levels=(1, 2), head_dim=32, groups=8)
    return DiT(patch_size=4, width=192, depth=6, heads=6, num_classes=CLASSES, freq_shift=1)


def theirs(name: str) -> Any:
    """diffusers' `UNet2DModel` or `DiTTransformer2DModel`."""
    import diffusers  # noqa: PLC0415

    if name == "unet":
        return diffusers.UNet2DModel(
            in_channels=1,
            out_channels=1,
            block_out_channels=(32, 64, 128),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
            attention_head_dim=32,
            norm_num_groups=8,
            attn_norm_num_groups=8,
            resnet_time_scale_shift="scale_shift",
        )
    net = diffusers.DiTTransformer2DModel(
        num_attention_heads=6,
        attention_head_dim=32,
        in_channels=1,
        num_layers=6,
        sample_size=SIDE,
        patch_size=4,
        num_embeds_ada_norm=CLASSES,
    )
    for block in net.transformer_blocks:  # one embedding of time and class for all blocks, as in the paper
        block.norm1.emb = net.transformer_blocks[0].norm1.emb
    return net


def weights() -> dict[str, np.ndarray]:
    """Random weights of diffusers' UNet, to be loaded there and converted here."""
    import torch  # noqa: PLC0415

    torch.manual_seed(0)
    return {name: value.numpy() for name, value in theirs("unet").state_dict().items()}


def our_unet(arrays: Mapping[str, np.ndarray]) -> tuple[Any, Any]:
    """Our UNet, and its parameters with these weights."""
    from genjax_models.pretrained import unet_from_diffusers  # noqa: PLC0415

    return ours("unet"), {"params": unet_from_diffusers(arrays)}


def their_unet(arrays: Mapping[str, np.ndarray]) -> Any:
    """diffusers' UNet with these weights, for inference."""
    import torch  # noqa: PLC0415

    net = theirs("unet").eval().requires_grad_(False)
    net.load_state_dict({name: torch.tensor(value) for name, value in arrays.items()})
    return net


def our_size(params: Any) -> int:
    """How many numbers a tree of parameters holds."""
    import jax  # noqa: PLC0415

    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def their_size(net: Any) -> int:
    """How many numbers a torch module's parameters hold."""
    return sum(parameter.numel() for parameter in net.parameters())
