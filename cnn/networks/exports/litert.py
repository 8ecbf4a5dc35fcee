"""A network as a LiteRT file (.tflite), formerly TensorFlow Lite: for Android, iOS, small computers, microcontrollers.

One image goes in, float32 (1, h, w, c) in [0, 1], and its probabilities come out, float32 (1, classes), also of the
file with 8-bit weights and activations: it quantises and dequantises by itself.
"""

import warnings

import keras
import numpy as np
import tensorflow as tf

REPRESENTATIVE = 300  # training images by which the ranges of activations are found


def litert(model: keras.Model, representative: np.ndarray | None = None) -> bytes:
    """The file of a network.

    Args:
        model: images (n, h, w, c) -> probabilities (n, classes).
        representative: training images float32 (n, h, w, c). With these, weights and activations become 8-bit integers
            by full-integer quantisation after training (Jacob et al. 2017, arXiv:1712.05877), a scale for each filter.
    """
    signature = [tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")]
    # Without the model itself, as a second argument, the weights are written as constants.
    traced = tf.function(lambda image: model(image, training=False), input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()])
    if representative is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in representative)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with warnings.catch_warnings():  # that no integers go in and out, which is meant
        warnings.simplefilter("ignore", UserWarning)
        return converter.convert()


class Interpreter:
    """A file of `litert`, loaded and ready to answer: images float32 (n, h, w, c) -> probabilities (n, classes).

    threads: how many compute an answer; one, unless more are asked for.
    """

    def __init__(self, content: bytes, threads: int | None = None):
        with warnings.catch_warnings():  # that ai-edge-litert has a newer one: TensorFlow's is here already
            warnings.simplefilter("ignore", UserWarning)
            self._interpreter = tf.lite.Interpreter(model_content=content, num_threads=threads)
            try:
                self._interpreter.allocate_tensors()
            except RuntimeError:  # XNNPACK refuses 8-bit factors of a layer that gives nothing but zeros
                plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
                self._interpreter = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=plain)
                self._interpreter.allocate_tensors()
        (self._input,), (self._output,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return np.concatenate([self._one(image) for image in images])

    def _one(self, image: np.ndarray) -> np.ndarray:
        self._interpreter.set_tensor(self._input["index"], image[None])
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output["index"])
