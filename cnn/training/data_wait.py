"""How long a training waits for its batches."""

import keras
import tensorflow as tf


class InputWaitTimer:
    """How long a compiled network's training waits for its batches. It trains as it would without this, bit for bit."""

    def __init__(self, network: keras.Model):
        with tf.device("CPU:0"):
            self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        network.make_train_function()
        train = network.train_function

        # One compiled function takes a batch and trains on it, as Keras's own, which tells nobody how long it waited.
        # To take the batch outside of it, in Python, made the training of `fast` half as slow again.
        @tf.function(reduce_retracing=True, autograph=False)
        def take_and_train(batches):
            start = tf.timestamp()
            with tf.control_dependencies([start]):
                batch = batches.get_next()
            with tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True)):
                self._seconds.assign_add(tf.timestamp() - start)
            return train(iter((batch,)))

        def step(batches):
            is_stream = isinstance(batches, tf.data.Iterator | tf.distribute.DistributedIterator)
            return take_and_train(batches) if is_stream else train(batches)

        network.train_function = step

    @property
    def seconds(self) -> float:
        """All the time so far."""
        return float(self._seconds.numpy())
