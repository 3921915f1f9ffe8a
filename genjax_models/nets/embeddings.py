"""How a network learns where it is: embeddings of time, class and position.

Time enters as the cosines and sines of the angles of `core.sinusoids`.
A class enters through a table with one row more than there are classes: the last row is *no class*, which
classifier-free guidance needs. Time and class are added, then each block reads the sum.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from genjax_models.core.sinusoids import angles
from genjax_models.core.types import Array


def sinusoidal(t: Array, features: int, *, freq_shift: float = 0.0) -> Array:
    """Cosines, then sines, of `t` at `features / 2` frequencies from 1 down to 1/10000.

    Args:
      t: `[B]` float, time in [0, 1].
      features: width of the result, even.
      freq_shift: 0 ends just above 1/10000 as in ADM and DiT; 1 ends on it, as in DDPM.

    Returns:
      `[B, features]`, in the precision of `t` but at least float32.

    Raises:
      ValueError: if `features` is odd.
    """
    angle = angles(t, features, freq_shift=freq_shift)
    return jnp.concatenate([jnp.cos(angle), jnp.sin(angle)], axis=-1)


def sincos_2d(height: int, width: int, features: int) -> np.ndarray:
    """Fixed two-dimensional positions: half of the features encode the column, half the row.

    Args:
      height, width: the grid, in patches.
      features: width of each row, a multiple of 4.

    Returns:
      `[height * width, features]` float64, row-major over the grid; each half is sines, then cosines.

    Raises:
      ValueError: if `features` is not a multiple of 4.

    References:
      He et al., Masked Autoencoders Are Scalable Vision Learners, 2021, https://arxiv.org/abs/2111.06377
    """
    if features % 4:
        raise ValueError(f"sincos_2d needs a multiple of 4 features, got {features}")
    omega = 10_000.0 ** (-np.arange(features // 4) / (features // 4))
    row, column = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    angles = [np.outer(axis.reshape(-1), omega) for axis in (column, row)]
    return np.concatenate([f(angle) for angle in angles for f in (np.sin, np.cos)], axis=1)


class Conditioning(nn.Module):
    """One vector an example from its time and its class: MLP(sinusoid of `t`) + row of the label table.

    Attributes:
      features: width of the vector.
      frequencies: width of the sinusoid that enters the MLP.
      num_classes: 0 for an unconditional network; otherwise the table has `num_classes + 1` rows.
      freq_shift: see `sinusoidal`.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    frequencies: int = 256
    num_classes: int = 0
    freq_shift: float = 0.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, t: Array | None, cond: Mapping[str, Array] | None, batch: int) -> Array:
        """The vector of each example.

        Args:
          t: `[B]` float in [0, 1], or `None` for a network without time.
          cond: `{"label": int32 [B]}`; without it, every example gets the null class.
          batch: B, for when neither is given.

        Returns:
          `[B, features]`; zeros if there is neither time nor class.

        Raises:
          ValueError: if a label is given to a network without classes.
        """
        emb = jnp.zeros((batch, self.features), self.dtype)
        init = nn.initializers.normal(0.02)
        if t is not None:
            h = sinusoidal(t, self.frequencies, freq_shift=self.freq_shift)
            h = nn.Dense(self.features, dtype=self.dtype, kernel_init=init, name="time_in")(h)
            emb += nn.Dense(self.features, dtype=self.dtype, kernel_init=init, name="time_out")(nn.silu(h))
        label = None if cond is None else cond.get("label")
        if self.num_classes:
            table = nn.Embed(self.num_classes + 1, self.features, dtype=self.dtype, embedding_init=init, name="label")
            emb += table(jnp.full((batch,), self.num_classes, jnp.int32) if label is None else label)
        elif label is not None:
            raise ValueError("a label was given to a network with num_classes=0; set num_classes")
        return emb
