"""Checkpoints come back bit for bit or not at all, whatever happened to the disk in between."""

import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_models.core.errors import UserError
from genjax_models.training import Player, init_state, parallel
from genjax_models.training.checkpoint import Checkpoints, restore, saved_steps, set_aside

PLAYERS = (
    Player("model", None, optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3))),
    Player("critic", None, optax.sgd(0.1, momentum=0.9)),
)


def make_state(seed=0, width=256):
    random = np.random.default_rng(seed)
    normal = lambda *shape: jnp.asarray(random.normal(size=shape), jnp.float32)
    params = {"model": {"kernel": normal(width, 128), "bias": normal(128)}, "critic": [normal(3), normal()]}
    extra = {
        "chains": jax.random.key(seed, impl="rbg"),
        "count": jnp.array(seed),
        "half": normal(5).astype(jnp.bfloat16),
    }
    return init_state(jax.random.key(seed), params, PLAYERS, extra=extra, ema=True)


def target_of(state, devices=1, fsdp=False):
    mesh = parallel.make_mesh(devices)
    return parallel.abstract(jax.eval_shape(lambda: state), parallel.state_shardings(state, mesh, fsdp=fsdp))


def bits(state):
    is_key = lambda x: jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
    return jax.tree.map(lambda x: np.array(jax.random.key_data(x) if is_key(x) else x), state)


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(np.testing.assert_array_equal, bits(a), bits(b))
    assert jax.tree.map(lambda x: x.dtype, a) == jax.tree.map(lambda x: x.dtype, b)


def save(directory, steps, **options):
    with Checkpoints(directory, **{"keep_last": 10, **options}) as checkpoints:
        for step in steps:
            checkpoints.save(step, make_state(step), data={"next_index": step})


def test_everything_comes_back_bit_for_bit(tmp_path):
    save(tmp_path, [3])
    restored = restore(tmp_path, target_of(make_state()))
    assert_same(restored.state, make_state(3))
    assert restored.data == {"next_index": 3}


def test_a_tree_with_other_empty_nodes_is_the_same(tmp_path):
    save(tmp_path, [3])
    now = make_state(3)
    now = now.replace(extra=dict(now.extra) | {"collections": {}, "buffers": ()})
    assert_same(restore(tmp_path, target_of(now)).state, now)


def test_a_checkpoint_is_of_the_moment_it_was_taken_though_the_buffers_are_reused_at_once(tmp_path):
    step = jax.jit(lambda s: jax.tree.map(lambda x: x + 1 if x.dtype == jnp.float32 else x, s), donate_argnums=0)
    state = jax.device_put(make_state())
    expected = bits(state)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state)
        for _ in range(20):
            state = step(state)
    jax.tree.map(np.testing.assert_array_equal, bits(restore(tmp_path, target_of(make_state())).state), expected)


@pytest.mark.parametrize(
    ("written", "read"), [((1, False), (4, True)), ((4, True), (1, False)), ((4, True), (2, True))]
)
def test_it_is_restored_onto_another_number_of_devices(tmp_path, written, read):
    shardings = lambda devices, fsdp: parallel.state_shardings(make_state(), parallel.make_mesh(devices), fsdp=fsdp)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, jax.device_put(make_state(), shardings(*written)))
    restored = restore(tmp_path, target_of(make_state(), *read)).state
    assert_same(restored, make_state())
    assert jax.tree.map(lambda x: x.sharding, restored) == shardings(*read)


def test_the_last_and_the_best_are_kept(tmp_path):
    best = {"count": 1, "metric": "fd", "mode": "min"}
    with Checkpoints(tmp_path, keep_last=2, keep_best=best) as checkpoints:
        for step, fd in [(1, 9.0), (2, 1.0), (3, 5.0), (4, 4.0), (5, 6.0)]:
            checkpoints.save(step, make_state(), metrics={"fd": fd, "loss": -fd})
    assert saved_steps(tmp_path) == [5, 4, 2]
    with Checkpoints(tmp_path, keep_last=1, keep_best={**best, "mode": "max"}) as checkpoints:
        checkpoints.save(6, make_state(), metrics={"fd": 2.0})
        checkpoints.save(7, make_state())
    assert saved_steps(tmp_path) == [7, 5]


def test_a_step_is_not_written_twice(tmp_path):
    save(tmp_path, [1])
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(99))
    assert_same(restore(tmp_path, target_of(make_state())).state, make_state(1))


def damage(file, how):
    content = file.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :]
    changed = {"truncated": content[:middle], "emptied": b"", "zeroed": bytes(len(content)), "one bit": flipped}
    file.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["truncated", "emptied", "zeroed", "one bit", "gone"])
