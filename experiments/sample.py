"""Draw samples from a trained run.

    python -m experiments.sample --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name> \
        --sampler=heun --steps=10 --num=64 --out=samples.png

`--out` ending in .png is a grid, in .gif the path from noise to data as an animation, in .npz the raw bytes. Of vectors
the first two numbers are drawn, and the file holds the numbers themselves.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.run import command
from experiments.run.sampling import draw_samples, settled
from genjax_models.core.errors import UserError
from genjax_models.modalities.image import to_uint8
from genjax_models.report import save_animation, save_grid, save_points
from genjax_models.training import parallel
from genjax_models.training.loop import load_state
from genjax_models.training.tasks import capability
from genjax_models.training.workdir import writing

FRAMES = 30
"""Frames of an animation, at most."""

SAMPLER = flags.DEFINE_string("sampler", None, "name of the sampler; the config's by default")
STEPS = flags.DEFINE_integer("steps", None, "steps of the sampler; the config's by default")
GUIDANCE = flags.DEFINE_float(
    "guidance", None, "scale of the config's guidance, which is its default; 1 is none, to a classifier Bayes' rule"
)
NUM = flags.DEFINE_integer("num", 64, "how many samples")
LABEL = flags.DEFINE_integer(
    "label", None, "class of all samples, where model or guide knows any; all in turn by default"
)
SEED = flags.DEFINE_integer("seed", 0, "of the noise")
OUT = flags.DEFINE_string("out", None, "file to write: .png, .gif or .npz; <workdir>/samples.png by default")


def main() -> None:
    """Draw from the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    out = Path(OUT.value or workdir / "samples.png")
    if out.suffix not in (".png", ".gif", ".npz"):
        raise UserError(f"--out={out} must end in .png, .gif or .npz")
    images = len(config.data.shape) == 3
    if not images and (out.suffix == ".gif" or (out.suffix == ".png" and config.data.shape[0] < 2)):
        raise UserError(f"--out={out}: only images are animated, and only points of a plane drawn; end it in .npz")
    if NUM.value < 1:
        raise UserError(f"--num={NUM.value} must be at least 1")
    if STEPS.value is not None and STEPS.value < 1:
        raise UserError(f"--steps={STEPS.value} must be at least 1")
    if LABEL.value is not None and not 0 <= LABEL.value < config.data.num_classes:
        raise UserError(f"--label={LABEL.value} must lie between 0 and {config.data.num_classes - 1}")
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    params = settled(experiment, load_state(experiment, config, workdir), config, workdir)
    options: dict[str, Any] = {"sampler": SAMPLER.value, "steps": STEPS.value, "guidance": GUIDANCE.value}
    key = jax.random.key(SEED.value)
    with writing(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".gif":
            keep = min(FRAMES, STEPS.value or config.sample.steps)
            label = None if LABEL.value is None else np.full(NUM.value, LABEL.value, np.int32)
            draw = capability(experiment, "sample")
            call = lambda key, params: to_uint8(draw(key, params, NUM.value, label=label, keep=keep, **options))
            save_animation(np.asarray(parallel.compile_fn(call)(key, params)), out)
        else:
            drawn = draw_samples(
                key, experiment, params, NUM.value, batch=config.eval.batch, label=LABEL.value, **options
            )
            if out.suffix == ".npz":
                np.savez_compressed(out, images=drawn) if images else np.savez_compressed(out, vectors=drawn)
            elif images:
                save_grid(drawn, out)
            else:
                save_points({f"{NUM.value} samples": drawn[:, :2]}, out)
    print(f"{NUM.value} samples in {out}")


if __name__ == "__main__":
    command.run(main)
