import jax
import numpy as np
import pytest
from jax import lax

from genjax_models.pretrained.layouts import folded_convolution


@pytest.mark.parametrize("groups", [1, 4])
def test_folding_a_batch_norm_changes_no_result(groups):
    """W x, then the batch norm as it is defined, against one convolution with the folded kernel and bias."""
    rng = np.random.default_rng(0)
    arrays = {
        "c.weight": rng.normal(size=(8, 4 // groups, 3, 2)),
        "n.weight": rng.normal(size=8),
        "n.bias": rng.normal(size=8),
        "n.running_mean": rng.normal(size=8),
        "n.running_var": rng.uniform(0.1, 2, size=8),
    }
    x = rng.normal(size=(2, 6, 5, 4)).astype(np.float32)

    def convolve(kernel, layout):
        numbers = lax.conv_dimension_numbers(x.shape, kernel.shape, ("NHWC", layout, "NHWC"))
        return lax.conv_general_dilated(
            x,
            kernel.astype(np.float32),
            (1, 1),
            "SAME",
            dimension_numbers=numbers,
            feature_group_count=groups,
            precision=jax.lax.Precision.HIGHEST,
        )

    h = np.asarray(convolve(arrays["c.weight"], "OIHW"))
    expected = (h - arrays["n.running_mean"]) / np.sqrt(arrays["n.running_var"] + 1e-3)
    expected = expected * arrays["n.weight"] + arrays["n.bias"]
    folded = folded_convolution(arrays, "c", "n", epsilon=1e-3)
    ours = convolve(folded["kernel"], "HWIO") + folded["bias"].astype(np.float32)[None, None, None, :]
    np.testing.assert_allclose(ours, expected, atol=1e-5)
