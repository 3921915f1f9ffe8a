"""Fifty DDIM steps with our UNet against diffusers' scheduler and UNet, in float32.

    python -m benchmarks.sampling            # about eight minutes; a quiet machine, please
    python -m benchmarks.sampling --quick    # does it run at all

Ours is one compiled `lax.scan` over the steps, with the library's driver and sampler. Theirs is the loop of
diffusers' pipelines in torch's inference mode.
"""

import argparse
from functools import partial

from benchmarks import networks
from benchmarks.harness import Work, compare, report, save

MUST, AIM = 0.9, 0.7


def ours(batch: int, steps: int) -> Work:
    """Our sampler."""
    from genjax_models.core import cpu  # noqa: PLC0415 - each process imports its own library only

    cpu.tune_allocator()
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415

    from genjax_models.families.diffusion import ddim  # noqa: PLC0415
    from genjax_models.processes import Denoiser, ddpm  # noqa: PLC0415
    from genjax_models.solvers import sample, uniform_grid  # noqa: PLC0415
    from genjax_models.training import parallel  # noqa: PLC0415

    net = networks.ours("unet")
    shape = (batch, networks.SIDE, networks.SIDE, 1)
    params = net.init(jax.random.key(0), jnp.zeros((1, *shape[1:])), jnp.zeros(1))

    def draw(key, params):
        noise, steps_key = jax.random.split(key)
        denoiser = Denoiser(ddpm(), lambda x, t: net.apply(params, x, t), "eps")
        return sample(steps_key, denoiser, jax.random.normal(noise, shape), uniform_grid(steps), ddim())

    compiled = parallel.compile_fn(draw)
    facts = {"parameters": networks.our_size(params), "batch": batch, "steps": steps}
    return Work(lambda: compiled(jax.random.key(1), params).block_until_ready(), facts)


def theirs(batch: int, steps: int) -> Work:
    """diffusers' loop."""
    import diffusers  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    net = networks.theirs("unet").eval()
    scheduler = diffusers.DDIMScheduler(num_train_timesteps=1000, beta_schedule="linear", clip_sample=False)
    scheduler.set_timesteps(steps)

    def run():
        with torch.inference_mode():
            x = torch.randn(batch, 1, networks.SIDE, networks.SIDE)
            for step in scheduler.timesteps:
                x = scheduler.step(net(x, step).sample, step, x).prev_sample
        return x

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(batch, 1, networks.SIDE, networks.SIDE), torch.tensor(0))
    facts = {"parameters": networks.their_size(net), "batch": batch, "steps": steps}
    return Work(run, facts, float(counter.get_total_flops()) * steps)


def main() -> None:
    """Time both, print the table and write `results/sampling.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tiny batch, two rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=50)
    args = parser.parse_args()
    rounds, batch = (2, 4) if args.quick else (args.rounds, args.batch)
    contestants = {side.__name__: partial(side, batch, args.steps) for side in (ours, theirs)}
    results = report("DDIM sampling", compare(contestants, rounds=rounds, warmup=1))
    print(f"goal: at most {MUST}, aim {AIM}")
    if not args.quick:
        save("sampling", {"ddim": results})


if __name__ == "__main__":
    main()
