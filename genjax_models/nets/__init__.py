"""Networks in flax.linen, one architecture a file, grouped by kind; no losses.

Every network is called in the same way, channels last:

    y = net.apply(variables, x, t=None, cond=None, train=False)

* `x`: the input `[B, ...]`; for a generator the latent vectors `z` `[B, Z]`.
* `t`: `[B]` float, the time in [0, 1] (0 is data) or what a preconditioning gives for it. `None` is for a network
  without time: one that is initialised so has no parameters for it. A network that has no use for time ignores it.
* `cond`: a `Condition`, named arrays `[B, ...]`, or `None`. A missing field has its null value.
  `label`, int32 `[B]`, needs `num_classes`; the label `num_classes` means no class. The fields that `vectors` names,
  float `[B, D]`, such as a sentence embedding `text`, have the null value zero; only networks with the attribute
  `vectors` take them, and a network has parameters for those that it is initialised with. `guidance`, float `[B]`, is
  the guidance scale that a distilled network is conditioned on; networks built on `layers.embeddings.Conditioning`
  take it.
* `train`: whether dropout acts, which needs `rngs={"dropout": key}`, and whether batch norms take the moments of this
  batch. Many networks do the same in both cases.

The result has the dtype of `x`, or float32 where a network documents it. `dtype` is that of the computation:
convolutions and matrix products take operands of it; parameters are float32, and so are the statistics of norms, the
angles of sines, the spectral norms, norm bounds and demodulation factors that are computed from weights, and, on CPUs,
attention.

Raises:
  ValueError: if a label is given to a network with `num_classes=0`, or `cond` has a field that the network does not
    take or of a wrong shape. Each network documents only what it has beyond this.
"""

from genjax_models.nets.autoencoder.ladder import Ladder as Ladder
from genjax_models.nets.autoencoder.pyramid import ConvDecoder as ConvDecoder
from genjax_models.nets.autoencoder.pyramid import ConvEncoder as ConvEncoder
from genjax_models.nets.autoencoder.very_deep_vae import VeryDeepVAE as VeryDeepVAE
from genjax_models.nets.convolution.cyclegan_generator import CycleGANGenerator as CycleGANGenerator
from genjax_models.nets.convolution.rrdb import RRDBNet as RRDBNet
from genjax_models.nets.flow.conv_conditioner import ConvConditioner as ConvConditioner
from genjax_models.nets.flow.conv_conditioner import ResNetConditioner as ResNetConditioner
from genjax_models.nets.flow.lipschitz_conv import LipschitzConv as LipschitzConv
from genjax_models.nets.flow.lipschitz_mlp import LipschitzMLP as LipschitzMLP
from genjax_models.nets.flow.made import MADE as MADE
from genjax_models.nets.gan.biggan import BigGANDiscriminator as BigGANDiscriminator
from genjax_models.nets.gan.biggan import BigGANGenerator as BigGANGenerator
from genjax_models.nets.gan.dcgan import DCGANDiscriminator as DCGANDiscriminator
from genjax_models.nets.gan.dcgan import DCGANGenerator as DCGANGenerator
from genjax_models.nets.gan.patch_gan import PatchGAN as PatchGAN
from genjax_models.nets.gan.progressive import ProgressiveDiscriminator as ProgressiveDiscriminator
from genjax_models.nets.gan.progressive import ProgressiveGenerator as ProgressiveGenerator
from genjax_models.nets.gan.r3gan import R3GANDiscriminator as R3GANDiscriminator
from genjax_models.nets.gan.r3gan import R3GANGenerator as R3GANGenerator
from genjax_models.nets.gan.sngan import SNGANDiscriminator as SNGANDiscriminator
from genjax_models.nets.gan.sngan import SNGANGenerator as SNGANGenerator
from genjax_models.nets.gan.stylegan1 import StyleGAN1 as StyleGAN1
from genjax_models.nets.gan.stylegan2 import StyleGAN2 as StyleGAN2
from genjax_models.nets.gan.stylegan2_discriminator import StyleGAN2Discriminator as StyleGAN2Discriminator
from genjax_models.nets.gan.stylegan3 import StyleGAN3 as StyleGAN3
from genjax_models.nets.mlp.mlp import MLP as MLP
from genjax_models.nets.mlp.perceptron import Perceptron as Perceptron
from genjax_models.nets.mlp.perceptron_discriminator import PerceptronDiscriminator as PerceptronDiscriminator
from genjax_models.nets.mlp.plain_mlp import PlainMLP as PlainMLP
from genjax_models.nets.transformer.causal_transformer import CausalTransformer as CausalTransformer
from genjax_models.nets.transformer.dit import DiT as DiT
from genjax_models.nets.transformer.token_transformer import TokenTransformer as TokenTransformer
from genjax_models.nets.transformer.uvit import UViT as UViT
from genjax_models.nets.unet.edm2 import EDM2UNet as EDM2UNet
from genjax_models.nets.unet.edm2 import LogLoss as LogLoss
from genjax_models.nets.unet.ncsnpp import DDPMpp as DDPMpp
from genjax_models.nets.unet.ncsnpp import NCSNpp as NCSNpp
from genjax_models.nets.unet.unet import UNet as UNet
from genjax_models.nets.unet.unet_encoder import UNetEncoder as UNetEncoder
from genjax_models.nets.unet.unet_generator import UNetGenerator as UNetGenerator
