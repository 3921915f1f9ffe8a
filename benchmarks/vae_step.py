"""A training step of a variational autoencoder against the same network in torch, in float32.

    python -m benchmarks.vae_step            # a quiet machine, please
    python -m benchmarks.vae_step --quick    # does it run at all

Kingma and Welling's model as Burda et al. size it: 784 bits, two hidden layers of 200 tanh in each network, 50 latent
variables, the closed form of the divergence, Adam. A step is the mean bound of a batch, its gradient and the update.
The torch side is eager; with `--compiled` it is compiled as well.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Work, compare, report, save

PIXELS, HIDDEN, LATENT = 784, 200, 50
GOAL = 1.0


def draw(batch: int) -> np.ndarray:
    """Random bits."""
    return (np.random.default_rng(0).random((batch, PIXELS)) < 0.3).astype(np.float32)


def facts(parameters: int, batch: int) -> dict[str, int]:
    """What both sides must share."""
    return {"parameters": parameters, "batch": batch}


def ours(batch: int) -> Work:
    """Our networks and loss, in our own `train_step`."""
    from genjax_models.core import cpu  # noqa: PLC0415 - each process imports its own library only

    cpu.tune_allocator()
    import jax  # noqa: PLC0415
    import optax  # noqa: PLC0415

    from genjax_models.families.vae import bernoulli, gaussian_posterior, vae_loss  # noqa: PLC0415
    from genjax_models.nets import Perceptron  # noqa: PLC0415
    from genjax_models.training import Player, init_state, parallel, train_step  # noqa: PLC0415

    encoder, decoder = (Perceptron((size,), (HIDDEN, HIDDEN)) for size in (2 * LATENT, PIXELS))
    x = jax.device_put(draw(batch))
    params = {
        "encoder": encoder.init(jax.random.key(0), x)["params"],
        "decoder": decoder.init(jax.random.key(1), x[:, :LATENT])["params"],
    }

    def objective(key, params, extra, x, step):
        own = params["model"]
        encode = lambda x: gaussian_posterior(encoder.apply({"params": own["encoder"]}, x))
        decode = lambda z: decoder.apply({"params": own["decoder"]}, z)
        return vae_loss(key, encode, decode, x, likelihood=bernoulli()), extra

    players = (Player("model", objective, optax.adam(1e-3)),)
    state = init_state(jax.random.key(2), {"model": params}, players, ema=False)
    step = parallel.compile(partial(train_step, players=players), parallel.make_mesh(), state=state)
    states = [state]

    def run() -> float:
        state, metrics = step(states.pop(), x)
        states.append(jax.block_until_ready(state))
        return float(metrics["loss"])

    return Work(run, facts(sum(leaf.size for leaf in jax.tree.leaves(params)), batch))


def torch_twin(compiled: bool, batch: int) -> Work:
    """The same in torch."""
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415

    def perceptron(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(inputs, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, outputs)
        )

    encoder, decoder = perceptron(PIXELS, 2 * LATENT), perceptron(LATENT, PIXELS)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer, x = torch.optim.Adam(parameters, lr=1e-3), torch.tensor(draw(batch))

    def bound(x: Any) -> Any:
        mean, log_std = encoder(x).chunk(2, dim=1)
        z = mean + log_std.exp() * torch.randn_like(mean)
        reconstruction = nn.functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="none").sum(1)
        kl = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum(1)
        return (reconstruction + kl).mean()

    value: Callable[[Any], Any] = torch.compile(bound) if compiled else bound

    def run() -> float:
        loss = value(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return Work(run, facts(sum(p.numel() for p in parameters), batch))


def main() -> None:
    """Time both, print the table and write `results/vae_step.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tiny batch, two rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--compiled", action="store_true", help="torch.compile as well, which wants a C++ compiler")
    args = parser.parse_args()
    rounds, batch = (2, 16) if args.quick else (args.rounds, 128)
    contestants = {"ours": partial(ours, batch), "torch": partial(torch_twin, False, batch)}
    if args.compiled:
        contestants["torch, compiled"] = partial(torch_twin, True, batch)
    results = {"VAE step": report("VAE step", compare(contestants, rounds=rounds))}
    print(f"goal: at most {GOAL}")
    if not args.quick:
        save("vae_step", results, ("torch",))


if __name__ == "__main__":
    main()
