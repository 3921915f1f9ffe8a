r"""Measure a GAN's discriminator on its training images, on held-out images and on fakes.

    python -m experiments.discriminator --config=configs/gan/<paper>_<dataset>.py --workdir=runs/<name>

Of `--num` images each it prints the mean logit and the accuracy, where the game has a logit that separates real from
fake (0, of least squares 0.5); the overfitting ratio of Karras et al., 0 where held-out images get the logits of
training images and 1 where they get those of fakes,

$$r_v = \frac{E[\ell_\mathrm{train}] - E[\ell_\mathrm{test}]}{E[\ell_\mathrm{train}] - E[\ell_\mathrm{fake}]};$$

and, for games of cross-entropy, the expected calibration error of $\sigma(\ell)$ on unseen images and fakes. Both
networks are those of the last step, without averages and without augmentation, as the discriminator is in training:
batch norms take the moments of `--batch` images of one kind. Also written to `discriminator.json`.

References:
  Karras et al., Training Generative Adversarial Networks with Limited Data, 2020,
  https://arxiv.org/abs/2006.06676, equation 1
"""

from absl import flags

from experiments.gan.discriminator_outputs import logits, summary
from experiments.run import command
from genjax_models.training import parallel
from genjax_models.training.loop import load_state
from genjax_models.training.workdir import write_json, writing

NUM = flags.DEFINE_integer("num", 1000, "images of each kind")
BATCH = flags.DEFINE_integer("batch", 100, "images at once")
SEED = flags.DEFINE_integer("seed", 0, "of fakes and chosen training images", lower_bound=0, upper_bound=2**32 - 1)


def main() -> None:
    """Measure the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    parallel.enable_compilation_cache()
    state = load_state(command.build_experiment(config), config, workdir)
    found = summary(logits(config, state, num=NUM.value, batch=BATCH.value, seed=SEED.value), config.game)
    for kind, mean in found["mean_logit"].items():
        right = f", accuracy {found['accuracy'][kind]:.3f}" if "accuracy" in found else ""
        print(f"{kind}: mean logit {mean:.3f}{right}")
    print(f"overfitting r_v: {found['overfitting']:.3f}")
    if "calibration_error" in found:
        print(f"expected calibration error: {found['calibration_error']:.3f}")
    with writing(workdir):
        write_json(workdir / "discriminator.json", found | {"seed": SEED.value})
    print(f"n {found['n']} of each kind, seed {SEED.value}; numbers: {workdir / 'discriminator.json'}")


if __name__ == "__main__":
    command.run(main)
