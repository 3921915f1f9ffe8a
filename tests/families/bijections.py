"""What every bijection must satisfy, in float64, and networks for the layers that want one."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.families.flows import Bijection, Conditioner


def network(channels: int) -> Conditioner:
    """Two dense layers along the last axis, which sees the image's mean as well; random, far from the identity."""

    def init(key, h, cond):
        first, second = jax.random.split(key)
        width = 2 * h.shape[-1] + (0 if cond is None else cond.shape[-1])
        return {
            "in": jax.random.normal(first, (width, 8)),
            "out": 0.5 * jax.random.normal(second, (8, channels)),
        }

    def apply(params, h, cond):
        mean = h.mean(tuple(range(1, h.ndim - 1)), keepdims=True)
        extra = [mean] if cond is None else [mean, cond.reshape(len(h), *(1,) * (h.ndim - 2), -1)]
        h = jnp.concatenate([h, *(jnp.broadcast_to(e, (*h.shape[:-1], e.shape[-1])) for e in extra)], axis=-1)
        return jnp.tanh(h @ params["in"]) @ params["out"]

    return Conditioner(init, apply)


def check_bijection(
    layer: Bijection,
    shape: tuple[int, ...],
    *,
    cond=None,
    perturb: float = 0.3,
    low: float | None = None,
    high: float | None = None,
    inverse: bool = True,
    atol: float = 1e-9,
    batch: int = 4,
    jacobian=jax.jacfwd,
) -> None:
    """Holds a layer's log-determinant to autodiff's, and its inverse to the identity; all under one jit.

    Args:
      layer: from data of `shape` to latent.
      shape: of one example.
      cond: with leaves `[batch, ...]`.
      perturb: how far the initial parameters are moved, so that no layer is tested at its identity.
      low: with `high`, the support of the data, drawn uniformly; normal otherwise.
      high: see `low`.
      inverse: whether the layer has one.
      atol: of log-determinants and of the round trip.
      batch: examples.
      jacobian: `jax.jacrev` where a layer has no forward mode.
    """
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0), 3)
        if low is None:
            x = jax.random.normal(keys[0], (batch, *shape))
        else:
            x = jax.random.uniform(keys[0], (batch, *shape), minval=low, maxval=high)
        cond = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), cond)

        @jax.jit
        def run(x):
            params = layer.init(keys[1], x, cond)
            leaves, tree = jax.tree.flatten(params)
            noise = jax.random.split(keys[2], max(1, len(leaves)))
            moved = [leaf + perturb * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, noise, strict=False)]
            params = jax.tree.unflatten(tree, moved)
            z, log_det = layer.forward_and_log_det(params, x, cond)

            def one(x, cond):
                one_cond = jax.tree.map(lambda leaf: leaf[None], cond)
                return layer.forward_and_log_det(params, x[None], one_cond)[0].ravel()

            matrix = jax.vmap(jacobian(one))(x, cond).reshape(batch, z[0].size, x[0].size)
            expected = jnp.linalg.slogdet(matrix)[1]
            back = layer.inverse_and_log_det(params, z, cond) if inverse else (x, -log_det)
            return z, log_det, expected, back

        z, log_det, expected, (again, inverse_log_det) = jax.device_get(run(x))
    assert log_det.shape == (batch,)
    assert log_det.dtype == np.float64
    np.testing.assert_allclose(log_det, expected, rtol=1e-9, atol=atol)
    np.testing.assert_allclose(again, x, rtol=1e-9, atol=atol)
    np.testing.assert_allclose(inverse_log_det, -log_det, rtol=1e-9, atol=atol)
    assert np.abs(z.ravel() - np.asarray(x).ravel()).max() > 1e-3, "tested at the identity"
