"""One training step of our UNet and DiT against diffusers', in float32: forward, backward, AdamW.

    python -m benchmarks.train_step            # about five minutes; a quiet machine, please
    python -m benchmarks.train_step --quick    # does it run at all

Ours is the library's own `train_step` through `parallel.compile`, with the gradient norm and the guard against
non-finite updates that theirs does without. Theirs is torch's eager mode, which is what diffusers runs in.
"""

import argparse
from functools import partial

import numpy as np

from benchmarks import networks
from benchmarks.harness import Work, compare, report, save

GOALS = {"unet": (1.3, 1.0), "dit": (1.25, 1.0)}


def draw(batch: int) -> dict[str, np.ndarray]:
    """A batch of noise, which costs what images cost."""
    rng = np.random.default_rng(0)
    shape = (batch, networks.SIDE, networks.SIDE, 1)
    return {
        "x": rng.normal(size=shape).astype(np.float32),
        "target": rng.normal(size=shape).astype(np.float32),
        "step": rng.integers(0, 1000, batch),
        "label": rng.integers(0, networks.CLASSES, batch).astype(np.int32),
    }


def ours(name: str, batch: int) -> Work:
    """Our step."""
    from genjax_models.core import cpu  # noqa: PLC0415 - each process imports its own library only

    cpu.tune_allocator()
    import jax  # noqa: PLC0415
    import optax  # noqa: PLC0415

    from genjax_models.core.types import LossOutput  # noqa: PLC0415
    from genjax_models.training import Player, init_state, parallel, train_step  # noqa: PLC0415

    net, data = networks.ours(name), draw(batch)
    condition = (lambda b: {"label": b["label"]}) if net.num_classes else (lambda b: None)

    def objective(key, params, extra, b, step):
        prediction = net.apply({"params": params["model"]}, b["x"], b["step"] / 1000, condition(b))
        return LossOutput(((prediction - b["target"]) ** 2).mean(axis=(1, 2, 3))), extra

    players = (Player("model", objective, optax.adamw(1e-4)),)
    params = net.init(jax.random.key(0), data["x"], data["step"] / 1000, condition(data))["params"]
    state = init_state(jax.random.key(1), {"model": params}, players, ema=False)
    mesh = parallel.make_mesh()
    step = parallel.compile(partial(train_step, players=players), mesh, state=state)
    data = jax.device_put(data)
    states = [state]

    def run():
        state, metrics = step(states.pop(), data)
        states.append(jax.block_until_ready(state))
        return float(metrics["loss"])

    return Work(run, {"parameters": networks.our_size(params), "batch": batch})


def theirs(name: str, batch: int) -> Work:
    """diffusers' step."""
    import torch  # noqa: PLC0415
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    net, data = networks.theirs(name).train(), draw(batch)
    x, target = (torch.tensor(data[k].transpose(0, 3, 1, 2)).contiguous() for k in ("x", "target"))
    steps, label = torch.tensor(data["step"]), torch.tensor(data["label"], dtype=torch.long)
    condition = {"class_labels": label} if name == "dit" else {}
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)

    def run():
        loss = ((net(x, steps, **condition).sample - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    with FlopCounterMode(display=False) as counter:
        run()
    facts = {"parameters": networks.their_size(net), "batch": batch}
    return Work(run, facts, float(counter.get_total_flops()))


def main() -> None:
    """Time both networks, print the table and write `results/train_step.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny batches, two rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=128)
    args = parser.parse_args()
    rounds, batch = (2, 8) if args.quick else (args.rounds, args.batch)
    results = {}
    for name, (must, aim) in GOALS.items():
        contestants = {"ours": partial(ours, name, batch), "theirs": partial(theirs, name, batch)}
        results[name] = report(f"{name} training step", compare(contestants, rounds=rounds))
        print(f"goal: at most {must}, aim {aim}")
    if not args.quick:
        save("train_step", results)


if __name__ == "__main__":
    main()
