"""Score matching: exact, sliced, denoising, and along an SDE; any other is `diffusion.denoising_loss`."""

from genjax_models.families.score.losses import (
    annealed_score_matching,
    denoising_score_matching,
    score_matching,
    score_sde_loss,
    sliced_score_matching,
)

__all__ = [
    "annealed_score_matching",
    "denoising_score_matching",
    "score_matching",
    "score_sde_loss",
    "sliced_score_matching",
]
