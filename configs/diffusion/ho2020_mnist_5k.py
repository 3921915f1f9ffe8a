r"""DDPM on 5,000 images of MNIST.

Paper: Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
Data: python -m genjax_models.data fetch mnist_5k
Command: python -m experiments.train --workdir=runs/ddpm_mnist_5k \
    --config=configs/diffusion/ho2020_mnist_5k.py
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = diffusion.get_config()
    config.data.update({"name": "mnist_5k", "shape": (28, 28, 1)})
    config.eval.update({"features": "mnist", "num": 500})
    config.eval.rows = config.eval.rows[1:]  # the first, 1000 steps, would take a quarter of an hour
    config.net = ConfigDict(
        {
            "name": "genjax_models.nets.UNet",
            "patch_size": 2,
            "channels": 32,
            "multipliers": (1, 2),
            "num_blocks": 2,
            "head_dim": 32,
            "groups": 8,
        }
    )
    config.train.update({"steps": 1200, "batch_size": 64})
    config.train.optimizer.update({"learning_rate": 2e-3, "b2": 0.99})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": 200})
    return with_variant(config, variant)
