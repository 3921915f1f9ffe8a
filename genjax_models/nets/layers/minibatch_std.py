"""A feature map that shows a discriminator how much its examples differ from one another."""

import jax.numpy as jnp

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array


def minibatch_std(x: Array, group: int = 4, features: int = 1) -> Array:
    """Append the standard deviation over groups of examples, averaged over space and channels.

    Neighbours in the batch form a group, so that a batch split over devices, each of whose parts holds whole groups,
    has the groups of the whole.

    Args:
      x: `[B, H, W, C]`.
      group: examples in a group; all of them if there are fewer.
      features: maps appended, each from its own share of the channels.

    Returns:
      `[B, H, W, C + features]`; each new map is constant, and the same in the whole group.

    Raises:
      ValueError: if the group does not divide the batch, or `features` not the channels.

    References:
      Karras et al., Progressive Growing of GANs, 2018, https://arxiv.org/abs/1710.10196, section 3
      Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020, https://arxiv.org/abs/1912.04958
    """
    batch, height, width, channels = x.shape
    group = min(group, batch)
    if batch % group:
        raise ValueError(f"groups of {group} do not divide a batch of {batch}; change minibatch_group or the batch")
    if channels % features:
        raise ValueError(f"{features} minibatch features do not divide {channels} channels")
    y = at_least_float32(x)
    y = y.reshape(batch // group, group, height * width, features, channels // features)
    std = jnp.sqrt(y.var(axis=1) + 1e-8).mean(axis=(1, 3))  # [groups, features]
    maps = jnp.repeat(std, group, axis=0)[:, None, None, :].astype(x.dtype)
    return jnp.concatenate([x, jnp.broadcast_to(maps, (batch, height, width, features))], axis=-1)