def test_a_damaged_checkpoint_gives_way_to_the_previous_one_and_this_is_said(tmp_path, caplog, how):
    save(tmp_path, [1, 2])
    files = [f for f in (tmp_path / "2").glob("*/**/*") if f.is_file() and f.name != "commit_success.txt"]
    assert len(files) > 5
    for file in files:
        caplog.clear()
        content = file.read_bytes()
        if how == "gone":
            file.unlink()
        else:
            damage(file, how)
        restored = restore(tmp_path, target_of(make_state()))
        assert restored.data == {"next_index": 1}, file
        (record,) = [r for r in caplog.records if r.name == "genjax_models"]
        assert record.getMessage() == f"checkpoint 2 in {tmp_path} is damaged; step 1 is used instead"
        file.write_bytes(content)
    assert restore(tmp_path, target_of(make_state())).data == {"next_index": 2}


def test_what_was_damaged_can_be_written_anew(tmp_path):
    save(tmp_path, [1, 2])
    (tmp_path / "2" / "digests.json").unlink()
    set_aside(tmp_path, after=1)
    assert saved_steps(tmp_path) == [1]
    assert (tmp_path / "damaged-2").is_dir()
    save(tmp_path, [2])
    assert_same(restore(tmp_path, target_of(make_state())).state, make_state(2))


def test_without_any_readable_checkpoint_the_run_does_not_start_over_silently(tmp_path):
    assert restore(tmp_path / "none", target_of(make_state())) is None
    save(tmp_path, [1, 2])
    for step in (1, 2):
        damage(tmp_path / str(step) / "state" / "_METADATA", "truncated")
    with pytest.raises(UserError, match=r"none of the checkpoints \[2, 1\] in .* can be read"):
        restore(tmp_path, target_of(make_state()))


def test_a_chosen_step_is_restored(tmp_path):
    save(tmp_path, [1, 2])
    assert restore(tmp_path, target_of(make_state()), step=1).data == {"next_index": 1}
    with pytest.raises(UserError, match=r"has no checkpoint of step 3; it has \[2, 1\]"):
        restore(tmp_path, target_of(make_state()), step=3)


def test_a_checkpoint_of_another_model_is_refused_in_one_line(tmp_path):
    save(tmp_path, [1])
    with pytest.raises(
        UserError,
        match=r"1 does not fit this model: ema/model/kernel is float32\[256, 128\] there and float32\[255, 128\] here",
    ) as error:
        restore(tmp_path, target_of(make_state(width=255)))
    assert "\n" not in str(error.value)


def test_a_half_written_checkpoint_is_never_restored(tmp_path):
    """A process that is killed while it writes leaves a temporary folder, which the next one removes."""
    save(tmp_path, [1])
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_checkpoint import Checkpoints, make_state, Path
Checkpoints._write_digests = lambda self: (print("about to finish", flush=True), time.sleep(60))
with Checkpoints(Path({str(tmp_path)!r})) as checkpoints:
    checkpoints.save(2, make_state(2))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "about to finish\n"
    process.kill()
    process.wait()
    assert list(tmp_path.glob("2.orbax*"))
    assert_same(restore(tmp_path, target_of(make_state())).state, make_state(1))
    save(tmp_path, [2])
    assert not list(tmp_path.glob("*orbax*"))
    assert_same(restore(tmp_path, target_of(make_state())).state, make_state(2))


def test_a_full_disk_is_one_line_and_earlier_checkpoints_stay(tmp_path):
    """The limit on the size of a file stands for the end of the disk; the error takes the same way."""
    code = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_checkpoint import Checkpoints, make_state, Path
with Checkpoints(Path({str(tmp_path)!r})) as checkpoints:
    checkpoints.save(1, make_state(1))
try:
    with Checkpoints(Path({str(tmp_path)!r})) as checkpoints:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        checkpoints.save(2, make_state(2))
except ValueError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(
        f"UserError cannot write to {tmp_path}: File too large; earlier checkpoints are intact"
    )
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert_same(restore(tmp_path, target_of(make_state())).state, make_state(1))


def test_a_checkpoint_that_does_not_fit_on_the_disk_is_not_begun(tmp_path, monkeypatch):
    save(tmp_path, [1])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=100_000))
    with pytest.raises(UserError, match=r"MB are needed and 0.1 MB are left; earlier checkpoints are intact"):
        save(tmp_path, [2])
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_metric_that_is_never_measured_is_named(tmp_path):
    best = {"count": 1, "metric": "fd", "mode": "min"}
    with Checkpoints(tmp_path, keep_best=best) as checkpoints, pytest.raises(UserError, match="'fd' was not measured"):
        checkpoints.save(1, make_state(), metrics={"loss": 1.0})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_last": 0}, "keep_last must be at least 1"),
        ({"keep_best": {"count": 1, "metric": "fd", "mode": "mim"}}, "did you mean 'min'"),
    ],
)
def test_impossible_settings_are_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        Checkpoints(tmp_path, **options)
