"""The two Keras layers that Keras does not have: pooling over feature maps, and a quicker batch normalisation."""

import keras
import tensorflow as tf
from keras import layers as kl


@keras.saving.register_keras_serializable(package="cnn")
class DepthwiseMaxPooling(kl.Layer):
    """Maximum over groups of neighbouring feature maps: (h, w, c) -> (h, w, c / size).

    Keras has no such layer. Géron, "Hands-On Machine Learning", chapter 14, describes it: a network can learn maps
    that are one pattern in several poses, and this makes what follows indifferent to the pose.
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x):
        shape = keras.ops.shape(x)
        grouped = keras.ops.reshape(x, (-1, shape[1], shape[2], shape[3] // self.size, self.size))
        return keras.ops.max(grouped, axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.size)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="cnn")
class FusedBatchNormalization(kl.BatchNormalization):
    """Batch normalisation of maps (n, h, w, c) whose training step is one operation, where Keras's own has about ten.

    It has Keras's variables and, rounding apart, its results; only the moving variance counts with one image fewer
    (Bessel's correction). Without `training`, and of vectors, it is Keras's own.
    """

    def call(self, inputs, training=None, mask=None):
        if not training or not self.trainable or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=self.moving_mean,
            variance=self.moving_variance,
            epsilon=self.epsilon,
            exponential_avg_factor=1 - self.momentum,
            is_training=True,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return outputs
