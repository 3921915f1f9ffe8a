"""MADE: who sees whom, by the Jacobian."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import MADE

NETS = {
    "plain": MADE(out_channels=2, width=24, depth=3, dtype=jnp.float64),
    "as narrow as it may be": MADE(out_channels=2, width=4, depth=1, dtype=jnp.float64),
    "residual": MADE(out_channels=3, width=24, depth=2, residual=True, dtype=jnp.float64),
    "another order": MADE(out_channels=1, width=17, order=(2, 0, 4, 1, 3), dtype=jnp.float64),
    "residual in another order": MADE(width=24, residual=True, order=(4, 2, 3, 0, 1), dtype=jnp.float64),
}


def drawn(net, *inputs):
    """Parameters of which none is zero."""
    shapes = jax.eval_shape(net.init, jax.random.key(0), *inputs)
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), shapes)


@pytest.mark.parametrize("name", NETS)
def test_every_output_sees_all_the_variables_before_it_and_no_other(name):
    net = NETS[name]
    with jax.enable_x64(True):
        x = jax.random.normal(jax.random.key(1), (64, 5))
        params = drawn(net, x)
        jacobian = jax.jit(jax.vmap(jax.jacfwd(lambda x: net.apply(params, x[None])[0])))(x)
        seen = np.asarray(jnp.abs(jacobian).max(axis=0)) > 0  # [variable, P, variable]
    place = np.argsort(net.order or np.arange(5))
    expected = place[None, None, :] < place[:, None, None]
    np.testing.assert_array_equal(seen, np.broadcast_to(expected, seen.shape))


@pytest.mark.parametrize("residual", [False, True])
def test_every_output_sees_context_class_and_time_and_they_do_not_mix_the_variables(residual):
    net = MADE(out_channels=2, width=24, residual=residual, num_classes=3, dtype=jnp.float64)
    with jax.enable_x64(True):
        x, context = jax.random.normal(jax.random.key(1), (64, 4)), jax.random.normal(jax.random.key(2), (64, 2))
        t = jnp.linspace(0.0, 1.0, 64)
        label = jnp.zeros(64, jnp.int32)
        params = drawn(net, x, t, {"label": label, "context": context})

        @jax.jit
        @jax.vmap
        def jacobians(x, t, context):
            cond = {"label": jnp.zeros(1, jnp.int32), "context": context[None]}
            f = lambda x, t, context: net.apply(params, x[None], t[None], cond | {"context": context[None]})[0]
            return jax.jacfwd(f, argnums=(0, 1, 2))(x, t, context)

        of_x, of_t, of_context = (np.asarray(jnp.abs(j).max(axis=0)) for j in jacobians(x, t, context))
        apply = jax.jit(partial(net.apply, params))
        by_class = [apply(x, t, {"label": label + c, "context": context}) for c in range(4)]
        null = apply(x, t, {"context": context})
    np.testing.assert_array_equal(of_x > 0, np.broadcast_to(np.tri(4, k=-1)[:, None, :] > 0, of_x.shape))
    assert (of_t > 0).all()
    assert (of_context > 0).all()
    for one, two in pairwise(by_class):
        assert (np.abs(one - two).max(axis=0) > 1e-3).all()
    np.testing.assert_array_equal(null, by_class[3])


def test_starts_at_zero_in_the_shape_of_the_data():
    x = jnp.ones((2, 2, 3, 1))
    y, params = MADE(out_channels=3, width=8, num_classes=2).init_with_output(jax.random.key(0), x)
    np.testing.assert_array_equal(y, np.zeros((2, 2, 3, 1, 3)))
    assert all(a.dtype == jnp.float32 for a in jax.tree.leaves(params))


@pytest.mark.parametrize(
    ("net", "cond", "message"),
    [
        (MADE(width=4), None, "width of at least 5, got 4"),
        (MADE(width=5), {"context": jnp.ones((1, 1))}, "width of at least 6, got 5"),
        (MADE(order=(0, 1, 2, 3, 4, 4)), None, "no permutation of the 6 variables"),
        (MADE(), {"label": jnp.zeros(1, jnp.int32)}, "num_classes"),
    ],
)
def test_bad_settings_are_refused(net, cond, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(net.init, jax.random.key(0), jnp.ones((1, 6)), None, cond)
