"""Score matching: exact, sliced, and with annealed noise; denoising score matching is `diffusion.denoising_loss`."""

from genjax_models.families.score.losses import annealed_score_matching, score_matching, sliced_score_matching

__all__ = ["annealed_score_matching", "score_matching", "sliced_score_matching"]
