"""The bounds of hierarchical VAEs, networks and family together, as their papers' formulas once more in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy_layers import conv

from experiments.config.networks import Collections, Variables
from experiments.vae.hierarchical import walk_of
from genjax_models.families.vae.hierarchical import hierarchical_loss
from genjax_models.nets import Ladder, VeryDeepVAE

BATCH = 3


def draw(net, shape, cond=None):
    """Parameters without the zeros and ones of initialisation, and an input."""
    random = np.random.default_rng(0)
    x = jnp.asarray(random.normal(size=(BATCH, *shape)), jnp.float32)
    shapes = jax.eval_shape(net.init, jax.random.key(0), x, None, cond)
    return jax.tree.map(lambda a: jnp.asarray(0.3 * random.normal(size=a.shape), a.dtype), shapes), x


def wide(params):
    return jax.tree.map(lambda a: np.asarray(a, np.float64), params["params"])


def dense(p, x):
    return x @ p["kernel"] + p.get("bias", 0.0)


def noise(key, shapes):
    """What `hierarchical.infer` draws for each group."""
    return [
        np.asarray(jax.random.normal(k, s)) for k, s in zip(jax.random.split(key, len(shapes)), shapes, strict=True)
    ]


def divergence(q, p):
    """Of normals (mean, log-std), by the formula of two variances; summed over all but the batch."""
    (m, s), (n, t) = ((mean, np.exp(log_std)) for mean, log_std in (q, p))
    kl = np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5
    return kl.reshape(BATCH, -1).sum(axis=1)


def squared(x, y):
    """Minus the log-density of unit normals around `y`, without its constant."""
    return 0.5 * ((np.asarray(x) - y) ** 2).reshape(BATCH, -1).sum(axis=1)


def our_bound(net, params, x, cond, posterior, out):
    """The value and KL of `hierarchical_loss`, of unit normals around the decoder's first channels."""
    own = Variables({"net": params["params"]}, Collections({}))
    groups, start, decode = walk_of(net, own, x, cond, posterior)
    log_prob = lambda h: -0.5 * ((decode(h)[..., :out] - x) ** 2).sum(axis=(1, 2, 3))
    return hierarchical_loss(jax.random.key(7), groups, start, log_prob)


def test_bound_of_a_ladder_is_its_paper_in_numpy():
    net, label = Ladder((4, 4, 2), latents=(4, 3, 2), widths=(7, 6, 5), num_classes=3), np.array([1, 2, 3])
    params, x = draw(net, (4, 4, 1), {"label": jnp.asarray(label)})
    p, one_hot = wide(params), np.eye(4)[label, :3]

    def mlp(q, h):
        for layer in range(2):
            h = dense(q[f"dense_{layer}"], h)
            norm = q[f"norm_{layer}"]
            h = (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1e-6) * norm["scale"] + norm["bias"]
            h = np.where(h > 0, h, 0.01 * h)
        return h

    d, beliefs = np.concatenate([np.asarray(x).reshape(BATCH, -1), one_hot], axis=1), []
    for level in range(3):
        d = mlp(p[f"up_{level}"], d)
        beliefs.append(np.split(dense(p[f"beliefs_{level}"], d), 2, axis=1))
    eps, kl, z = noise(jax.random.key(7), [(BATCH, size) for size in (2, 3, 4)]), 0.0, None
    for group, level in enumerate((2, 1, 0)):
        mean, log_std = beliefs[level]
        if group == 0:
            prior = np.zeros_like(mean), np.zeros_like(mean)
        else:
            down = mlp(p[f"down_{level + 1}"], np.concatenate([z, one_hot], axis=1))
            prior = np.split(dense(p[f"expectations_{level}"], down), 2, axis=1)
            a, b = np.exp(-2 * log_std), np.exp(-2 * prior[1])
            mean, log_std = (mean * a + prior[0] * b) / (a + b), -0.5 * np.log(a + b)
        kl = kl + divergence((mean, log_std), prior)
        z = mean + np.exp(log_std) * eps[group]
    y = dense(p["out"], mlp(p["down_0"], np.concatenate([z, one_hot], axis=1))).reshape(BATCH, 4, 4, 2)[..., :1]
    found = jax.jit(lambda params: our_bound(net, params, x, {"label": jnp.asarray(label)}, "precision_weighted", 1))(
        params
    )
    np.testing.assert_allclose(found.aux["kl"], kl, rtol=1e-4)
    np.testing.assert_allclose(found.value, kl + squared(x, y), rtol=1e-4)


def test_bound_of_a_very_deep_vae_is_its_paper_in_numpy():
    """Sides 6, 3 and 1: groups at all of them, an encoder's resolution without blocks, 1x1 kernels at the top."""
    resolutions = dict(factors=(2, 3), blocks=(1, 0, 1), depths=(1, 2, 1), patch_size=1)
    net = VeryDeepVAE((6, 6, 3), width=6, middle=4, latent=2, **resolutions, num_classes=3)
    label = np.array([1, 2, 3])
    params, x = draw(net, (6, 6, 1), {"label": jnp.asarray(label)})
    p, one_hot = wide(params), np.eye(4)[label, :3]
    gelu = lambda h: 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
    conv3 = lambda q, h: conv(h, q["kernel"]) + q["bias"]
    larger = lambda h, n: h.repeat(n, axis=1).repeat(n, axis=2)
    smaller = lambda h, n: h.reshape(BATCH, h.shape[1] // n, n, h.shape[2] // n, n, -1).mean(axis=(2, 4))

    def block(q, h):
        inner = conv3 if h.shape[1] > 2 else dense
        h = dense(q["in"], gelu(h))
        h = inner(q["middle_1"], gelu(inner(q["middle_0"], gelu(h))))
        return dense(q["out"], gelu(h))

    h = conv3(p["read"], np.asarray(x, np.float64)) + dense(p["label_0"], one_hot)[:, None, None]
    fine = h + block(p["up_0_0"], h)
    middle = smaller(fine, 2)
    top = smaller(middle, 3)
    found = [top + block(p["up_2_0"], top), middle, middle, fine]
    h = np.broadcast_to(p["bias_2"], (BATCH, 1, 1, 6)) + dense(p["label_1"], one_hot)[:, None, None]
    eps, kl = noise(jax.random.key(7), [(BATCH, side, side, 2) for side in (1, 3, 3, 6)]), 0.0
    for group, e in enumerate(found):
        q = np.split(block(p[f"posteriors_{group}"], np.concatenate([h, e], axis=-1)), 2, axis=-1)
        mean, log_std, rest = np.split(block(p[f"priors_{group}"], h), [2, 4], axis=-1)
        kl = kl + divergence(q, (mean, log_std))
        h = h + rest + dense(p[f"project_{group}"], q[0] + np.exp(q[1]) * eps[group])
        h = h + block(p[f"residual_{group}"], h)
        if group == 0:
            h = larger(h, 3) + p["bias_1"]
        if group == 2:
            h = larger(h, 2) + p["bias_0"]
    y = dense(p["out"], h * p["scale"] + p["shift"])[..., :1]
    ours = jax.jit(lambda params: our_bound(net, params, x, {"label": jnp.asarray(label)}, "free", 1))(params)
    np.testing.assert_allclose(ours.aux["kl"], kl, rtol=1e-3)
    np.testing.assert_allclose(ours.value, kl + squared(x, y), rtol=1e-3)
