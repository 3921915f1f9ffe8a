"""Networks in flax.linen: `net(x, t=None, cond=None, *, train=False)`, channels last; no losses."""

from genjax_models.nets.causal_transformer import CausalTransformer as CausalTransformer
from genjax_models.nets.conv_conditioner import ConvConditioner as ConvConditioner
from genjax_models.nets.conv_conditioner import ResNetConditioner as ResNetConditioner
from genjax_models.nets.dcgan import DCGANDiscriminator as DCGANDiscriminator
from genjax_models.nets.dcgan import DCGANGenerator as DCGANGenerator
from genjax_models.nets.dit import DiT as DiT
from genjax_models.nets.edm2 import EDM2UNet as EDM2UNet
from genjax_models.nets.edm2 import LogLoss as LogLoss
from genjax_models.nets.ladder import Ladder as Ladder
from genjax_models.nets.lipschitz_conv import LipschitzConv as LipschitzConv
from genjax_models.nets.lipschitz_mlp import LipschitzMLP as LipschitzMLP
from genjax_models.nets.made import MADE as MADE
from genjax_models.nets.mlp import MLP as MLP
from genjax_models.nets.ncsnpp import DDPMpp as DDPMpp
from genjax_models.nets.ncsnpp import NCSNpp as NCSNpp
from genjax_models.nets.perceptron import Perceptron as Perceptron
from genjax_models.nets.perceptron_discriminator import PerceptronDiscriminator as PerceptronDiscriminator
from genjax_models.nets.plain_mlp import PlainMLP as PlainMLP
from genjax_models.nets.pyramid import ConvDecoder as ConvDecoder
from genjax_models.nets.pyramid import ConvEncoder as ConvEncoder
from genjax_models.nets.sngan import SNGANDiscriminator as SNGANDiscriminator
from genjax_models.nets.sngan import SNGANGenerator as SNGANGenerator
from genjax_models.nets.unet import UNet as UNet
from genjax_models.nets.uvit import UViT as UViT
from genjax_models.nets.very_deep_vae import VeryDeepVAE as VeryDeepVAE
