"""Pure-function generative models in JAX: processes, losses, samplers and the code that trains and measures them."""
