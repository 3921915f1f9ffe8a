r"""Arrays of a PyTorch layer in the layout of ours.

A convolution is OIHW there and HWIO here (depthwise ones too), a linear map `[out, in]` there and `[in, out]` here.
For inference a batch norm behind a convolution is folded into it, which is exact:

$$ \gamma\,\frac{W x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta = (s W)\,x + (\beta - s \mu),
   \qquad s = \gamma / \sqrt{\sigma^2 + \epsilon} $$
"""

from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


def layer(arrays: Arrays, name: str) -> dict[str, np.ndarray]:
    """A linear map or a convolution as `kernel` and `bias`, a norm as `scale` and `bias`."""
    weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
    if weight.ndim == 1:
        return {"scale": weight, "bias": bias}
    return {"kernel": np.moveaxis(weight, (0, 1), (-1, -2)), "bias": bias}


def folded_convolution(arrays: Arrays, convolution: str, norm: str, *, epsilon: float) -> dict[str, np.ndarray]:
    """`kernel` `[H, W, I, O]` and `bias` `[O]` of a convolution without bias and the batch norm behind it.

    Args:
      arrays: the state dictionary.
      convolution: prefix of the convolution's names.
      norm: prefix of the batch norm's names.
      epsilon: of the batch norm.
    """
    scale = arrays[f"{norm}.weight"] / np.sqrt(arrays[f"{norm}.running_var"] + epsilon)
    kernel = arrays[f"{convolution}.weight"].transpose(2, 3, 1, 0)
    return {
        "kernel": kernel * scale[None, None, None, :],
        "bias": arrays[f"{norm}.bias"] - scale * arrays[f"{norm}.running_mean"],
    }
