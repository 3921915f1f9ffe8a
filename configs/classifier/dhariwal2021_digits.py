r"""Classifier of noisy 8x8 digits, whose gradient guides DDPM.

Paper: Dhariwal and Nichol, Diffusion Models Beat GANs on Image Synthesis, 2021, https://arxiv.org/abs/2105.05233
Command: python -m experiments.train --workdir=runs/noisy_classifier_digits \
    --config=configs/classifier/dhariwal2021_digits.py
Then, with an unconditional model:
    python -m experiments.sample --workdir=runs/ddpm_digits --label=3 --guidance=2 \
    --config=configs/diffusion/ho2020_digits.py --config.sample.guide.name=classifier \
    --config.sample.guide.workdir=runs/noisy_classifier_digits
Expected: right on 0.997 of the 296 test images without noise, on 0.42 at random times. DDPM's 50 DDIM steps, class
    accuracy and Fréchet distance at guidance 0: 0.11, 7.5; 1: 0.76, 6.5; 2: 0.94, 2.8; 4: 0.97, 2.8; 8: 0.99, 4.1 (750
    samples, seed 0, digits features; real images against real 3.2). 62 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments.classifier import noisy
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variant."""
    config = noisy.get_config()
    config.process = "ddpm"
    config.net.update({"channels": 32, "multipliers": (1, 2), "num_blocks": 1, "head_dim": 32, "groups": 8})
    config.train.update({"batch_size": 128, "steps": 1500})
    config.train.optimizer.update({"learning_rate": 1e-3, "weight_decay": 0.05})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": 100})
    return with_variant(config, variant)
