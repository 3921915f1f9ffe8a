r"""StyleGAN2, small, on Fashion-MNIST: demodulated weights, lazy R1, path-length regularisation.

Paper: Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020, https://arxiv.org/abs/1912.04958
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/karras2020_fashion_mnist \
    --config=configs/gan/karras2020_fashion_mnist.py
Expected: Fréchet distance 21.9, kernel distance 0.77, precision 0.86, recall 0.52 (1000 samples, seed 0,
    fashion_mnist features; real images against real 3.6); 1790 seconds on a shared x86-64 core. At the paper's rates
    59.9, 2.22, 0.83, 0.26.
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
    config = recipes.gan_fashion_mnist(gan.get_config(), **recipes.STYLEGAN2)
    config.train.steps = 4000
    config.penalties = (("r1", 0.1, 16),)
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"learning_rate": 8e-3, "b1": 0.0, "b2": 0.99})
    config.eval.rows = (("prior", 1), ("truncated", 1))
    config.path_length.weight = 2.0
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 21.9, "n": 1000}
    )
    return with_variant(config, variant)
