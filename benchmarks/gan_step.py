"""Training steps of GANs against the same blocks in torch, in float32: DCGAN and StyleGAN2 on 28x28 images.

    python -m benchmarks.gan_step            # a quiet machine, please
    python -m benchmarks.gan_step --quick    # does it run at all

A step is one move of the discriminator on real images and fakes, and one of the generator, with Adam: the
non-saturating game without penalties. Then images a second of one generator beside fifty steps of a diffusion model's
UNet, the recipes of Fashion-MNIST: one forward pass serves sampling.
"""

import argparse
import importlib
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Work, compare, report, save

SIDE, LATENT, RATE = 28, 128, 2e-4
GOALS = {"must": 1.33, "aim": 1.0}
"""Of our time over torch's."""
PAIRS = ("DCGAN", "StyleGAN2")


def recipe(name: str) -> dict[str, dict]:
    """Both networks' fields."""
    from experiments.config import recipes  # noqa: PLC0415

    return {"DCGAN": recipes.DCGAN, "StyleGAN2": recipes.STYLEGAN2}[name]


def draw(batch: int) -> np.ndarray:
    """Real images."""
    return np.random.default_rng(0).uniform(-1, 1, (batch, SIDE, SIDE, 1)).astype(np.float32)


def ours(name: str, batch: int) -> Work:
    """Our experiment's own step."""
    from genjax_models.core import cpu  # noqa: PLC0415 - each process imports its own library only

    cpu.tune_allocator()
    import jax  # noqa: PLC0415

    from experiments import gan  # noqa: PLC0415
    from experiments.config import recipes  # noqa: PLC0415
    from genjax_models.training import parallel, train_step  # noqa: PLC0415
    from genjax_models.training.experiment import initial_state  # noqa: PLC0415

    config = recipes.gan_fashion_mnist(gan.get_config(), **recipe(name))
    experiment = gan.build(config)
    state = jax.jit(partial(initial_state, experiment=experiment, ema=False))(jax.random.key(0))
    step = parallel.compile(partial(train_step, players=experiment.players), parallel.make_mesh(), state=state)
    bytes_ = ((draw(batch) + 1) * 127.5).astype(np.uint8)
    data = jax.device_put({"x": bytes_, "label": np.zeros(batch, np.int32)})
    states = [state]

    def run() -> float:
        state, metrics = step(states.pop(), data)
        states.append(jax.block_until_ready(state))
        return float(metrics["generator/loss"])

    count = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    return Work(run, {"parameters": count, "batch": batch})


def torch_twin(name: str, batch: int) -> Work:
    """The same blocks in torch, eager."""
    import torch  # noqa: PLC0415

    from benchmarks import torch_gans  # noqa: PLC0415

    generator, discriminator = torch_pair(torch_gans, name)
    optimizers = [torch.optim.Adam(net.parameters(), lr=RATE, betas=(0.5, 0.999)) for net in (discriminator, generator)]
    x = torch.tensor(draw(batch).transpose(0, 3, 1, 2).copy())
    softplus = torch.nn.functional.softplus

    def run() -> float:
        with torch.no_grad():
            fake = generator(torch.randn(batch, LATENT))
        loss = (softplus(-discriminator(x)) + softplus(discriminator(fake))).mean()
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        discriminator.requires_grad_(False)
        loss = softplus(-discriminator(generator(torch.randn(batch, LATENT)))).mean()
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        discriminator.requires_grad_(True)
        return loss.item()

    count = sum(p.numel() for net in (generator, discriminator) for p in net.parameters())
    return Work(run, {"parameters": count, "batch": batch})


def torch_pair(torch_gans: Any, name: str) -> tuple[Any, Any]:
    """Generator and discriminator as the recipe says."""
    own = recipe(name)
    g, d = own["generator"], own["discriminator"]
    if name == "DCGAN":
        return (
            torch_gans.dcgan_generator(LATENT, SIDE, 1, g["channels"]),
            torch_gans.dcgan_discriminator(SIDE, 1, d["channels"]),
        )
    shared = {"base": g["base_resolution"], "channels": g["channels"], "most": g["max_channels"]}
    return (
        torch_gans.StyleGAN2(LATENT, SIDE, 1, **shared, style=g["style_features"], depth=g["mapping_depth"]),
        torch_gans.StyleGAN2Discriminator(
            SIDE, 1, base=d["base_resolution"], channels=d["channels"], most=d["max_channels"]
        ),
    )


def sampling(path: str, steps: int, batch: int) -> Work:
    """One call of a config's sampler, untrained."""
    from genjax_models.core import cpu  # noqa: PLC0415

    cpu.tune_allocator()
    import jax  # noqa: PLC0415

    from genjax_models.training import SampleRequest, parallel  # noqa: PLC0415

    config = importlib.import_module(path).get_config()
    experiment = importlib.import_module(config.experiment).build(config)
    params, extra = jax.jit(experiment.init)(jax.random.key(0))
    model, request = jax.jit(experiment.finalize)(params, extra), SampleRequest(batch, steps=steps)
    draw = parallel.compile_fn(lambda key, model: experiment.sample(key, model, request))
    return Work(lambda: np.asarray(draw(jax.random.key(1), model)).mean(), {"images": batch})


def main() -> None:
    """Time all, print the tables and write `results/gan_step.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tiny batch, two rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    rounds, batch = (2, 8) if args.quick else (args.rounds, 64)
    results = {}
    for name in PAIRS:
        contestants = {"ours": partial(ours, name, batch), "torch": partial(torch_twin, name, batch)}
        results[name] = report(f"{name} step", compare(contestants, rounds=rounds))
    print(f"goals: must {GOALS['must']}, aim {GOALS['aim']}")
    draws = {
        "DCGAN, one pass": partial(sampling, "configs.gan.radford2016_fashion_mnist", 1, batch),
        "flow matching, 50 Euler steps": partial(sampling, "configs.flow_matching.lipman2023_fashion_mnist", 50, batch),
    }
    results["sampling"] = report("sampling", compare(draws, rounds=max(2, rounds // 4)))
    if not args.quick:
        save("gan_step", results, ("torch",))


if __name__ == "__main__":
    main()
