"""Networks of normalising flows: conditioners of coupling layers, autoregressive masks, bounded Lipschitz constants."""
