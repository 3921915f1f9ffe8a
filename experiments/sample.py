"""Draw samples from a trained run.

    python -m experiments.sample --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name> \
        --sampler=heun --steps=10 --num=64 --out=samples.png

The ending of `--out` chooses the format, one of those that the data's modality has: of images .png is a grid, .gif the
path from noise to data as an animation, .npz the bytes. `--cond.label=3` and `--cond.text="..."` condition all samples;
`--prompts=FILE` draws a row of `--num` samples for each line of the file, a column from the same noise.
"""

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
from absl import flags

from experiments.config.data import spec_of
from experiments.run import command, conditions, inference
from experiments.run.sampling import draw_samples, sampler
from genjax_models.modalities import modality_of
from genjax_models.report import save_grid
from genjax_models.training import SampleRequest, parallel
from genjax_models.training.workdir import whole, writing

FRAMES = 30
"""Frames of an animation, at most."""

SAMPLER = flags.DEFINE_string("sampler", None, "name of the sampler; the config's by default")
STEPS = flags.DEFINE_integer("steps", None, "steps of the sampler; the config's by default", lower_bound=1)
NUM = flags.DEFINE_integer("num", None, "how many samples, 64 by default; of each prompt 8", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "of the noise", lower_bound=0, upper_bound=2**32 - 1)
OUT = flags.DEFINE_string("out", None, "file to write; <workdir>/samples with the modality's preview by default")


def main() -> None:
    """Draw from the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    spec = spec_of(config)
    modality, field = modality_of(spec), spec.field
    able = modality.formats(field)
    out = Path(OUT.value or workdir / f"samples{modality.preview(field)}")
    of_path = out.suffix not in able and out.suffix in modality.path_formats(field)
    write = modality.writer(out, field, of_path=of_path)
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    num = NUM.value or (8 if conditions.PROMPTS.value else 64)
    prompts = conditions.prompted(experiment, num)
    request = SampleRequest(
        num,
        None if prompts else conditions.requested(experiment, num),
        sampler=SAMPLER.value,
        steps=STEPS.value,
        guidance=conditions.guidance(),
        keep=min(FRAMES, STEPS.value or config.sample.steps) if of_path else 0,
    )
    call = sampler(experiment)
    model, key = inference.load(experiment, config, workdir), jax.random.key(SEED.value)
    if prompts:
        rows = [call(key, model, replace(request, cond=cond)) for cond in prompts]
        drawn = np.concatenate(rows, axis=1 if of_path else 0)
    elif of_path:
        drawn = call(key, model, request)
    else:
        drawn = draw_samples(key, experiment, model, request, batch=config.eval.batch)
    with writing(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole(out) as partial:
            if prompts and field.kind == "image" and out.suffix == ".png":
                save_grid(drawn, partial, columns=num)
            else:
                write(drawn, partial, field)
    print(f"{num * max(1, len(prompts))} samples in {out}")


if __name__ == "__main__":
    command.run(main)
