import jax
import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.core.trees import check_like, load_tree, save_tree

TREE = {
    "conv": {"kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4, 1), "bias": np.ones(1, np.float16)},
    "count": np.int32(3),
}


def test_a_tree_survives_the_round_trip(tmp_path):
    save_tree(tmp_path / "tree.safetensors", jax.tree.map(jax.numpy.asarray, TREE), {"test_accuracy": "0.99"})
    loaded, metadata = load_tree(tmp_path / "tree.safetensors")
    assert metadata == {"test_accuracy": "0.99"}
    assert jax.tree.structure(loaded) == jax.tree.structure(TREE)
    for ours, original in zip(jax.tree.leaves(loaded), jax.tree.leaves(TREE), strict=True):
        np.testing.assert_array_equal(ours, original)
        assert ours.dtype == original.dtype


def test_views_are_written_as_they_read(tmp_path):
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    save_tree(tmp_path / "t.safetensors", {"transposed": matrix.T})
    np.testing.assert_array_equal(load_tree(tmp_path / "t.safetensors")[0]["transposed"], matrix.T)


def test_a_file_cut_anywhere_is_refused_in_one_line(tmp_path):
    path = tmp_path / "tree.safetensors"
    save_tree(path, TREE)
    whole = path.read_bytes()
    for size in [0, 1, 7, 8, 9, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match="no readable safetensors file") as caught:
            load_tree(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="does not exist"):
        load_tree(tmp_path / "absent.safetensors")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tree: tree.pop("count"), "count has the shape absent, expected ()"),
        (lambda tree: tree.update(more=np.zeros(2)), "more has the shape (2,), expected absent"),
        (lambda tree: tree.update(count=np.zeros(4)), "count has the shape (4,), expected ()"),
    ],
)
def test_weights_of_another_network_are_named(change, words):
    other = dict(TREE)
    change(other)
    check_like("a.safetensors", TREE, TREE)
    with pytest.raises(UserError) as caught:
        check_like("a.safetensors", other, TREE)
    assert words in str(caught.value)
