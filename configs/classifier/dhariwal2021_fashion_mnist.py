r"""Classifier of noisy clothes, whose gradient guides DDPM.

Paper: Dhariwal and Nichol, Diffusion Models Beat GANs on Image Synthesis, 2021, https://arxiv.org/abs/2105.05233
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/noisy_classifier_fashion_mnist \
    --config=configs/classifier/dhariwal2021_fashion_mnist.py
Then, with an unconditional model:
    python -m experiments.sample --workdir=runs/ddpm_fashion_mnist --label=8 --guidance=2 \
    --config=configs/diffusion/ho2020_fashion_mnist.py --config.sample.guide.name=classifier \
    --config.sample.guide.workdir=runs/noisy_classifier_fashion_mnist
Expected: right on 0.787 of the test images without noise, on 0.49 at random times. DDPM's 20 DDIM steps, class accuracy
    and Fréchet distance at guidance 1: 0.38, 29.8; 4: 0.67, 20.3; without a guide 22.6 (1,000 samples, seed 0,
    fashion_mnist features; real images 0.92, 3.6). 359 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments.classifier import noisy
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variant."""
    config = noisy.get_config()
    config.data.name = "fashion_mnist"
    config.process = "ddpm"
    config.net.update(
        {"patch_size": 2, "channels": 32, "multipliers": (1, 2), "num_blocks": 1, "head_dim": 32, "groups": 8}
    )
    config.train.update({"batch_size": 128, "steps": 2000, "flip": True})
    config.train.optimizer.update({"learning_rate": 1e-3, "weight_decay": 0.05})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": 100})
    return with_variant(config, variant)
