r"""Path energies in the plane: which couplings make a flow straight.

Paper: Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, section 5.1,
    https://arxiv.org/abs/2302.00482; 2-rectified flow: Liu et al., 2023, https://arxiv.org/abs/2209.03003
Command: python -m experiments.toy_paths --workdir=runs/toy_paths --config=configs/flow_matching/tong2023_toy.py
Time: 393 seconds on one x86-64 core that other work shared, all methods, tasks and seeds.
Expected (mean ± standard error of five seeds; 1,000 test points):

    | task                 | method           | path energy   | W2            | W2, one Euler step |
    | -------------------- | ---------------- | ------------- | ------------- | ------------------ |
    | moons                | data             |               | 0.201 ± 0.015 |                    |
    | moons                | I-CFM            | 0.803 ± 0.054 | 0.240 ± 0.005 | 1.857 ± 0.016      |
    | moons                | OT-CFM           | 0.083 ± 0.020 | 0.208 ± 0.008 | 0.279 ± 0.010      |
    | moons                | SB-CFM           | 0.047 ± 0.014 | 0.248 ± 0.004 | 0.547 ± 0.007      |
    | moons                | 1-rectified flow | 0.853 ± 0.058 | 0.238 ± 0.007 | 1.845 ± 0.014      |
    | moons                | 2-rectified flow | 0.075 ± 0.011 | 0.243 ± 0.007 | 0.265 ± 0.003      |
    | 8 Gaussians          | data             |               | 0.589 ± 0.075 |                    |
    | 8 Gaussians          | I-CFM            | 0.198 ± 0.009 | 0.557 ± 0.019 | 4.719 ± 0.007      |
    | 8 Gaussians          | OT-CFM           | 0.018 ± 0.006 | 0.560 ± 0.027 | 0.648 ± 0.021      |
    | 8 Gaussians          | SB-CFM           | 0.019 ± 0.005 | 0.549 ± 0.022 | 0.812 ± 0.017      |
    | 8 Gaussians          | 1-rectified flow | 0.202 ± 0.011 | 0.549 ± 0.021 | 4.711 ± 0.013      |
    | 8 Gaussians          | 2-rectified flow | 0.018 ± 0.006 | 0.549 ± 0.020 | 0.580 ± 0.019      |
    | 8 Gaussians to moons | data             |               | 0.952 ± 0.042 |                    |
    | 8 Gaussians to moons | I-CFM            | 2.381 ± 0.087 | 0.943 ± 0.030 | 5.767 ± 0.130      |
    | 8 Gaussians to moons | OT-CFM           | 0.034 ± 0.010 | 0.979 ± 0.085 | 1.224 ± 0.077      |
    | 8 Gaussians to moons | SB-CFM           | 0.034 ± 0.009 | 0.996 ± 0.087 | 1.255 ± 0.077      |
    | 8 Gaussians to moons | 1-rectified flow | 2.376 ± 0.086 | 0.951 ± 0.037 | 5.674 ± 0.097      |
    | 8 Gaussians to moons | 2-rectified flow | 0.240 ± 0.027 | 1.003 ± 0.055 | 1.226 ± 0.051      |

Published path energies: OT-CFM 0.018-0.087, I-CFM 0.222-2.738, 2-rectified flow 0.069-0.149. Below 0.1 ours are mostly
the error of the empirical W2, which the methods share. Paths: see `paths/*.png` of the run.
As theirs: data and scales, network, sigmas, AdamW and its decay, 1,000 test points, five seeds. Otherwise here:

* 5,000 steps of 256 pairs, from rate 2e-3 along a cosine; theirs up to 1,000 epochs of 20 steps of 512 at 1e-3.
* 20,480 pairs a method, made once, each plan of transport over 256 points; theirs a plan of 512 every step.
* RK4 with 32 steps; theirs Euler with 100.
* the W2 of the path energy is between the 1,000 test points and the starts of the measured paths; theirs is of another,
  larger sample (issue 140 of their repository).
* from 8 Gaussians to moons; their script runs the other way, where the exact flow has the same energy.

Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import toy_paths
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, or its `smoke` variant."""
    config = toy_paths.get_config()
    config.expected = ConfigDict(
        {
            "metric": "NPE",
            "moons": {"I-CFM": 0.803, "OT-CFM": 0.083, "2-rectified flow": 0.075},
            "8 Gaussians": {"I-CFM": 0.198, "OT-CFM": 0.018, "2-rectified flow": 0.018},
            "8 Gaussians to moons": {"I-CFM": 2.381, "OT-CFM": 0.034, "2-rectified flow": 0.240},
        }
    )
    return with_variant(config, variant)
