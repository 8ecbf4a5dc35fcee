"""Where in an image a network finds a class: maps over the image that explain one prediction, as arrays.

What is explained is the class's score: its logit, the value of the output layer before the softmax. The probability
would not do, as it also rises when another class's score falls, and hardly moves where the network is sure. For the
same network with other weights, each method takes them as an argument. Draws nothing, and changes nothing in the
network. Whether a map is true is asked in `cnn.interpret.faithfulness`.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow as tf

from cnn.config.layers import CONVOLUTIONS
from cnn.networks.batch_size import images_at_once
from cnn.networks.forward import INPUT, PREACTIVATION, Forward, Weights

_BATCH = 32  # images at once, at most: more were no faster on 2 cores, and take more memory
_COPIES = 32  # noisy images that SmoothGrad averages over: Smilkov et al. see little change above 50
_NOISE = 0.15  # its standard deviation as a share of the image's range: they recommend 0.1 to 0.2
_POINTS = 64  # between black and the image, at which integrated gradients takes the slope
SMALL = 64 * 64  # values of a map that is shown as it is
_WINDOW, _STRIDE = 2 / 7, 1 / 14  # of the image's shorter edge: 8 and 2 pixels of 28
_KEEPING_SIZE = (*CONVOLUTIONS, "BatchNormalization", "Activation", "Add", "Concatenate", "Multiply", "Rescaling")


class Method(NamedTuple):
    """One way to explain.

    Attributes:
        name: as people read it.
        shows: a sentence on what its map is.
        paper: where it comes from.
        needs_layer: whether it looks at one layer's feature maps.
        signed: whether values below zero have a meaning.
        slope: whether the sign says which way a pixel should change, not whether it speaks for the class or against it.
    """

    name: str
    shows: str
    paper: str
    needs_layer: bool = False
    signed: bool = False
    slope: bool = False


METHODS = {
    "grad_cam": Method(
        "Grad-CAM",
        "A layer's feature maps, each weighted by how much the class's score rises with it on average.",
        "Selvaraju et al. 2017, arXiv:1610.02391",
        needs_layer=True,
    ),
    "grad_cam_plus_plus": Method(
        "Grad-CAM++",
        "A layer's feature maps, each weighted only by the positions where more of it raises the class's score.",
        "Chattopadhyay et al. 2018, arXiv:1710.11063",
        needs_layer=True,
    ),
    "layer_cam": Method(
        "LayerCAM",
        "A layer's feature maps, each position weighted by how much the class's score rises with it.",
        "Jiang et al. 2021, doi:10.1109/TIP.2021.3089943",
        needs_layer=True,
    ),
    "saliency": Method(
        "Saliency",
        "How much the class's score rises (or falls, below zero) with each pixel's brightness.",
        "Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034",
        signed=True,
        slope=True,
    ),
    "smooth_grad": Method(
        "SmoothGrad",
        "The saliency, averaged over noisy copies of the image.",
        "Smilkov et al. 2017, arXiv:1706.03825",
        signed=True,
        slope=True,
    ),
    "integrated_gradients": Method(
        "Integrated gradients",
        "What each pixel adds to the class's score on the way from black to the image; they add up to its rise.",
        "Sundararajan, Taly, Yan 2017, arXiv:1703.01365",
        signed=True,
    ),
    "occlusion": Method(
        "Occlusion",
        "How much the class's score falls (or rises, below zero) when a black window covers the place.",
        "Zeiler, Fergus 2013, arXiv:1311.2901",
        signed=True,
    ),
}


class Attribution(NamedTuple):
    """What each value of an image adds to a score.

    Attributes:
        values: float32 (h, w, c), in units of the score.
        gap: by how much their sum exceeds the score's rise from the black image; 0 were the integral exact.
    """

    values: np.ndarray
    gap: float


class Explainer:
    """Explains the answers of one network.

    Args:
        forward: its forward pass. Its last layer is dense, with a unit for each class.

    In every method `pixels` is an image float32 (h, w, c) in [0, 1], `class_` the index of the class that is
    explained, `layer` the name of a layer with feature maps, and `weights` are used instead of the network's own.
    """

    def __init__(self, forward: Forward):
        self.forward = forward
        self.layers = [name for name in forward.names if len(forward.layer(name).output.shape) == 4]
        self._compiled: dict[str, Callable] = {}
        self._at_once = 1 << (images_at_once(forward.model, _BATCH, all_kept=True).bit_length() - 1)

    @property
    def last_layer(self) -> str | None:
        """The last layer with feature maps that no pooling has made small; None where a network has no such layer."""
        whole = [name for name in self.layers if type(self.forward.layer(name)).__name__ in _KEEPING_SIZE]
        return (whole or self.layers or [None])[-1]

    def explain(
        self, method: str, pixels: np.ndarray, class_: int, layer: str | None = None, weights: Weights | None = None
    ) -> np.ndarray:
        """The map of a method, at the image's size; where it is signed, its sum over the image's channels.

        Args:
            method: a key of `METHODS`.
            layer: for those that need one; None: `last_layer`.

        Returns:
            float32 (h, w).

        Raises:
            ValueError: there is no such method, or it needs feature maps and the layer or the network has none.
        """
        match method:
            case "grad_cam":
                values = self.grad_cam(pixels, class_, layer or self.last_layer, weights)
            case "grad_cam_plus_plus":
                values = self.grad_cam_plus_plus(pixels, class_, layer or self.last_layer, weights)
            case "layer_cam":
                values = self.layer_cam(pixels, class_, layer or self.last_layer, weights)
            case "saliency":
                values = self.saliency(pixels, class_, weights).sum(axis=-1)
            case "smooth_grad":
                values = self.smooth_grad(pixels, class_, weights).sum(axis=-1)
            case "integrated_gradients":
                values = self.integrated_gradients(pixels, class_, weights).values.sum(axis=-1)
            case "occlusion":
                values = self.occlusion(pixels, class_, weights)
            case _:
                raise ValueError(f"No method is named {method!r}: choose one of {', '.join(METHODS)}.")
        return enlarged(values, pixels.shape[:2])

    def grad_cam(self, pixels: np.ndarray, class_: int, layer: str, weights: Weights | None = None) -> np.ndarray:
        """Feature maps weighted by their mean gradient (Selvaraju et al. 2017, arXiv:1610.02391, equations 1 and 2).

        Returns:
            float32 (h', w') at the layer's resolution, not below 0.
        """
        maps, gradients = self._maps(pixels, class_, layer, weights)
        return np.maximum(maps @ gradients.mean(axis=(0, 1)), 0)

    def grad_cam_plus_plus(
        self, pixels: np.ndarray, class_: int, layer: str, weights: Weights | None = None
    ) -> np.ndarray:
        """Feature maps weighted by their positive gradients (Chattopadhyay et al. 2018, arXiv:1710.11063).

        The paper explains the exponential of the score, Y = exp(S), whose second and third derivatives by a network of
        ReLUs are exp(S) times the square and the cube of the gradient of S. That makes of its equation 10 equation 19,
        here divided by the square. The factor exp(S) of the gradient of Y itself is left away: it would overflow, and
        only scales the whole map.

        The paper takes maps for granted that are not below zero, as behind a ReLU. Before one, a map's sum can be
        negative, and the divisor near zero: with the paper's formula, and with its authors' code, an image of 99% of
        the brightness got a map that had nothing in common with the first (a cosine of 0). So such a sum counts as 0
        here, which leaves a divisor of at least 2 wherever the gradient is positive, and other places do not count.

        Returns:
            float32 (h', w') at the layer's resolution, not below 0.
        """
        maps, gradients = self._maps(pixels, class_, layer, weights)
        rising = np.maximum(gradients, 0)
        weights_of_places = rising / (2 + np.maximum(maps.sum(axis=(0, 1)), 0) * rising)
        return np.maximum(maps @ weights_of_places.sum(axis=(0, 1)), 0)

    def layer_cam(self, pixels: np.ndarray, class_: int, layer: str, weights: Weights | None = None) -> np.ndarray:
        """Feature maps weighted at each place by the positive gradient there (Jiang et al. 2021, IEEE TIP 30).

        doi:10.1109/TIP.2021.3089943: the map is relu(sum over maps of relu(gradient) · map).

        Returns:
            float32 (h', w') at the layer's resolution, not below 0.
        """
        maps, gradients = self._maps(pixels, class_, layer, weights)
        return np.maximum((np.maximum(gradients, 0) * maps).sum(axis=-1), 0)

    def saliency(self, pixels: np.ndarray, class_: int, weights: Weights | None = None) -> np.ndarray:
        """The gradient of the score by the image (Simonyan et al. 2013, arXiv:1312.6034, equation 4), with its sign.

        Returns:
            float32 (h, w, c), in units of the score for a brightness of 1.
        """
        return self._slopes(INPUT, pixels[None], class_, weights)[1][0]

    def smooth_grad(
        self,
        pixels: np.ndarray,
        class_: int,
        weights: Weights | None = None,
        noise: float = _NOISE,
        copies: int = _COPIES,
        seed: int = 0,
    ) -> np.ndarray:
        """The mean saliency of noisy copies (Smilkov et al. 2017, arXiv:1706.03825, section 2).

        Args:
            noise: its standard deviation, as a share of the image's range.
            copies: how many.
            seed: of the noise.

        Returns:
            float32 (h, w, c), in units of the score for a brightness of 1.
        """
        drawn = np.random.default_rng(seed).normal(0, noise * np.ptp(pixels), (copies, *pixels.shape))
        return self._slopes(INPUT, pixels + drawn.astype(np.float32), class_, weights)[1].mean(axis=0)

    def integrated_gradients(
        self, pixels: np.ndarray, class_: int, weights: Weights | None = None, points: int = _POINTS
    ) -> Attribution:
        """The image times its mean gradient on the straight way from black (Sundararajan et al. 2017).

        arXiv:1703.01365, equations 1 and 3, with the gradient taken in the middle of each interval instead of at its
        end, and with intervals that are the shorter the nearer to black, where scores change the fastest: with 64 equal
        ones the sum was wrong by up to 12 on `lecture`, with these by up to 1. By the paper's proposition 1 all values
        sum to the rise of the score.

        Args:
            points: how many intervals there are.
        """
        ends = np.linspace(0, 1, points + 1, dtype=np.float32) ** 3
        along = ((ends[1:] + ends[:-1]) / 2)[:, None, None, None]
        gradients = self._slopes(INPUT, along * pixels, class_, weights)[1]
        values = pixels * np.tensordot(np.diff(ends), gradients, 1)
        black, whole = self.scores(np.stack([np.zeros_like(pixels), pixels]), weights)[:, class_]
        return Attribution(values, float(values.sum(dtype=np.float64) - (whole - black)))

    def occlusion(
        self,
        pixels: np.ndarray,
        class_: int,
        weights: Weights | None = None,
        window: int | None = None,
        stride: int | None = None,
    ) -> np.ndarray:
        """The fall of the score under a black window (Zeiler and Fergus 2013, arXiv:1311.2901, section 4.2).

        Each pixel has the mean over the windows that cover it. Where a window would change nothing, none is tried.

        Args:
            window: its edge in pixels; None: 8 of 28.
            stride: the pixels from one window to the next; None: 2 of 28. The last one ends with the image.

        Returns:
            float32 (h, w), in units of the score.
        """
        edge = min(pixels.shape[:2])
        window, stride = window or max(1, round(_WINDOW * edge)), stride or max(1, round(_STRIDE * edge))
        places = [
            np.s_[top : top + window, left : left + window]
            for top in _starts(pixels.shape[0], window, stride)
            for left in _starts(pixels.shape[1], window, stride)
        ]
        seen = [place for place in places if pixels[place].any()]
        pictures = np.repeat(pixels[None], 1 + len(seen), axis=0)
        for picture, place in zip(pictures[1:], seen, strict=True):
            picture[place] = 0
        whole, *scores = self.scores(pictures, weights)[:, class_]
        falls, covers = np.zeros(pixels.shape[:2], np.float32), np.zeros(pixels.shape[:2], np.float32)
        for place in places:
            covers[place] += 1
        for place, score in zip(seen, scores, strict=True):
            falls[place] += whole - score
        return falls / np.maximum(covers, 1)  # a stride above the window leaves gaps

    def scores(self, pictures: np.ndarray, weights: Weights | None = None) -> np.ndarray:
        """The logits of images float32 (n, h, w, c): (n, classes)."""
        return self._in_batches("answers", self._answers, pictures, weights)[0]

    def probabilities(self, pictures: np.ndarray, weights: Weights | None = None) -> np.ndarray:
        """The answers to images float32 (n, h, w, c): (n, classes), in [0, 1]."""
        return self._in_batches("answers", self._answers, pictures, weights)[1]

    def _maps(
        self, pixels: np.ndarray, class_: int, layer: str | None, weights: Weights | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """A layer's feature maps of an image and the gradients of the score by them, each (h', w', maps)."""
        if layer not in self.layers:
            raise ValueError(f"{layer or 'This network'} has no feature maps to look at.")
        maps, gradients = self._slopes(layer, pixels[None], class_, weights)
        return maps[0], gradients[0]

    def _slopes(
        self, at: str, pictures: np.ndarray, class_: int, weights: Weights | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the pass has of each image at a layer or at `INPUT`, and the gradients of their scores by it."""

        def slopes(pictures: tf.Tensor, weights: Weights | None, class_: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:

                def watched(name: str, value: tf.Tensor) -> tf.Tensor:
                    if name == at:
                        tape.watch(value)
                    return value

                values = self.forward.run({INPUT: watched(INPUT, pictures)}, weights=weights, change=watched)
                score = tf.reduce_sum(tf.gather(values[self.forward.output + PREACTIVATION], class_, axis=1))
            return values[at], tape.gradient(score, values[at], unconnected_gradients="zero")

        values, gradients = self._in_batches(at, slopes, pictures, weights, tf.constant(class_, tf.int32))
        return values, gradients

    def _answers(self, pictures: tf.Tensor, weights: Weights | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits and probabilities."""
        values = self.forward.run({INPUT: pictures}, weights=weights)
        return values[self.forward.output + PREACTIVATION], values[self.forward.output]

    def _in_batches(
        self, name: str, function: Callable, pictures: np.ndarray, weights: Weights | None, *others: tf.Tensor
    ) -> tuple[np.ndarray, ...]:
        """What a function, compiled at its first call under a name, makes of images."""
        compiled = self._compiled.setdefault(name, tf.function(function, autograph=False))
        given = weights and {layer: [tf.constant(array) for array in arrays] for layer, arrays in weights.items()}
        # Powers of 2, each compiled for itself: a function for any size took a third longer.
        size = min(1 << (len(pictures) - 1).bit_length(), self._at_once)
        padded = np.concatenate([pictures, np.repeat(pictures[:1], -len(pictures) % size, axis=0)])
        made = [
            compiled(tf.constant(padded[start : start + size], tf.float32), given, *others)
            for start in range(0, len(padded), size)
        ]
        return tuple(np.concatenate(parts)[: len(pictures)] for parts in zip(*made, strict=True))


def enlarged(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A map float32 (h', w') at another size (h, w), bilinearly."""
    return cv2.resize(values, shape[::-1], interpolation=cv2.INTER_LINEAR)


def shown(values: np.ndarray) -> np.ndarray:
    """A map for the eye: of a large image, the 1% of most extreme values are cut off, or they alone would be seen.

    As `outlier_perc` of Captum's visualisation. A map of at most 64 by 64 values stays as it is.
    """
    if values.size <= SMALL:
        return values
    most = float(np.quantile(np.abs(values), 0.99))
    return np.clip(values, -most, most) if most > 0 else values


def importance(method: str, values: np.ndarray) -> np.ndarray:
    """A map so that a larger value is a more important pixel: of slopes the size, whatever their sign."""
    return np.abs(values) if METHODS[method].slope else values


def _starts(length: int, window: int, stride: int) -> list[int]:
    """Where windows begin along an edge, the last one so that it ends with it."""
    last = max(0, length - window)
    return [*range(0, last, stride), last]
