"""Which pixels of the image one value of a network's feature maps depends on, borders and gaps included."""

from keras import layers as kl

from cnn.config.geometry import inputs_of
from cnn.networks.forward import INPUT, Forward

Places = tuple[set[int], set[int]]  # rows and columns; both empty, or none


def pixels_seen(forward: Forward, layer: str, place: tuple[int, int]) -> tuple[list[int], list[int]]:
    """The rows and the columns of the pixels that the value at (row, column) of a layer depends on, in order.

    Args:
        layer: one whose output has places, so before any flatten, dense or global pooling layer.

    Returns:
        Two empty lists where all weights of its windows lie in the padding.
    """
    row, column = place
    reached: dict[str, Places] = {layer: ({row}, {column})}
    for step in reversed(forward.steps[: forward.names.index(layer) + 1]):
        rows, columns = _inputs_of(step.layer, reached.get(step.layer.name, (set(), set())))
        for name in step.takes:  # of an addition, all that it adds
            others = reached.get(name, (set(), set()))
            own = ({0}, {0}) if _is_a_factor(forward, name) and rows and columns else (rows, columns)
            reached[name] = others[0] | own[0], others[1] | own[1]
    rows, columns = reached[INPUT]
    return sorted(rows), sorted(columns)


def _is_a_factor(forward: Forward, name: str) -> bool:
    """Whether a value is one number a map, which counts for every place of the maps that it is multiplied by."""
    return name != INPUT and tuple(forward.layer(name).output.shape[1:3]) == (1, 1)


def _inputs_of(layer: kl.Layer, outputs: Places) -> Places:
    if isinstance(layer, kl.GlobalAveragePooling2D):
        height, width = layer.input.shape[1:3]
        return (set(range(height)), set(range(width))) if all(outputs) else (set(), set())
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window is None:  # it computes each place from this place alone
        return outputs
    sizes, dilation = layer.input.shape[1:3], getattr(layer, "dilation_rate", (1, 1))
    rows, columns = (
        inputs_of(outputs[axis], sizes[axis], window[axis], layer.strides[axis], layer.padding, dilation[axis])
        for axis in (0, 1)
    )
    return (rows, columns) if rows and columns else (set(), set())
