"""Every network that `genjax_models.nets` exports, as small as it gets, with the shape of its input."""

import jax.numpy as jnp

from genjax_models import nets
from genjax_models.nets.feature.classifier import Classifier
from genjax_models.nets.feature.efficientnet_lite import EfficientNetLite0
from genjax_models.nets.feature.inception import InceptionV3

IMAGE, VECTOR, LATENT, SEQUENCE = (2, 8, 8, 3), (2, 6), (2, 12), (2, 4, 3)
UNET = dict(channels=8, multipliers=(1, 2), num_blocks=1, attention_levels=(1,))
STYLE = dict(out_shape=(8, 8, 3), channels=4, max_channels=8, style_features=8, mapping_depth=2)

# name -> fields, shape of the input. `num_classes` is added by the tests.
SMALL = {
    "BigGANDiscriminator": (dict(channels=(8, 8), halvings=1), IMAGE),
    "BigGANGenerator": (dict(out_shape=(8, 8, 3), channels=(8, 8), embedding=4), LATENT),
    "CausalTransformer": (dict(length=4, width=8, depth=1, heads=2), SEQUENCE),
    "ConvConditioner": (dict(out_channels=4, width=8), IMAGE),
    "ConvDecoder": (dict(out_shape=(8, 8, 3), channels=(8, 8)), LATENT),
    "ConvEncoder": (dict(out_shape=(4,), channels=(8, 8)), IMAGE),
    "CycleGANGenerator": (dict(out_channels=3, width=4, halvings=1, depth=1), IMAGE),
    "DCGANDiscriminator": (dict(channels=(8, 8)), IMAGE),
    "DCGANGenerator": (dict(out_shape=(8, 8, 3), channels=(8, 8)), LATENT),
    "DDPMpp": (UNET | dict(groups=4), IMAGE),
    "DiT": (dict(patch_size=2, width=16, depth=1, heads=2), IMAGE),
    "EDM2UNet": (UNET | dict(head_dim=8), IMAGE),
    "Ladder": (dict(out_shape=(6,), latents=(4, 2), widths=(8, 8)), VECTOR),
    "LipschitzConv": (dict(width=8), IMAGE),
    "LipschitzMLP": (dict(width=8, depth=1), VECTOR),
    "MADE": (dict(width=8, depth=2), VECTOR),
    "MLP": (dict(width=8, depth=1), VECTOR),
    "NCSNpp": (UNET | dict(groups=4), IMAGE),
    "PatchGAN": (dict(channels=(8, 8)), IMAGE),
    "Perceptron": (dict(out_shape=(4,), widths=(8,)), VECTOR),
    "PerceptronDiscriminator": (dict(widths=(8,)), VECTOR),
    "PlainMLP": (dict(width=8, depth=1), VECTOR),
    "ProgressiveDiscriminator": (dict(channels=(8, 8)), IMAGE),
    "ProgressiveGenerator": (dict(out_shape=(8, 8, 3), channels=(8, 8)), LATENT),
    "R3GANDiscriminator": (dict(channels=(8, 8), group=8), IMAGE),
    "R3GANGenerator": (dict(out_shape=(8, 8, 3), channels=(8, 8), group=8), LATENT),
    "RRDBNet": (dict(width=8, growth=4, depth=1), IMAGE),
    "ResNetConditioner": (dict(out_channels=4, width=8, depth=1, groups=4), IMAGE),
    "SNGANDiscriminator": (dict(channels=(8, 8), halvings=1), IMAGE),
    "SNGANGenerator": (dict(out_shape=(8, 8, 3), channels=(8, 8)), LATENT),
    "StyleGAN1": (STYLE, LATENT),
    "StyleGAN2": (STYLE, LATENT),
    "StyleGAN2Discriminator": (dict(channels=4, max_channels=8), IMAGE),
    "StyleGAN3": (STYLE | dict(layers=4, margin=4, first_cutoff=1.5, first_stopband=2.0), LATENT),
    "TokenTransformer": (dict(vocabulary=5, length=4, width=8, depth=1, heads=2), SEQUENCE[:2]),
    "UNet": (UNET | dict(groups=4, head_dim=8), IMAGE),
    "UNetEncoder": (
        dict(out_features=3, channels=8, multipliers=(1, 2), num_blocks=1, groups=4, head_dim=8),
        IMAGE,
    ),
    "UNetGenerator": (dict(out_channels=3, channels=(8, 8)), IMAGE),
    "UViT": (dict(patch_size=2, width=8, depth=3, heads=2), IMAGE),
    "VeryDeepVAE": (
        dict(out_shape=(8, 8, 3), width=8, middle=4, latent=2, factors=(2,), blocks=(1, 1), depths=(1, 1)),
        IMAGE,
    ),
}
FEATURE_NETS = {
    "Classifier": (Classifier, dict(num_classes=3, widths=(8, 8), features=8), IMAGE),
    "EfficientNetLite0": (EfficientNetLite0, {}, (1, 32, 32, 3)),
    "InceptionV3": (InceptionV3, {}, (1, 75, 75, 3)),
}
WITH_TIME = [
    "CausalTransformer",
    "ConvConditioner",
    "DDPMpp",
    "DiT",
    "EDM2UNet",
    "LipschitzMLP",
    "MADE",
    "MLP",
    "NCSNpp",
    "PlainMLP",
    "ResNetConditioner",
    "TokenTransformer",
    "UNet",
    "UNetEncoder",
    "UViT",
]
"""Those that read `t` as a time."""
OF_TOKENS = ["TokenTransformer"]
"""Those whose input is integers."""


def dtype_of(name: str) -> jnp.dtype:
    """Of the input of the network of that name."""
    return jnp.dtype("int32" if name in OF_TOKENS else "float32")


def small(name: str, **fields):
    """The small network of that name, with some of its fields set, and the shape of its input."""
    if name in FEATURE_NETS:
        network, own, shape = FEATURE_NETS[name]
        return network(**own | fields), shape
    own, shape = SMALL[name]
    return getattr(nets, name)(**own | fields), shape
