r"""Block neural autoregressive flows: one masked network that is itself the bijection.

Every hidden layer has a block of A units for each variable. Its weights are lower triangular by blocks, positive on the
diagonal ones, and of a learned norm:

$$V_{ij} = \exp(\hat W_{ij}) \text{ within a variable}, \quad \hat W_{ij} \text{ from an earlier to a later one}, \quad
0 \text{ back}, \qquad W_{ij} = e^{s_j} V_{ij} / \|V_{\cdot j}\|.$$

With $\tanh$ between the layers, output i grows with $x_i$ and sees $x_{<i}$. A gated residual makes it onto,

$$y = \alpha x + (1 - \alpha)\,g(x), \qquad \log\frac{\partial y_i}{\partial x_i} =
\mathrm{logaddexp}\left(\log\alpha,\ \log(1-\alpha) + \log \partial_i g_i\right), \quad \alpha = \sigma(\hat\alpha),$$

where $\log \partial_i g_i$ is that of the product of the diagonal blocks and of $\tanh'$, as a logarithm of sums.

The inverse finds one variable after the other by bisection: as $|\tanh| < 1$, $g_i$ is bounded by its last weights,
which brackets $x_i$. It costs D times some 30 (float32) or 60 evaluations of the network. A gate so nearly
closed that the bracket becomes too wide gives NaN.

References:
  De Cao et al., Block Neural Autoregressive Flow, 2019, https://arxiv.org/abs/1904.04676
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection
from genjax_models.solvers.roots import bisect


def block_autoregressive(units: int = 8, depth: int = 1) -> Bijection:
    """A layer of vectors `[B, D]`.

    Args:
      units: A, hidden units a variable.
      depth: hidden layers.

    Returns:
      The layer; `cond` is `[B, C]` float, which enters the first hidden layer, or `None`.

    Raises:
      ValueError: if there is no hidden layer.
    """
    if depth < 1 or units < 1:
        raise ValueError(f"a block autoregressive layer needs hidden units, got units={units}, depth={depth}")
    sizes = [1, *[units] * depth, 1]

    def init(key: Key, x: Array, cond: PyTree) -> PyTree:
        of_layers, of_cond = jax.random.split(key)
        keys = jax.random.split(of_layers, depth + 1)
        layers = [_init(k, x.shape[1], size, after) for k, size, after in zip(keys, sizes[:-1], sizes[1:], strict=True)]
        params = {"layers": layers, "gate": jnp.zeros(())}
        if cond is not None:
            shape = cond.shape[1], x.shape[1] * units
            params["cond"] = jax.random.normal(of_cond, shape) / np.sqrt(cond.shape[1])
        return params

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        dims = x.shape[1]
        kernels = [_kernel(layer, dims) for layer in params["layers"]]
        h, slopes = x, jnp.zeros((x.shape[0], dims, 1), x.dtype)
        for number, ((weight, blocks), layer) in enumerate(zip(kernels, params["layers"], strict=True)):
            h = _affine(h, weight, layer["bias"], params, cond, number)
            top = slopes.max(axis=-1, keepdims=True)
            slopes = top + jnp.log(jnp.einsum("bdi,dij->bdj", jnp.exp(slopes - top), blocks))
            if number < depth:
                slopes += 2 * (np.log(2) - h - jax.nn.softplus(-2 * h)).reshape(slopes.shape)
                h = jnp.tanh(h)
        gate, rest = jax.nn.log_sigmoid(params["gate"]), jax.nn.log_sigmoid(-params["gate"])
        return jnp.exp(gate) * x + jnp.exp(rest) * h, sum_over_data(jnp.logaddexp(gate, rest + slopes[..., 0]))

    def inverse(params: PyTree, y: Array, cond: PyTree) -> tuple[Array, Array]:
        weights = [_kernel(layer, y.shape[1])[0] for layer in params["layers"]]
        biases = [layer["bias"] for layer in params["layers"]]
        alpha = jax.nn.sigmoid(params["gate"])
        bound = (1 - alpha) * (jnp.abs(weights[-1]).sum(axis=0) + jnp.abs(biases[-1]))  # of (1 - alpha) g

        def value(x: Array) -> Array:
            h = x
            for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                h = _affine(h, weight, bias, params, cond, number)
                h = jnp.tanh(h) if number < depth else h
            return alpha * x + (1 - alpha) * h

        def find(x: Array, i: Array) -> tuple[Array, None]:
            low, high = (y[:, i] - bound[i]) / alpha, (y[:, i] + bound[i]) / alpha
            margin = 1e-3 * (1 + jnp.abs(low) + jnp.abs(high))  # for rounding
            found = bisect(lambda own: value(x.at[:, i].set(own))[:, i], y[:, i], low - margin, high + margin).x
            return x.at[:, i].set(found), None

        x, _ = jax.lax.scan(find, jnp.zeros_like(y), jnp.arange(y.shape[1]))
        return x, -forward(params, x, cond)[1]

    return Bijection(init, forward, inverse)


def _affine(h: Array, weight: Array, bias: Array, params: PyTree, cond: PyTree, number: int) -> Array:
    h = h @ weight + bias[None]
    return h + cond @ params["cond"] if number == 0 and "cond" in params else h


def _init(key: Key, dims: int, size: int, after: int) -> Mapping[str, Array]:
    of_weight, of_scale = jax.random.split(key)
    return {
        "weight": jax.random.normal(of_weight, (dims * size, dims * after)) / np.sqrt(dims * size),
        "log_norm": jnp.log(jax.random.uniform(of_scale, (dims * after,), minval=0.05)),
        "bias": jnp.zeros(dims * after),
    }


def _kernel(layer: Mapping[str, Array], dims: int) -> tuple[Array, Array]:
    """The weights `[D in, D out]` of a layer and its diagonal blocks `[D, in, out]`, which are positive."""
    raw = layer["weight"].reshape(dims, -1, dims, layer["bias"].size // dims)
    from_ = np.arange(dims)[:, None, None, None]
    to = np.arange(dims)[None, None, :, None]
    free = jnp.where(from_ == to, jnp.exp(raw), jnp.where(from_ < to, raw, 0.0))
    norm = jnp.sqrt(jnp.square(free).sum(axis=(0, 1), keepdims=True))
    weight = free / norm * jnp.exp(layer["log_norm"]).reshape(norm.shape)
    each = np.arange(dims)
    return weight.reshape(layer["weight"].shape), weight[each, :, each, :]
