"""Generative adversarial networks: games on logits, penalties, codes and classes, augmentation, memory, alarms."""

from genjax_models.families.gan.augment import POLICIES, ada_augment, adapt, diff_augment, overfitting
from genjax_models.families.gan.bigan import BiGANLosses, bigan_losses
from genjax_models.families.gan.conditional import auxiliary_classifier_loss, classification_loss
from genjax_models.families.gan.diagnostics import nearest_distance
from genjax_models.families.gan.image_pool import ImagePool, empty_pool, exchange
from genjax_models.families.gan.info_gan import CodePrior, information_bound, sample_codes
from genjax_models.families.gan.lazy import lazy, lazy_with_state
from genjax_models.families.gan.losses import (
    GAMES,
    Game,
    critic_generator,
    hinge_discriminator,
    least_squares_discriminator,
    least_squares_generator,
    minimax_discriminator,
    minimax_generator,
    non_saturating_generator,
    relativistic_average_discriminator,
    relativistic_discriminator,
    wasserstein_discriminator,
)
from genjax_models.families.gan.papers import (
    GANLosses,
    hinge_losses,
    lsgan_losses,
    nonsaturating_losses,
    r1_penalty,
    r2_penalty,
    r3gan_losses,
    wgan_gp_losses,
)
from genjax_models.families.gan.path_length import path_length_penalty, path_lengths
from genjax_models.families.gan.penalties import (
    PENALTIES,
    Penalty,
    consistency_penalty,
    dragan_penalty,
    gradient_penalty,
    zero_centred_penalty,
)
from genjax_models.families.gan.projection import project
from genjax_models.families.gan.standing import standing_statistics
from genjax_models.families.gan.translation import (
    Cycle,
    cycle_gan_discriminator,
    cycle_gan_generators,
    esrgan_discriminator,
    esrgan_generator,
    pix2pix_discriminator,
    pix2pix_generator,
)
from genjax_models.families.gan.weight_clipping import clip_weights

__all__ = [
    "GAMES",
    "PENALTIES",
    "POLICIES",
    "BiGANLosses",
    "CodePrior",
    "Cycle",
    "GANLosses",
    "Game",
    "ImagePool",
    "Penalty",
    "ada_augment",
    "adapt",
    "auxiliary_classifier_loss",
    "bigan_losses",
    "classification_loss",
    "clip_weights",
    "consistency_penalty",
    "critic_generator",
    "cycle_gan_discriminator",
    "cycle_gan_generators",
    "diff_augment",
    "dragan_penalty",
    "empty_pool",
    "esrgan_discriminator",
    "esrgan_generator",
    "exchange",
    "gradient_penalty",
    "hinge_discriminator",
    "hinge_losses",
    "information_bound",
    "lazy",
    "lazy_with_state",
    "least_squares_discriminator",
    "least_squares_generator",
    "lsgan_losses",
    "minimax_discriminator",
    "minimax_generator",
    "nearest_distance",
    "non_saturating_generator",
    "nonsaturating_losses",
    "overfitting",
    "path_length_penalty",
    "path_lengths",
    "pix2pix_discriminator",
    "pix2pix_generator",
    "project",
    "r1_penalty",
    "r2_penalty",
    "r3gan_losses",
    "relativistic_average_discriminator",
    "relativistic_discriminator",
    "sample_codes",
    "standing_statistics",
    "wasserstein_discriminator",
    "wgan_gp_losses",
    "zero_centred_penalty",
]
