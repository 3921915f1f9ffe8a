"""Compare contestants fairly: a process each, rounds that take turns, medians, and the machine's own limit.

Every contestant is built and warmed up in a process of its own, so that neither disturbs the other's memory,
threads or allocator, and each has a peak memory of its own. Then the rounds take turns: one call of ours, one of
theirs, one matrix product, and again: whatever slows the machine for a while slows them all. Where they have the same
weights, their results are compared before the first round.
"""

import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

RESULTS = Path(__file__).parent / "results"
MATMUL_SIDE = 2048


class Work(NamedTuple):
    """What a contestant does, ready to run.

    Attributes:
      run: one call, which returns when its result is there.
      facts: what must be the same for all contestants: parameters, batch, and so on.
      flop: floating-point operations of one call, if known.
      counts: what may differ, such as evaluations of the network; `run` fills it in.
    """

    run: Callable[[], Any]
    facts: Mapping[str, int]
    flop: float | None = None
    counts: Mapping[str, int] = {}


class Timing(NamedTuple):
    """The seconds of each round, the process's peak resident memory in bytes, and what `Work` said of itself.

    `gap` is the largest distance of its result from what is expected, None where nothing was compared.
    """

    seconds: list[float]
    memory: int
    gap: float | None
    facts: Mapping[str, int]
    flop: float | None
    counts: Mapping[str, int]

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


def compare(
    contestants: Mapping[str, Callable[[], Work]],
    *,
    rounds: int,
    warmup: int = 2,
    agree: float | None = None,
    expected: np.ndarray | None = None,
) -> dict[str, Timing]:
    """Time contestants in turn.

    Args:
      contestants: a builder a name, of the kind that pickles: it runs in a new process.
      rounds: timed calls of each.
      warmup: untimed calls of each before, compilation included.
      agree: how far a result may lie from `expected`, absolute and relative; None compares nothing.
      expected: the right result; by default the first contestant's.

    Returns:
      A `Timing` a name, and one more, `matmul`.

    Raises:
      ValueError: if the contestants' facts differ, or their results.
    """
    context = multiprocessing.get_context("spawn")
    workers = {}
    for name, build in {**contestants, "matmul": matmul}.items():
        pipe, end = context.Pipe()
        process = context.Process(target=_serve, args=(build, warmup, end), daemon=True)
        process.start()
        end.close()
        workers[name] = (process, pipe, *pipe.recv())
    first = next(iter(contestants))
    facts = workers[first][2]["facts"]
    gaps: dict[str, float | None] = dict.fromkeys(workers)
    right, truth = (first, workers[first][3]) if expected is None else ("the reference", expected)
    for name in contestants:
        said, result = workers[name][2:]
        if said["facts"] != facts:
            raise ValueError(f"{name} does not do the work of {first}: {said['facts']}, not {facts}")
        if agree is not None and result is not truth:
            gap = np.abs(result - truth)
            gaps[name] = float(gap.max())
            print(f"{name} is within {gaps[name]:.1e} of {right}", flush=True)
            if not np.all(gap <= agree * (1.0 + np.abs(truth))):
                raise ValueError(f"{name} gives another result than {right}: up to {gaps[name]:.1e} apart")

    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, (_, pipe, _, _) in workers.items():
            pipe.send("run")
            seconds[name].append(pipe.recv())
    timings = {}
    for name, (process, pipe, said, _) in workers.items():
        pipe.send("stop")
        timings[name] = Timing(seconds[name], pipe.recv(), gaps[name], **said)
        process.join()
    return timings


def _serve(build: Callable[[], Work], warmup: int, pipe: Any) -> None:
    work = build()
    for _ in range(warmup):
        result = work.run()
    said = {"facts": dict(work.facts), "flop": work.flop, "counts": dict(work.counts)}
    pipe.send((said, np.asarray(result)))
    while pipe.recv() == "run":
        start = time.perf_counter()
        work.run()
        pipe.send(time.perf_counter() - start)
    pipe.send(_peak_memory())


def _peak_memory() -> int:
    """Bytes of this process's largest resident set; where Linux tells, without what its parent held at the start."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
    return 1024 * int(peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def report(title: str, timings: Mapping[str, Timing]) -> dict[str, Any]:
    """Print the table of `ours` against the others, and return the same numbers for `save`.

    The work of all is counted by what the others compute, so a shortcut of ours shows as a larger share of the peak.
    """
    limit = timings["matmul"]
    contestants = {name: timing for name, timing in timings.items() if name != "matmul"}
    ours, *others = contestants.values()
    flop, peak = others[0].flop, (limit.flop or 0.0) / limit.median
    facts = ", ".join(f"{value:,} {name}" for name, value in ours.facts.items())
    print(f"\n{title}: {facts}\n{'':14}{'median':>9}{'min':>9}{'max':>9}{'of peak':>9}{'memory':>10}")
    for name, timing in contestants.items():
        share = "" if flop is None else f"{flop / timing.median / peak:.0%}"
        low, high = min(timing.seconds), max(timing.seconds)
        counts = "".join(f"{value:6,} {what}" for what, value in timing.counts.items())
        print(
            f"{name:14}{timing.median:8.4f}s{low:8.4f}s{high:8.4f}s{share:>9}{timing.memory / 2**20:7.0f} MB{counts}",
            flush=True,
        )
    ratios = {name: ours.median / timing.median for name, timing in contestants.items() if timing is not ours}
    said = ", ".join(f"ours / {name} = {ratio:.2f}" for name, ratio in ratios.items())
    print(f"{said}; the peak is a {MATMUL_SIDE}² float32 product at {peak / 1e9:.0f} GFLOP/s")
    return {
        "ratios": ratios,
        "peak_flop_per_second": peak,
        "flop": flop,
        **{name: {**timing._asdict(), "median": timing.median} for name, timing in timings.items()},
    }


def save(name: str, results: Mapping[str, Any], packages: Sequence[str] = ("torch", "diffusers")) -> None:
    """Write `results/<name>.json`, with the machine and the versions that the numbers belong to."""
    packages = ("jax", "jaxlib", "flax", *packages)
    machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    record = {"machine": machine, "versions": {p: version(p) for p in packages}, "results": dict(results)}
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {path}")
