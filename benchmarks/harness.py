"""Compare contestants fairly: a process each, rounds that take turns, medians, and the machine's own limit.

Every contestant is built and warmed up in a process of its own, so that neither disturbs the other's memory,
threads or allocator, and each has a peak memory of its own. Then the rounds take turns: one call of ours, one of
theirs, one matrix product, and again: whatever slows the machine for a while slows them all.
"""

import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results"
MATMUL_SIDE = 2048


class Work(NamedTuple):
    """What a contestant does, ready to run.

    Attributes:
      run: one call, which returns when its result is there.
      facts: what must be the same for all contestants: parameters, batch, and so on.
      flop: floating-point operations of one call, if known.
    """

    run: Callable[[], Any]
    facts: Mapping[str, int]
    flop: float | None = None


class Timing(NamedTuple):
    """The seconds of each round, the process's peak resident memory in bytes, and what `Work` said of itself."""

    seconds: list[float]
    memory: int
    facts: Mapping[str, int]
    flop: float | None

    @property
    def median(self) -> float:
        """The middle round, in seconds."""
        return statistics.median(self.seconds)


def matmul() -> Work:
    """The limit: a float32 product of matrices large enough to be the library's best case."""
    import jax  # noqa: PLC0415 - each process imports its own library only

    x = jax.random.normal(jax.random.key(0), (MATMUL_SIDE, MATMUL_SIDE))
    product = jax.jit(lambda x: x @ x)
    return Work(lambda: product(x).block_until_ready(), {}, 2.0 * MATMUL_SIDE**3)


def compare(contestants: Mapping[str, Callable[[], Work]], *, rounds: int, warmup: int = 2) -> dict[str, Timing]:
    """Time contestants in turn.

    Args:
      contestants: a builder a name, of the kind that pickles: it runs in a new process.
      rounds: timed calls of each.
      warmup: untimed calls of each before, compilation included.

    Returns:
      A `Timing` a name, and one more, `matmul`.

    Raises:
      ValueError: if the contestants' facts differ.
    """
    context = multiprocessing.get_context("spawn")
    workers = {}
    for name, build in {**contestants, "matmul": matmul}.items():
        pipe, end = context.Pipe()
        process = context.Process(target=_serve, args=(build, warmup, end), daemon=True)
        process.start()
        end.close()
        workers[name] = (process, pipe, *pipe.recv())
    facts = [workers[name][2] for name in contestants]
    if any(fact != facts[0] for fact in facts):
        raise ValueError(f"the contestants do not do the same work: {dict(zip(contestants, facts, strict=True))}")

    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, (_, pipe, _, _) in workers.items():
            pipe.send("run")
            seconds[name].append(pipe.recv())
    timings = {}
    for name, (process, pipe, fact, flop) in workers.items():
        pipe.send("stop")
        timings[name] = Timing(seconds[name], pipe.recv(), fact, flop)
        process.join()
    return timings


def _serve(build: Callable[[], Work], warmup: int, pipe: Any) -> None:
    work = build()
    for _ in range(warmup):
        work.run()
    pipe.send((dict(work.facts), work.flop))
    while pipe.recv() == "run":
        start = time.perf_counter()
        work.run()
        pipe.send(time.perf_counter() - start)
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def report(title: str, timings: Mapping[str, Timing]) -> dict[str, Any]:
    """Print the table of `ours` against `theirs`, and return the same numbers for `save`.

    The work of both is counted by what `theirs` computes, so a shortcut of ours shows as a larger share of the peak.
    """
    ours, theirs, limit = (timings[name] for name in ("ours", "theirs", "matmul"))
    peak = (limit.flop or 0.0) / limit.median
    facts = ", ".join(f"{value:,} {name}" for name, value in ours.facts.items())
    print(f"\n{title}: {facts}\n{'':8}{'median':>9}{'min':>9}{'max':>9}{'of peak':>9}{'memory':>10}")
    for name, timing in (("ours", ours), ("theirs", theirs)):
        share = "" if theirs.flop is None else f"{theirs.flop / timing.median / peak:.0%}"
        low, high = min(timing.seconds), max(timing.seconds)
        print(
            f"{name:8}{timing.median:8.3f}s{low:8.3f}s{high:8.3f}s{share:>9}{timing.memory / 2**20:8.0f} MB",
            flush=True,
        )
    ratio = ours.median / theirs.median
    print(f"ours / theirs = {ratio:.2f}; the peak is a {MATMUL_SIDE}² float32 product at {peak / 1e9:.0f} GFLOP/s")
    return {
        "ratio": ratio,
        "peak_flop_per_second": peak,
        "flop": theirs.flop,
        **{name: {**timing._asdict(), "median": timing.median} for name, timing in timings.items()},
    }


def save(name: str, results: Mapping[str, Any]) -> None:
    """Write `results/<name>.json`, with the machine and the versions that the numbers belong to."""
    packages = ("jax", "jaxlib", "flax", "torch", "diffusers")
    machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    record = {"machine": machine, "versions": {p: version(p) for p in packages}, "results": dict(results)}
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {path}")
