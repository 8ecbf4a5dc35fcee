"""Measuring and keeping a network with the moving averages of its weights while it trains on with the weights.

Keras's optimizers keep the averages (`use_ema`) and put them in place of the weights when `fit` ends. Keras's own
`SwapEMAWeights` moves the weights by the rounding of each swap, so that a resumed training would end with others.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def averaged(network: keras.Model) -> Iterator[None]:
    """A compiled network with the averages of its weights in their place, where its optimizer keeps any."""
    kept = [weight.numpy() for weight in network.trainable_variables]
    network.optimizer.finalize_variable_values(network.trainable_variables)
    try:
        yield
    finally:
        for weight, value in zip(network.trainable_variables, kept, strict=True):
            weight.assign(value)


class ValidatedAverages(keras.callbacks.Callback):
    """Validates a network with the averages of its weights."""

    def on_test_begin(self, logs=None):
        self._averages = averaged(self.model)
        self._averages.__enter__()

    def on_test_end(self, logs=None):
        self._averages.__exit__(None, None, None)
