r"""Embeddings of time, condition and position.

Time enters as the cosines and sines of the angles of `core.sinusoids`, or as Fourier features at random frequencies
that are not trained (Tancik et al., 2020; Song et al., 2021):

$$\gamma(t)_j = \cos(2\pi f_j t), \quad \gamma(t)_{h+j} = \sin(2\pi f_j t), \qquad f_j \sim N(0, \text{scale}^2).$$

What is called `t` here is whatever the network is called with: the process's time in [0, 1], or, within EDM's
preconditioning (`families.diffusion.precondition`), $c_\mathrm{noise} = \frac14 \log(\sigma/\alpha)$: the papers'
NCSN++, EDM and EDM2 are conditioned on the noise level, not on the time.

A class enters through a table with one row more than there are classes: the last row is *no class*, which
classifier-free guidance needs. A vector condition, such as a sentence embedding, enters through a linear map without
bias, so that zeros mean *no vector*. A network that is distilled from a guided one is also conditioned on the guidance
scale. The embeddings are added, and each block is conditioned on the sum.
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.sinusoids import angles, cosines_and_sines
from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import labels_of, vector_of


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
    return cosines_and_sines(angles(t, features, freq_shift=freq_shift))


def embed_guidance(w: Array, features: int) -> Array:
    """Sines, then cosines, of `1000 w` at `features / 2` frequencies from 1 to 1/10000: `[B]` to `[B, features]`.

    Raises:
      ValueError: if `features` is not an even number from 4 on.

    References:
      Luo et al., Latent Consistency Models, 2023, https://arxiv.org/abs/2310.04378
    """
    angle = angles(w, features, freq_shift=1.0)
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


def fourier(t: Array, features: int, *, scale: float = 16.0) -> Array:
    """Cosines, then sines, of `t` at `features / 2` frequencies drawn once and for all from a normal distribution.

    Args:
      t: `[B]` float, time or a noise level, as it is.
      features: width of the result, even.
      scale: standard deviation of the frequencies, in periods a unit of `t`; 16 in NCSN++ and EDM.

    Returns:
      `[B, features]`, in the precision of `t` but at least float32.

    Raises:
      ValueError: if `features` is odd.

    References:
      Tancik et al., Fourier Features Let Networks Learn High Frequency Functions, 2020, https://arxiv.org/abs/2006.10739
      Song et al., Score-Based Generative Modeling through SDEs, 2021, https://arxiv.org/abs/2011.13456, appendix C
    """
    if features % 2:
        raise ValueError(f"fourier needs an even number of features, got {features}")
    t = at_least_float32(t)
    frequencies, _ = frozen_random(features // 2)
    angle = t[:, None] * jnp.asarray(2 * np.pi * scale * frequencies, t.dtype)[None, :]
    return cosines_and_sines(angle)


def frozen_random(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and phases that belong to no checkpoint: `[n]` float64 from N(0, 1), and `[n]` from U(0, 1).

    `RandomState` is the generator of NumPy whose numbers are promised never to change.
    """
    random = np.random.RandomState(0)
    return random.standard_normal(n), random.uniform(size=n)


def embed_time(t: Array, features: int, kind: str, *, freq_shift: float = 0.0) -> Array:
    """The features of `t` that `kind` names: `sinusoidal` or `fourier`, `[B, features]`.

    Raises:
      ValueError: if there is no such kind.
    """
    kinds: dict[str, Callable[..., Array]] = {
        "sinusoidal": partial(sinusoidal, freq_shift=freq_shift),
        "fourier": fourier,
    }
    if kind not in kinds:
        raise ValueError(f"time_embedding={kind!r} is unknown; choose among {', '.join(kinds)}")
    return kinds[kind](t, features)


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
    r"""One vector an example from its time and its condition.

    $$e = \mathrm{MLP}(\gamma(t)) + E_y + \sum_n W_n v_n + W_g\,\gamma_g(w)$$

    with the row $E_y$ of the label table, the vector conditions $v_n$ and, if the guidance scale $w$ is given, its
    features $\gamma_g$ (`embed_guidance`). A missing vector adds nothing. $W_g$ starts at zero, so that a network
    without guidance may become one with it. A map has parameters if its field is there when the network is initialised.

    Attributes:
      features: width of the vector.
      frequencies: width of the features of `t` that enter the MLP.
      num_classes: 0 for an unconditional network; otherwise the table has `num_classes + 1` rows.
      time_embedding: how `t` becomes features, see `embed_time`.
      freq_shift: see `sinusoidal`.
      dtype: of the computation; parameters stay float32.
      vectors: names of the vector conditions.
    """

    features: int
    frequencies: int = 256
    num_classes: int = 0
    time_embedding: str = "sinusoidal"
    freq_shift: float = 0.0
    dtype: jnp.dtype = jnp.float32
    vectors: tuple[str, ...] = ()

    @nn.compact
    def __call__(self, t: Array | None, cond: Condition | None, batch: int) -> Array:
        """The vector of each example.

        Args:
          t: `[B]` float, or `None` for a network without time.
          cond: `label` int32 `[B]`, without which every example gets the null class; each of `vectors`, `[B, D]`;
            `guidance` `[B]`.
          batch: B, for when neither is given.

        Returns:
          `[B, features]`; zeros if there is neither time nor condition.

        Raises:
          ValueError: if a label is given to a network without classes, a field is unknown or of a wrong shape, or the
            time embedding is unknown.
        """
        label = labels_of(cond, self.num_classes, batch, ("guidance", *self.vectors))
        emb = jnp.zeros((batch, self.features), self.dtype)
        init = nn.initializers.normal(0.02)
        if t is not None:
            h = embed_time(t, self.frequencies, self.time_embedding, freq_shift=self.freq_shift)
            h = nn.Dense(self.features, dtype=self.dtype, kernel_init=init, name="time_in")(h)
            emb += nn.Dense(self.features, dtype=self.dtype, kernel_init=init, name="time_out")(nn.silu(h))
        if label is not None:
            table = nn.Embed(self.num_classes + 1, self.features, dtype=self.dtype, embedding_init=init, name="label")
            emb += table(label)
        for name in self.vectors:
            vector = vector_of(cond, name, batch)
            if vector is not None:
                emb += nn.Dense(self.features, False, self.dtype, kernel_init=init, name=f"vector_{name}")(vector)
        if cond is not None and "guidance" in cond:
            features = embed_guidance(cond["guidance"], self.frequencies).astype(self.dtype)
            linear = nn.Dense(self.features, False, self.dtype, kernel_init=nn.initializers.zeros, name="guidance")
            emb += linear(features)
        return emb
