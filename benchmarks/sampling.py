"""Sampling with our UNet against diffusers' schedulers and UNet, of the same weights, in float32.

    python -m benchmarks.sampling                 # every row; a quiet machine, please
    python -m benchmarks.sampling --rows=ddim     # one of them
    python -m benchmarks.sampling --quick         # does it run at all

Ours is one compiled `lax.scan` over the steps, with the library's driver and sampler. Theirs is the loop of
diffusers' pipelines in torch's inference mode. Both start from one noise and visit the same noise levels, so both must
end in the same images before anything is timed.
"""

import argparse
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks import networks
from benchmarks.harness import Work, compare, report, save

MUST, AIM = 0.9, 0.7
AGREE = 0.01
STEPS = {"ddim": 50, "dpm_solver_pp_2m": 20, "unipc": 20, "edm_heun": 18, "flow_match_euler": 20}
EVALUATIONS = {name: 2 * steps - 1 if name == "edm_heun" else steps for name, steps in STEPS.items()}


class Task(NamedTuple):
    """What both do.

    Attributes:
      row: a key of `STEPS`.
      weights: diffusers' state dictionary.
      start: noise at the first time, `[B, H, W, 1]`.
      grid: descending times, `[N + 1]`.
      levels: the noise over the signal at each of them; on the straight path, the noise.
    """

    row: str
    weights: dict[str, np.ndarray]
    start: np.ndarray
    grid: np.ndarray
    levels: np.ndarray

    @property
    def facts(self) -> dict[str, int]:
        """What a contestant reports to have worked on."""
        parameters = sum(value.size for value in self.weights.values())
        return {"parameters": parameters, "batch": len(self.start), "evaluations": EVALUATIONS[self.row]}


def method(row: str) -> tuple[Any, str, Any, Any]:
    """Our process, prediction type, sampler and grid."""
    import jax.numpy as jnp  # noqa: PLC0415 - each process imports its own library only

    from genjax_models.families.diffusion import ddim, dpm_multistep, edm_heun, unipc  # noqa: PLC0415
    from genjax_models.families.flow_matching import euler  # noqa: PLC0415
    from genjax_models.processes import ddpm, karras_grid, rectified_flow  # noqa: PLC0415
    from genjax_models.solvers import uniform_grid  # noqa: PLC0415

    steps = STEPS[row]
    if row == "ddim":  # on the integer steps 980, 960, ..., 0 of diffusers' table; step i is our t = (i + 1)/1000
        return ddpm(), "eps", ddim(), jnp.append(jnp.arange(1000 - 1000 // steps, -1, -1000 // steps) + 1.0, 0.0) / 1000
    if row == "flow_match_euler":
        return rectified_flow(), "velocity", euler(), uniform_grid(steps)
    sampler = {"dpm_solver_pp_2m": dpm_multistep, "unipc": unipc, "edm_heun": edm_heun}[row]()
    return ddpm(), "eps", sampler, karras_grid(ddpm(), steps, sigma_min=0.03)


def make_task(row: str, batch: int) -> Task:
    """The work of a row, by our process."""
    process, _, _, grid = method(row)
    levels = process.sigma(grid) if row == "flow_match_euler" else process.scaled_sigma(grid)
    noise = np.random.default_rng(0).normal(size=(batch, networks.SIDE, networks.SIDE, 1))
    start = (noise * float(process.sigma(grid[0]))).astype(np.float32)
    return Task(row, networks.weights(), start, np.asarray(grid), np.asarray(levels))


def ours(task: Task) -> Work:
    """Our sampler."""
    from genjax_models.core import cpu  # noqa: PLC0415

    cpu.tune_allocator()
    import jax  # noqa: PLC0415

    from genjax_models.processes import Denoiser  # noqa: PLC0415
    from genjax_models.solvers import sample  # noqa: PLC0415
    from genjax_models.training import parallel  # noqa: PLC0415

    process, prediction, sampler, grid = method(task.row)
    net, params = networks.our_unet(task.weights)

    def draw(params, start):
        denoiser = Denoiser(process, lambda x, t: net.apply(params, x, t), prediction)
        return sample(jax.random.key(0), denoiser, start, grid, sampler)

    compiled = parallel.compile_fn(draw)
    params, start = jax.device_put((params, task.start))
    return Work(lambda: compiled(params, start).block_until_ready(), task.facts)


def theirs(task: Task) -> Work:
    """diffusers' loop, on our noise levels; its Heun works on the image over its signal."""
    import diffusers  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    net = networks.their_unet(task.weights)
    linear = {"num_train_timesteps": 1000, "beta_schedule": "linear"}
    scheduler = {
        "ddim": lambda: diffusers.DDIMScheduler(**linear, clip_sample=False),
        "dpm_solver_pp_2m": lambda: diffusers.DPMSolverMultistepScheduler(**linear),
        "unipc": lambda: diffusers.UniPCMultistepScheduler(**linear),
        "edm_heun": lambda: diffusers.HeunDiscreteScheduler(**linear),
        "flow_match_euler": diffusers.FlowMatchEulerDiscreteScheduler,
    }[task.row]()
    levels, times = torch.tensor(task.levels), torch.tensor(1000.0 * task.grid[:-1])
    start = torch.tensor(np.moveaxis(task.start, -1, 1).copy())
    if task.row == "edm_heun":
        start = start * (1.0 + levels[0] ** 2) ** 0.5
        levels = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]])
        times = torch.cat([times[:1], times[1:].repeat_interleave(2)])

    def run():
        scheduler.set_timesteps(STEPS[task.row])
        if task.row != "ddim":
            scheduler.sigmas = levels
        x = start
        with torch.inference_mode():
            for step, time in zip(scheduler.timesteps, times, strict=True):
                seen = scheduler.scale_model_input(x, step) if task.row == "edm_heun" else x
                x = scheduler.step(net(seen, time).sample, step, x).prev_sample
        return x.permute(0, 2, 3, 1)

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(start, torch.tensor(0))
    return Work(run, task.facts, float(counter.get_total_flops()) * EVALUATIONS[task.row])


def main() -> None:
    """Time both on every row, print the tables and write `results/sampling.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tiny batch, two rounds, nothing written")
    parser.add_argument("--rows", default=",".join(STEPS), help="which rows, between commas; all of them are written")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    rounds, batch = (2, 4) if args.quick else (args.rounds, args.batch)
    results = {}
    for row in args.rows.split(","):
        task = make_task(row, batch)
        contestants = {side.__name__: partial(side, task) for side in (ours, theirs)}
        timings = compare(contestants, rounds=rounds, warmup=1, agree=AGREE)
        results[row] = report(f"{row}, {STEPS[row]} steps", timings)
        print(f"goal: at most {MUST}, aim {AIM}")
    if not args.quick and len(results) == len(STEPS):
        save("sampling", results)


if __name__ == "__main__":
    main()
