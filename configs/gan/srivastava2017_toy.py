r"""Modes of 8 and 25 Gaussians: which games keep them, beside a normalizing flow and flow matching.

Paper: Srivastava et al., VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning, 2017,
    https://arxiv.org/abs/1705.07761 (the protocol: 2,500 samples, good within three standard deviations of a mode)
Command: python -m experiments.toy_modes --workdir=runs/toy_modes --config=configs/gan/srivastava2017_toy.py
Expected: on 25 Gaussians every method keeps 25 modes with all five seeds; good samples 0.884 ± 0.025 (NS), 0.898 ±
    0.009 (LS), 0.810 ± 0.030 (hinge), 0.542 ± 0.013 (WGAN-GP), 0.915 ± 0.007 (R3GAN), 0.942 ± 0.006 (flow), 0.881 ±
    0.022 (flow matching); 45 minutes on one shared x86-64 core. On 8 Gaussians, after 5,000 steps,
    the five games keep 8 modes: 0.903 ± 0.039, 0.929 ± 0.006, 0.919 ± 0.020, 0.810 ± 0.023, 0.960 ± 0.003.
Otherwise here: the mixtures lie in [-1, 1], modes 0.4 apart of deviation 0.03 (theirs 2 apart of 0.05, that is twice as
narrow for their distance); perceptrons of two layers of 128; 20,000 steps of 256; cosine rates; averaged weights.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import toy_modes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, or its `smoke` variant."""
    config = toy_modes.get_config()
    return with_variant(config, variant)
